-- Fails.
-- $1: SQLSTATE
SELECT spotlist_data.raise_error($1)
