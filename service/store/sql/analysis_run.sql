-- GET /videos/{id}/analyses/{kind}/{attempt}: one run: the JSON object up to where its result begins,
-- how long that is, and a piece of it; no row when there is no such run. The latest has its result once
-- the video is settled.
-- $1: video id  $2: kind  $3: attempt  $4: first character of the piece, from 1  $5: how many
SELECT left((
\ir analysis_run_object.inc
    )::text, -1) || CASE WHEN r.result IS NULL THEN '' ELSE ',"result":' END AS head,
    coalesce(octet_length(r.result), 0) AS bytes,
    substr(r.result, $4::integer, $5::integer) AS slice
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
