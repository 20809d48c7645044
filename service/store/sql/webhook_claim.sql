-- Takes the message that has been due for longest: waiting, or held by someone who has died. Those
-- of a video that is being deleted wait for their end. One index range scan, however many wait:
-- now(), since no index can be searched by clock_timestamp(); and conditions that the planner does
-- not take for rare, or it would sort everything first.
-- $1: lease in ms  $2: JSON array of origins that have as many senders as they may
UPDATE spotlist_data.webhook_deliveries
SET held = true, claims = claims + 1,
    due_at = clock_timestamp() + make_interval(secs => $1::double precision / 1000)
WHERE id = (
    SELECT d.id FROM spotlist_data.webhook_deliveries d
    WHERE d.due_at <= now()
        AND NOT $2::jsonb ? d.origin
        AND (SELECT v.state FROM spotlist_data.videos v WHERE v.id = d.video_id) <> 'deleting'
    ORDER BY d.due_at, d.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id, video_id, url, origin, body, tries, claims
