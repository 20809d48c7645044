-- What a sentence is ranked by: the question without the lexemes that name a configuration. These have
-- no place in a sentence, so by them one word had no weight at all, however often it was said.

-- What all languages read alike is ranked by one question, in which nearness counts.
CREATE FUNCTION spotlist_data.speech_reading(terms jsonb, OUT asked tsquery, OUT ranked tsquery)
    LANGUAGE sql STABLE PARALLEL SAFE SET client_min_messages = warning AS $$
    SELECT string_agg(format('( ''=%s'' & ( %s ) )', config, one), ' | ' ORDER BY config)::tsquery,
        string_agg(DISTINCT format('( %s )', one), ' | ')::tsquery
    FROM (SELECT config, spotlist_data.speech_query(config, terms) AS one
          FROM spotlist_data.speech_configs) c
    WHERE numnode(one) > 0
$$;
COMMENT ON FUNCTION spotlist_data.speech_reading IS 'A question to the segments of all languages, and what they are ranked by; null when nothing is left of it.';

-- Programs from before this migration ask by this name.
CREATE OR REPLACE FUNCTION spotlist_data.speech_question(terms jsonb) RETURNS tsquery
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (spotlist_data.speech_reading(terms)).asked;
