-- Parts of a video's documents that do not hold: replaced, or left by a crash.
-- $1: video id
DELETE FROM spotlist_data.document_parts p
WHERE p.video_id = $1::uuid AND NOT EXISTS (
    SELECT FROM spotlist_data.documents d
    WHERE d.video_id = p.video_id AND d.document = p.document)
