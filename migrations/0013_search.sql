-- Speech that can be searched: stemmed by its language; by pairs of characters where a script has no
-- spaces, or has them between more than words (Korean). A segment is what is found.

-- Scripts that are searched by pairs of characters: Hangul, Kana, Han, Thai, Lao, Burmese, Khmer.
CREATE FUNCTION spotlist_data.speech_dense() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005\u3040-\u30ff\u3130-\u318f'
        || '\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+';
COMMENT ON FUNCTION spotlist_data.speech_dense IS 'A regular expression for text in scripts that are searched by pairs of characters.';

CREATE FUNCTION spotlist_data.speech_config(language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce((SELECT config FROM (VALUES
        ('ar', 'arabic'), ('ca', 'catalan'), ('da', 'danish'), ('de', 'german'), ('el', 'greek'),
        ('en', 'english'), ('es', 'spanish'), ('eu', 'basque'), ('fi', 'finnish'), ('fr', 'french'),
        ('ga', 'irish'), ('hi', 'hindi'), ('hu', 'hungarian'), ('hy', 'armenian'),
        ('id', 'indonesian'), ('it', 'italian'), ('lt', 'lithuanian'), ('nb', 'norwegian'),
        ('ne', 'nepali'), ('nl', 'dutch'), ('nn', 'norwegian'), ('no', 'norwegian'),
        ('pt', 'portuguese'), ('ro', 'romanian'), ('ru', 'russian'), ('sr', 'serbian'),
        ('sv', 'swedish'), ('ta', 'tamil'), ('tr', 'turkish')) c (code, config)
        WHERE code = split_part(language, '-', 1)), 'simple');
COMMENT ON FUNCTION spotlist_data.speech_config IS 'The text search configuration for a language code of Transcribe: its stemmer, or simple.';

-- A run of n characters is its pairs at n - 1 places and its last character at the nth, so that a
-- single character is found as the beginning of something. Runs do not follow each other.
CREATE FUNCTION spotlist_data.speech_pairs(t text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT coalesce(string_agg(format('''%s'':%s', substr(r.run, i, 2), least(r.base + i, 16383)), ' '), '')
        FROM (SELECT m[1] AS run, sum(length(m[1]) + 1) OVER (ORDER BY n) - length(m[1]) AS base
              FROM regexp_matches(t, spotlist_data.speech_dense(), 'g') WITH ORDINALITY AS f (m, n)) r,
            generate_series(1, length(r.run)) i)::tsvector;
COMMENT ON FUNCTION spotlist_data.speech_pairs IS 'The pairs of characters of a text in a script that is searched so, with their places.';

-- The lexeme "=english" says by which configuration a segment was made, so that one index answers
-- for all languages, each with its own reading of the words.
CREATE FUNCTION spotlist_data.speech_vector(config text, t text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_tsvector(config::regconfig,
            regexp_replace(normalize(t, NFKC), spotlist_data.speech_dense(), ' ', 'g'))
        || spotlist_data.speech_pairs(normalize(t, NFKC))
        || array_to_tsvector(ARRAY['=' || config]);
COMMENT ON FUNCTION spotlist_data.speech_vector IS 'What a segment of speech is found by.';

CREATE TABLE spotlist_data.speech_configs (
    config text PRIMARY KEY
);
COMMENT ON TABLE spotlist_data.speech_configs IS 'The text search configurations that transcripts have; a search asks by each.';
COMMENT ON COLUMN spotlist_data.speech_configs.config IS 'Name of the configuration.';

CREATE FUNCTION spotlist_data.note_speech_config() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO spotlist_data.speech_configs VALUES (spotlist_data.speech_config(NEW.language))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION spotlist_data.note_speech_config IS 'Remembers the configuration of a transcript.';
CREATE TRIGGER note_speech_config AFTER INSERT OR UPDATE OF language ON spotlist_data.transcripts
    FOR EACH ROW EXECUTE FUNCTION spotlist_data.note_speech_config();
INSERT INTO spotlist_data.speech_configs
    SELECT DISTINCT spotlist_data.speech_config(language) FROM spotlist_data.transcripts;

ALTER TABLE spotlist_data.transcript_segments ADD COLUMN search tsvector;
COMMENT ON COLUMN spotlist_data.transcript_segments.search IS 'What it is found by, made of its text by the transcript''s language.';

CREATE FUNCTION spotlist_data.make_speech_vector() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search := spotlist_data.speech_vector(spotlist_data.speech_config((
        SELECT t.language FROM spotlist_data.transcripts t WHERE t.video_id = NEW.video_id)), NEW.text);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION spotlist_data.make_speech_vector IS 'Fills search. A transcript is written before its segments.';
CREATE TRIGGER make_speech_vector BEFORE INSERT OR UPDATE OF text ON spotlist_data.transcript_segments
    FOR EACH ROW EXECUTE FUNCTION spotlist_data.make_speech_vector();

UPDATE spotlist_data.transcript_segments s
SET search = spotlist_data.speech_vector(spotlist_data.speech_config(t.language), s.text)
FROM spotlist_data.transcripts t WHERE t.video_id = s.video_id;
-- Not fastupdate: a search would read through what waits to be sorted in.
CREATE INDEX transcript_segments_by_speech ON spotlist_data.transcript_segments
    USING gin (search) WITH (fastupdate = off);

CREATE INDEX transcript_words_by_time ON spotlist_data.transcript_words (video_id, from_ms);

-- --- asking ----------------------------------------------------------------------------------
-- A question is [[{"text": "…", "prefix": true, "not": true}, …], …]: any of these lists, all of a
-- list's terms. What has stop words only asks nothing.

CREATE FUNCTION spotlist_data.speech_dense_query(run text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN length(run) = 1 THEN (format('''%s'':*', run))::tsquery
        ELSE (SELECT string_agg(format('''%s''', substr(run, i, 2)), ' <-> ' ORDER BY i)::tsquery
              FROM generate_series(1, length(run) - 1) i) END;
COMMENT ON FUNCTION spotlist_data.speech_dense_query IS 'The question for a run of characters that is searched by pairs.';

CREATE FUNCTION spotlist_data.speech_term(config text, t text, prefix boolean) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    clean text := normalize(t, NFKC);
    words text := btrim(regexp_replace(clean, spotlist_data.speech_dense(), ' ', 'g'));
    asked tsquery := phraseto_tsquery(config::regconfig, words);
    run text;
BEGIN
    IF prefix AND words <> '' THEN
        -- The text search parser takes what is quoted as it is.
        asked := to_tsquery(config::regconfig, '''' || replace(replace(words, '\', ' '), '''', ' ') || ''':*');
    END IF;
    FOR run IN SELECT m[1] FROM regexp_matches(clean, spotlist_data.speech_dense(), 'g') m LOOP
        asked := asked && spotlist_data.speech_dense_query(run);
    END LOOP;
    RETURN asked;
END $$;
COMMENT ON FUNCTION spotlist_data.speech_term IS 'The question for a word or phrase; empty when it has stop words only.';

CREATE FUNCTION spotlist_data.speech_query(config text, terms jsonb) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    whole tsquery := ''::tsquery;
    list jsonb;
    term jsonb;
    positive tsquery;
    negative tsquery;
    one tsquery;
BEGIN
    FOR list IN SELECT * FROM jsonb_array_elements(terms) LOOP
        positive := ''::tsquery;
        negative := ''::tsquery;
        FOR term IN SELECT * FROM jsonb_array_elements(list) LOOP
            one := spotlist_data.speech_term(config, term ->> 'text', (term -> 'prefix')::boolean);
            IF (term -> 'not')::boolean THEN
                negative := negative || one;
            ELSE
                positive := positive && one;
            END IF;
        END LOOP;
        IF numnode(positive) > 0 AND numnode(negative) > 0 THEN
            positive := positive && !!negative;
        END IF;
        IF numnode(positive) > 0 THEN
            whole := whole || positive;
        END IF;
    END LOOP;
    RETURN whole;
END $$;
COMMENT ON FUNCTION spotlist_data.speech_query IS 'A question as one configuration understands it; empty when nothing is left of it.';

-- PostgreSQL tells of every stop word; nobody reads that.
CREATE FUNCTION spotlist_data.speech_question(terms jsonb) RETURNS tsquery
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET client_min_messages = warning AS $$
DECLARE
    whole tsquery := ''::tsquery;
    one tsquery;
    c text;
BEGIN
    FOR c IN SELECT config FROM spotlist_data.speech_configs ORDER BY config LOOP
        one := spotlist_data.speech_query(c, terms);
        IF numnode(one) > 0 THEN
            whole := whole || (format('''=%s''', c)::tsquery && one);
        END IF;
    END LOOP;
    RETURN nullif(whole, ''::tsquery);
END $$;
COMMENT ON FUNCTION spotlist_data.speech_question IS 'A question to the segments of all languages; null when nothing is left of it.';

-- What is to be marked in an answer: each word that is wanted, of phrases too.
CREATE FUNCTION spotlist_data.speech_marks(config text, terms jsonb) RETURNS tsquery
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET client_min_messages = warning AS $$
BEGIN
    RETURN regexp_replace(spotlist_data.speech_query(config, (
        SELECT jsonb_agg(jsonb_build_array(term))
        FROM jsonb_array_elements(terms) list, jsonb_array_elements(list) term
        WHERE NOT (term -> 'not')::boolean))::text, '<(-|\d+)>', '|', 'g')::tsquery;
END $$;
COMMENT ON FUNCTION spotlist_data.speech_marks IS 'A question whose words are marked in a text.';

CREATE FUNCTION spotlist_data.speech_runs(terms jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN coalesce((
        SELECT array_agg(DISTINCT m[1])
        FROM jsonb_array_elements(terms) list, jsonb_array_elements(list) term,
            regexp_matches(normalize(term ->> 'text', NFKC), spotlist_data.speech_dense(), 'g') m
        WHERE NOT (term -> 'not')::boolean), '{}');
COMMENT ON FUNCTION spotlist_data.speech_runs IS 'What is to be marked in scripts that are searched by pairs of characters.';

CREATE FUNCTION spotlist_data.speech_said(config text, word text, marks tsquery, runs text[]) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_tsvector(config::regconfig, word) @@ marks OR EXISTS (
        SELECT FROM unnest(runs) run
        WHERE position(run IN word) > 0 OR (word ~ spotlist_data.speech_dense() AND position(word IN run) > 0));
COMMENT ON FUNCTION spotlist_data.speech_said IS 'Whether a word is one of those that are marked.';

-- Marks are control characters while the text is worked on; none is in what Transcribe writes, and
-- none is taken from it.
CREATE FUNCTION spotlist_data.speech_snippet(config text, t text, marks tsquery, runs text[]) RETURNS json
    LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    marked text := ts_headline(config::regconfig, translate(t, E'\u0002\u0003', ''), marks,
        E'HighlightAll=true, StartSel="\u0002", StopSel="\u0003"');
    run text;
BEGIN
    FOREACH run IN ARRAY runs LOOP
        marked := replace(marked, run, E'\u0002' || run || E'\u0003');
    END LOOP;
    RETURN (
        SELECT json_agg(CASE WHEN p.match THEN json_build_object('text', p.piece, 'match', true)
                ELSE json_build_object('text', p.piece) END ORDER BY n, p.match DESC)
        FROM string_to_table(marked, E'\u0002') WITH ORDINALITY AS f (part, n),
            LATERAL (VALUES
                (position(E'\u0003' IN part) > 0, split_part(part, E'\u0003', 1)),
                (false, replace(substr(part, nullif(position(E'\u0003' IN part), 0) + 1), E'\u0003', '')))
                p (match, piece)
        WHERE p.piece <> '');
END $$;
COMMENT ON FUNCTION spotlist_data.speech_snippet IS 'A text in pieces, those that a question asked for marked.';
