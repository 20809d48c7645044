-- Of what a video has another number of rows than its record counts.
-- $1: id  $2: the record as JSON
SELECT found.what, counted.number AS counted, found.number AS found
FROM jsonb_each_text($2::jsonb -> 'counts') AS counted (what, number)
    JOIN (
        SELECT 'celebrity_detections', count(*)
        FROM spotlist_data.celebrity_detections WHERE video_id = $1::uuid
        UNION ALL
        SELECT 'label_detections', count(*)
        FROM spotlist_data.label_detections WHERE video_id = $1::uuid
        UNION ALL
        SELECT 'label_instances', count(*)
        FROM spotlist_data.label_instances WHERE video_id = $1::uuid
        UNION ALL
        SELECT 'transcripts', count(*)
        FROM spotlist_data.transcripts WHERE video_id = $1::uuid
        UNION ALL
        SELECT 'transcript_words', count(*)
        FROM spotlist_data.transcript_words WHERE video_id = $1::uuid
    ) AS found (what, number) ON found.what = counted.what
WHERE counted.number::bigint <> found.number
ORDER BY found.what
