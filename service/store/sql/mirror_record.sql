-- Analyses, their earlier versions, the timeline and the frames of a record. A record of before it
-- told which frames there are has them without gaps.
-- $1: id  $2: the record as JSON
WITH given AS (
    SELECT $2::jsonb AS record
), analyses AS (
    INSERT INTO spotlist_data.analyses
    SELECT a.*
    FROM given, jsonb_array_elements(given.record -> 'analyses') AS one,
        jsonb_populate_record(NULL::spotlist_data.analyses,
            one || jsonb_build_object('video_id', $1::uuid)) AS a
), versions AS (
    INSERT INTO spotlist_data.analysis_versions
    SELECT a.*
    FROM given, jsonb_array_elements(given.record -> 'versions') AS one,
        jsonb_populate_record(NULL::spotlist_data.analysis_versions,
            one || jsonb_build_object('video_id', $1::uuid)) AS a
), charges AS (
    INSERT INTO spotlist_data.charges (video_id, part, attempt, unit, month, quantity, price_nanos,
        per, region, prices_date, at)
    SELECT c.video_id, c.part, c.attempt, c.unit, c.month, c.quantity, c.price_nanos, c.per,
        c.region, c.prices_date, c.at
    FROM given, jsonb_array_elements(coalesce(given.record -> 'charges', '[]')) AS one,
        jsonb_populate_record(NULL::spotlist_data.charges,
            one || jsonb_build_object('video_id', $1::uuid)) AS c
    ON CONFLICT (video_id, part, attempt, unit, month) DO NOTHING
), timeline AS (
    INSERT INTO spotlist_data.timeline (video_id, at, event, analysis, message)
    SELECT $1::uuid, (t.entry ->> 'at')::timestamptz, t.entry ->> 'event', t.entry ->> 'analysis',
        t.entry ->> 'message'
    FROM given, jsonb_array_elements(given.record -> 'timeline') WITH ORDINALITY AS t (entry, place)
    ORDER BY t.place
), runs AS (
    SELECT (r.run ->> 0)::integer AS first, (r.run ->> 1)::integer AS last
    FROM given, jsonb_array_elements(given.record #> '{frames,runs}') AS r (run)
    UNION ALL
    SELECT 0, (given.record #>> '{video,frame_count}')::integer - 1
    FROM given WHERE given.record #> '{frames,runs}' IS NULL
)
INSERT INTO spotlist_data.frames (video_id, index, time_ms, key)
SELECT $1::uuid, f.index, f.index * (given.record #>> '{video,frame_interval_ms}')::bigint,
    coalesce(given.record #>> ARRAY['frames', 'keys', f.index::text],
        (given.record #>> '{video,frames_prefix}') || 'frame.' ||
            repeat('0', 7 - length(f.index::text)) || f.index || '.jpg')
FROM given, runs, generate_series(runs.first, runs.last) AS f (index)
