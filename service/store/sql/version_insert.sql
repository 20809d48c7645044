-- The run that an analysis has had becomes a version, with its part of the finished document and the
-- options it was made with.
-- $1: video id  $2: kind
INSERT INTO spotlist_data.analysis_versions (video_id, kind, attempt, state, reason, error_message,
    error_provider, options, started_at, completed_at, result)
SELECT a.video_id, a.kind, a.attempt, a.state, a.reason, a.error_message, a.error_provider,
    v.options -> CASE a.kind WHEN 'celebrities' THEN 'frames' ELSE a.kind END,
    a.started_at, a.completed_at,
    CASE WHEN a.state = 'complete' THEN (spotlist_data.document_text(v.id)::json -> a.kind)::text END
FROM spotlist_data.analyses a
    JOIN spotlist_data.videos v ON v.id = a.video_id
WHERE a.video_id = $1::uuid AND a.kind = $2
ON CONFLICT (video_id, kind, attempt) DO NOTHING
