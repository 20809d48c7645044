-- Who and what is on screen from when to when, merged once and kept, and the sums of each video.

-- Both are trusted: the owner of the database may create them. They go into our schema, where we
-- may create things; where an administrator made them elsewhere, they are used there.
DO $$
DECLARE
    at text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'unaccent') THEN
        CREATE EXTENSION unaccent SCHEMA spotlist_data;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CREATE EXTENSION pg_trgm SCHEMA spotlist_data;
    END IF;
    SELECT quote_ident(n.nspname) INTO at
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'unaccent';
    -- Whatever the database's locale: in "C", lower() would know ASCII only.
    EXECUTE format($f$
        CREATE FUNCTION spotlist_data.fold(t text) RETURNS text
            LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
            RETURN lower(%s.unaccent(%L::regdictionary, normalize(t, NFKC)) %s)
    $f$, at, at || '.unaccent', CASE WHEN EXISTS (
        SELECT FROM pg_collation
        WHERE collname = 'und-x-icu' AND collnamespace = 'pg_catalog'::regnamespace)
        THEN 'COLLATE "und-x-icu"' ELSE '' END);
    SELECT quote_ident(n.nspname) INTO at
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_trgm';
    EXECUTE format($f$
        CREATE FUNCTION spotlist_data.closeness(word text, t text) RETURNS real
            LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
            RETURN %s.word_similarity(word, t)
    $f$, at);
END $$;
COMMENT ON FUNCTION spotlist_data.closeness IS 'How much a word is like some part of a text, 0 to 1, by the triples of letters that they share. Both folded.';
COMMENT ON FUNCTION spotlist_data.fold IS 'A text as it is compared when accents, case and compatibility forms do not matter.';

CREATE TABLE spotlist_data.appearances (
    video_id     uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('celebrity', 'label')),
    ordinal      integer NOT NULL,
    name         text NOT NULL,
    celebrity_id text,
    from_ms      bigint NOT NULL,
    to_ms        bigint NOT NULL,
    confidence   double precision NOT NULL,
    PRIMARY KEY (video_id, kind, ordinal)
);
CREATE INDEX appearances_by_name ON spotlist_data.appearances (kind, name, video_id, from_ms);

COMMENT ON TABLE spotlist_data.appearances IS 'Detections of a celebrity or label that follow each other without a gap, as one. Of analyses that have ended.';
COMMENT ON COLUMN spotlist_data.appearances.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.appearances.kind IS 'celebrity or label.';
COMMENT ON COLUMN spotlist_data.appearances.ordinal IS 'Order by name, celebrity_id and time, from 1 for each video and kind.';
COMMENT ON COLUMN spotlist_data.appearances.name IS 'Name of the celebrity or label.';
COMMENT ON COLUMN spotlist_data.appearances.celebrity_id IS 'Rekognition''s id of the celebrity; null for a label, and where there is none.';
COMMENT ON COLUMN spotlist_data.appearances.from_ms IS 'Time of the first detection.';
COMMENT ON COLUMN spotlist_data.appearances.to_ms IS 'Time of the last detection and one sampling step, or the end of the video.';
COMMENT ON COLUMN spotlist_data.appearances.confidence IS 'The highest of its detections, 0 to 100.';

CREATE TABLE spotlist_data.video_names (
    video_id     uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('celebrity', 'label')),
    ordinal      integer NOT NULL,
    name         text NOT NULL,
    celebrity_id text,
    confidence   double precision NOT NULL,
    appearances  integer NOT NULL,
    on_screen_ms bigint NOT NULL,
    first_ms     bigint NOT NULL,
    PRIMARY KEY (video_id, kind, ordinal)
);
CREATE INDEX video_names_by_name
    ON spotlist_data.video_names (kind, name, (coalesce(celebrity_id, '')), video_id);
CREATE INDEX video_names_by_fold
    ON spotlist_data.video_names (kind, spotlist_data.fold(name) text_pattern_ops, video_id);

