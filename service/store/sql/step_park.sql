-- A new step that waits for its turn at a gate; nothing happens when the track has one already.
-- Its turn comes after the tag's last one, but not before those that are waiting now: so each tag
-- gets its share, whatever another one has put in line (start-time fair queueing).
-- $1: video id  $2: track  $3: part  $4: kind  $5: gate  $6: payload as JSON
WITH video AS (
    SELECT id, coalesce(tags[1], '') AS tag FROM spotlist_data.videos WHERE id = $1::uuid
), added AS (
    INSERT INTO spotlist_data.steps
        (video_id, track, part, kind, due_at, payload, gate, tag, parked, turn)
    SELECT video.id, $2, $3::integer, $4, 'infinity', $6::jsonb, $5, video.tag, true, greatest(
        coalesce(
            (SELECT turn FROM spotlist_data.steps
             WHERE gate = $5 AND parked ORDER BY turn, id LIMIT 1),
            (SELECT max(turn) FROM spotlist_data.steps WHERE gate = $5 AND NOT parked),
            0),
        coalesce(
            (SELECT max(turn) + 1 FROM spotlist_data.steps
             WHERE gate = $5 AND tag = video.tag),
            0))
    FROM video
    ON CONFLICT (video_id, track, part) DO NOTHING
    RETURNING id
)
SELECT id, pg_notify('spotlist_steps', $5) FROM added
