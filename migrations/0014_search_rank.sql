-- What a sentence is ranked by: the question without the lexemes that name a configuration. These have
-- no place in a sentence, so by them one word had no weight at all, however often it was said.

CREATE FUNCTION spotlist_data.speech_ranking(terms jsonb) RETURNS tsquery
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET client_min_messages = warning AS $$
DECLARE
    readings tsquery[] := '{}';
    whole tsquery := ''::tsquery;
    one tsquery;
    c text;
BEGIN
    FOR c IN SELECT config FROM spotlist_data.speech_configs ORDER BY config LOOP
        one := spotlist_data.speech_query(c, terms);
        -- What all languages read alike stays one question, in which nearness counts.
        IF numnode(one) > 0 AND one <> ALL (readings) THEN
            readings := array_append(readings, one);
            whole := whole || one;
        END IF;
    END LOOP;
    RETURN nullif(whole, ''::tsquery);
END $$;
COMMENT ON FUNCTION spotlist_data.speech_ranking IS 'What the segments that a question finds are ranked by.';
