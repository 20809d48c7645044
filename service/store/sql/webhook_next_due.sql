-- Milliseconds until the next message is due, by the rules of webhook_claim; no row when none is.
-- $1: JSON array of origins that have as many senders as they may
SELECT ceil(extract(epoch FROM d.due_at - clock_timestamp()) * 1000)::bigint AS wait_ms
FROM spotlist_data.webhook_deliveries d
WHERE d.due_at IS NOT NULL
    AND NOT $1::jsonb ? d.origin
    AND (SELECT v.state FROM spotlist_data.videos v WHERE v.id = d.video_id) <> 'deleting'
ORDER BY d.due_at
LIMIT 1
