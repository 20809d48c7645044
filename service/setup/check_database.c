/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL: there, of our schema, ours to write, and of the same time. A thread of the doctor's.
 */

#include <stdlib.h>
#include <string.h>

#include "checkup.h"
#include "clock.h"
#include "pg.h"

#define SKEW_WARN_MS      60000
#define MS_PER_SECOND     1000
#define OTHER_CONNECTIONS 9 /* of a process, besides its threads; docs/operations.md */

/* Two that serve while one is replaced by the next. */
#define PROCESSES 2

static const char *remedy_for(enum sl_err err)
{
	switch (err) {
	case SL_ERR_SCHEMA_OUTDATED:
		return "`spotlist migrate` brings it up to date; docs/operations.md, The schema is "
		       "missing or another";
	case SL_ERR_DATABASE_UNAVAILABLE:
		return "docs/operations.md, PostgreSQL is away";
	case SL_ERR_DATABASE:
		return "Run `spotlist migrate` and `spotlist serve` as the same role, or GRANT "
		       "this one "
		       "the schema spotlist_data and its tables";
	default:
		return "Correct SPOTLIST_DATABASE_URL";
	}
}

static void judge_clock(
	const struct sl_pg_rows *rows, int64_t asked_ms, struct sl_findings *findings)
{
	/* It answered at some time between asking and now. */
	int64_t now_ms = sl_clock_now_ms();
	int64_t its_ms = sl_pg_i64(rows, 0, "now_ms");
	int64_t ahead_ms = its_ms - now_ms;
	int64_t behind_ms = asked_ms - its_ms;
	int64_t off_ms = ahead_ms > behind_ms ? ahead_ms : behind_ms;
	if (off_ms >= SKEW_WARN_MS) {
		sl_find(findings, SL_FOUND_WARN,
			"Set both clocks by NTP; docs/operations.md, The clock jumps",
			"its clock is %lld s %s this machine's",
			(long long)(off_ms / MS_PER_SECOND),
			ahead_ms > behind_ms ? "ahead of" : "behind");
	}
}

static void judge_connections(const struct sl_checkup *checkup, const struct sl_pg_rows *rows,
	struct sl_findings *findings)
{
	const struct sl_config *config = &checkup->config;
	int64_t each = config->http_threads + config->workers + OTHER_CONNECTIONS;
	int64_t there = sl_pg_i64(rows, 0, "connections");
	if (there < each * PROCESSES) {
		sl_find(findings, SL_FOUND_WARN,
			"Raise max_connections, or lower SPOTLIST_HTTP_THREADS and "
			"SPOTLIST_WORKERS",
			"it allows %lld connections; a process takes %lld, and two run while one "
			"is replaced",
			(long long)there, (long long)each);
	}
}

static void judge(const struct sl_checkup *checkup, const struct sl_pg_rows *rows, int64_t asked_ms,
	struct sl_findings *findings)
{
	const char *role = sl_pg_text(rows, 0, "role");
	if (!sl_pg_null(rows, 0, "lacking")) {
		sl_find(findings, SL_FOUND_FAIL,
			"Run `spotlist migrate` as the same role, or GRANT SELECT, INSERT, UPDATE, "
			"DELETE ON ALL TABLES IN SCHEMA spotlist_data",
			"role %s may not read and write %s", role, sl_pg_text(rows, 0, "lacking"));
	}
	if (sl_pg_bool(rows, 0, "read_only")) {
		sl_find(findings, SL_FOUND_FAIL,
			"Name the primary in SPOTLIST_DATABASE_URL "
			"(target_session_attrs=read-write)",
			"the server is a replica, or read-only");
	}
	judge_clock(rows, asked_ms, findings);
	judge_connections(checkup, rows, findings);
	if (sl_findings_worst(findings) != SL_FOUND_FAIL) {
		sl_find(findings, SL_FOUND_OK, NULL,
			"PostgreSQL %s, database %s as %s; the schema is this program's",
			sl_pg_text(rows, 0, "version"), sl_pg_text(rows, 0, "database"), role);
	}
}

void sl_check_database(struct sl_checkup *checkup, struct sl_findings *findings)
{
	if (*checkup->config.database_url == '\0') {
		sl_find(findings, SL_FOUND_SKIP, NULL, "not looked at, because of *settings*");
		return;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err =
		sl_pg_connect(checkup->config.database_url, "spotlist doctor", &pg, &error);
	int64_t asked_ms = sl_clock_now_ms();
	if (err == SL_ERR_OK) {
		err = sl_pg_run(pg, SL_SQL_health, NULL, 0, &rows, &error);
	}
	if (err == SL_ERR_OK) {
		judge(checkup, &rows, asked_ms, findings);
	} else {
		sl_find(findings, SL_FOUND_FAIL, remedy_for(err), "%s", error.detail);
	}
}
