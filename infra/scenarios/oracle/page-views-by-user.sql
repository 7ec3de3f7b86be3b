-- gold.page_views_by_user. Input: counted, settings.
SELECT window_start, window_start + view_window_ms AS window_end, user_id, views
FROM (
  SELECT user_id, views_at // view_advance_ms * view_advance_ms - hop * view_advance_ms AS window_start,
    count(*) AS views, any_value(view_window_ms) AS view_window_ms
  FROM (SELECT user_id, event_time_ms AS views_at, settings.* FROM counted, settings WHERE is_view) views,
    unnest(range(view_window_ms // view_advance_ms)) hops(hop)
  GROUP BY ALL
)
