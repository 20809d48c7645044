/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a metadata document: a stored one from the cache, or a part at a time, with a connection
 * only while a part is fetched; one that is made for the reader goes through memory when it is
 * small, and a temporary file when it is not. HTTP threads.
 */

#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "document_cache.h"
#include "log.h"
#include "mem.h"
#include "spool.h"

/* A document that is made for its reader stays in memory up to this size. */
#define IN_MEMORY_BYTES ((size_t)1024 * 1024)

struct sl_document {
	struct sl_app *app;
	char video_id[SL_UUID_SIZE];
	uint64_t size;
	char stored[SL_UUID_SIZE];  /* id of the stored document; "": it was made for the reader */
	struct sl_content *content; /* all of a small stored one */
	struct sl_buf part;         /* what is at hand, */
	uint64_t part_at;           /* and where it stands in the document */
	struct sl_spool *spool;     /* or all of it */
};

void sl_document_destroy(struct sl_document *document)
{
	if (document != NULL) {
		sl_spool_destroy(document->spool);
		sl_content_unref(document->content);
		sl_buf_finish(&document->part);
		free(document);
	}
}

void sl_document_destroyp(struct sl_document **document)
{
	sl_document_destroy(*document);
}

uint64_t sl_document_size(const struct sl_document *document)
{
	return document->size;
}

/* --- opening ------------------------------------------------------------------------------- */

static void take_body(const struct sl_pg_rows *row, struct sl_document *document)
{
	sl_buf_clear(&document->part);
	sl_buf_add(&document->part, sl_pg_text(row, 0, "body"), sl_pg_text_len(row, 0, "body"));
}

static enum sl_err add_piece(void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	struct sl_document *document = context;
	const char *body = sl_pg_text(row, 0, "body");
	size_t len = sl_pg_text_len(row, 0, "body");
	enum sl_err err = SL_ERR_OK;
	document->size += len;
	if (document->spool == NULL && document->size <= IN_MEMORY_BYTES) {
		sl_buf_add(&document->part, body, len);
		return SL_ERR_OK;
	}
	if (document->spool == NULL) {
		err = sl_spool_create(&document->spool, reterr);
		if (err == SL_ERR_OK && document->part.len > 0) {
			err = sl_spool_add(
				document->spool, document->part.data, document->part.len, reterr);
		}
		sl_buf_finish(&document->part);
	}
	return err == SL_ERR_OK ? sl_spool_add(document->spool, body, len, reterr) : err;
}

static enum sl_err make(struct sl_pg *pg, struct sl_document *document, struct sl_error *reterr)
{
	const struct sl_pg_param params[] = {
		SL_PG_TEXT(document->video_id), SL_PG_NULL, SL_PG_NULL};
	return sl_pg_each(pg, SL_SQL_document_make, params, SL_ARRAY_SIZE(params), add_piece,
		document, reterr);
}

static enum sl_err not_found(const char *id, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", id);
}

/* The parts behind the first. */
static enum sl_err load_rest(
	struct sl_pg *pg, struct sl_document *document, struct sl_error *reterr)
{
	while (document->part.len < document->size) {
		SL_AUTO(sl_pg_rows_finish)
		struct sl_pg_rows row = {0};
		enum sl_err err = sl_pg_exec(pg, SL_SQL_document_part, &row, reterr,
			SL_PG_TEXT(document->video_id), SL_PG_TEXT(document->stored),
			SL_PG_I64((int64_t)document->part.len));
		if (err != SL_ERR_OK) {
			return err;
		}
		if (row.count == 0 ||
			(uint64_t)sl_pg_i64(&row, 0, "at_byte") != document->part.len) {
			return sl_error_set(reterr, SL_ERR_DATABASE_CONFLICT,
				"the document was replaced while it was read; ask again");
		}
		sl_buf_add(&document->part, sl_pg_text(&row, 0, "body"),
			sl_pg_text_len(&row, 0, "body"));
	}
	return SL_ERR_OK;
}

static enum sl_err load(struct sl_pg *pg, struct sl_document *document, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows row = {0};
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_document_get, &row, reterr, SL_PG_TEXT(document->video_id));
	if (err != SL_ERR_OK) {
		return err;
	}
	if (row.count == 0) {
		return not_found(document->video_id, reterr);
	}
	if (sl_pg_null(&row, 0, "body")) {
		err = make(pg, document, reterr);
		/* Deleted between the two statements. */
		return err == SL_ERR_OK && document->size == 0
			? not_found(document->video_id, reterr)
			: err;
	}
	memcpy(document->stored, sl_pg_text(&row, 0, "document"), SL_UUID_SIZE);
	document->size = (uint64_t)sl_pg_i64(&row, 0, "size_bytes");
	take_body(&row, document);
	if (document->size <= sl_document_cache_largest(document->app->documents)) {
		err = load_rest(pg, document, reterr);
	}
	if (err == SL_ERR_OK && document->part.len == document->size) {
		document->content = sl_content_create(&document->part, document->stored);
	}
	return err;
}

