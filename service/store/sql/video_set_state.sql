-- Moves a video from one state to another; no row when it was not in the first.
-- $1: id  $2: from  $3: to  $4: when, if the new state is final (RFC 3339), else null
UPDATE spotlist_data.videos
SET state = $3, updated_at = coalesce($4::timestamptz, now()), completed_at = $4::timestamptz
WHERE id = $1::uuid AND state = $2
RETURNING id
