-- gold.daily_top_products of every day. Input: admitted; late events count.
WITH activity AS (
  SELECT event_time_ms // 86_400_000 * 86_400_000 AS day, product_id, max(category_id) AS category_id,
    coalesce(sum(coalesce(quantity, 1)) FILTER (event_type = 'purchase'), 0) AS units,
    count(*) FILTER (event_type = 'purchase') AS purchases,
    count(*) FILTER (event_type = 'cart_add') AS cart_adds,
    count(*) FILTER (event_type IN ('page_view', 'item_view')) AS views
  FROM admitted WHERE NOT duplicate AND product_id IS NOT NULL
  GROUP BY ALL
)
SELECT day, rank, product_id, category_id, units, purchases, cart_adds, views
FROM (
  SELECT *, row_number() OVER (
    PARTITION BY day ORDER BY units DESC, purchases DESC, cart_adds DESC, views DESC, product_id
  ) AS rank
  FROM activity
)
WHERE rank <= 5
