-- gold.revenue_by_category. Input: admitted_customer_events, admitted_orders, admitted_payments, settings.
WITH line AS (
  SELECT at_ms AS event_time_ms, order_id, coalesce(category_id, 'unknown') AS category_id,
    coalesce(currency, 'XXX') AS currency, coalesce(quantity, 1) AS units,
    coalesce(price_minor, 0) * coalesce(quantity, 1) AS amount
  FROM admitted_customer_events WHERE event_type = 'purchase' AND NOT duplicate AND NOT too_late
),
share AS (
  SELECT *, sum(own) OVER (PARTITION BY order_id, currency, bought_at)::HUGEINT AS gross,
    -- Keys are ordered as bytes, behind the length of the category.
    sum(own) OVER (PARTITION BY order_id, currency, bought_at
      ORDER BY strlen(category_id) % 256, strlen(category_id) // 256, encode(category_id))::HUGEINT AS up_to
  FROM (SELECT order_id, currency, event_time_ms AS bought_at, category_id, sum(amount)::HUGEINT AS own
    FROM line WHERE order_id IS NOT NULL GROUP BY ALL)
),
-- What was bought at one time. Refunds are of what was bought first, and of nothing that was not bought yet.
basket AS (
  SELECT *, coalesce(sum(greatest(gross, 0)) OVER (PARTITION BY order_id, currency ORDER BY bought_at
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bought_before
  FROM (SELECT DISTINCT order_id, currency, bought_at, gross FROM share)
),
payment AS (FROM admitted_payments WHERE NOT duplicate AND NOT too_late),
mark AS (
  SELECT order_id,
    (SELECT min(order_time) FROM admitted_orders o WHERE o.order_id = orders.order_id AND NOT duplicate AND NOT too_late
      AND status IN ('cancelled', 'refunded')) AS void_time,
    (SELECT min(payment_time) FROM payment p WHERE p.order_id = orders.order_id AND status = 'failed')
      + revenue_failed_after_ms AS failed_time,
    (SELECT min(payment_time) FROM payment p WHERE p.order_id = orders.order_id
      AND status IN ('authorized', 'captured')) AS success_time
  FROM (SELECT DISTINCT order_id FROM basket) orders, settings
),
refund AS (SELECT order_id, currency, payment_time AS booked_at, abs(amount_minor) AS amount_minor FROM payment WHERE status = 'refunded'),
change AS (
  SELECT order_id, currency, unnest([void_time, failed_time, success_time]) AS changed_at
  FROM mark JOIN (SELECT DISTINCT order_id, currency FROM basket) USING (order_id)
  UNION SELECT order_id, currency, booked_at FROM refund
),
state AS (
  SELECT order_id, currency, bought_at, booked_at, gross, CASE
    WHEN coalesce(void_time <= booked_at, false) OR coalesce(failed_time <= booked_at, false) AND coalesce(success_time > booked_at, true) THEN gross
    ELSE least(greatest(gross, 0), greatest(0, coalesce((SELECT sum(amount_minor) FROM refund r
      WHERE r.order_id = moment.order_id AND r.currency = moment.currency AND r.booked_at <= moment.booked_at), 0) - bought_before)) END AS refunded
  FROM (SELECT DISTINCT basket.*, greatest(changed_at, bought_at) AS booked_at
    FROM change JOIN basket USING (order_id, currency) WHERE changed_at IS NOT NULL) moment JOIN mark USING (order_id)
),
held AS (
  SELECT order_id, currency, bought_at, category_id, booked_at, CASE WHEN refunded = share.gross THEN own
    ELSE refunded * up_to // share.gross - refunded * (up_to - own) // share.gross END AS amount
  FROM state JOIN share USING (order_id, currency, bought_at)
),
booking AS (
  SELECT booked_at, currency, category_id,
    amount - lag(amount, 1, 0) OVER (PARTITION BY order_id, currency, bought_at, category_id ORDER BY booked_at) AS amount FROM held
),
entry AS (
  SELECT event_time_ms AS booked_at, category_id, currency, amount AS gross, units, 1 AS purchase, 0 AS refunded FROM line
  UNION ALL SELECT booked_at, category_id, currency, 0, 0, 0, amount FROM booking WHERE amount <> 0
)
SELECT booked_at // revenue_window_ms * revenue_window_ms AS window_start,
  booked_at // revenue_window_ms * revenue_window_ms + revenue_window_ms AS window_end, category_id, currency,
  sum(gross)::BIGINT AS revenue_minor, sum(units)::BIGINT AS units, sum(purchase)::INTEGER AS purchases,
  sum(refunded)::BIGINT AS refunded_minor, (sum(gross) - sum(refunded))::BIGINT AS net_minor, count(*)::INTEGER AS bookings
FROM entry, settings
GROUP BY ALL
