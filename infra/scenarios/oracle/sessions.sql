-- silver.sessions. Input: counted, settings.
WITH gaps AS (
  SELECT counted.*, session_gap_ms,
    event_time_ms - lag(event_time_ms) OVER (PARTITION BY user_id ORDER BY event_time_ms, log_offset) AS gap
  FROM counted, settings
), numbered AS (
  SELECT *, sum(CASE WHEN gap > session_gap_ms THEN 1 ELSE 0 END)
    OVER (PARTITION BY user_id ORDER BY event_time_ms, log_offset) AS number
  FROM gaps
), ordered AS (
  SELECT *,
    row_number() OVER (PARTITION BY user_id, number ORDER BY event_time_ms, log_offset) AS from_start,
    row_number() OVER (PARTITION BY user_id, number ORDER BY event_time_ms DESC, log_offset DESC) AS from_end
  FROM numbered
)
SELECT user_id || ':' || min(event_time_ms) AS session_key, user_id,
  min(event_time_ms) AS session_start, max(event_time_ms) AS session_end,
  max(event_time_ms) - min(event_time_ms) AS duration_ms,
  count(*) AS events,
  count(*) FILTER (is_view) AS page_views,
  count(*) FILTER (is_cart_add) AS cart_adds,
  count(*) FILTER (is_purchase) AS purchases,
  sum(revenue_minor)::BIGINT AS revenue_minor,
  count(*) FILTER (is_purchase) > 0 AS converted,
  max(event_type) FILTER (from_start = 1) AS entry_event_type,
  max(product_id) FILTER (from_start = 1) AS entry_product_id,
  max(event_type) FILTER (from_end = 1) AS exit_event_type,
  max(product_id) FILTER (from_end = 1) AS exit_product_id
FROM ordered GROUP BY user_id, number
