/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PG_PRIVATE_H
#define SL_PG_PRIVATE_H

/* What the files of store/ share. Nothing outside store/ includes this or libpq. */

#include <libpq-fe.h>
#include <stdatomic.h>

#include "buf.h"
#include "catalogue.h"
#include "pg.h"

/* How long to wait for a server that may hang: a stopped process or a lost network cannot keep the
 * statement_timeout that they were given. */
struct sl_pg_patience {
	int64_t timeout_ms;         /* 0: no bound */
	const atomic_bool *is_hung; /* somebody else found out that waiting is vain; or NULL */
};

struct sl_pg {
	PGconn *conn;   /* NULL: lost; the next use outside a transaction connects again */
	bool *prepared; /* by statement; of this connection */
	char *conninfo;
	char *application;
	const char *tx;          /* name of the open transaction, borrowed; NULL: none */
	enum sl_err tx_failure;  /* first failed statement of the open transaction */
	bool stale;              /* the server became read-only: leave it when that is possible */
	const char *copy_target; /* of the COPY under way, borrowed; NULL: none */
	int copy_columns;        /* of its first row; 0: no row yet */
	bool copy_made;          /* its rows come from row.c */
	struct sl_buf copy;
	struct sl_pg_patience patience; /* the timeout is set at connect */
	bool silent;                    /* the last use got no answer in time */
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

/** Prepares the statement unless that was done; the connection is ready. When it is `ret_lost`, the
 *  statement surely was not run. */
SL_MUST_CHECK enum sl_err sl_pg_prepare(struct sl_pg *pg, const struct sl_sql_statement *known,
	bool *ret_lost, struct sl_error *reterr);

/** Closes the connection; the next use connects again. */
void sl_pg_drop(struct sl_pg *pg);

/** Runs SQL text of ours like sl_pg_run() does a statement. `what` names it in errors. */
SL_MUST_CHECK enum sl_err sl_pg_command(
	struct sl_pg *pg, const char *sql, const char *what, struct sl_error *reterr);

/** The statement, and its values as libpq takes them; a wrong number of them is SL_BUG. */
const struct sl_sql_statement *sl_pg_bind(enum sl_sql statement, const struct sl_pg_param *params,
	int count, const char *ret_values[static SL_SQL_PARAMS_MAX]);

/** Sends what is still to be sent and waits until a result is there or the connection has broken.
 *  False when patience ends first: the connection is of no further use then. */
SL_MUST_CHECK bool sl_pg_await(PGconn *conn, const struct sl_pg_patience *patience);

/** Sends everything that is still to be sent. False like sl_pg_await(), or when it cannot be. */
SL_MUST_CHECK bool sl_pg_flush(PGconn *conn, const struct sl_pg_patience *patience);

/** PQexec() with bounded waits: the first failure, else the last result; NULL when nothing came or
 *  patience ended. `patience` may be NULL: no bound. */
PGresult *sl_pg_issue(PGconn *conn, const char *sql, const struct sl_pg_patience *patience);

/** The results of what was sent, as sl_pg_issue() tells them. `*ret_in_time` may be NULL. */
PGresult *sl_pg_await_results(
	PGconn *conn, const struct sl_pg_patience *patience, bool *ret_in_time);

/** DATABASE_UNAVAILABLE: `what` got no answer. */
enum sl_err sl_pg_hung(const char *what, struct sl_error *reterr);

/** Turns a failed result (NULL: none came) into an error that names `what`. */
enum sl_err sl_pg_result_error(
	PGconn *conn, const PGresult *result, const char *what, struct sl_error *reterr);

/** Ends a COPY that is not wanted any more. */
void sl_pg_copy_abort(struct sl_pg *pg);

/** Compares spotlist_data.migrations with the catalogue. SCHEMA_OUTDATED when what is registered
 *  is not the beginning of what this binary has; else how many are applied. */
SL_MUST_CHECK enum sl_err sl_schema_applied(
	PGconn *conn, const struct sl_pg_patience *patience, int *ret, struct sl_error *reterr);

/** "Full jitter": a random time in [0, min(cap, base * 2^attempt)]; attempt counts from 0. */
int64_t sl_pg_backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms);

/* --- watching the server, for the pool ------------------------------------------------------ */

struct sl_pg_watch;

/** Looks once, on the calling thread, and then goes on on a thread of its own. CONFIG when the
 *  conninfo cannot be read or the server is none for us; a server that is not there is no error. */
SL_MUST_CHECK enum sl_err sl_pg_watch_create(
	const char *conninfo, struct sl_pg_watch **ret, struct sl_error *reterr);
void sl_pg_watch_destroy(struct sl_pg_watch *watch);
/** What the last look found: OK, or why the database cannot be used. Never waits. */
enum sl_err sl_pg_watch_state(struct sl_pg_watch *watch, struct sl_error *reterr);
/** True while the server takes connections or statements and does not answer. */
const atomic_bool *sl_pg_watch_hung(const struct sl_pg_watch *watch);

/** Cleanup for SL_AUTO(sl_pg_clearp) PGresult *result. */
void sl_pg_clearp(PGresult **result);

/** Cleanup for SL_AUTO(sl_pg_closep) PGconn *conn. */
void sl_pg_closep(PGconn **conn);

#endif
