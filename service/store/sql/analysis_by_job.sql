-- The analysis that a provider's job belongs to.
-- $1: job id
SELECT video_id, kind FROM spotlist_data.analyses WHERE job_id = $1
