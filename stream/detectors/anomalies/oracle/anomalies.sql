-- gold.anomalies. Input: admitted_customer_events, admitted_orders, admitted_payments, settings.
WITH metrics AS (
  WITH events AS (
    SELECT *, at_ms // anomalies_window_ms AS number FROM admitted_customer_events, settings
    WHERE NOT duplicate AND NOT too_late
  ), measured AS (
    SELECT number, 'events:' || event_type AS metric, count(*) AS value FROM events GROUP BY ALL
    UNION ALL
    SELECT number, 'category-events:' || category_id, count(*) FROM events WHERE category_id IS NOT NULL GROUP BY ALL
    UNION ALL
    SELECT number, 'revenue:' || coalesce(currency, 'XXX'), sum(coalesce(price_minor, 0) * coalesce(quantity, 1))::BIGINT
    FROM events WHERE event_type = 'purchase' GROUP BY ALL
    UNION ALL
    SELECT at_ms // anomalies_window_ms, 'orders', count(*) FROM admitted_orders, settings
    WHERE NOT duplicate AND NOT too_late AND status = 'placed' GROUP BY ALL
    UNION ALL
    SELECT at_ms // anomalies_window_ms, 'failed-payments', count(*) FROM admitted_payments, settings
    WHERE NOT duplicate AND NOT too_late AND status = 'failed' GROUP BY ALL
  ), observed AS (
    SELECT DISTINCT number FROM measured
  ), known AS (
    SELECT metric, min(number) AS first FROM measured GROUP BY metric
  ), series AS (
    SELECT metric, number, coalesce(value, 0)::BIGINT AS value
    FROM observed JOIN known ON number >= first LEFT JOIN measured USING (metric, number)
  ), slots AS (
    SELECT series.*, 3600000 // anomalies_window_ms AS per_hour, number // (3600000 // anomalies_window_ms) AS hour,
      anomalies_window_ms
    FROM series, settings
  ), seasons AS (
    SELECT now.metric, now.number, median(before.value) AS expected, count(DISTINCT before.hour) AS weeks
    FROM slots now JOIN slots before ON before.metric = now.metric AND before.hour < now.hour
      AND before.hour >= now.hour - 6 * 168 AND (now.hour - before.hour) % 168 = 0
    GROUP BY ALL
  )
  SELECT number * anomalies_window_ms AS window_start, (number + 1) * anomalies_window_ms AS window_end, metric, value,
    CASE WHEN weeks >= 2 THEN expected END AS expected
  FROM slots LEFT JOIN seasons USING (metric, number)
), apart AS (
  SELECT metrics.*, window_start // 86400000 AS day, (value - expected) / sqrt(greatest(1, expected)) AS distance FROM metrics
), usual AS (
  SELECT days.metric, days.day, greatest(1, 1.4826::DOUBLE * median(abs(distance))) AS below,
    greatest(below, least(0.5102::DOUBLE * list_sort(list(distance))[(39 * count(*) + 39) // 40], 2 * below)) AS above
  FROM (SELECT DISTINCT metric, day FROM apart) days
  JOIN apart ON apart.metric = days.metric AND apart.day BETWEEN days.day - 14 AND days.day - 8
  WHERE distance IS NOT NULL GROUP BY ALL HAVING count(*) >= 96
), judged AS (
  SELECT *, distance / CASE WHEN distance < 0 THEN below ELSE above END AS score
  FROM apart JOIN usual USING (metric, day), settings
  WHERE expected >= anomalies_expected_min AND abs(score) > anomalies_threshold
)
SELECT 'anomaly:' || metric || ':' || window_start AS alert_id, window_start, window_end, metric, value, expected,
  CASE WHEN value >= expected THEN 'above' ELSE 'below' END AS direction,
  round((value - expected) / expected, 4) AS change, round(score, 2) AS score, 'raised' AS status
FROM judged
