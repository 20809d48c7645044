-- Takes the step that has been due for longest: waiting and due, or held by someone whose lease
-- has run out. One index range scan, whatever the number of waiting steps; parked ones are due
-- never. now(), since no index can be searched by clock_timestamp().
-- $1: holder  $2: lease in ms
WITH due AS MATERIALIZED (
    SELECT id, holder FROM spotlist_data.steps
    WHERE due_at <= now()
    ORDER BY due_at, id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE spotlist_data.steps s
SET holder = $1, claims = claims + 1, wake = false,
    due_at = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
FROM due
WHERE s.id = due.id
RETURNING s.id, video_id, track, part, kind, claims, failures, gate, payload::text AS payload,
    (extract(epoch FROM clock_timestamp() - created_at) * 1000)::bigint AS age_ms,
    due.holder IS NOT NULL AS taken_over
