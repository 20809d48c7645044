-- The same for a final state: made and stored without leaving the server.
-- $1: id  $2: final state  $3: when it is reached (RFC 3339)  $4: id of the document
\ir document_parts.inc
INSERT INTO spotlist_data.document_parts (video_id, document, at_byte, body)
SELECT $1::uuid, $4::uuid, at_byte, body FROM parts
