-- GET /videos/{id}/metadata?…: segments of the transcript.
-- $1: video id  $2: from (ms)  $3: to (ms)  $4: behind this place  $5: how many
SELECT 0 AS rank, s.ordinal AS place, 1 AS entries, json_strip_nulls(json_build_object(
    'from_ms', s.from_ms, 'to_ms', s.to_ms, 'from', spotlist_data.timecode(s.from_ms),
    'to', spotlist_data.timecode(s.to_ms), 'speaker', s.speaker, 'text', s.text))::text AS body
FROM spotlist_data.transcript_segments s
WHERE s.video_id = $1::uuid AND s.ordinal > $4::bigint
    AND s.from_ms < $3::bigint AND (s.to_ms > $2::bigint OR s.from_ms >= $2::bigint)
ORDER BY s.ordinal
LIMIT $5::bigint
