/* SPDX-License-Identifier: Apache-2.0 */
/* Running a prepared statement, and the one place that decides whether a statement whose
 * connection broke is run again: sl_pg_run(), sl_pg_command(), sl_pg_ping().
 * On the thread that owns the connection. */

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "pg_private.h"
#include "text.h"

#define PING_TIMEOUT_MS 2000

struct sl_pg_param sl_pg_param_i64(int64_t number)
{
	struct sl_pg_param param = {.is_number = true};
	(void)snprintf(param.number, sizeof(param.number), "%lld", (long long)number);
	return param;
}

struct sl_pg_param sl_pg_param_f64(double number)
{
	struct sl_pg_param param = {.is_number = true};
	if (isnan(number)) {
		/* printf may write "-nan", which PostgreSQL does not read. */
		(void)snprintf(param.number, sizeof(param.number), "NaN");
	} else {
		/* 17 digits: every double comes back as it was. */
		(void)snprintf(param.number, sizeof(param.number), "%.17g", number);
	}
	return param;
}

/* Either a prepared statement with its values, or SQL text of ours. */
struct call {
	const char *what;                     /* for errors: the statement's name */
	const char *sql;                      /* NULL: prepared */
	const struct sl_sql_statement *known; /* what is prepared */
	const char *const *values;
	int count;
};

static bool succeeded(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
		SL_BUG("COPY as a statement: sl_pg_copy_begin() is for that");
	}
	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

static PGresult *issue(struct sl_pg *pg, const struct call *call, bool *ret_in_time)
{
	PGconn *conn = pg->conn;
	int sent = call->sql
		? PQsendQuery(conn, call->sql)
		: PQsendQueryPrepared(conn, call->what, call->count, call->values, NULL, NULL, 0);
	*ret_in_time = true;
	return sent == 1 ? sl_pg_await_results(conn, &pg->patience, ret_in_time) : NULL;
}

/* The server was asked to end the session and did so before it committed the statement. After a
 * crash (57P02) or a silent end of the connection nobody knows, so those are not run again. */
static bool surely_not_run(const PGresult *result)
{
	const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	return sqlstate && (strcmp(sqlstate, "57P01") == 0 || strcmp(sqlstate, "57P05") == 0);
}

/* On success hands over the result. */
static enum sl_err perform(
	struct sl_pg *pg, const struct call *call, PGresult **ret, struct sl_error *reterr)
{
	if (pg->copy_target) {
		SL_BUG("a statement while COPY is under way");
	}
	for (bool again = false;; again = true) {
		enum sl_err err = sl_pg_ready(pg, reterr);
		if (err) {
			return err;
		}
		bool lost_before = false;
		err = call->known ? sl_pg_prepare(pg, call->known, &lost_before, reterr)
				  : SL_ERR_OK;
		if (err && lost_before && !pg->tx && !again) {
			continue;
		}
		if (err) {
			return err;
		}
		bool in_time;
		SL_AUTO(sl_pg_clearp)
		PGresult *result = issue(pg, call, &in_time);
		if (!in_time) {
			pg->silent = true;
			sl_pg_drop(pg);
			return sl_pg_hung(call->what, reterr);
		}
		if (succeeded(result)) {
			*ret = sl_take(&result);
			return SL_ERR_OK;
		}
		bool lost = PQstatus(pg->conn) != CONNECTION_OK;
		if (lost && !pg->tx && !again && surely_not_run(result)) {
			continue;
		}
		err = sl_pg_result_error(pg->conn, result, call->what, reterr);
		const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
		if (sqlstate && strcmp(sqlstate, "25006") == 0) {
			pg->stale = true;
		}
		return err;
	}
}

static enum sl_err perform_noting(
	struct sl_pg *pg, const struct call *call, PGresult **ret, struct sl_error *reterr)
{
	enum sl_err err = perform(pg, call, ret, reterr);
	if (err && pg->tx && !pg->tx_failure) {
		pg->tx_failure = err;
	}
	return err;
}

static int row_count(PGresult *result)
{
	int64_t affected = 0; /* stays so for statements that touch no rows: "" */
	if (PQresultStatus(result) == PGRES_TUPLES_OK) {
		return PQntuples(result);
	}
	return sl_text_parse_i64(PQcmdTuples(result), 0, INT_MAX, &affected) ? (int)affected : 0;
}

const struct sl_sql_statement *sl_pg_bind(enum sl_sql statement, const struct sl_pg_param *params,
	int count, const char *ret_values[static SL_SQL_PARAMS_MAX])
{
	if ((int)statement < 0 || (int)statement >= sl_sql_catalogue.statement_count) {
		SL_BUG("no such statement");
	}
	const struct sl_sql_statement *known = &sl_sql_catalogue.statements[statement];
	if (count != known->params || count > SL_SQL_PARAMS_MAX) {
		SL_BUG("wrong number of parameters for a statement");
	}
	for (int i = 0; i < count; i++) {
		ret_values[i] = params[i].is_number ? params[i].number : params[i].text;
	}
	return known;
}

enum sl_err sl_pg_run(struct sl_pg *pg, enum sl_sql statement, const struct sl_pg_param *params,
	int count, struct sl_pg_rows *rows, struct sl_error *reterr)
{
	const char *values[SL_SQL_PARAMS_MAX];
	const struct sl_sql_statement *known = sl_pg_bind(statement, params, count, values);
	const struct call call = {
		.what = known->name, .known = known, .values = values, .count = count};
	SL_AUTO(sl_pg_clearp)
	PGresult *result = NULL;
	enum sl_err err = perform_noting(pg, &call, &result, reterr);
	if (err || !rows) {
		return err;
	}
	sl_pg_rows_finish(rows);
	rows->count = row_count(result);
	rows->result = sl_take(&result);
	return SL_ERR_OK;
}

enum sl_err sl_pg_command(
	struct sl_pg *pg, const char *sql, const char *what, struct sl_error *reterr)
{
	const struct call call = {.what = what, .sql = sql};
	SL_AUTO(sl_pg_clearp)
	PGresult *result = NULL;
	return perform_noting(pg, &call, &result, reterr);
}

/* Not sl_pg_command(): whoever asks whether the server is well wants to know soon. */
enum sl_err sl_pg_ping(struct sl_pg *pg, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_ready(pg, reterr);
	if (err) {
		return err;
	}
	struct sl_pg_patience patience = pg->patience;
	patience.timeout_ms = PING_TIMEOUT_MS;
	bool in_time = true;
	SL_AUTO(sl_pg_clearp)
	PGresult *result = PQsendQuery(pg->conn, "SELECT 1") == 1
		? sl_pg_await_results(pg->conn, &patience, &in_time)
		: NULL;
	if (succeeded(result)) {
		return SL_ERR_OK;
	}
	pg->silent = !in_time;
	err = in_time ? sl_pg_result_error(pg->conn, result, "ping", reterr)
		      : sl_pg_hung("ping", reterr);
	sl_pg_drop(pg);
	return err;
}
