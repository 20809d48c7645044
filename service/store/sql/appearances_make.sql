-- The appearances of a video, merged from its detections anew.
-- $1: video id  $2: the analysis that found them, or null: all
SELECT spotlist_data.make_appearances($1::uuid, k.kind)
FROM (VALUES ('celebrities', 'celebrity'), ('labels', 'label')) AS k (analysis, kind)
WHERE $2::text IS NULL OR k.analysis = $2::text
