-- Why a video failed.
-- $1: id  $2: code  $3: message  $4: provider as JSON or null
UPDATE spotlist_data.videos
SET error_code = $2, error_message = $3, error_provider = $4::jsonb, updated_at = now()
WHERE id = $1::uuid
