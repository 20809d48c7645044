-- Whom to tell of the end of a video, and of which. No row: nobody, or it has not ended.
-- $1: video id
SELECT callback_url, 'video.' || state AS type,
    spotlist_data.rfc3339(coalesce(completed_at, now())) AS at
FROM spotlist_data.videos
WHERE id = $1::uuid AND callback_url IS NOT NULL
    AND state IN ('complete', 'partial', 'failed', 'canceled')
