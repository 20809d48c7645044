-- Moves an analysis from one state to another; no row when it was not in the first.
-- $1: video id  $2: kind  $3: from  $4: to  $5: whether the new state is final
UPDATE spotlist_data.analyses
SET state = $4,
    started_at = CASE WHEN $4 IN ('running', 'collecting') THEN coalesce(started_at, now())
                      ELSE started_at END,
    completed_at = CASE WHEN $5::boolean THEN now() ELSE NULL END
WHERE video_id = $1::uuid AND kind = $2 AND state = $3
RETURNING kind
