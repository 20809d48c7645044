-- A video's stored document, null while it has no final state; no row when there is no such video.
-- $1: video id
SELECT d.body
FROM spotlist_data.videos v LEFT JOIN spotlist_data.documents d ON d.video_id = v.id
WHERE v.id = $1::uuid
