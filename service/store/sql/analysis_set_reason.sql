-- Why an analysis was skipped or failed.
-- $1: video id  $2: kind  $3: code  $4: message  $5: provider as JSON or null
UPDATE spotlist_data.analyses
SET reason = $3, error_message = $4, error_provider = $5::jsonb
WHERE video_id = $1::uuid AND kind = $2
