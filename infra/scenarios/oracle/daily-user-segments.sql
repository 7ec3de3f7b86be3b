-- gold.daily_user_segments of every day. Input: admitted; late events count.
SELECT event_time_ms // 86_400_000 * 86_400_000 AS day, user_id,
  CASE
    WHEN bool_or(event_type = 'purchase') THEN 'buyer'
    WHEN bool_or(event_type = 'cart_add') THEN 'cart_abandoner'
    ELSE 'window_shopper'
  END AS segment,
  count(*) FILTER (event_type IN ('page_view', 'item_view')) AS views,
  count(*) FILTER (event_type = 'cart_add') AS cart_adds,
  count(*) FILTER (event_type = 'purchase') AS purchases
FROM admitted WHERE NOT duplicate
GROUP BY ALL
