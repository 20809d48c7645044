-- Serialises admission at a gate until the end of the transaction.
-- $1: gate
SELECT pg_advisory_xact_lock(hashtextextended('spotlist gate ' || $1, 0))
