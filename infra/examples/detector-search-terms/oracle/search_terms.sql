-- gold.search_terms. Input: admitted_customer_events, settings.
SELECT at_ms // search_terms_window_ms * search_terms_window_ms AS window_start,
  (at_ms // search_terms_window_ms + 1) * search_terms_window_ms AS window_end,
  query AS term, count(*) AS searches
FROM admitted_customer_events, settings
WHERE event_type = 'search' AND query IS NOT NULL AND NOT duplicate AND NOT too_late
GROUP BY ALL
