/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations: what is registered in spotlist_data.migrations against what the build embedded.
 * Entry points: sl_migrate(), and sl_schema_applied() for the check at connect. Any thread. */

#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "mem.h"
#include "migrate.h"
#include "pg_private.h"
#include "text.h"

/* The key is "spotlist" in ASCII; the end of the transaction releases it. Other runners are waited
 * for as long as they take, but a table's lock only so long: all its readers queue behind us. */
static const char lock_sql[] = "SELECT pg_advisory_xact_lock(x'73706f746c697374'::bigint);"
			       "SELECT set_config('lock_timeout', '30s', true)"
			       " WHERE current_setting('lock_timeout') = '0'";

static const char registry_sql[] =
	/* Not IF NOT EXISTS: that asks for a privilege even where an administrator made it. */
	"DO $$ BEGIN IF to_regnamespace('spotlist_data') IS NULL THEN"
	" CREATE SCHEMA spotlist_data;"
	" COMMENT ON SCHEMA spotlist_data IS 'Tables of spotlist; private to it.';"
	"END IF; END $$;"
	"CREATE TABLE spotlist_data.migrations ("
	" number integer PRIMARY KEY CHECK (number > 0),"
	" name text NOT NULL UNIQUE,"
	" sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),"
	" applied_at timestamptz NOT NULL DEFAULT clock_timestamp());"
	"COMMENT ON TABLE spotlist_data.migrations IS"
	" 'Migrations applied to this database, by spotlist migrate.';"
	"COMMENT ON COLUMN spotlist_data.migrations.number IS"
	" 'Order of application, from 1 without gaps.';"
	"COMMENT ON COLUMN spotlist_data.migrations.name IS"
	" 'File name in migrations/ without .sql.';"
	"COMMENT ON COLUMN spotlist_data.migrations.sha256 IS"
	" 'SHA-256 of the file that was applied, in lower-case hex.';"
	"COMMENT ON COLUMN spotlist_data.migrations.applied_at IS"
	" 'When it was applied.';";

static enum sl_err execute(PGconn *conn, const char *sql, const char *what, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_clearp)
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		return sl_pg_result_error(conn, result, what, reterr);
	}
	return SL_ERR_OK;
}

static enum sl_err registry_exists(
	PGconn *conn, const struct sl_pg_patience *patience, bool *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_clearp)
	PGresult *result = sl_pg_issue(
		conn, "SELECT to_regclass('spotlist_data.migrations') IS NOT NULL", patience);
	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		return sl_pg_result_error(conn, result, "migrations", reterr);
	}
	*ret = PQgetvalue(result, 0, 0)[0] == 't';
	return SL_ERR_OK;
}

static enum sl_err check_registered(const PGresult *result, int row, struct sl_error *reterr)
{
	const char *name = PQgetvalue(result, row, 0);
	if (row >= sl_sql_catalogue.migration_count) {
		return sl_error_set(reterr, SL_ERR_SCHEMA_OUTDATED,
			"the database has migration %s, which is newer than this program: install "
			"the spotlist that brought it",
			name);
	}
	const struct sl_migration *known = &sl_sql_catalogue.migrations[row];
	/* The number is the beginning of the name. */
	if (strcmp(name, known->name) != 0) {
		return sl_error_set(reterr, SL_ERR_SCHEMA_OUTDATED,
			"the database has migration %s where this program has %s", name,
			known->name);
	}
	if (strcmp(PQgetvalue(result, row, 1), known->sha256) != 0) {
		return sl_error_set(reterr, SL_ERR_SCHEMA_OUTDATED,
			"migration %s was applied with another text than this program has", name);
	}
	return SL_ERR_OK;
}

enum sl_err sl_schema_applied(
	PGconn *conn, const struct sl_pg_patience *patience, int *ret, struct sl_error *reterr)
{
	bool exists = false;
	enum sl_err err = registry_exists(conn, patience, &exists, reterr);
	if (err) {
		return err;
	}
	if (!exists) {
		*ret = 0;
		return SL_ERR_OK;
	}
	SL_AUTO(sl_pg_clearp)
	PGresult *result = sl_pg_issue(conn,
		"SELECT name, sha256 FROM spotlist_data.migrations ORDER BY number", patience);
	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		return sl_pg_result_error(conn, result, "migrations", reterr);
	}
	const int count = PQntuples(result);
	for (int row = 0; row < count; row++) {
		err = check_registered(result, row, reterr);
		if (err) {
			return err;
		}
	}
	*ret = count;
	return SL_ERR_OK;
}

static enum sl_err apply(
	PGconn *conn, const struct sl_migration *migration, struct sl_error *reterr)
{
	enum sl_err err = execute(conn, migration->text, migration->name, reterr);
	if (err) {
		return err;
	}
	if (PQtransactionStatus(conn) != PQTRANS_INTRANS) {
		return sl_error_set(reterr, SL_ERR_DATABASE,
			"migration %s ended the transaction it runs in", migration->name);
	}
	SL_AUTO(sl_freep)
	char *number = sl_asprintf("%d", migration->number);
	const char *values[] = {number, migration->name, migration->sha256};
	SL_AUTO(sl_pg_clearp)
	PGresult *result = PQexecParams(conn,
		"INSERT INTO spotlist_data.migrations (number, name, sha256)"
		" VALUES ($1::integer, $2, $3)",
		3, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		return sl_pg_result_error(conn, result, migration->name, reterr);
	}
	return SL_ERR_OK;
}

/* Inside a transaction: waits for the others, looks what is missing and applies one of it.
 * `ret_applied` is NULL when nothing was missing. */
static enum sl_err apply_next(
	PGconn *conn, const struct sl_migration **ret_applied, struct sl_error *reterr)
{
	enum sl_err err = execute(conn, lock_sql, "migrations: lock", reterr);
	if (err) {
		return err;
	}
	bool exists = false;
	err = registry_exists(conn, NULL, &exists, reterr);
	if (!err && !exists) {
		err = execute(conn, registry_sql, "migrations: registry", reterr);
	}
	int applied = 0;
	if (!err) {
		err = sl_schema_applied(conn, NULL, &applied, reterr);
	}
	if (err) {
		return err;
	}
	const struct sl_migration *next = NULL;
	if (applied < sl_sql_catalogue.migration_count) {
		next = &sl_sql_catalogue.migrations[applied];
		err = apply(conn, next, reterr);
		if (err) {
			return err;
		}
	}
	*ret_applied = next;
	return SL_ERR_OK;
}

enum sl_err sl_migrate(const char *conninfo, void (*on_applied)(void *context, const char *name),
	void *context, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_closep)
	PGconn *conn = NULL;
	enum sl_err err = sl_pg_open(conninfo, "spotlist-migrate", SL_PG_MIGRATE, &conn, reterr);
	if (err) {
		return err;
	}
	const struct sl_migration *applied = NULL;
	do {
		/* A failure closes the connection, which rolls back. The registry is read after
		 * the lock, so each statement must see what others have committed meanwhile. */
		err = execute(conn, "BEGIN ISOLATION LEVEL READ COMMITTED", "migrations", reterr);
		if (!err) {
			err = apply_next(conn, &applied, reterr);
		}
		if (!err) {
			err = execute(conn, "COMMIT", "migrations", reterr);
		}
		if (err) {
			return err;
		}
		if (applied && on_applied) {
			on_applied(context, applied->name);
		}
	} while (applied);
	return SL_ERR_OK;
}
