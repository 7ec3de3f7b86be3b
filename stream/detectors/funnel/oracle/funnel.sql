-- gold.funnel. Input: admitted_customer_events, settings.
WITH RECURSIVE events AS (
  SELECT user_id, at_ms, _offset, event_type, category_id, device, country,
    CASE WHEN event_type IN ('page_view', 'item_view') THEN 'view' WHEN event_type = 'cart_add' THEN 'cart'
      ELSE event_type END AS step
  FROM admitted_customer_events WHERE NOT duplicate AND NOT too_late
), gaps AS (
  SELECT *, at_ms - lag(at_ms) OVER (PARTITION BY user_id ORDER BY at_ms, _offset) AS gap FROM events
), sessions AS (
  SELECT gaps.*, count(*) FILTER (gap > session_gap_ms) OVER (PARTITION BY user_id ORDER BY at_ms, _offset) AS number
  FROM gaps, settings
), starts AS (
  SELECT user_id, min(at_ms) AS start FROM events WHERE step = 'view' GROUP BY user_id
  UNION ALL
  SELECT views.user_id, min(at_ms) AS start
  FROM starts JOIN events views ON views.user_id = starts.user_id, settings
  WHERE step = 'view' AND at_ms >= start + funnel_within_ms
  GROUP BY views.user_id, start
), members AS (
  SELECT 'session' AS basis, user_id, number AS journey, 86400000 AS limit_ms,
    sessions.* EXCLUDE (user_id, number)
  FROM sessions
  UNION ALL BY NAME
  SELECT 'user' AS basis, events.*, start AS journey, funnel_within_ms AS limit_ms
  FROM events JOIN starts ON events.user_id = starts.user_id, settings
  WHERE at_ms >= start AND at_ms < start + funnel_within_ms
), begun AS (
  SELECT *, min(at_ms) FILTER (step = 'view') OVER (PARTITION BY basis, user_id, journey) AS view_ms FROM members
), bounded AS (
  SELECT * FROM begun WHERE view_ms IS NOT NULL AND at_ms < view_ms + limit_ms
), carts AS (
  SELECT *, min(at_ms) FILTER (step = 'cart' AND at_ms >= view_ms) OVER (PARTITION BY basis, user_id, journey) AS cart_ms FROM bounded
), checkouts AS (
  SELECT *, min(at_ms) FILTER (
      (step = 'checkout' OR funnel_checkout_implied AND step = 'purchase') AND at_ms >= cart_ms
    ) OVER (PARTITION BY basis, user_id, journey) AS checkout_ms
  FROM carts, (SELECT funnel_checkout_implied FROM settings)
), journeys AS (
  SELECT basis, user_id, journey, any_value(view_ms) AS view_ms, any_value(cart_ms) AS cart_ms,
    any_value(checkout_ms) AS checkout_ms,
    min(at_ms) FILTER (step = 'purchase' AND at_ms >= checkout_ms) AS purchase_ms,
    coalesce(arg_min(category_id, (at_ms, _offset)) FILTER (step = 'view'), 'unknown') AS category_id,
    arg_min(coalesce(device, 'unknown'), (at_ms, _offset)) FILTER (step = 'view') AS device,
    arg_min(coalesce(country, 'unknown'), (at_ms, _offset)) FILTER (step = 'view') AS country
  FROM checkouts GROUP BY basis, user_id, journey
), grouped AS (
  SELECT *, view_ms // 86400000 * 86400000 AS window_start FROM journeys
), bounds AS (
  SELECT round(1000 * pow(2, i / 4.0))::BIGINT AS bound FROM range(67) t(i)
), times AS (
  SELECT window_start, basis, category_id, device, country, 'cart' AS step, cart_ms - view_ms AS ms FROM grouped
  UNION ALL
  SELECT window_start, basis, category_id, device, country, 'checkout', checkout_ms - cart_ms FROM grouped
  UNION ALL
  SELECT window_start, basis, category_id, device, country, 'purchase', purchase_ms - checkout_ms FROM grouped
), buckets AS (
  SELECT times.* EXCLUDE (ms), count(*) AS n
  FROM (SELECT times.*, (SELECT min(bound) FROM bounds WHERE bound >= ms) AS bound FROM times WHERE ms IS NOT NULL) times
  GROUP BY ALL
), running AS (
  SELECT *, sum(n) OVER (PARTITION BY window_start, basis, category_id, device, country, step ORDER BY bound) AS below,
    sum(n) OVER (PARTITION BY window_start, basis, category_id, device, country, step) AS total
  FROM buckets
), medians AS (
  SELECT window_start, basis, category_id, device, country, step,
    min(bound) FILTER (below * 2 >= total) AS median, string_agg(bound || ':' || n, ',' ORDER BY bound) AS text
  FROM running GROUP BY ALL
), counts AS (
  SELECT window_start, basis, category_id, device, country, count(*) AS views, count(cart_ms) AS carts,
    count(checkout_ms) AS checkouts, count(purchase_ms) AS purchases
  FROM grouped GROUP BY ALL
)
SELECT counts.window_start, counts.window_start + 86400000 AS window_end, basis, category_id, device, country,
  views, carts, checkouts, purchases,
  cart.median AS cart_median_ms, checkout.median AS checkout_median_ms, purchase.median AS purchase_median_ms,
  coalesce(cart.text, '') AS cart_times, coalesce(checkout.text, '') AS checkout_times,
  coalesce(purchase.text, '') AS purchase_times
FROM counts
LEFT JOIN (FROM medians WHERE step = 'cart') cart USING (window_start, basis, category_id, device, country)
LEFT JOIN (FROM medians WHERE step = 'checkout') checkout USING (window_start, basis, category_id, device, country)
LEFT JOIN (FROM medians WHERE step = 'purchase') purchase USING (window_start, basis, category_id, device, country)
