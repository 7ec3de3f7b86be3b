SELECT *
FROM (SELECT count(*) AS orders FROM {{ source('silver', 'orders_current') }}) AS placed
CROSS JOIN (SELECT coalesce(sum(orders), 0) AS counted FROM {{ ref('customer_lifetime_value') }}) AS valued
WHERE orders <> counted
