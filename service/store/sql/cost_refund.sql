-- The provider says that the last run of a part failed: it is not billed.
-- $1: video id  $2: part
DELETE FROM spotlist_data.charges c
WHERE c.video_id = $1::uuid AND c.part = $2 AND c.attempt = (
    SELECT a.attempt FROM spotlist_data.analyses a WHERE a.video_id = $1::uuid AND a.kind = $2)
