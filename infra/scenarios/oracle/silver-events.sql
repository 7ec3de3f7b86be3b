-- silver.events: which rows, and whether they came behind the watermark. Input: admitted.
SELECT event_id, event_time_ms AS event_time, user_id, late OR too_late AS is_late,
  partition AS _partition, log_offset AS _offset
FROM admitted WHERE NOT duplicate
