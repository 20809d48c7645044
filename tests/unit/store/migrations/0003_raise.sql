-- Any error on demand.
CREATE FUNCTION spotlist_data.raise_error(state text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'about to fail; with %', state;
    RAISE EXCEPTION 'made to fail' USING ERRCODE = state, DETAIL = 'secret row';
END
$$;
