-- gold.product_activity. Input: counted, settings.
SELECT event_time_ms // pane_ms * pane_ms AS window_start, event_time_ms // pane_ms * pane_ms + pane_ms AS window_end,
  product_id,
  count(*) FILTER (is_view) AS views,
  count(*) FILTER (is_cart_add) AS cart_adds,
  count(*) FILTER (is_purchase) AS purchases
FROM counted, settings
WHERE product_id IS NOT NULL AND (is_view OR is_cart_add OR is_purchase)
GROUP BY ALL
