-- A video's stored document and its first part, null while there is no final state and when the
-- document's format is one of before; no row when there is no such video.
-- $1: video id
SELECT d.document, d.size_bytes, p.body
FROM spotlist_data.videos v
    LEFT JOIN spotlist_data.documents d ON d.video_id = v.id AND v.completed_at IS NOT NULL
        AND d.format = spotlist_data.document_format()
    LEFT JOIN spotlist_data.document_parts p
        ON p.video_id = d.video_id AND p.document = d.document AND p.at_byte = 0
WHERE v.id = $1::uuid