COMMENT ON TABLE spotlist_data.video_names IS 'The celebrities and labels of a video with the sums of their appearances.';
COMMENT ON COLUMN spotlist_data.video_names.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.video_names.kind IS 'celebrity or label.';
COMMENT ON COLUMN spotlist_data.video_names.ordinal IS 'Order in the metadata document: the surest first; from 1 for each video and kind.';
COMMENT ON COLUMN spotlist_data.video_names.name IS 'Name of the celebrity or label.';
COMMENT ON COLUMN spotlist_data.video_names.celebrity_id IS 'Rekognition''s id of the celebrity; null for a label, and where there is none.';
COMMENT ON COLUMN spotlist_data.video_names.confidence IS 'The highest of all detections, 0 to 100.';
COMMENT ON COLUMN spotlist_data.video_names.appearances IS 'How many appearances there are.';
COMMENT ON COLUMN spotlist_data.video_names.on_screen_ms IS 'Their length together.';
COMMENT ON COLUMN spotlist_data.video_names.first_ms IS 'When the first one begins.';

-- Everything is cast and named in full, and no parameter has a column's name: the text is run with
-- any search path.
CREATE FUNCTION spotlist_data.merge_appearances(of_video uuid, of_kind text)
    RETURNS TABLE (name text, celebrity_id text, from_ms bigint, to_ms bigint,
        confidence double precision)
    LANGUAGE sql STABLE AS $$
WITH detections AS MATERIALIZED (
    SELECT c.name, c.celebrity_id, c.time_ms, max(c.confidence) AS confidence
    FROM spotlist_data.celebrity_detections c
    WHERE c.video_id = of_video AND of_kind = 'celebrity'
    GROUP BY c.name, c.celebrity_id, c.time_ms
    UNION ALL
    SELECT l.name, NULL, l.time_ms, max(l.confidence)
    FROM spotlist_data.label_detections l
    WHERE l.video_id = of_video AND of_kind = 'label'
    GROUP BY l.name, l.time_ms
), label_step AS (
    SELECT coalesce(min(t.step), 0) AS ms
    FROM (
        SELECT d.time_ms - lag(d.time_ms) OVER (ORDER BY d.time_ms) AS step
        FROM (SELECT DISTINCT detections.time_ms FROM detections) d
    ) t
), rule AS (
    SELECT v.duration_ms,
        CASE of_kind WHEN 'label' THEN s.ms ELSE v.frame_interval_ms END AS step_ms,
        CASE of_kind WHEN 'label' THEN s.ms * 3 / 2 ELSE v.frame_interval_ms END AS gap_ms
    FROM spotlist_data.videos v, label_step s
    WHERE v.id = of_video
), runs AS (
    SELECT g.name, g.celebrity_id, g.time_ms, g.confidence,
        count(*) FILTER (WHERE g.time_ms - g.before_ms > rule.gap_ms) OVER (
            PARTITION BY g.name, g.celebrity_id ORDER BY g.time_ms) AS run
    FROM (
        SELECT d.*, lag(d.time_ms) OVER (
            PARTITION BY d.name, d.celebrity_id ORDER BY d.time_ms) AS before_ms
        FROM detections d
    ) g, rule
)
SELECT r.name, r.celebrity_id, r.first_ms,
    least(r.last_ms + rule.step_ms,
        greatest(coalesce(rule.duration_ms, r.last_ms + rule.step_ms), r.last_ms)),
    r.confidence
FROM (
    SELECT runs.name, runs.celebrity_id, min(runs.time_ms) AS first_ms,
        max(runs.time_ms) AS last_ms, max(runs.confidence) AS confidence
    FROM runs
    GROUP BY runs.name, runs.celebrity_id, runs.run
) r, rule
$$;
COMMENT ON FUNCTION spotlist_data.merge_appearances IS 'The rule: detections of a video that follow each other without a gap become one appearance. A detection stands for one sampling step: frames have their interval, labels the smallest distance between two of their times.';

CREATE FUNCTION spotlist_data.forget_appearances(of_video uuid, of_kind text) RETURNS void
    LANGUAGE sql AS $$
DELETE FROM spotlist_data.appearances a WHERE a.video_id = of_video AND a.kind = of_kind;
DELETE FROM spotlist_data.video_names n WHERE n.video_id = of_video AND n.kind = of_kind;
$$;
COMMENT ON FUNCTION spotlist_data.forget_appearances IS 'Deletes the rows of appearances and video_names of a video and kind.';

