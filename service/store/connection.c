/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: opened with our settings, checked against the schema; opened again when it was
 * lost. Statements are prepared at their first use: all of them take 30 ms, of each of dozens of
 * connections. Entry points: sl_pg_connect(), sl_pg_ready(), sl_pg_prepare().
 * A struct sl_pg belongs to one thread at a time; nothing here is shared between them. */

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "log.h"
#include "mem.h"
#include "pg_private.h"
#include "text.h"

#define SERVER_VERSION_MIN 140000
#define ESTABLISH_MS       10000   /* for each answer while a connection is made ready */
#define GRACE_MS           5000    /* that the server is given beyond its own timeout */
#define UNBOUNDED_MS       3600000 /* when the operator has turned that off */

/* Bounds that the operator may change with options=-c… in the conninfo; 0 is no bound. */
static const char *const profile_options[] = {
	[SL_PG_SERVE] = "-c statement_timeout=60s -c lock_timeout=10s"
			" -c idle_in_transaction_session_timeout=60s",
	[SL_PG_MIGRATE] = "-c statement_timeout=0 -c lock_timeout=0"
			  " -c idle_in_transaction_session_timeout=0",
};

/* What our reading of values relies on. */
#define FIXED_OPTIONS "-c timezone=UTC -c datestyle=ISO -c extra_float_digits=1 -c jit=off"

void sl_pg_clearp(PGresult **result)
{
	PQclear(*result);
}

void sl_pg_closep(PGconn **conn)
{
	PQfinish(*conn);
}

static void conninfo_freep(PQconninfoOption **options)
{
	PQconninfoFree(*options);
}

/* As libpq decides: anything else is the name of a database. */
static bool is_connection_string(const char *conninfo)
{
	return strncmp(conninfo, "postgresql://", 13) == 0 ||
		strncmp(conninfo, "postgres://", 11) == 0 || strchr(conninfo, '=') != NULL;
}

/* The operator's own `options`, so that ours can stand in front of them; NULL: none. */
static enum sl_err their_options(const char *conninfo, char **ret, struct sl_error *reterr)
{
	if (!is_connection_string(conninfo)) {
		*ret = sl_strdup(getenv("PGOPTIONS"));
		return SL_ERR_OK;
	}
	SL_AUTO(conninfo_freep)
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	if (!options) {
		/* libpq's message quotes what it could not read, which may be the password. */
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"the database URL is neither a postgresql:// URI nor key=value pairs");
	}
	const char *found = getenv("PGOPTIONS");
	for (const PQconninfoOption *option = options; option->keyword; option++) {
		if (option->val && strcmp(option->keyword, "options") == 0) {
			found = option->val;
		}
	}
	*ret = sl_strdup(found);
	return SL_ERR_OK;
}

static void on_notice(void *context, const PGresult *result)
{
	(void)context;
	sl_log(SL_LOG_DEBUG, "database notice",
		SL_F("notice", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)), SL_F_END);
}

static enum sl_err check_server(PGconn *conn, struct sl_error *reterr)
{
	if (PQserverVersion(conn) < SERVER_VERSION_MIN) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"the server is PostgreSQL %d: 14 or later is needed",
			PQserverVersion(conn) / 10000);
	}
	const char *encoding = PQparameterStatus(conn, "server_encoding");
	if (!encoding || strcmp(encoding, "UTF8") != 0) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"the database's encoding is %s: UTF8 is needed",
			encoding ? encoding : "unknown");
	}
	return SL_ERR_OK;
}

