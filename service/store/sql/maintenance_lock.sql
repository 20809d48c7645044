-- Whether this process is the one that looks after the tables now; until the transaction's end.
SELECT pg_try_advisory_xact_lock(hashtextextended('spotlist maintenance', 0)) AS mine
