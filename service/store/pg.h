/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PG_H
#define SL_PG_H

/*
 * PostgreSQL: the only box that knows libpq. One statement per file in sql/, named by its stem,
 * embedded by the build and prepared at its first use; a missing migration fails the connect. One
 * struct sl_pg is one connection and belongs to one thread at a time.
 */

#include <stdbool.h>

#include "defs.h"
#include "err.h"
#include "sql.h" /* enum sl_sql: one SL_SQL_<stem> per statement, generated */

struct sl_pg;

/* A parameter, sent as text; NULL text is SQL NULL. Build with the macros. */
struct sl_pg_param {
	const char *text;
	char number[32];
	bool is_number;
};
/* clang-format off */
#define SL_PG_TEXT(text_)  (struct sl_pg_param){.text = (text_)}
#define SL_PG_NULL         (struct sl_pg_param){.text = NULL}
#define SL_PG_I64(number_) sl_pg_param_i64(number_)
#define SL_PG_F64(number_) sl_pg_param_f64(number_)
#define SL_PG_BOOL(value_) (struct sl_pg_param){.text = (value_) ? "t" : "f"}
/* clang-format on */
struct sl_pg_param sl_pg_param_i64(int64_t number);
struct sl_pg_param sl_pg_param_f64(double number);

/* The rows of one statement. Zero-initialise; sl_pg_rows_finish() frees. */
struct sl_pg_rows {
	void *result; /* PGresult */
	int count;    /* rows returned; for statements without RETURNING: rows affected */
};
void sl_pg_rows_finish(struct sl_pg_rows *rows);
const char *sl_pg_text(const struct sl_pg_rows *rows, int row, const char *column); /* NULL: NULL */
int64_t sl_pg_i64(const struct sl_pg_rows *rows, int row, const char *column);      /* NULL: 0 */
double sl_pg_f64(const struct sl_pg_rows *rows, int row, const char *column);       /* NULL: 0 */
bool sl_pg_bool(const struct sl_pg_rows *rows, int row, const char *column); /* NULL: false */
bool sl_pg_null(const struct sl_pg_rows *rows, int row, const char *column);
/* An unknown column is SL_BUG. The length of a text value, for large documents: */
size_t sl_pg_text_len(const struct sl_pg_rows *rows, int row, const char *column);

/**
 * Connects, checks that the schema is exactly the one this binary was built for
 * (SCHEMA_OUTDATED) and prepares every statement. `application` shows in pg_stat_activity.
 * CONFIG: the conninfo cannot be read, or the server is none we can work with (before 14, or the
 * database is not in UTF-8). Statements end after 60 s and lock waits after 10 s unless the
 * conninfo says otherwise (options=-c…).
 */
SL_MUST_CHECK enum sl_err sl_pg_connect(
	const char *conninfo, const char *application, struct sl_pg **ret, struct sl_error *reterr);
/** The same without connecting yet: the first use does that, and its failure is the use's. Each
 *  statement is prepared when it is first run. */
struct sl_pg *sl_pg_create(const char *conninfo, const char *application);
void sl_pg_destroy(struct sl_pg *pg);
void sl_pg_destroyp(struct sl_pg **pg);

/**
 * Runs a prepared statement. A broken connection is re-established (and re-prepared) once when
 * no transaction is open, and the statement run again if it surely was not run before; when that
 * is not known, as after a crash, it is DATABASE_UNAVAILABLE and the next call connects again.
 * DATABASE_UNAVAILABLE: no connection, or the server cannot now (shutting down, out of disk or
 * connections, read-only, a timeout of the statement or of a lock, no answer for 5 s more than
 * statement_timeout); DATABASE_CONFLICT: 40001,
 * 40P01; DATABASE: anything else. The detail has SQLSTATE and the server's message, never its
 * DETAIL, which quotes rows. `rows` may be NULL; what it held is freed.
 */
SL_MUST_CHECK enum sl_err sl_pg_run(struct sl_pg *pg, enum sl_sql statement,
	const struct sl_pg_param *params, int count, struct sl_pg_rows *rows,
	struct sl_error *reterr);

/**
 * The same, a row at a time as the server sends them, so that a result of any size needs little
 * memory. `each` sees one row at index 0 and must not use the connection; its error ends the
 * statement and is returned.
 */
