-- Steps that nobody holds any more, because nothing more is to be done for the video; whoever waits
-- at the gates where they had a place is told.
-- $1: video id  $2: id of a step that stays, or null
WITH gone AS (
    DELETE FROM spotlist_data.steps
    WHERE video_id = $1::uuid AND id IS DISTINCT FROM $2::bigint
        AND (holder IS NULL OR due_at <= clock_timestamp())
    RETURNING gate
)
SELECT pg_notify('spotlist_steps', gate) FROM gone WHERE gate IS NOT NULL