CREATE FUNCTION spotlist_data.make_appearances(of_video uuid, of_kind text) RETURNS void
    LANGUAGE sql AS $$
SELECT spotlist_data.forget_appearances(of_video, of_kind);
INSERT INTO spotlist_data.appearances
    (video_id, kind, ordinal, name, celebrity_id, from_ms, to_ms, confidence)
SELECT of_video, of_kind, row_number() OVER (ORDER BY m.name, m.celebrity_id, m.from_ms),
    m.name, m.celebrity_id, m.from_ms, m.to_ms, m.confidence
FROM spotlist_data.merge_appearances(of_video, of_kind) m;
INSERT INTO spotlist_data.video_names (video_id, kind, ordinal, name, celebrity_id, confidence,
    appearances, on_screen_ms, first_ms)
SELECT of_video, of_kind,
    row_number() OVER (ORDER BY max(a.confidence) DESC, a.name, a.celebrity_id),
    a.name, a.celebrity_id, max(a.confidence), count(*), sum(a.to_ms - a.from_ms), min(a.from_ms)
FROM spotlist_data.appearances a
WHERE a.video_id = of_video AND a.kind = of_kind
GROUP BY a.name, a.celebrity_id;
$$;
COMMENT ON FUNCTION spotlist_data.make_appearances IS 'Writes the rows of appearances and video_names of a video and kind anew.';

-- The directory over all videos. Its rows are shared by every video, so whoever writes
-- video_names only leaves behind by how much they change: that waits for nobody, and a transaction
-- that is rolled back, as each of `rebuild --check`, locks nothing.
CREATE TABLE spotlist_data.name_changes (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL,
    name         text NOT NULL,
    celebrity_id text,
    videos       bigint NOT NULL,
    appearances  bigint NOT NULL,
    on_screen_ms bigint NOT NULL
);

COMMENT ON TABLE spotlist_data.name_changes IS 'What is to be added to names.';
COMMENT ON COLUMN spotlist_data.name_changes.id IS 'Order of writing.';
COMMENT ON COLUMN spotlist_data.name_changes.kind IS 'celebrity or label.';
COMMENT ON COLUMN spotlist_data.name_changes.name IS 'Name of the celebrity or label.';
COMMENT ON COLUMN spotlist_data.name_changes.celebrity_id IS 'Rekognition''s id of the celebrity, or null.';
COMMENT ON COLUMN spotlist_data.name_changes.videos IS '1, or -1 when the row of the video was deleted.';
COMMENT ON COLUMN spotlist_data.name_changes.appearances IS 'That many more, or less.';
COMMENT ON COLUMN spotlist_data.name_changes.on_screen_ms IS 'That much longer, or shorter.';

CREATE TABLE spotlist_data.names (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL,
    name         text NOT NULL,
    celebrity_id text,
    folded       text COLLATE "C" NOT NULL GENERATED ALWAYS AS (spotlist_data.fold(name)) STORED,
    videos       bigint NOT NULL,
    appearances  bigint NOT NULL,
    on_screen_ms bigint NOT NULL
);
CREATE UNIQUE INDEX names_by_name
    ON spotlist_data.names (kind, name, (coalesce(celebrity_id, '')));
CREATE INDEX names_by_fold ON spotlist_data.names (kind, folded, id);
-- The most first, and by name where they are equal: all in one direction, for one comparison of rows.
CREATE INDEX names_by_videos ON spotlist_data.names (kind, (-videos), folded, id);
CREATE INDEX names_by_appearances ON spotlist_data.names (kind, (-appearances), folded, id);
CREATE INDEX names_by_time ON spotlist_data.names (kind, (-on_screen_ms), folded, id);
DO $$
BEGIN
    EXECUTE format('CREATE INDEX names_by_trigram ON spotlist_data.names '
        'USING gin (folded %s.gin_trgm_ops)', (
            SELECT quote_ident(n.nspname)
            FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
            WHERE e.extname = 'pg_trgm'));
END $$;