/* Whether what was found still holds; a statement once a second. */
static enum sl_err check(struct sl_app *app, const char *video_id,
	const struct sl_document_found *found, bool *ret_holds, struct sl_error *reterr)
{
	*ret_holds = found->fresh;
	if (found->fresh) {
		return SL_ERR_OK;
	}
	uint64_t era = sl_document_cache_era(app->documents);
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows row = {0};
	enum sl_err err = sl_app_pg_take(app, &held, reterr);
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(held.pg, SL_SQL_document_holds, &row, reterr, SL_PG_TEXT(video_id),
			SL_PG_TEXT(found->document));
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	*ret_holds = row.count > 0;
	if (row.count > 0) {
		sl_document_cache_keep(
			app->documents, era, video_id, found->document, found->content);
	} else {
		sl_document_cache_forget(app->documents, video_id);
	}
	return SL_ERR_OK;
}

static enum sl_err take_from_cache(struct sl_document *document, struct sl_error *reterr)
{
	SL_AUTO(sl_document_found_finish)
	struct sl_document_found found;
	sl_document_cache_find(document->app->documents, document->video_id, &found);
	bool holds = false;
	enum sl_err err = found.content == NULL
		? SL_ERR_OK
		: check(document->app, document->video_id, &found, &holds, reterr);
	if (err == SL_ERR_OK && holds) {
		memcpy(document->stored, found.document, sizeof(document->stored));
		document->content = sl_take(&found.content);
	}
	return err;
}

static enum sl_err take_from_database(struct sl_document *document, struct sl_error *reterr)
{
	struct sl_app *app = document->app;
	uint64_t era = sl_document_cache_era(app->documents);
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_app_pg_take(app, &held, reterr);
	if (err == SL_ERR_OK) {
		err = load(held.pg, document, reterr);
	}
	if (err == SL_ERR_OK && document->content != NULL) {
		sl_document_cache_keep(app->documents, era, document->video_id, document->stored,
			document->content);
	}
	return err;
}

enum sl_err sl_document_open(
	struct sl_app *app, const char *video_id, struct sl_document **ret, struct sl_error *reterr)
{
	if (!sl_uuid_valid(video_id)) {
		return not_found(video_id, reterr);
	}
	SL_AUTO(sl_document_destroyp)
	struct sl_document *document = sl_calloc(1, sizeof(*document));
	document->app = app;
	memcpy(document->video_id, video_id, sizeof(document->video_id));
	enum sl_err err = take_from_cache(document, reterr);
	if (err == SL_ERR_OK && document->content == NULL) {
		err = take_from_database(document, reterr);
	}
	if (err == SL_ERR_OK) {
		*ret = sl_take(&document);
	}
	return err;
}

const char *sl_document_etag(const struct sl_document *document)
{
	return document->stored[0] != '\0' ? document->stored : NULL;
}

struct sl_content *sl_document_content(const struct sl_document *document)
{
	return document->content != NULL ? sl_content_ref(document->content) : NULL;
}

/* --- reading ------------------------------------------------------------------------------- */

static enum sl_err fetch_part(
	struct sl_document *document, uint64_t offset, struct sl_error *reterr)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows row = {0};
	enum sl_err err = sl_app_pg_take(document->app, &held, reterr);
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(held.pg, SL_SQL_document_part, &row, reterr,
			SL_PG_TEXT(document->video_id), SL_PG_TEXT(document->stored),
			SL_PG_I64((int64_t)offset));
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	if (row.count == 0) {
		return sl_error_set(reterr, SL_ERR_VIDEO_NOT_FOUND,
			"the document was replaced while it was read");
	}
	take_body(&row, document);
	document->part_at = (uint64_t)sl_pg_i64(&row, 0, "at_byte");
	return SL_ERR_OK;
}

bool sl_document_take(struct sl_document *document, struct sl_buf *out)
{
	if (document->part_at != 0 || document->part.len != document->size) {
		return false;
	}
	*out = document->part;
	document->part = (struct sl_buf)SL_BUF_INIT;
	return true;
}

static bool is_at_hand(const struct sl_document *document, uint64_t offset)
{
	return offset >= document->part_at && offset - document->part_at < document->part.len;
}

static enum sl_err read_some(struct sl_document *document, uint64_t offset, char *out, size_t max,
	size_t *ret_len, struct sl_error *reterr)
{
	if (document->spool != NULL) {
		return sl_spool_read_at(document->spool, offset, out, max, ret_len, reterr);
	}
	if (!is_at_hand(document, offset) && document->stored[0] != '\0') {
		enum sl_err err = fetch_part(document, offset, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	size_t len = 0;
	if (is_at_hand(document, offset)) {
		size_t from = (size_t)(offset - document->part_at);
		len = document->part.len - from < max ? document->part.len - from : max;
		memcpy(out, document->part.data + from, len);
	}
	*ret_len = len;
	return SL_ERR_OK;
}

ssize_t sl_document_read(struct sl_document *document, uint64_t offset, char *out, size_t max)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	size_t len = 0;
	enum sl_err err = read_some(document, offset, out, max, &len, &error);
	if (err == SL_ERR_OK && len > 0) {
		return (ssize_t)len;
	}
	if (err == SL_ERR_OK) {
		sl_error_set(&error, SL_ERR_INTERNAL, "the document is shorter than it should be");
	}
	sl_log_error(SL_LOG_WARN, "document cut off", &error, SL_F("video_id", document->video_id),
		SL_F_I64("byte", (int64_t)offset), SL_F_END);
	return -1;
}
