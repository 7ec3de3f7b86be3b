SELECT 'daily_revenue' AS model FROM {{ ref('daily_revenue') }}
GROUP BY day, category_id, currency HAVING count(*) > 1
UNION ALL
SELECT 'funnel_by_day' FROM {{ ref('funnel_by_day') }} GROUP BY day, basis HAVING count(*) > 1
UNION ALL
SELECT 'customer_lifetime_value' FROM {{ ref('customer_lifetime_value') }}
GROUP BY user_id, currency HAVING count(*) > 1
