-- gold.revenue_by_category. Input: counted, settings.
SELECT event_time_ms // revenue_window_ms * revenue_window_ms AS window_start,
  event_time_ms // revenue_window_ms * revenue_window_ms + revenue_window_ms AS window_end,
  coalesce(category_id, 'unknown') AS category_id, coalesce(currency, 'XXX') AS currency,
  sum(revenue_minor)::BIGINT AS revenue_minor, sum(coalesce(quantity, 1))::BIGINT AS units, count(*) AS purchases
FROM counted, settings WHERE is_purchase
GROUP BY ALL
