-- GET /videos/{id}: state, analyses and timeline, as JSON.
-- $1: id
SELECT json_strip_nulls(json_build_object(
    'id', v.id,
    'state', v.state,
    'source', v.source,
    'title', v.title,
    'tags', to_json(v.tags),
    'created_at', spotlist_data.rfc3339(v.created_at),
    'updated_at', spotlist_data.rfc3339(v.updated_at),
    'completed_at', spotlist_data.rfc3339(v.completed_at),
    'duration_ms', v.duration_ms,
    'progress', v.transcode_percent,
    'error', CASE WHEN v.error_code IS NOT NULL THEN json_build_object(
        'code', v.error_code, 'message', v.error_message, 'provider', v.error_provider) END,
    'analyses', (
        SELECT coalesce(json_object_agg(a.kind, json_build_object(
            'state', a.state,
            'reason', a.reason,
            'message', a.error_message,
            'provider', a.error_provider,
            'job_id', a.job_id,
            'started_at', spotlist_data.rfc3339(a.started_at),
            'completed_at', spotlist_data.rfc3339(a.completed_at),
            'progress', CASE WHEN a.total IS NOT NULL THEN
                json_build_object('done', a.done, 'total', a.total) END) ORDER BY a.kind), '{}')
        FROM spotlist_data.analyses a WHERE a.video_id = v.id),
    'options', v.options,
    'cost', (
        SELECT json_build_object(
            'currency', 'USD',
            'total', round(sum(c.micros) / 1000000.0, 6)::text,
            'region', max(c.region),
            'prices_date', max(c.prices_date),
            'items', json_agg(json_build_object(
                'part', c.part, 'attempt', c.attempt, 'unit', c.unit, 'quantity', c.quantity,
                'counted_in', CASE c.per WHEN 60 THEN 'seconds' ELSE 'images' END,
                'cost', round(c.micros / 1000000.0, 6)::text)
                ORDER BY c.part = 'transcode' DESC, c.part, c.attempt, c.unit, c.month))
        FROM spotlist_data.charges c WHERE c.video_id = v.id HAVING count(*) > 0),
    'timeline', (
        SELECT coalesce(json_agg(json_build_object(
            'at', spotlist_data.rfc3339(t.at), 'event', t.event, 'analysis', t.analysis,
            'message', t.message) ORDER BY t.id), '[]')
        FROM spotlist_data.timeline t WHERE t.video_id = v.id),
    'links', json_build_object(
        'self', '/videos/' || v.id, 'metadata', '/videos/' || v.id || '/metadata')
))::text AS body
FROM spotlist_data.videos v
WHERE v.id = $1::uuid
