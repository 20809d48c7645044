-- A new step that waits for its turn at a gate; nothing happens when the track has one already.
-- $1: video id  $2: track  $3: part  $4: kind  $5: gate  $6: payload as JSON
WITH entrant AS (
    SELECT id, $5::text AS gate, coalesce(tags[1], '') AS tag
    FROM spotlist_data.videos WHERE id = $1::uuid
),
\ir step_turn.inc
, added AS (
    INSERT INTO spotlist_data.steps
        (video_id, track, part, kind, due_at, payload, gate, tag, parked, turn)
    SELECT entrant.id, $2, $3::integer, $4, 'infinity', $6::jsonb, entrant.gate, entrant.tag, true,
        turn.turn
    FROM entrant, turn
    ON CONFLICT (video_id, track, part) DO NOTHING
    RETURNING id
)
SELECT id, pg_notify('spotlist_steps', $5) FROM added
