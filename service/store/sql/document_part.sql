-- The part of a document that holds a byte; no row when the document was replaced or deleted.
-- $1: video id  $2: id of the document  $3: the byte
SELECT at_byte, body
FROM spotlist_data.document_parts
WHERE video_id = $1::uuid AND document = $2::uuid AND at_byte <= $3::bigint
ORDER BY at_byte DESC
LIMIT 1
