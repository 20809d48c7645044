-- The MediaConvert job of a video.
-- $1: id  $2: job id
UPDATE spotlist_data.videos SET transcode_job_id = $2, started_at = coalesce(started_at, now()), updated_at = now() WHERE id = $1::uuid
