-- Takes the message that has been due for longest: waiting, or held by someone who has died. Those
-- of a video that is being deleted wait for their end.
-- $1: lease in ms  $2: JSON array of origins that have as many senders as they may
UPDATE spotlist_data.webhook_deliveries
SET held = true, claims = claims + 1,
    due_at = clock_timestamp() + make_interval(secs => $1::double precision / 1000)
WHERE id = (
    SELECT d.id FROM spotlist_data.webhook_deliveries d
    WHERE d.due_at <= clock_timestamp()
        AND d.origin <> ALL (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))
        AND NOT EXISTS (SELECT FROM spotlist_data.videos v
            WHERE v.id = d.video_id AND v.state = 'deleting')
    ORDER BY d.due_at, d.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id, video_id, url, origin, body, tries, claims
