-- gold.popular_by_category. Input: counted, settings.
WITH active AS (
  FROM counted WHERE product_id IS NOT NULL AND (is_view OR is_cart_add OR is_purchase)
), minutes AS (
  SELECT event_time_ms // pane_ms * pane_ms AS pane_start, product_id, count(*) FILTER (is_view) AS views,
    count(*) FILTER (is_cart_add) AS cart_adds, count(*) FILTER (is_purchase) AS purchases
  FROM active, settings GROUP BY ALL
), scored AS (
  SELECT pane_start - hop * pane_ms AS window_start, pane_start - hop * pane_ms + popular_window_ms AS window_end, product_id,
    round(sum((views * view_weight + cart_adds * cart_weight + purchases * purchase_weight)
      * pow(0.5, (popular_window_ms - (hop + 1) * pane_ms) / popular_half_life_ms)), 3) AS score,
    sum(views)::BIGINT AS views, sum(cart_adds)::BIGINT AS cart_adds, sum(purchases)::BIGINT AS purchases
  FROM (SELECT * FROM minutes, settings) panes, unnest(range(popular_window_ms // pane_ms)) hops(hop)
  WHERE (pane_start - hop * pane_ms + popular_window_ms) % popular_by_category_every_ms = 0
  GROUP BY pane_start - hop * pane_ms, pane_start - hop * pane_ms + popular_window_ms, product_id
-- Where a partition's events name another category of a product than those before, by the log.
), change AS (
  SELECT product_id, event_time_ms, max(category_id) AS category_id
  FROM (SELECT *, lag(category_id) OVER (PARTITION BY partition, product_id ORDER BY log_offset) AS before
    FROM active WHERE category_id IS NOT NULL)
  WHERE before IS DISTINCT FROM category_id GROUP BY ALL
)
SELECT window_start, window_end, category_id, rank, product_id, score, views, cart_adds, purchases
FROM (SELECT scored.*, category_id, row_number() OVER (PARTITION BY window_start, category_id ORDER BY score DESC, scored.product_id) AS rank
  FROM scored ASOF JOIN change ON scored.product_id = change.product_id AND window_end > event_time_ms), settings
WHERE rank <= popular_top
