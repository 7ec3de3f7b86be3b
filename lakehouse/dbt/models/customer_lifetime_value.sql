WITH orders AS (
    SELECT
        *,
        status NOT IN ('cancelled', 'refunded')
            AND NOT payment_missing
            AND coalesce(payment_status, 'none') NOT IN ('failed', 'refunded') AS stands
    FROM {{ source('silver', 'orders_current') }}
)

SELECT
    user_id,
    currency,
    count(*) AS orders,
    count_if(stands) AS standing_orders,
    sum(CASE WHEN stands THEN total_minor ELSE 0 END) AS value_minor,
    min(order_time) AS first_order_time,
    max(order_time) AS last_order_time
FROM orders
GROUP BY 1, 2
