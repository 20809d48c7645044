-- The frames of a video, before they are listed again.
-- $1: video id
DELETE FROM spotlist_data.frames WHERE video_id = $1::uuid
