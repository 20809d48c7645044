/* SPDX-License-Identifier: Apache-2.0 */
/* Whether anybody may call, and whether too many may: access. The doctor's threads. */

#include "checkup.h"
#include "pg.h"

static void judge(const struct sl_pg_rows *rows, struct sl_findings *findings)
{
	int64_t good = sl_pg_i64(rows, 0, "good");
	if (good == 0) {
		sl_find(findings, SL_FOUND_WARN,
			"`spotlist token create --scope submit`; docs/access.md",
			"nobody may call: there is no token that is good");
		return;
	}
	if (!sl_pg_null(rows, 0, "ending")) {
		sl_find(findings, SL_FOUND_WARN,
			"Give its user another one: docs/access.md, Giving out, rotating, revoking",
			"the token %s is in use and expires at %s", sl_pg_text(rows, 0, "ending"),
			sl_pg_text(rows, 0, "ends_at"));
	}
	sl_find(findings, SL_FOUND_OK, NULL, "%lld token%s good", (long long)good,
		good == 1 ? " is" : "s are");
}

void sl_check_access(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_config *config = &checkup->config;
	if (config->auth == SL_CONFIG_AUTH_OFF) {
		bool local = sl_config_is_loopback(config->listen);
		sl_find(findings, local ? SL_FOUND_OK : SL_FOUND_FAIL,
			local ? NULL : "Leave SPOTLIST_AUTH at tokens; docs/access.md",
			"SPOTLIST_AUTH=off: everybody may call who reaches %s", config->listen);
		return;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_connect(config->database_url, "spotlist doctor", &pg, &error);
	if (err == SL_ERR_OK) {
		err = sl_pg_run(pg, SL_SQL_token_health, NULL, 0, &rows, &error);
	}
	if (err == SL_ERR_OK) {
		judge(&rows, findings);
	} else {
		sl_find(findings, SL_FOUND_FAIL, NULL, "%s", error.detail);
	}
}
