-- The analyses of a video, with their states.
-- $1: video id
SELECT kind, state, attempt, job_id, reason
FROM spotlist_data.analyses
WHERE video_id = $1::uuid
ORDER BY kind
