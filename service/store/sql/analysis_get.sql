-- One analysis of a video.
-- $1: video id  $2: kind
SELECT state, attempt, job_id, done, total
FROM spotlist_data.analyses
WHERE video_id = $1::uuid AND kind = $2
