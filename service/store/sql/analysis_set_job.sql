-- The provider's job, and how many units there are, where that is known.
-- $1: video id  $2: kind  $3: job id or null  $4: total units or null
UPDATE spotlist_data.analyses
SET job_id = $3, total = $4::bigint,
    done = CASE WHEN $4::bigint IS NULL THEN NULL ELSE 0 END
WHERE video_id = $1::uuid AND kind = $2
