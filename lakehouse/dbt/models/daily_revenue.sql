SELECT
    CAST(window_start AT TIME ZONE 'UTC' AS date) AS day,
    category_id,
    currency,
    sum(revenue_minor) AS revenue_minor,
    sum(refunded_minor) AS refunded_minor,
    sum(net_minor) AS net_minor,
    sum(units) AS units,
    sum(purchases) AS purchases
FROM {{ source('gold', 'revenue_by_category_current') }}
GROUP BY 1, 2, 3
