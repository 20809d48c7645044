-- More is known of what is still to come of a video, if something is reserved for it.
-- $1: video id  $2: millionths of a dollar  $3: whether what was reserved is only raised to it
UPDATE spotlist_data.reservations
SET micros = CASE WHEN $3::boolean THEN greatest(micros, $2::bigint) ELSE $2::bigint END
WHERE video_id = $1::uuid
