/* SPDX-License-Identifier: Apache-2.0 */
/* Earlier runs of analyses: recording them in DynamoDB (worker threads), reading (HTTP threads). */

#include "versions.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
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
			err = sl_step_check_lease(worker, step, reterr);
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

/* --- listing ------------------------------------------------------------------------------- */

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
		sl_buf_add(out, sl_pg_text(&rows, 0, "body"), sl_pg_text_len(&rows, 0, "body"));
	}
	return err;
}

/* --- reading one --------------------------------------------------------------------------- */

struct sl_version {
	struct sl_app *app;
	char *id;
	char *kind;
	int64_t attempt;
	uint64_t size;       /* of all of it */
	uint64_t at;         /* where `piece` begins */
	struct sl_buf piece; /* the head and the first slice, then one slice a time */
	int64_t next;        /* the first character of the next slice */
};

/* The object ends behind its last slice. */
static void add_slice(struct sl_version *version, const struct sl_pg_rows *rows)
{
	if (!sl_pg_null(rows, 0, "slice")) {
		sl_buf_add(&version->piece, sl_pg_text(rows, 0, "slice"),
			sl_pg_text_len(rows, 0, "slice"));
	}
	version->next += SLICE;
	if (version->at + version->piece.len + 1 == version->size) {
		sl_buf_putc(&version->piece, '}');
	}
}

static enum sl_err load(struct sl_pg *pg, struct sl_version *version, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows video = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = SL_ERR_OK;
	if (sl_uuid_valid(version->id)) {
		err = sl_pg_exec(pg, SL_SQL_video_exists, &video, reterr, SL_PG_TEXT(version->id));
	}
	if (err == SL_ERR_OK && video.count == 0) {
		return sl_error_set(
			reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", version->id);
	}
	if (err == SL_ERR_OK && version->attempt > 0) {
		err = sl_pg_exec(pg, SL_SQL_analysis_run, &rows, reterr, SL_PG_TEXT(version->id),
			SL_PG_TEXT(version->kind), SL_PG_I64(version->attempt), SL_PG_I64(1),
			SL_PG_I64(SLICE));
	}
	if (err == SL_ERR_OK && rows.count == 0) {
		return sl_error_set(reterr, SL_ERR_ANALYSIS_NOT_FOUND,
			"video %s has no such run of an analysis \"%s\"", version->id,
			version->kind);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	sl_buf_puts(&version->piece, sl_pg_text(&rows, 0, "head"));
	version->size = version->piece.len + (uint64_t)sl_pg_i64(&rows, 0, "bytes") + 1;
	version->next = 1;
	add_slice(version, &rows);
	return SL_ERR_OK;
}

enum sl_err sl_version_open(struct sl_app *app, const char *id, const char *kind,
	const char *attempt, struct sl_version **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	SL_AUTO(sl_version_destroyp)
	struct sl_version *version = sl_calloc(1, sizeof(*version));
	version->app = app;
	version->id = sl_strdup(id);
	version->kind = sl_strdup(kind);
	if (!sl_text_parse_i64(attempt, 1, INT32_MAX, &version->attempt)) {
		version->attempt = 0; /* there is none */
	}
	enum sl_err err = sl_app_pg_take(app, &held, reterr);
	if (err == SL_ERR_OK) {
		err = load(held.pg, version, reterr);
	}
	if (err == SL_ERR_OK) {
		*ret = sl_take(&version);
	}
	return err;
}

uint64_t sl_version_size(const struct sl_version *version)
{
	return version->size;
}

bool sl_version_take(struct sl_version *version, struct sl_buf *out)
{
	if (version->piece.len != version->size) {
		return false;
	}
	*out = version->piece;
	version->piece = (struct sl_buf)SL_BUF_INIT;
	return true;
}

static enum sl_err next_piece(struct sl_version *version, struct sl_error *reterr)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_app_pg_take(version->app, &held, reterr);
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(held.pg, SL_SQL_analysis_run, &rows, reterr,
			SL_PG_TEXT(version->id), SL_PG_TEXT(version->kind),
			SL_PG_I64(version->attempt), SL_PG_I64(version->next), SL_PG_I64(SLICE));
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	version->at += version->piece.len;
	sl_buf_clear(&version->piece);
	if (rows.count > 0) {
		add_slice(version, &rows);
	}
	return version->piece.len > 0
		? SL_ERR_OK
		: sl_error_set(reterr, SL_ERR_ANALYSIS_NOT_FOUND, "it is gone, or another by now");
}

ssize_t sl_version_read(struct sl_version *version, uint64_t offset, char *out, size_t max)
{
	while (offset >= version->at + version->piece.len) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (next_piece(version, &error) != SL_ERR_OK) {
			sl_log_error(SL_LOG_WARN, "a result could not be sent to its end", &error,
				SL_F("video_id", version->id), SL_F_END);
			return -1;
		}
	}
	if (offset < version->at) {
		return -1;
	}
	size_t from = (size_t)(offset - version->at);
	size_t left = version->piece.len - from;
	size_t len = left < max ? left : max;
	memcpy(out, version->piece.data + from, len);
	return (ssize_t)len;
}

void sl_version_destroy(struct sl_version *version)
{
	if (version != NULL) {
		free(version->id);
		free(version->kind);
		sl_buf_finish(&version->piece);
		free(version);
	}
}

void sl_version_destroyp(struct sl_version **version)
{
	sl_version_destroy(*version);
}
