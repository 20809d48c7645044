/* SPDX-License-Identifier: Apache-2.0 */
/* Earlier runs of analyses: recording them in DynamoDB (worker threads), reading (HTTP threads). */

#include "versions.h"

#include "mem.h"
#include "record.h"
#include "results.h"
#include "text.h"
#include "uuid.h"

/* Characters of a result in hand at once. */
#define SLICE ((int64_t)4 << 20)

/* --- recording ----------------------------------------------------------------------------- */

static enum sl_err add_result(struct sl_worker *worker, struct sl_step *step, const char *kind,
	int64_t attempt, struct sl_record_parts *parts, struct sl_error *reterr)
{
	for (int64_t from = 1;; from += SLICE) {
		SL_AUTO(sl_pg_rows_finish)
		struct sl_pg_rows rows = {0};
		enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_version_slice, &rows, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_TEXT(kind), SL_PG_I64(attempt),
			SL_PG_I64(from), SL_PG_I64(SLICE));
		if (err != SL_ERR_OK || rows.count == 0 || sl_pg_text_len(&rows, 0, "slice") == 0) {
			return err;
		}
		err = sl_record_parts_add_text(parts, sl_pg_text(&rows, 0, "slice"), reterr);
		if (err == SL_ERR_OK) {
			err = sl_step_renew(worker, step, reterr);
		}
		if (err != SL_ERR_OK) {
			return err;
		}
	}
}

static json_t *version_item(
	const struct sl_pg_rows *rows, int row, const char *key, const char *video_id)
{
	static const struct {
		const char *column;
		const char *attribute;
	} texts[] = {
		{"kind", "analysis"},
		{"state", "state"},
		{"reason", "reason"},
		{"error_message", "message"},
		{"error_provider", "provider"},
		{"options", "options"},
		{"started_at", "startedAt"},
		{"completed_at", "completedAt"},
	};
	json_t *item = sl_record_item(key, video_id);
	sl_record_set_number(item, "attempt", sl_pg_i64(rows, row, "attempt"));
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		sl_record_set_text(
			item, texts[i].attribute, sl_pg_text(rows, row, texts[i].column));
	}
	return item;
}

static enum sl_err record_one(struct sl_worker *worker, struct sl_step *step,
	const struct sl_pg_rows *rows, int row, struct sl_error *reterr)
{
	const char *kind = sl_pg_text(rows, row, "kind");
	int64_t attempt = sl_pg_i64(rows, row, "attempt");
	SL_AUTO(sl_freep)
	char *key = sl_results_version_key(step->video_id, kind, attempt);
	SL_AUTO(sl_json_decrefp)
	json_t *item = version_item(rows, row, key, step->video_id);
	SL_AUTO(sl_record_parts_finish)
	struct sl_record_parts parts = {
		.aws = worker->aws,
		.table = worker->config->table,
		.file_name = key,
		.video_id = step->video_id,
		.attribute = "result",
	};
	enum sl_err err = SL_ERR_OK;
	if (sl_pg_bool(rows, row, "has_result")) {
		err = add_result(worker, step, kind, attempt, &parts, reterr);
		if (err == SL_ERR_OK) {
			err = sl_record_parts_end(&parts, item, reterr);
		}
	}
	if (err == SL_ERR_OK) {
		err = sl_dynamodb_put_item(worker->aws, worker->config->table, item, reterr);
	}
	return err != SL_ERR_OK
		? err
		: sl_pg_exec(worker->pg, SL_SQL_version_recorded, NULL, reterr,
			  SL_PG_TEXT(step->video_id), SL_PG_TEXT(kind), SL_PG_I64(attempt));
}

enum sl_err sl_versions_record(
	struct sl_worker *worker, struct sl_step *step, const char *kind, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_version_unrecorded, &rows, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_TEXT(kind));
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		err = record_one(worker, step, &rows, i, reterr);
	}
	return err;
}

/* --- reading ------------------------------------------------------------------------------- */

static void add_body(const struct sl_pg_rows *rows, struct sl_buf *out)
{
	sl_buf_add(out, sl_pg_text(rows, 0, "body"), sl_pg_text_len(rows, 0, "body"));
}

enum sl_err sl_versions_list(
	struct sl_pg *pg, const char *id, struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = SL_ERR_OK;
	if (sl_uuid_valid(id)) {
		err = sl_pg_exec(pg, SL_SQL_analysis_runs, &rows, reterr, SL_PG_TEXT(id));
	}
	if (err == SL_ERR_OK && rows.count == 0) {
		err = sl_error_set(reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", id);
	}
	if (err == SL_ERR_OK) {
		add_body(&rows, out);
	}
	return err;
}

enum sl_err sl_versions_read(struct sl_pg *pg, const char *id, const char *kind,
	const char *attempt, struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows video = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	int64_t number = 0;
	enum sl_err err = SL_ERR_OK;
	if (sl_uuid_valid(id)) {
		err = sl_pg_exec(pg, SL_SQL_video_exists, &video, reterr, SL_PG_TEXT(id));
	}
	if (err == SL_ERR_OK && video.count == 0) {
		return sl_error_set(reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", id);
	}
	if (err == SL_ERR_OK && sl_text_parse_i64(attempt, 1, INT32_MAX, &number)) {
		err = sl_pg_exec(pg, SL_SQL_analysis_run, &rows, reterr, SL_PG_TEXT(id),
			SL_PG_TEXT(kind), SL_PG_I64(number));
	}
	if (err == SL_ERR_OK && rows.count == 0) {
		return sl_error_set(reterr, SL_ERR_ANALYSIS_NOT_FOUND,
			"video %s has no run %s of an analysis \"%s\"", id, attempt, kind);
	}
	if (err == SL_ERR_OK) {
		add_body(&rows, out);
	}
	return err;
}
