-- GET /videos/{id}/analyses: every run of every analysis; no row when there is no such video.
-- $1: video id
SELECT json_build_object('analyses', coalesce((
    SELECT json_agg(json_strip_nulls(json_build_object(
        'analysis', r.kind, 'attempt', r.attempt, 'latest', r.latest, 'state', r.state,
        'reason', r.reason, 'message', r.error_message, 'provider', r.error_provider,
        'options', r.options,
        'started_at', spotlist_data.rfc3339(r.started_at),
        'completed_at', spotlist_data.rfc3339(r.completed_at),
        'links', json_build_object(
            'self', '/videos/' || v.id || '/analyses/' || r.kind || '/' || r.attempt)
        )) ORDER BY r.kind, r.attempt)
    FROM (
        SELECT a.kind, a.attempt, true AS latest, a.state, a.reason, a.error_message,
            a.error_provider,
            v.options -> CASE a.kind WHEN 'celebrities' THEN 'frames' ELSE a.kind END AS options,
            a.started_at, a.completed_at
        FROM spotlist_data.analyses a WHERE a.video_id = v.id
        UNION ALL
        SELECT a.kind, a.attempt, false, a.state, a.reason, a.error_message, a.error_provider,
            a.options, a.started_at, a.completed_at
        FROM spotlist_data.analysis_versions a WHERE a.video_id = v.id) r), '[]'))::text AS body
FROM spotlist_data.videos v
WHERE v.id = $1::uuid
