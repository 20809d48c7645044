-- Earlier runs of a video's analyses.
-- $1: video id
SELECT kind, attempt FROM spotlist_data.analysis_versions
WHERE video_id = $1::uuid
ORDER BY kind, attempt
