/* SPDX-License-Identifier: Apache-2.0 */
/* The round of maintenance, one process at a time. Worker threads. */

#include "maintenance.h"

#include "directory.h"
#include "document_renew.h"
#include "log.h"
#include "steps.h"

/* Of a round: a tenth of the time, so that steps go on. */
#define DOCUMENTS_MS 5000

/* Longer than a step ever waits for anything: see maintenance_clamp.sql. */
static int64_t longest_wait_ms(const struct sl_config *config)
{
	int64_t longest = SL_STEP_BACKOFF_CAP_MS * 2;
	longest = config->lease_ms > longest ? config->lease_ms : longest;
	return config->poll_interval_ms > longest ? config->poll_interval_ms : longest;
}

static enum sl_err mend_orphans(struct sl_pg *pg, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_run(pg, SL_SQL_maintenance_orphans, NULL, 0, &rows, reterr);
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		sl_log(SL_LOG_ERROR, "a video without a step was found and taken up again",
			SL_F("video_id", sl_pg_text(&rows, i, "video_id")),
			SL_F("track", sl_pg_text(&rows, i, "track")),
			SL_F("step", sl_pg_text(&rows, i, "kind")), SL_F_END);
	}
	return err;
}

struct round {
	const struct sl_config *config;
	bool mine;
};

static enum sl_err maintain_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct round *round = context;
	const struct sl_config *config = round->config;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_run(pg, SL_SQL_maintenance_lock, NULL, 0, &rows, reterr);
	round->mine = err == SL_ERR_OK && sl_pg_bool(&rows, 0, "mine");
	if (!round->mine) {
		return err;
	}
	err = sl_pg_exec(
		pg, SL_SQL_maintenance_clamp, NULL, reterr, SL_PG_I64(longest_wait_ms(config)));
	if (err == SL_ERR_OK) {
		/* Twice the age at which a message is refused: a clock may have been off. */
		err = sl_pg_exec(pg, SL_SQL_maintenance_inbox, NULL, reterr,
			SL_PG_I64(config->sns_max_age_s * 2));
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_run(pg, SL_SQL_maintenance_idempotency, NULL, 0, NULL, reterr);
	}
	return err == SL_ERR_OK ? mend_orphans(pg, reterr) : err;
}

enum sl_err sl_maintain(struct sl_pg *pg, const struct sl_config *config, struct sl_error *reterr)
{
	struct round round = {config, false};
	enum sl_err err = sl_pg_tx(pg, "maintenance", maintain_tx, &round, reterr);
	if (err == SL_ERR_OK && round.mine) {
		err = sl_directory_tally(pg, reterr);
	}
	return err == SL_ERR_OK && round.mine ? sl_document_renew(pg, DOCUMENTS_MS, reterr) : err;
}