typedef enum sl_err sl_pg_each_fn(
	void *context, const struct sl_pg_rows *row, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_pg_each(struct sl_pg *pg, enum sl_sql statement,
	const struct sl_pg_param *params, int count, sl_pg_each_fn *each, void *context,
	struct sl_error *reterr);

/* sl_pg_exec(pg, SL_SQL_video_get, &rows, reterr, SL_PG_TEXT(id), …) */
#define sl_pg_exec(pg, statement, rows, reterr, ...) \
	sl_pg_run((pg), (statement), (const struct sl_pg_param[]){__VA_ARGS__}, \
		(int)(sizeof((const struct sl_pg_param[]){__VA_ARGS__}) / \
			sizeof(struct sl_pg_param)), \
		(rows), (reterr))

/** Work done inside a transaction; may run again, so it must not touch anything outside. */
typedef enum sl_err sl_tx_fn(struct sl_pg *pg, void *context, struct sl_error *reterr);

/** BEGIN (READ COMMITTED), `fn`, COMMIT; any error rolls back. DATABASE_CONFLICT is tried again
 *  with jitter, five times in all. `name`, a literal, is for errors and the check below. A failed
 *  statement fails the transaction even when `fn` returns OK. A COMMIT whose answer is lost is
 *  DATABASE_UNAVAILABLE: it may have happened. */
SL_MUST_CHECK enum sl_err sl_pg_tx(
	struct sl_pg *pg, const char *name, sl_tx_fn *fn, void *context, struct sl_error *reterr);

/** The name of the transaction that is open, or NULL: the server checks after each request. */
const char *sl_pg_open_tx(const struct sl_pg *pg);

/* COPY <table> (<columns>) FROM STDIN, inside a transaction. `target` is
 * "spotlist_data.words (video_id, index, …)": a literal of ours. */
SL_MUST_CHECK enum sl_err sl_pg_copy_begin(
	struct sl_pg *pg, const char *target, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_pg_copy_row(struct sl_pg *pg, const struct sl_pg_param *values,
	int count, struct sl_error *reterr); /* escapes; buffers; sends in large pieces */
SL_MUST_CHECK enum sl_err sl_pg_copy_end(struct sl_pg *pg, struct sl_error *reterr);

/* Rows made ahead of the transaction (row.h), in any pieces. */
SL_MUST_CHECK enum sl_err sl_pg_copy_begin_made(
	struct sl_pg *pg, const char *target, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_pg_copy_made(
	struct sl_pg *pg, const void *rows, size_t len, struct sl_error *reterr);

/** SELECT 1 on a fresh or existing connection, answered within 2 s. */
SL_MUST_CHECK enum sl_err sl_pg_ping(struct sl_pg *pg, struct sl_error *reterr);

/* --- a pool for the HTTP threads ---------------------------------------------------------- */

struct sl_pg_pool;

/** At most `size` connections, opened when first needed. Thread-safe. */
struct sl_pg_pool *sl_pg_pool_create(const char *conninfo, const char *application, unsigned size);
/**
 * Looks at the server now, and from here on again and again, on a thread and a connection of its
 * own. While the server is away, sl_pg_pool_take() fails at once instead of trying, and when it
 * hangs, so do statements that wait for it. CONFIG when this can never work; a server that is only
 * away is no error. Before any sl_pg_pool_take(), once.
 */
SL_MUST_CHECK enum sl_err sl_pg_pool_watch(struct sl_pg_pool *pool, struct sl_error *reterr);
/** For /readyz: what the last look found. Never waits. */
SL_MUST_CHECK enum sl_err sl_pg_pool_check(struct sl_pg_pool *pool, struct sl_error *reterr);
/** Waits up to 5 s for a free one (OVERLOADED after that). */
SL_MUST_CHECK enum sl_err sl_pg_pool_take(
	struct sl_pg_pool *pool, struct sl_pg **ret, struct sl_error *reterr);
/** An open transaction here is SL_BUG. NULL is fine. */
void sl_pg_pool_give(struct sl_pg_pool *pool, struct sl_pg *pg);
void sl_pg_pool_destroy(struct sl_pg_pool *pool);

/* --- LISTEN ------------------------------------------------------------------------------- */

struct sl_pg_listener;

/** A thread with a connection of its own that LISTENs on `channel` and calls `on_notify` for
 *  each notification, and once after each (re)connect with payload NULL, since some may have been
 *  missed. Connections, the first one too, are made by the thread, again with back-off when they
 *  are lost, which is logged. `on_notify` runs on that thread. */
SL_MUST_CHECK enum sl_err sl_pg_listener_create(const char *conninfo, const char *channel,
	void (*on_notify)(void *context, const char *payload), void *context,
	struct sl_pg_listener **ret, struct sl_error *reterr);
/** Stops the thread: at once, or when a connection attempt under way ends (5 s per host). */
void sl_pg_listener_destroy(struct sl_pg_listener *listener);

#endif
