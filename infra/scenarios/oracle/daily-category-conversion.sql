-- gold.daily_category_conversion of every day. Input: admitted; late events count.
WITH visits AS (
  SELECT DISTINCT event_time_ms // 86_400_000 * 86_400_000 AS day, category_id, user_id,
    bool_or(event_type = 'purchase') OVER (PARTITION BY day, category_id, user_id) AS bought
  FROM admitted
  WHERE NOT duplicate AND category_id IS NOT NULL
    AND event_type IN ('page_view', 'item_view', 'cart_add', 'purchase')
), categories AS (
  SELECT day, category_id, count(*) AS shoppers, count(*) FILTER (bought) AS buyers,
    count(*) FILTER (bought) / count(*) AS conversion
  FROM visits GROUP BY ALL
), placed AS (
  SELECT *, shoppers >= 30 AS large,
    max(conversion) FILTER (large) OVER (PARTITION BY day) AS highest,
    min(conversion) FILTER (large) OVER (PARTITION BY day) AS lowest,
    row_number() OVER (PARTITION BY day, large ORDER BY conversion DESC, shoppers DESC, category_id) AS from_best,
    row_number() OVER (PARTITION BY day, large ORDER BY conversion, shoppers DESC, category_id) AS from_worst
  FROM categories
)
SELECT day, category_id, shoppers, buyers, conversion,
  CASE
    WHEN NOT large OR highest = lowest THEN NULL
    WHEN from_best = 1 THEN 'best'
    WHEN from_worst = 1 THEN 'worst'
  END AS mark
FROM placed
