-- GET /videos/{id}/analyses/{kind}/{attempt}: one run, with what it found once the video is settled;
-- no row when there is none.
-- $1: video id  $2: kind  $3: attempt
SELECT left(json_strip_nulls(json_build_object(
        'analysis', r.kind, 'attempt', r.attempt, 'latest', r.latest, 'state', r.state,
        'reason', r.reason, 'message', r.error_message, 'provider', r.error_provider,
        'options', r.options,
        'started_at', spotlist_data.rfc3339(r.started_at),
        'completed_at', spotlist_data.rfc3339(r.completed_at),
        'links', json_build_object(
            'self', '/videos/' || $1::uuid || '/analyses/' || r.kind || '/' || r.attempt)
    ))::text, -1) || coalesce(',"result":' || r.result, '') || '}' AS body
FROM (
    SELECT a.kind, a.attempt, true AS latest, a.state, a.reason, a.error_message,
        a.error_provider,
        v.options -> CASE a.kind WHEN 'celebrities' THEN 'frames' ELSE a.kind END AS options,
        a.started_at, a.completed_at,
        CASE WHEN a.state = 'complete' THEN
            (spotlist_data.document_text(v.id)::json -> a.kind)::text END AS result
    FROM spotlist_data.analyses a JOIN spotlist_data.videos v ON v.id = a.video_id
    WHERE a.video_id = $1::uuid AND a.kind = $2 AND a.attempt = $3::integer
    UNION ALL
    SELECT a.kind, a.attempt, false, a.state, a.reason, a.error_message, a.error_provider,
        a.options, a.started_at, a.completed_at, a.result
    FROM spotlist_data.analysis_versions a
    WHERE a.video_id = $1::uuid AND a.kind = $2 AND a.attempt = $3::integer) r
LIMIT 1
