-- GET /videos/{id}/analyses: every run of every analysis; no row when there is no such video.
-- $1: video id
SELECT json_build_object('analyses', coalesce((
    SELECT json_agg(
\ir analysis_run_object.inc
        ORDER BY r.kind, r.attempt)
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
