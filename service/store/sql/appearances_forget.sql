-- No appearances of a video: they are looked for again.
-- $1: video id  $2: the analysis that found them
SELECT spotlist_data.forget_appearances($1::uuid, k.kind)
FROM (VALUES ('celebrities', 'celebrity'), ('labels', 'label')) AS k (analysis, kind)
WHERE k.analysis = $2::text
