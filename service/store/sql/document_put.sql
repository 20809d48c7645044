-- The metadata document of a finished video.
-- $1: video id  $2: JSON text
INSERT INTO spotlist_data.documents (video_id, body) VALUES ($1::uuid, $2)
ON CONFLICT (video_id) DO UPDATE SET body = excluded.body
