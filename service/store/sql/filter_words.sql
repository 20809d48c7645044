-- GET /videos/{id}/metadata?…: words of the transcript.
-- $1: video id  $2: from (ms)  $3: to (ms)  $4: behind this place  $5: how many
-- $6: least confidence, 0 to 100
SELECT 0 AS rank, w.ordinal AS place, 1 AS entries, json_build_object('from_ms', w.from_ms,
    'to_ms', w.to_ms, 'confidence', w.confidence, 'text', w.text)::text AS body
FROM spotlist_data.transcript_words w
WHERE w.video_id = $1::uuid AND w.ordinal > $4::bigint
    AND w.confidence >= $6::double precision / 100
    AND w.from_ms < $3::bigint AND (w.to_ms > $2::bigint OR w.from_ms >= $2::bigint)
ORDER BY w.ordinal
LIMIT $5::bigint
