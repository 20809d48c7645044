-- Serialises, until the end of the transaction, what is decided about one object.
-- $1: bucket and key
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))
