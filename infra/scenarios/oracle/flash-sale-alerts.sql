-- gold.flash_sale_alerts that hold (last revision `raised`). Input: counted, settings.
WITH windows AS (
  SELECT event_time_ms // pane_ms * pane_ms - hop * pane_ms AS window_start, flash_window_ms, flash_views_over,
    flash_purchases_under, product_id,
    count(*) FILTER (is_view) AS views, count(*) FILTER (is_purchase) AS purchases
  FROM (SELECT * FROM counted, settings WHERE product_id IS NOT NULL) events,
    unnest(range(flash_window_ms // pane_ms)) hops(hop)
  GROUP BY ALL
)
SELECT 'flash-sale:' || product_id || ':' || window_start AS alert_id, window_start,
  window_start + flash_window_ms AS window_end, product_id, views, purchases, 'raised' AS status
FROM windows WHERE views > flash_views_over AND purchases < flash_purchases_under