enum sl_err sl_pg_open(const char *conninfo, const char *application, enum sl_pg_profile profile,
	PGconn **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *theirs = NULL;
	enum sl_err err = their_options(conninfo, &theirs, reterr);
	if (err) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *options =
		sl_asprintf("%s %s " FIXED_OPTIONS, profile_options[profile], theirs ? theirs : "");
	/* Before dbname: defaults, which the conninfo overrides. After it: what must hold. */
	const struct {
		const char *keyword, *value;
	} settings[] = {
		{"connect_timeout", "5"}, /* seconds, per host */
		{"keepalives", "1"},
		{"keepalives_idle", "30"},
		{"keepalives_interval", "10"},
		{"keepalives_count", "3"},
		{"tcp_user_timeout", "20000"}, /* milliseconds */
		{"target_session_attrs", "read-write"},
		{"dbname", conninfo},
		{"application_name", application},
		{"client_encoding", "UTF8"},
		{"options", options},
		{NULL, NULL},
	};
	const char *keywords[SL_ARRAY_SIZE(settings)];
	const char *values[SL_ARRAY_SIZE(settings)];
	for (size_t i = 0; i < SL_ARRAY_SIZE(settings); i++) {
		keywords[i] = settings[i].keyword;
		values[i] = settings[i].value;
	}
	SL_AUTO(sl_pg_closep)
	PGconn *conn = PQconnectdbParams(keywords, values, 1);
	if (!conn || PQstatus(conn) != CONNECTION_OK) {
		const char *message = conn ? PQerrorMessage(conn) : "out of memory";
		return sl_error_set(reterr, SL_ERR_DATABASE_UNAVAILABLE,
			"connect: %.*s: start PostgreSQL, or correct SPOTLIST_DATABASE_URL",
			(int)strcspn(message, "\n"), message);
	}
	PQsetNoticeReceiver(conn, on_notice, NULL);
	err = check_server(conn, reterr);
	if (err) {
		return err;
	}
	*ret = sl_take(&conn);
	return SL_ERR_OK;
}

/* Pipelined: one round trip for all of them. On failure the connection is of no use. */
static enum sl_err prepare_all(
	PGconn *conn, const struct sl_pg_patience *patience, struct sl_error *reterr)
{
	const struct sl_sql_statement *statements = sl_sql_catalogue.statements;
	const int count = sl_sql_catalogue.statement_count;
	bool sent = PQenterPipelineMode(conn) == 1;
	for (int i = 0; sent && i < count; i++) {
		sent = PQsendPrepare(conn, statements[i].name, statements[i].text, 0, NULL) == 1;
	}
	if (!sent || PQpipelineSync(conn) != 1) {
		return sl_pg_result_error(conn, NULL, "prepare", reterr);
	}
	for (int i = 0; i < count; i++) {
		if (!sl_pg_await(conn, patience)) {
			return sl_pg_hung("prepare", reterr);
		}
		SL_AUTO(sl_pg_clearp)
		PGresult *result = PQgetResult(conn);
		if (PQresultStatus(result) != PGRES_COMMAND_OK) {
			return sl_pg_result_error(conn, result, statements[i].name, reterr);
		}
		PQclear(PQgetResult(conn)); /* the NULL that ends this statement's results */
	}
	if (!sl_pg_await(conn, patience)) {
		return sl_pg_hung("prepare", reterr);
	}
	SL_AUTO(sl_pg_clearp)
	PGresult *sync = PQgetResult(conn);
	if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(conn) != 1) {
		return sl_pg_result_error(conn, sync, "prepare", reterr);
	}
	return SL_ERR_OK;
}

static enum sl_err check_schema(
	PGconn *conn, const struct sl_pg_patience *patience, struct sl_error *reterr)
{
	int applied = 0;
	enum sl_err err = sl_schema_applied(conn, patience, &applied, reterr);
	if (!err && applied < sl_sql_catalogue.migration_count) {
		return sl_error_set(reterr, SL_ERR_SCHEMA_OUTDATED,
			"the database lacks migration %s: run `spotlist migrate`",
			sl_sql_catalogue.migrations[applied].name);
	}
	return err;
}

/* The server ends a statement by itself after statement_timeout, which the operator may have
 * changed; only one that hangs is given up on this side. */
static enum sl_err read_timeout(
	PGconn *conn, struct sl_pg_patience *patience, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_clearp)
	PGresult *result = sl_pg_issue(
		conn, "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'", patience);
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
		return sl_pg_result_error(conn, result, "statement_timeout", reterr);
	}
	int64_t timeout_ms = 0;
	if (!sl_text_parse_i64(PQgetvalue(result, 0, 0), 1, INT32_MAX, &timeout_ms)) {
		timeout_ms = UNBOUNDED_MS;
	}
	patience->timeout_ms = timeout_ms + GRACE_MS;
	return SL_ERR_OK;
}

