-- The first and the last frame of a video; one row when they are the same.
-- $1: video id
SELECT index, key FROM spotlist_data.frames f
WHERE video_id = $1::uuid AND index IN (
    (SELECT min(index) FROM spotlist_data.frames WHERE video_id = $1::uuid),
    (SELECT max(index) FROM spotlist_data.frames WHERE video_id = $1::uuid))
ORDER BY index
