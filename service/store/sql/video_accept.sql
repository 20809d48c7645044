-- A new video with its analyses, the first entry of its timeline and its first step. One statement:
-- submitting is a round trip and a commit.
-- $1: id  $2: state  $3: source  $4: bucket  $5: key  $6: size in bytes or null  $7: etag or null
-- $8: title or null  $9: tags as a JSON array  $10: options as JSON, with its analyses
-- $11: milliseconds between frames  $12: seconds until an upload expires, or null
-- $13: callback URL or null  $14: what the timeline says  $15: kind of the step
-- $16: gate that the step waits at, or null  $17: without a gate: ms until it is due
-- $18: news for the workers, or null
WITH video AS (
    INSERT INTO spotlist_data.videos
        (id, state, source, bucket, key, size_bytes, etag, title, tags, options,
         frame_interval_ms, upload_expires_at, callback_url)
    VALUES ($1::uuid, $2, $3, $4, $5, $6::bigint, $7, $8,
        ARRAY(SELECT jsonb_array_elements_text($9::jsonb)), $10::jsonb, $11::integer,
        now() + make_interval(secs => $12::double precision), $13)
    RETURNING id, tags
), analyses AS (
    INSERT INTO spotlist_data.analyses (video_id, kind, state)
    SELECT video.id, kind, 'pending'
    FROM video, jsonb_array_elements_text($10::jsonb -> 'analyses') AS kind
), entry AS (
    INSERT INTO spotlist_data.timeline (video_id, event, message)
    SELECT id, 'accepted', $14 FROM video
), entrant AS (
    SELECT id, $16::text AS gate,
        CASE WHEN $16::text IS NULL THEN '' ELSE coalesce(tags[1], '') END AS tag
    FROM video
),
\ir step_turn.inc
, step AS (
    INSERT INTO spotlist_data.steps
        (video_id, track, kind, due_at, gate, tag, parked, turn)
    SELECT entrant.id, 'video', $15,
        CASE WHEN entrant.gate IS NULL
            THEN now() + make_interval(secs => $17::double precision / 1000)
            ELSE 'infinity' END,
        entrant.gate, entrant.tag, entrant.gate IS NOT NULL, turn.turn
    FROM entrant, turn
    RETURNING id
)
SELECT id, CASE WHEN $18::text IS NOT NULL THEN pg_notify('spotlist_steps', $18::text) END
FROM step
