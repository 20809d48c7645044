-- Versions of an analysis that are not in DynamoDB yet.
-- $1: video id  $2: kind
SELECT kind, attempt, state, reason, error_message, error_provider::text AS error_provider,
    options::text AS options, spotlist_data.rfc3339(started_at) AS started_at,
    spotlist_data.rfc3339(completed_at) AS completed_at, result IS NOT NULL AS has_result
FROM spotlist_data.analysis_versions
WHERE video_id = $1::uuid AND kind = $2 AND NOT recorded
ORDER BY attempt
