-- silver.inventory. Input: admitted_inventory_updates, settings.
WITH counted AS (
  SELECT *, count(*) FILTER (kind = 'snapshot') OVER line AS since
  FROM admitted_inventory_updates WHERE NOT duplicate AND NOT too_late
  WINDOW line AS (PARTITION BY product_id, warehouse_id ORDER BY at_ms, _offset)
), stocks AS (
  SELECT counted.* EXCLUDE (reorder_point),
    sum(quantity) OVER (PARTITION BY product_id, warehouse_id, since ORDER BY at_ms, _offset)::BIGINT AS stock,
    last_value(reorder_point IGNORE NULLS) OVER (
      PARTITION BY product_id, warehouse_id ORDER BY at_ms, _offset
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS reorder_point
  FROM counted
)
SELECT product_id, warehouse_id, at_ms AS update_time, kind, quantity, stock, reorder_point,
  CASE WHEN stock <= 0 THEN 'out' WHEN stock < inventory_low_units OR stock <= coalesce(reorder_point, -1) THEN 'low'
    ELSE 'ok' END AS level,
  _partition, _offset
FROM stocks, settings
