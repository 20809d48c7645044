-- The next video whose stored document is in a format of before, and that document; no row behind the
-- last.
-- $1: id of the video before it, or null
SELECT video_id, document
FROM spotlist_data.documents
WHERE format < spotlist_data.document_format()
    AND video_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
ORDER BY video_id
LIMIT 1
