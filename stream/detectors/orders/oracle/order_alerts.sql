-- gold.order_alerts. Input: admitted_orders, admitted_payments, admitted_user_profiles, admitted_rule_changes.
WITH shipped AS (
  SELECT unnest(rules, max_depth := 2) FROM read_json('stream/detectors/orders/rules/default-rules.json')
),
change AS (
  SELECT rule_id AS id, effective_time AS since, rule,
    row_number() OVER (PARTITION BY rule_id ORDER BY _offset) + (rule_id IN (SELECT id FROM shipped))::INT AS version
  FROM admitted_rule_changes WHERE NOT duplicate
),
rule AS (
  SELECT id, 0 AS since, 1 AS version, kind, severity, "of", orders, "withinMs" AS within_ms,
    "totalMinorMin" AS total_min, "timesMean" AS times_mean, "historyMin" AS history_min, "left", "right",
    "fromHour" AS from_hour, "toHour" AS to_hour, "utcOffsetMinutes" AS utc_offset FROM shipped
  UNION ALL SELECT id, since, version, rule->>'kind', rule->>'severity', rule->>'of', (rule->>'orders')::BIGINT,
    (rule->>'withinMs')::BIGINT, (rule->>'totalMinorMin')::BIGINT, (rule->>'timesMean')::DOUBLE, (rule->>'historyMin')::BIGINT,
    rule->>'left', rule->>'right', (rule->>'fromHour')::BIGINT, (rule->>'toHour')::BIGINT, (rule->>'utcOffsetMinutes')::BIGINT
  FROM change
),
in_force AS (
  SELECT *, lead(since, 1, 9007199254740991) OVER (PARTITION BY id ORDER BY since) AS until FROM rule
),
placed AS (
  SELECT *, order_time AS at_time FROM admitted_orders WHERE NOT duplicate AND status = 'placed'
  QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY _offset) = 1
),
standing AS (
  FROM admitted_orders WHERE NOT duplicate
  QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY order_time DESC, _offset DESC) = 1
),
past AS (
  SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY _offset) - 1 AS earlier,
    count(*) FILTER (currency = own_currency) OVER before AS own_orders,
    coalesce(sum(total_minor) FILTER (currency = own_currency) OVER before, 0) AS own_minor
  FROM (SELECT *, first(currency) OVER (PARTITION BY user_id ORDER BY _offset) AS own_currency FROM placed)
  WINDOW before AS (PARTITION BY user_id ORDER BY _offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
own AS (
  SELECT past.*, CASE WHEN currency = own_currency AND own_orders > 0 THEN own_minor / own_orders ELSE 0 END AS mean_minor,
    CASE WHEN currency = own_currency THEN own_orders ELSE 0 END AS history
  FROM past
),
subject AS (
  SELECT 'user' AS "of", user_id AS subject, order_id, user_id, at_time FROM placed
  UNION ALL SELECT 'device', device_id, order_id, user_id, at_time FROM placed
  UNION ALL SELECT 'address', ip_address, order_id, user_id, at_time FROM placed
  UNION ALL SELECT 'card', card_fingerprint, order_id, user_id, payment_time FROM (
    FROM admitted_payments WHERE NOT duplicate AND status IN ('authorized', 'captured')
    QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY _offset) = 1)
),
-- A subject counts for a rule that was in force for it.
counting AS (
  SELECT subject.*, in_force.* EXCLUDE ("of") FROM subject
  JOIN in_force ON in_force.kind = 'velocity' AND in_force."of" = subject."of" AND at_time >= since AND at_time < until
  WHERE subject.subject IS NOT NULL
),
velocity AS (
  SELECT id, version, severity, order_id, user_id, at_time, count(*) || ' orders within ' ||
    CASE WHEN within_ms % 60000 = 0 THEN (within_ms // 60000)::VARCHAR ELSE (within_ms / 60000)::VARCHAR END || ' minutes' AS reason
  FROM (SELECT one.* FROM counting one JOIN counting other ON one.id = other.id AND one.subject = other.subject
    AND other.at_time <= one.at_time AND other.at_time > one.at_time - one.within_ms)
  GROUP BY id, version, severity, order_id, user_id, at_time, within_ms, orders HAVING count(*) >= orders
),
-- Rules on the order and its buyer's past.
alone AS (
  SELECT id, version, severity, order_id, user_id, at_time, CASE kind
    WHEN 'amount' THEN 'total ' || total_minor || ' ' || currency || ' minor units is ' ||
      CASE WHEN history >= history_min AND total_minor > times_mean * mean_minor
        THEN 'over ' || (CASE WHEN times_mean = floor(times_mean) THEN times_mean::BIGINT::VARCHAR ELSE times_mean::VARCHAR END) ||
          ' times the user''s mean of ' || round(mean_minor)::BIGINT
        ELSE 'at or over ' || total_min END
    WHEN 'night' THEN 'total ' || total_minor || ' ' || currency || ' minor units in hour ' || hour || ' of the day'
    ELSE 'first order, of ' || total_minor || ' ' || currency || ' minor units' END AS reason
  FROM (SELECT *, (at_time + utc_offset * 60000) // 3600000 % 24 AS hour
    FROM own JOIN in_force ON at_time >= since AND at_time < until)
  WHERE kind = 'amount' AND (total_minor >= total_min OR history >= history_min AND total_minor > times_mean * mean_minor)
    OR kind = 'first-order' AND earlier = 0 AND total_minor >= total_min
    OR kind = 'night' AND total_minor >= total_min AND CASE WHEN from_hour <= to_hour
      THEN hour >= from_hour AND hour < to_hour ELSE hour >= from_hour OR hour < to_hour END
),
payment AS (
  FROM admitted_payments WHERE NOT duplicate
  QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY status = 'failed', payment_time DESC, _offset DESC) = 1
),
profile AS (
  FROM admitted_user_profiles WHERE NOT duplicate
  QUALIFY row_number() OVER (PARTITION BY user_id, update_time ORDER BY _offset DESC) = 1
),
side AS (
  SELECT order_id, placed.user_id, at_time, unnest(['billing', 'shipping', 'profile', 'card']) AS side,
    unnest([standing.billing_country, standing.shipping_country, country, card_country]) AS country,
    unnest(['billed in ', 'shipped to ', 'profile in ', 'card of ']) AS words
  FROM placed JOIN standing USING (order_id) LEFT JOIN payment USING (order_id)
  ASOF LEFT JOIN profile ON placed.user_id = profile.user_id AND at_time >= profile.update_time
),
joined AS (
  SELECT id, version, severity, l.order_id, l.user_id, l.at_time,
    l.words || l.country || ', ' || r.words || r.country AS reason
  FROM side l JOIN side r ON l.order_id = r.order_id AND l.country <> r.country
  JOIN in_force ON kind = 'country' AND "left" = l.side AND "right" = r.side AND l.at_time >= since AND l.at_time < until
),
found AS (FROM velocity UNION ALL FROM alone UNION ALL FROM joined)
SELECT id || '@' || version || ':' || order_id AS alert_id, id || '@' || version AS rule, order_id, user_id,
  at_time AS order_time, reason, severity, 'raised' AS status
FROM found
