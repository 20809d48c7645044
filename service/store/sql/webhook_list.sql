-- GET /videos/{id}/deliveries: newest first, each with its latest attempts; or only one of them.
-- $1: video id  $2: delivery id or null
SELECT coalesce(json_agg(d.body ORDER BY d.id DESC), '[]')::text AS body, count(*) AS count
FROM (
    SELECT w.id, json_strip_nulls(json_build_object(
        'id', w.id,
        'type', w.type,
        'url', w.url,
        'state', w.state,
        'created_at', spotlist_data.rfc3339(w.created_at),
        'completed_at', spotlist_data.rfc3339(w.completed_at),
        'next_attempt_at', CASE WHEN NOT w.held THEN spotlist_data.rfc3339(w.due_at) END,
        'attempts', (
            SELECT coalesce(json_agg(json_build_object(
                'number', a.number,
                'at', spotlist_data.rfc3339(a.at),
                'duration_ms', a.duration_ms,
                'http_status', a.http_status,
                'error', a.error) ORDER BY a.number), '[]')
            FROM spotlist_data.webhook_attempts a
            WHERE a.delivery_id = w.id AND a.number > w.attempts - 100))) AS body
    FROM spotlist_data.webhook_deliveries w
    WHERE w.video_id = $1::uuid AND ($2::uuid IS NULL OR w.id = $2::uuid)
    ORDER BY w.id DESC
    LIMIT 100
) d
