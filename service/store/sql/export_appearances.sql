-- Who and what is on screen from when to when, by time.
-- $1: video id; $2: lowest confidence, or null; $3: JSON array of names, or null;
-- $4: whether celebrities; $5: whether labels
SELECT a.kind, a.name, a.celebrity_id, a.from_ms, a.to_ms,
    spotlist_data.timecode(a.from_ms) AS "from", spotlist_data.timecode(a.to_ms) AS "to",
    a.to_ms - a.from_ms AS duration_ms, a.confidence
FROM spotlist_data.appearances a
WHERE a.video_id = $1::uuid
    AND (a.kind = 'celebrity' AND $4::boolean OR a.kind = 'label' AND $5::boolean)
    AND ($2::double precision IS NULL OR a.confidence >= $2::double precision)
    AND ($3::jsonb IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements_text($3::jsonb) asked
        WHERE spotlist_data.fold(a.name) = spotlist_data.fold(asked)))
ORDER BY a.from_ms, a.kind, a.name, a.ordinal
