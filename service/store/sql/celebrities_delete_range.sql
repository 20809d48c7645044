-- What an earlier run of the same step may have stored.
-- $1: video id  $2: first frame  $3: last frame
DELETE FROM spotlist_data.celebrity_detections
WHERE video_id = $1::uuid AND frame_index BETWEEN $2::integer AND $3::integer
