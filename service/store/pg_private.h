/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PG_PRIVATE_H
#define SL_PG_PRIVATE_H

/* What the files of store/ share. Nothing outside store/ includes this or libpq. */

#include <libpq-fe.h>

#include "buf.h"
#include "catalogue.h"
#include "pg.h"

struct sl_pg {
	PGconn *conn; /* NULL: lost; the next use outside a transaction connects again */
	char *conninfo;
	char *application;
	const char *tx;          /* name of the open transaction, borrowed; NULL: none */
	enum sl_err tx_failure;  /* first failed statement of the open transaction */
	bool stale;              /* the server became read-only: leave it when that is possible */
	const char *copy_target; /* of the COPY under way, borrowed; NULL: none */
	int copy_columns;        /* of its first row; 0: no row yet */
	bool copy_made;          /* its rows come from row.c */
	struct sl_buf copy;
};

enum sl_pg_profile {
	SL_PG_SERVE,   /* short statements: bounded waiting for everything */
	SL_PG_MIGRATE, /* statements may take as long as they need */
};

/** A connection with our settings, nothing prepared. CONFIG when the conninfo cannot be read or
 *  the server is none we can work with, else DATABASE_UNAVAILABLE. */
SL_MUST_CHECK enum sl_err sl_pg_open(const char *conninfo, const char *application,
	enum sl_pg_profile profile, PGconn **ret, struct sl_error *reterr);

/** Makes sure that the connection lives, connecting again unless a transaction is open. */
SL_MUST_CHECK enum sl_err sl_pg_ready(struct sl_pg *pg, struct sl_error *reterr);

/** Closes the connection; the next use connects again. */
void sl_pg_drop(struct sl_pg *pg);

/** Runs SQL text of ours like sl_pg_run() does a statement. `what` names it in errors. */
SL_MUST_CHECK enum sl_err sl_pg_command(
	struct sl_pg *pg, const char *sql, const char *what, struct sl_error *reterr);

/** The statement, and its values as libpq takes them; a wrong number of them is SL_BUG. */
const struct sl_sql_statement *sl_pg_bind(enum sl_sql statement, const struct sl_pg_param *params,
	int count, const char *ret_values[static SL_SQL_PARAMS_MAX]);

/** Turns a failed result (NULL: none came) into an error that names `what`. */
enum sl_err sl_pg_result_error(
	PGconn *conn, const PGresult *result, const char *what, struct sl_error *reterr);

/** Ends a COPY that is not wanted any more. */
void sl_pg_copy_abort(struct sl_pg *pg);

/** Compares spotlist_data.migrations with the catalogue. SCHEMA_OUTDATED when what is registered
 *  is not the beginning of what this binary has; else how many are applied. */
SL_MUST_CHECK enum sl_err sl_schema_applied(PGconn *conn, int *ret, struct sl_error *reterr);

/** "Full jitter": a random time in [0, min(cap, base * 2^attempt)]; attempt counts from 0. */
int64_t sl_pg_backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms);

/** Cleanup for SL_AUTO(sl_pg_clearp) PGresult *result. */
void sl_pg_clearp(PGresult **result);

/** Cleanup for SL_AUTO(sl_pg_closep) PGconn *conn. */
void sl_pg_closep(PGconn **conn);

#endif