COMMENT ON TABLE spotlist_data.names IS 'The sums of video_names over all videos, but for what still waits in name_changes: see tally_names().';
COMMENT ON COLUMN spotlist_data.names.id IS 'Order of coming.';
COMMENT ON COLUMN spotlist_data.names.kind IS 'celebrity or label.';
COMMENT ON COLUMN spotlist_data.names.name IS 'Name of the celebrity or label.';
COMMENT ON COLUMN spotlist_data.names.celebrity_id IS 'Rekognition''s id of the celebrity, or null. Namesakes have rows of their own.';
COMMENT ON COLUMN spotlist_data.names.folded IS 'The name without accents and case: order and completion.';
COMMENT ON COLUMN spotlist_data.names.videos IS 'In how many videos.';
COMMENT ON COLUMN spotlist_data.names.appearances IS 'How many appearances there are.';
COMMENT ON COLUMN spotlist_data.names.on_screen_ms IS 'Their length together.';

CREATE FUNCTION spotlist_data.note_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO spotlist_data.name_changes
            (kind, name, celebrity_id, videos, appearances, on_screen_ms)
        SELECT kind, name, celebrity_id, 1, appearances, on_screen_ms FROM changed;
    ELSE
        INSERT INTO spotlist_data.name_changes
            (kind, name, celebrity_id, videos, appearances, on_screen_ms)
        SELECT kind, name, celebrity_id, -1, -appearances, -on_screen_ms FROM changed;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION spotlist_data.note_names IS 'Leaves in name_changes what rows of video_names add or take away. They are never updated.';
CREATE TRIGGER note_more AFTER INSERT ON spotlist_data.video_names
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION spotlist_data.note_names();
CREATE TRIGGER note_less AFTER DELETE ON spotlist_data.video_names
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION spotlist_data.note_names();

CREATE FUNCTION spotlist_data.tally_names() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM spotlist_data.name_changes) THEN
        RETURN false;
    END IF;
    -- Only one at a time: so none waits for another's rows. The key is "names" in ASCII.
    PERFORM pg_advisory_xact_lock(x'6e616d6573'::bigint);
    WITH gone AS (
        DELETE FROM spotlist_data.name_changes RETURNING *
    )
    INSERT INTO spotlist_data.names (kind, name, celebrity_id, videos, appearances, on_screen_ms)
    SELECT kind, name, celebrity_id, sum(videos), sum(appearances), sum(on_screen_ms)
    FROM gone
    GROUP BY kind, name, celebrity_id
    HAVING sum(videos) <> 0 OR sum(appearances) <> 0 OR sum(on_screen_ms) <> 0
    ON CONFLICT (kind, name, (coalesce(celebrity_id, ''))) DO UPDATE
    SET videos = names.videos + excluded.videos,
        appearances = names.appearances + excluded.appearances,
        on_screen_ms = names.on_screen_ms + excluded.on_screen_ms;
    DELETE FROM spotlist_data.names WHERE kind IN ('celebrity', 'label') AND -videos >= 0;
    RETURN true;
END $$;
COMMENT ON FUNCTION spotlist_data.tally_names IS 'Adds to names what waits in name_changes, and tells whether anything did. Every reader of names calls it first.';

CREATE FUNCTION spotlist_data.remake_names() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(x'6e616d6573'::bigint);
    DELETE FROM spotlist_data.names;
    -- In one statement, so that what it counts and what it drops are the same transactions'.
    WITH gone AS (
        DELETE FROM spotlist_data.name_changes
    )
    INSERT INTO spotlist_data.names (kind, name, celebrity_id, videos, appearances, on_screen_ms)
    SELECT kind, name, celebrity_id, count(*), sum(appearances), sum(on_screen_ms)
    FROM spotlist_data.video_names
    GROUP BY kind, name, celebrity_id;
END $$;
COMMENT ON FUNCTION spotlist_data.remake_names IS 'Makes names anew of video_names.';

SELECT count(spotlist_data.make_appearances(a.video_id, k.kind))
FROM spotlist_data.analyses a
    JOIN (VALUES ('celebrities', 'celebrity'), ('labels', 'label')) AS k (analysis, kind)
        ON k.analysis = a.kind
WHERE a.state IN ('complete', 'skipped', 'failed');
SELECT spotlist_data.tally_names();
