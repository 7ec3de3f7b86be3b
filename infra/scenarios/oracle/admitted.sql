-- Input: log, settings. Output: table admitted (log + duplicate, late, too_late), view counted.
-- The watermark at a row is the highest event time of the rows before it, minus the bound.
CREATE TABLE admitted AS
WITH running AS (
  SELECT log.*, settings.*,
    max(event_time_ms) OVER (
      PARTITION BY topic, partition ORDER BY log_offset
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) - out_of_orderness_ms AS watermark_ms,
    event_time_ms // dedupe_bucket_ms AS bucket
  FROM log, settings
), dropped AS (
  SELECT *,
    coalesce(event_time_ms < watermark_ms, false) AS behind,
    coalesce(event_time_ms < watermark_ms - allowed_lateness_ms, false) AS too_late,
    -- Ids of a bucket that closed are gone: its rows are passed without a check.
    coalesce(
      bucket < (watermark_ms // tick_ms * tick_ms - allowed_lateness_ms - dedupe_horizon_ms) // dedupe_bucket_ms,
      false
    ) AS unchecked
  FROM running
)
SELECT topic, partition, log_offset, event_id, event_type, event_time_ms, user_id, product_id, category_id,
  price_minor, currency, quantity,
  behind AND NOT too_late AS late, too_late,
  NOT unchecked AND row_number() OVER (
    PARTITION BY topic, partition, event_id, bucket ORDER BY log_offset
  ) > 1 AS duplicate
FROM dropped;
CREATE VIEW counted AS
SELECT *,
  event_type IN ('page_view', 'item_view') AS is_view,
  event_type = 'cart_add' AS is_cart_add,
  event_type = 'purchase' AS is_purchase,
  CASE WHEN event_type = 'purchase' THEN coalesce(price_minor, 0) * coalesce(quantity, 1) ELSE 0 END AS revenue_minor
FROM admitted WHERE NOT duplicate AND NOT too_late;
