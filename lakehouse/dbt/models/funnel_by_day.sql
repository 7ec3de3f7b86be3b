SELECT
    CAST(window_start AT TIME ZONE 'UTC' AS date) AS day,
    basis,
    sum(views) AS views,
    sum(carts) AS carts,
    sum(checkouts) AS checkouts,
    sum(purchases) AS purchases,
    CAST(sum(purchases) AS double) / sum(views) AS conversion
FROM {{ source('gold', 'funnel_current') }}
GROUP BY 1, 2
