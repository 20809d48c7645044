-- A piece of a version's result.
-- $1: video id  $2: kind  $3: attempt  $4: first character, from 1  $5: how many
SELECT substr(result, $4::integer, $5::integer) AS slice FROM spotlist_data.analysis_versions
WHERE video_id = $1::uuid AND kind = $2 AND attempt = $3::integer
