-- The server process of this connection.
SELECT pg_backend_pid()::bigint AS pid
