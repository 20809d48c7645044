-- More of what an earlier run found.
-- $1: video id  $2: kind  $3: attempt  $4: a piece of JSON text
UPDATE spotlist_data.analysis_versions SET result = coalesce(result, '') || $4
WHERE video_id = $1::uuid AND kind = $2 AND attempt = $3::integer
