-- Ends the session that runs it.
SELECT pg_terminate_backend(pg_backend_pid())
