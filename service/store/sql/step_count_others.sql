-- How many steps a video has besides one.
-- $1: video id  $2: id of the step
SELECT count(*) AS count FROM spotlist_data.steps
WHERE video_id = $1::uuid AND id <> $2::bigint
