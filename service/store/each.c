/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a statement one at a time, as they come from the server: sl_pg_each().
 * On the thread that owns the connection. */

#include "pg_private.h"

struct reading {
	const char *name; /* of the statement */
	sl_pg_each_fn *each;
	void *context;
};

static enum sl_err read_one(
	struct sl_pg *pg, const struct reading *reading, PGresult *result, struct sl_error *reterr)
{
	switch (PQresultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
		return reading->each(reading->context,
			&(const struct sl_pg_rows){.result = result, .count = 1}, reterr);
	case PGRES_TUPLES_OK: /* the end, without a row */
	case PGRES_COMMAND_OK:
		return SL_ERR_OK;
	default:
		return sl_pg_result_error(pg->conn, result, reading->name, reterr);
	}
}

/* The first failure counts. After one of `each` what is still to come is not read: the connection
 * is closed, which is seldom, and cheaper than reading on. */
static enum sl_err read_all(
	struct sl_pg *pg, const struct reading *reading, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	for (;;) {
		if (!sl_pg_await(pg->conn, &pg->patience)) {
			sl_pg_drop(pg);
			return sl_pg_hung(reading->name, reterr);
		}
		SL_AUTO(sl_pg_clearp)
		PGresult *result = PQgetResult(pg->conn);
		if (!result) {
			return err;
		}
		if (err) {
			continue;
		}
		err = read_one(pg, reading, result, reterr);
		if (err && PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
			sl_pg_drop(pg);
			return err;
		}
	}
}

enum sl_err sl_pg_each(struct sl_pg *pg, enum sl_sql statement, const struct sl_pg_param *params,
	int count, sl_pg_each_fn *each, void *context, struct sl_error *reterr)
{
	const char *values[SL_SQL_PARAMS_MAX];
	const struct sl_sql_statement *known = sl_pg_bind(statement, params, count, values);
	if (pg->copy_target) {
		SL_BUG("a statement while COPY is under way");
	}
	const struct reading reading = {known->name, each, context};
	enum sl_err err = sl_pg_ready(pg, reterr);
	bool lost = false;
	if (!err) {
		err = sl_pg_prepare(pg, known, &lost, reterr);
	}
	if (!err) {
		bool sent = PQsendQueryPrepared(
				    pg->conn, known->name, count, values, NULL, NULL, 0) == 1 &&
			PQsetSingleRowMode(pg->conn) == 1;
		err = sent ? read_all(pg, &reading, reterr)
			   : sl_pg_result_error(pg->conn, NULL, known->name, reterr);
	}
	if (err && pg->tx && !pg->tx_failure) {
		pg->tx_failure = err;
	}
	return err;
}
