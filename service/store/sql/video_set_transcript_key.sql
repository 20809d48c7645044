-- Where the transcript is.
-- $1: id  $2: key
UPDATE spotlist_data.videos SET transcript_key = $2, updated_at = now() WHERE id = $1::uuid
