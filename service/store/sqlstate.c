/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong at the server, as one of our errors: sl_pg_result_error(). Any thread. */

#include <string.h>

#include "pg_private.h"

static const struct {
	const char *prefix; /* of the SQLSTATE; the first that fits counts */
	enum sl_err err;
	const char *advice; /* or NULL */
} sqlstates[] = {
	{"40001", SL_ERR_DATABASE_CONFLICT, NULL}, /* serialization_failure */
	{"40P01", SL_ERR_DATABASE_CONFLICT, NULL}, /* deadlock_detected */
	{"08", SL_ERR_DATABASE_UNAVAILABLE, NULL}, /* connection exceptions */
	/* shutting down, starting up, terminated */
	{"57P", SL_ERR_DATABASE_UNAVAILABLE, NULL},
	/* The statement is fine and may work later, so work must wait and not be given up: */
	{"53100", SL_ERR_DATABASE_UNAVAILABLE, "make room on the disk of PostgreSQL"},
	{"53300", SL_ERR_DATABASE_UNAVAILABLE,
		"raise max_connections of PostgreSQL, or have fewer workers and HTTP threads"},
	{"53", SL_ERR_DATABASE_UNAVAILABLE, "PostgreSQL needs more of it"}, /* out of memory, … */
	{"58", SL_ERR_DATABASE_UNAVAILABLE, "look at the disk of PostgreSQL"},
	/* query_canceled: statement_timeout; lock_not_available: lock_timeout */
	{"57014", SL_ERR_DATABASE_UNAVAILABLE, "look in pg_stat_activity for what slows it"},
	{"55P03", SL_ERR_DATABASE_UNAVAILABLE, "look in pg_stat_activity for who holds it"},
	/* a primary that was demoted */
	{"25006", SL_ERR_DATABASE_UNAVAILABLE, "SPOTLIST_DATABASE_URL must lead to the primary"},
	{"42501", SL_ERR_DATABASE, "grant the privilege to the user of SPOTLIST_DATABASE_URL"},
};

static enum sl_err classify(const char *sqlstate, const char **ret_advice)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(sqlstates); i++) {
		if (strncmp(sqlstate, sqlstates[i].prefix, strlen(sqlstates[i].prefix)) == 0) {
			*ret_advice = sqlstates[i].advice;
			return sqlstates[i].err;
		}
	}
	*ret_advice = NULL;
	return SL_ERR_DATABASE;
}

/* libpq's own messages end in a line feed and may have several lines: errors are one sentence. */
static void add_first_line(struct sl_buf *out, const char *message)
{
	size_t len = strcspn(message, "\n");
	sl_buf_add(out, message, len);
}

enum sl_err sl_pg_result_error(
	PGconn *conn, const PGresult *result, const char *what, struct sl_error *reterr)
{
	if (!result && PQtransactionStatus(conn) == PQTRANS_ACTIVE) {
		return sl_pg_hung(what, reterr);
	}
	const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	SL_AUTO(sl_buf_finish)
	struct sl_buf message = SL_BUF_INIT;
	if (sqlstate) {
		const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
		sl_buf_printf(&message, "SQLSTATE %s: %s", sqlstate, primary ? primary : "");
		/* Not the server's DETAIL: it quotes the row. */
		if (constraint) {
			sl_buf_printf(&message, " (constraint %s)", constraint);
		}
		const char *advice;
		enum sl_err err = classify(sqlstate, &advice);
		return sl_error_set(reterr, err, "%s: %s%s%s", what, sl_buf_str(&message),
			advice ? ": " : "", advice ? advice : "");
	}
	add_first_line(&message, result ? PQresultErrorMessage(result) : PQerrorMessage(conn));
	enum sl_err err =
		PQstatus(conn) == CONNECTION_OK ? SL_ERR_DATABASE : SL_ERR_DATABASE_UNAVAILABLE;
	return sl_error_set(reterr, err, "%s: %s", what,
		message.len > 0 ? sl_buf_str(&message) : "the connection was lost");
}
