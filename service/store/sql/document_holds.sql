-- A row when this stored document is still the one of a finished video.
-- $1: video id  $2: id of the document
SELECT 1
FROM spotlist_data.videos v JOIN spotlist_data.documents d ON d.video_id = v.id
WHERE v.id = $1::uuid AND v.completed_at IS NOT NULL AND d.document = $2::uuid
