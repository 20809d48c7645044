-- Makes a stored document the one that holds; no row when its parts are gone.
-- $1: video id  $2: id of the document
INSERT INTO spotlist_data.documents (video_id, document, size_bytes, format)
SELECT $1::uuid, $2::uuid, sum(octet_length(body)), spotlist_data.document_format()
FROM spotlist_data.document_parts
WHERE video_id = $1::uuid AND document = $2::uuid
HAVING count(*) > 0
ON CONFLICT (video_id) DO UPDATE
SET document = excluded.document, size_bytes = excluded.size_bytes,
    format = excluded.format
RETURNING size_bytes