static enum sl_err establish(struct sl_pg *pg, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_closep)
	PGconn *conn = NULL;
	struct sl_pg_patience patience = {ESTABLISH_MS, pg->patience.is_hung};
	enum sl_err err = sl_pg_open(pg->conninfo, pg->application, SL_PG_SERVE, &conn, reterr);
	if (!err && PQsetnonblocking(conn, 1) != 0) {
		err = sl_pg_result_error(conn, NULL, "connect", reterr);
	}
	if (!err) {
		err = check_schema(conn, &patience, reterr);
	}
	if (!err) {
		err = read_timeout(conn, &patience, reterr);
	}
	if (err) {
		return err;
	}
	pg->patience = patience;
	pg->conn = sl_take(&conn);
	pg->stale = false;
	pg->silent = false;
	memset(pg->prepared, 0, (size_t)sl_sql_catalogue.statement_count * sizeof(*pg->prepared));
	return SL_ERR_OK;
}

enum sl_err sl_pg_prepare(struct sl_pg *pg, const struct sl_sql_statement *known, bool *ret_lost,
	struct sl_error *reterr)
{
	bool *prepared = &pg->prepared[known - sl_sql_catalogue.statements];
	*ret_lost = false;
	if (*prepared) {
		return SL_ERR_OK;
	}
	bool in_time = true;
	SL_AUTO(sl_pg_clearp)
	PGresult *result = PQsendPrepare(pg->conn, known->name, known->text, 0, NULL) == 1
		? sl_pg_await_results(pg->conn, &pg->patience, &in_time)
		: NULL;
	if (!in_time) {
		pg->silent = true;
		sl_pg_drop(pg);
		return sl_pg_hung(known->name, reterr);
	}
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		*ret_lost = PQstatus(pg->conn) != CONNECTION_OK;
		return sl_pg_result_error(pg->conn, result, known->name, reterr);
	}
	*prepared = true;
	return SL_ERR_OK;
}

/* A server that closed an idle connection said so on the socket: reading it before a statement
 * is sent tells "was never run" from "may have been run". */
static bool is_alive(PGconn *conn)
{
	struct pollfd readable = {.fd = PQsocket(conn), .events = POLLIN};
	while (PQstatus(conn) == CONNECTION_OK && poll(&readable, 1, 0) > 0) {
		if (PQconsumeInput(conn) != 1) {
			return false;
		}
		(void)PQisBusy(conn); /* digests what came: notices, changed parameters */
	}
	return PQstatus(conn) == CONNECTION_OK;
}

enum sl_err sl_pg_ready(struct sl_pg *pg, struct sl_error *reterr)
{
	if (pg->tx) {
		if (pg->conn && is_alive(pg->conn)) {
			return SL_ERR_OK;
		}
		return sl_error_set(reterr, SL_ERR_DATABASE_UNAVAILABLE,
			"the connection was lost inside the transaction %s", pg->tx);
	}
	if (pg->conn && !pg->stale && is_alive(pg->conn)) {
		return SL_ERR_OK;
	}
	sl_pg_drop(pg);
	return establish(pg, reterr);
}

void sl_pg_drop(struct sl_pg *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->copy_target = NULL;
}

struct sl_pg *sl_pg_create(const char *conninfo, const char *application)
{
	struct sl_pg *pg = sl_calloc(1, sizeof(*pg));
	pg->conninfo = sl_strdup(conninfo);
	pg->application = sl_strdup(application);
	pg->prepared = sl_calloc((size_t)sl_sql_catalogue.statement_count, sizeof(*pg->prepared));
	return pg;
}

enum sl_err sl_pg_connect(
	const char *conninfo, const char *application, struct sl_pg **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = sl_pg_create(conninfo, application);
	enum sl_err err = establish(pg, reterr);
	if (!err) {
		err = prepare_all(pg->conn, &pg->patience, reterr);
	}
	if (err) {
		return err;
	}
	for (int i = 0; i < sl_sql_catalogue.statement_count; i++) {
		pg->prepared[i] = true;
	}
	*ret = sl_take(&pg);
	return SL_ERR_OK;
}

void sl_pg_destroy(struct sl_pg *pg)
{
	if (!pg) {
		return;
	}
	sl_pg_drop(pg);
	sl_buf_finish(&pg->copy);
	free(pg->conninfo);
	free(pg->application);
	free(pg->prepared);
	free(pg);
}

void sl_pg_destroyp(struct sl_pg **pg)
{
	sl_pg_destroy(*pg);
}
