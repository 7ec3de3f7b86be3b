-- gold.inventory_alerts. Input: admitted_inventory_updates, settings.
WITH counted AS (
  SELECT admitted_inventory_updates.*, inventory_demand_ms // 48 AS step_ms, inventory_low_units, inventory_cover_ms,
    count(*) FILTER (kind = 'snapshot') OVER (PARTITION BY product_id, warehouse_id ORDER BY at_ms, _offset) AS since,
    row_number() OVER (PARTITION BY product_id, warehouse_id, at_ms ORDER BY _offset) - 1 AS ordinal
  FROM admitted_inventory_updates, settings WHERE NOT duplicate AND NOT too_late
), stocks AS (
  SELECT counted.* EXCLUDE (reorder_point), at_ms // step_ms AS step,
    min(at_ms // step_ms) OVER (PARTITION BY product_id, warehouse_id ORDER BY at_ms, _offset) AS first_step,
    sum(quantity) OVER (PARTITION BY product_id, warehouse_id, since ORDER BY at_ms, _offset)::BIGINT AS stock,
    last_value(reorder_point IGNORE NULLS) OVER (
      PARTITION BY product_id, warehouse_id ORDER BY at_ms, _offset
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS reorder_point,
    CASE WHEN kind = 'delta' AND quantity < 0 THEN -quantity ELSE 0 END AS taken
  FROM counted
), levels AS (
  SELECT *, CASE WHEN stock <= 0 THEN 2 WHEN stock < inventory_low_units OR stock <= coalesce(reorder_point, -1) THEN 1
      ELSE 0 END AS level
  FROM stocks
), changes AS (
  SELECT * FROM (
    SELECT *, lag(level, 1, 0) OVER (PARTITION BY product_id, warehouse_id ORDER BY at_ms, _offset) AS level_before FROM levels
  ) WHERE level <> level_before
), demands AS (
  SELECT changes.*, (step - greatest(first_step, step - 48)) * step_ms AS demand_ms,
    coalesce((
      SELECT sum(taken) FROM stocks earlier
      WHERE earlier.product_id = changes.product_id AND earlier.warehouse_id = changes.warehouse_id
        AND earlier.step < changes.step AND earlier.step >= changes.step - 48
    ), 0)::BIGINT AS demand_units
  FROM changes
), figures AS (
  SELECT *, CASE WHEN demand_units > 0 THEN greatest(stock, 0) * demand_ms // demand_units END AS left_ms,
    CASE WHEN demand_ms = 0 THEN 0
      ELSE (demand_units * inventory_cover_ms + demand_ms - 1) // demand_ms END AS covered
  FROM demands
)
SELECT kinds.kind || ':' || product_id || ':' || warehouse_id || ':' || at_ms
    || CASE WHEN ordinal > 0 THEN '.' || ordinal ELSE '' END AS alert_id,
  kinds.kind AS kind, product_id, warehouse_id, at_ms AS update_time, stock, inventory_low_units AS threshold, reorder_point,
  demand_units, demand_ms,
  CASE WHEN level > 0 AND left_ms <= 315_360_000_000 THEN at_ms + left_ms END AS runout_time,
  CASE WHEN level = 0 THEN 0
    ELSE greatest(covered, 2 * greatest(inventory_low_units, coalesce(reorder_point, 0))) - greatest(stock, 0)
    END AS reorder_quantity,
  'raised' AS status
FROM figures JOIN (VALUES (0, 'stock-recovery'), (1, 'low-stock'), (2, 'stock-out')) kinds(at_level, kind) ON level = at_level
