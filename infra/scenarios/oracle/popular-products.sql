-- gold.popular_products. Input: counted, settings. The age of a minute is the time from its end to the window's end.
WITH minutes AS (
  SELECT event_time_ms // pane_ms * pane_ms AS pane_start, product_id,
    count(*) FILTER (is_view) AS views, count(*) FILTER (is_cart_add) AS cart_adds,
    count(*) FILTER (is_purchase) AS purchases
  FROM counted, settings
  WHERE product_id IS NOT NULL AND (is_view OR is_cart_add OR is_purchase)
  GROUP BY ALL
), scored AS (
  SELECT pane_start - hop * pane_ms AS window_start, pane_start - hop * pane_ms + popular_window_ms AS window_end,
    product_id, popular_top,
    sum((views * view_weight + cart_adds * cart_weight + purchases * purchase_weight)
      * pow(0.5, (popular_window_ms - (hop + 1) * pane_ms) / popular_half_life_ms)) AS score,
    sum(views)::BIGINT AS views, sum(cart_adds)::BIGINT AS cart_adds, sum(purchases)::BIGINT AS purchases
  FROM (SELECT * FROM minutes, settings) panes, unnest(range(popular_window_ms // pane_ms)) hops(hop)
  GROUP BY pane_start - hop * pane_ms, pane_start - hop * pane_ms + popular_window_ms, product_id, popular_top
)
SELECT window_start, window_end, rank, product_id, score, views, cart_adds, purchases
FROM (SELECT *, row_number() OVER (PARTITION BY window_start ORDER BY score DESC, product_id) AS rank FROM scored)
WHERE rank <= popular_top
