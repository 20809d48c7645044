-- A version is in DynamoDB.
-- $1: video id  $2: kind  $3: attempt
UPDATE spotlist_data.analysis_versions SET recorded = true
WHERE video_id = $1::uuid AND kind = $2 AND attempt = $3::integer
