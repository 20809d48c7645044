-- The segments of a transcript, then its words, each in order.
-- $1: video id
SELECT false AS is_word, ordinal, from_ms, to_ms, speaker, text
FROM spotlist_data.transcript_segments
WHERE video_id = $1::uuid
UNION ALL
SELECT true, ordinal, from_ms, to_ms, NULL, text
FROM spotlist_data.transcript_words
WHERE video_id = $1::uuid
ORDER BY 1, 2
