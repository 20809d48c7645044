-- The video that a MediaConvert job belongs to.
-- $1: job id
SELECT id FROM spotlist_data.videos WHERE transcode_job_id = $1
