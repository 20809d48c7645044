-- A new step; nothing happens when the track has one already.
-- $1: video id  $2: track  $3: part  $4: kind  $5: delay in ms  $6: payload as JSON
WITH added AS (
    INSERT INTO spotlist_data.steps (video_id, track, part, kind, due_at, payload)
    VALUES ($1::uuid, $2, $3::integer, $4,
        now() + make_interval(secs => $5::double precision / 1000), $6::jsonb)
    ON CONFLICT (video_id, track, part) DO NOTHING
    RETURNING id
)
SELECT id, pg_notify('spotlist_steps', '') FROM added
