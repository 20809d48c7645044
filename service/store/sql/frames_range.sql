-- Frames to look at, in order.
-- $1: video id  $2: first index  $3: how many
SELECT index, time_ms, key FROM spotlist_data.frames
WHERE video_id = $1::uuid AND index >= $2::integer
ORDER BY index
LIMIT $3::integer
