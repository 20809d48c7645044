-- Counts units done.
-- $1: video id  $2: kind  $3: how many more
UPDATE spotlist_data.analyses SET done = coalesce(done, 0) + $3::bigint
WHERE video_id = $1::uuid AND kind = $2
