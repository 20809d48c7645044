-- Milliseconds until the next step is due; no row when there is none.
SELECT ceil(extract(epoch FROM due_at - clock_timestamp()) * 1000)::bigint AS wait_ms
FROM spotlist_data.steps
WHERE due_at < 'infinity'
ORDER BY due_at
LIMIT 1
