-- For spotlist doctor: the server, its clock, and with which of our tables this role may not work.
SELECT current_setting('server_version') AS version,
       current_user AS role,
       current_database() AS database,
       (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS read_only,
       current_setting('max_connections')::bigint
           - current_setting('superuser_reserved_connections')::bigint AS connections,
       (SELECT string_agg(c.relname, ', ' ORDER BY c.relname)
        FROM pg_class c
        WHERE c.relnamespace = 'spotlist_data'::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT (has_table_privilege(c.oid, 'SELECT')
                   AND (c.relname = 'migrations'
                        OR has_table_privilege(c.oid, 'INSERT')
                           AND has_table_privilege(c.oid, 'UPDATE')
                           AND has_table_privilege(c.oid, 'DELETE')))) AS lacking
