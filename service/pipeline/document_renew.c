/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored documents of an earlier format, made again some at a time: sl_document_renew(). Worker
 * threads. Until then readers get theirs made for them.
 */

#include "document_renew.h"

#include <string.h>

#include "clock.h"
#include "document.h"
#include "log.h"
#include "mem.h"

struct renewal {
	char video_id[SL_UUID_SIZE];
	char old[SL_UUID_SIZE];
	char new[SL_UUID_SIZE];
};

static enum sl_err publish_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct renewal *renewal = context;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_document_lock, &rows, reterr,
		SL_PG_TEXT(renewal->video_id), SL_PG_TEXT(renewal->old));
	if (err != SL_ERR_OK || rows.count == 0 || !sl_pg_bool(&rows, 0, "holds")) {
		return err; /* deleted, or analysed again meanwhile */
	}
	return sl_document_publish(pg, renewal->video_id, renewal->new, reterr);
}

static enum sl_err renew(struct sl_pg *pg, struct renewal *renewal, struct sl_error *reterr)
{
	enum sl_err err =
		sl_document_store(pg, renewal->video_id, NULL, NULL, renewal->new, reterr);
	return err == SL_ERR_OK ? sl_pg_tx(pg, "document_renew", publish_tx, renewal, reterr) : err;
}

static enum sl_err find_next(
	struct sl_pg *pg, struct renewal *renewal, bool *ret_found, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_document_outdated, &rows, reterr,
		SL_PG_TEXT(renewal->video_id[0] != '\0' ? renewal->video_id : NULL));
	if (err != SL_ERR_OK) {
		return err;
	}
	*ret_found = rows.count > 0;
	if (rows.count > 0) {
		memcpy(renewal->video_id, sl_pg_text(&rows, 0, "video_id"), SL_UUID_SIZE);
		memcpy(renewal->old, sl_pg_text(&rows, 0, "document"), SL_UUID_SIZE);
	}
	return SL_ERR_OK;
}

enum sl_err sl_document_renew(struct sl_pg *pg, int64_t for_ms, struct sl_error *reterr)
{
	int64_t end_ms = sl_clock_monotonic_ms() + for_ms;
	struct renewal renewal = {.video_id = ""};
	int64_t renewed = 0;
	bool found = false;
	enum sl_err err = find_next(pg, &renewal, &found, reterr);
	while (err == SL_ERR_OK && found) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (renew(pg, &renewal, &error) == SL_ERR_OK) {
			renewed++;
		} else { /* the others may fare better */
			sl_log_error(SL_LOG_WARN, "document left in its old format", &error,
				SL_F("video_id", renewal.video_id), SL_F_END);
		}
		if (sl_clock_monotonic_ms() >= end_ms) {
			break;
		}
		err = find_next(pg, &renewal, &found, reterr);
	}
	if (renewed > 0) {
		sl_log(SL_LOG_INFO, "documents made again", SL_F_I64("documents", renewed),
			SL_F_END);
	}
	return err;
}
