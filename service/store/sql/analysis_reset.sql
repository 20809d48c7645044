-- An analysis as it is before it has begun, one attempt on.
-- $1: video id  $2: kind
UPDATE spotlist_data.analyses
SET attempt = attempt + 1, job_id = NULL, done = NULL, total = NULL, reason = NULL,
    error_message = NULL, error_provider = NULL, started_at = NULL, completed_at = NULL
WHERE video_id = $1::uuid AND kind = $2
