-- Whether a stored document is still the one that holds. The video is locked until the transaction ends.
-- $1: video id  $2: id of the document
SELECT EXISTS (
    SELECT FROM spotlist_data.documents d
    WHERE d.video_id = v.id AND d.document = $2::uuid) AS holds
FROM spotlist_data.videos v
WHERE v.id = $1::uuid
FOR UPDATE
