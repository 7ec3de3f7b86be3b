-- silver.orders. Input: admitted_orders, admitted_payments, admitted_user_profiles, settings.
WITH ordered AS (FROM admitted_orders WHERE NOT duplicate),
paid AS (FROM admitted_payments WHERE NOT duplicate),
placed AS (
  SELECT order_id, user_id, order_time AS placed_time FROM ordered WHERE status = 'placed'
  QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY _offset) = 1
),
standing AS (
  FROM ordered QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY order_time DESC, _offset DESC) = 1
),
payment AS (
  SELECT *, count(*) FILTER (status = 'failed') OVER (PARTITION BY order_id) AS failures,
    min(payment_time) FILTER (status IN ('authorized', 'captured')) OVER (PARTITION BY order_id) AS success_time
  FROM paid
  QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY status = 'failed', payment_time DESC, _offset DESC) = 1
),
profile AS (
  FROM admitted_user_profiles WHERE NOT duplicate
  QUALIFY row_number() OVER (PARTITION BY user_id, update_time ORDER BY _offset DESC) = 1
)
SELECT order_id, placed.user_id, placed_time AS order_time, standing.status, standing.order_time AS status_time,
  standing.currency, total_minor, item_count, payment_method, device_id, ip_address, billing_country, shipping_country,
  payment_id, payment.status AS payment_status, payment_time, amount_minor AS paid_minor,
  payment.currency AS payment_currency, card_fingerprint, card_country,
  coalesce(failures, 0)::INTEGER AS failed_payments,
  -- At the end of the input every payment is due.
  success_time IS NULL OR success_time > placed_time + orders_payment_within_ms AS payment_missing,
  profile.update_time AS profile_time, country AS profile_country, segment AS profile_segment, signup_time
FROM placed JOIN standing USING (order_id) LEFT JOIN payment USING (order_id)
ASOF LEFT JOIN profile ON placed.user_id = profile.user_id AND placed_time >= profile.update_time, settings
