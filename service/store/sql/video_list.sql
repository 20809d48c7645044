-- GET /videos: newest first, one page.
-- $1: state or null  $2: tag or null  $3: id to start behind, or null  $4: how many
SELECT v.id, json_strip_nulls(json_build_object(
    'id', v.id,
    'state', v.state,
    'source', v.source,
    'title', v.title,
    'tags', to_json(v.tags),
    'created_at', spotlist_data.rfc3339(v.created_at),
    'updated_at', spotlist_data.rfc3339(v.updated_at),
    'completed_at', spotlist_data.rfc3339(v.completed_at),
    'duration_ms', v.duration_ms,
    'error', CASE WHEN v.error_code IS NOT NULL THEN json_build_object(
        'code', v.error_code, 'message', v.error_message, 'provider', v.error_provider) END,
    'links', json_build_object(
        'self', '/videos/' || v.id, 'metadata', '/videos/' || v.id || '/metadata')
))::text AS body
FROM spotlist_data.videos v
WHERE ($1::text IS NULL OR v.state = $1)
    AND ($2::text IS NULL OR v.tags @> ARRAY[$2::text])
    AND ($3::uuid IS NULL OR v.id < $3::uuid)
ORDER BY v.id DESC
LIMIT $4::integer
