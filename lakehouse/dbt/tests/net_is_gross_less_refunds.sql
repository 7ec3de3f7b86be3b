SELECT * FROM {{ ref('daily_revenue') }} WHERE net_minor <> revenue_minor - refunded_minor
