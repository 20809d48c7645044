-- GET /videos/{id}/metadata?…: appearances of the names.
-- $1: video id  $2: celebrity or label  $3: least confidence  $4: names as a JSON array, or null
-- $5: from (ms)  $6: to (ms; of a moment: the next)
-- $7: behind this rank  $9: and time  $8: how many
SELECT n.rank, a.from_ms AS place, 1 AS entries, json_build_object(
    'from_ms', a.from_ms, 'to_ms', a.to_ms, 'from', spotlist_data.timecode(a.from_ms),
    'to', spotlist_data.timecode(a.to_ms), 'confidence', a.confidence)::text AS body
FROM
\ir filter_names.inc
    AS n CROSS JOIN LATERAL (
        SELECT a.*
        FROM spotlist_data.appearances a
        WHERE a.video_id = $1::uuid AND a.kind = n.kind AND a.name = n.name
            AND a.celebrity_id IS NOT DISTINCT FROM n.celebrity_id
            AND a.confidence >= $3::double precision
            AND a.from_ms >= (
                SELECT coalesce(max(b.from_ms), 0)
                FROM spotlist_data.appearances b
                WHERE b.video_id = $1::uuid AND b.kind = n.kind AND b.name = n.name
                    AND b.celebrity_id IS NOT DISTINCT FROM n.celebrity_id
                    AND b.from_ms <= $5::bigint)
            AND a.from_ms < $6::bigint AND (a.to_ms > $5::bigint OR a.from_ms >= $5::bigint)
            AND (n.rank, a.from_ms) > ($7::bigint, $9::bigint)
        ORDER BY a.from_ms
        LIMIT $8::bigint
    ) a
LIMIT $8::bigint
