/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What earlier runs of a video's analyses found. Results can be as large as documents: they wait on
 * disk and go into their row in pieces. Thread of the command.
 */

#include <stdlib.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "rebuild_source.h"
#include "record_read.h"
#include "results.h"
#include "text.h"

/* Bytes of a result in hand at once. */
#define PIECE ((size_t)4 << 20)

void sl_rebuild_versions_finish(struct sl_rebuild_source *source)
{
	for (size_t i = 0; i < source->version_count; i++) {
		sl_spool_destroy(source->versions[i].result);
	}
	free(source->versions);
}

static enum sl_err keep(void *context, const char *text, struct sl_error *reterr)
{
	return sl_spool_add(context, text, strlen(text), reterr);
}

/* `*whole` becomes false after telling what is missing. */
static enum sl_err gather_one(
	struct sl_rebuild_source *source, const json_t *row, bool *whole, struct sl_error *reterr)
{
	struct sl_rebuild_version *version = &source->versions[source->version_count++];
	version->kind = json_string_value(json_object_get(row, "kind"));
	version->attempt = json_integer_value(json_object_get(row, "attempt"));
	SL_AUTO(sl_freep)
	char *name = sl_results_version_key(source->video_id, version->kind, version->attempt);
	SL_AUTO(sl_json_decrefp)
	json_t *item = NULL;
	SL_AUTO(sl_json_decrefp)
	json_t *missing = json_array();
	enum sl_err err = sl_record_get(source->aws, source->table, name, &item, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (item == NULL) {
		*whole = false;
		return sl_rebuild_find(source->findings, reterr, "%s: missing in DynamoDB", name);
	}
	version->part_count = sl_record_part_count(item, "result");
	if (!sl_text_equal(json_string_value(json_object_get(row, "state")), "complete")) {
		return SL_ERR_OK;
	}
	err = sl_spool_create(&version->result, reterr);
	if (err == SL_ERR_OK) {
		err = sl_record_read(source->aws, source->table, item, "result", keep,
			version->result, missing, reterr);
	}
	*whole = *whole && json_array_size(missing) == 0;
	return err == SL_ERR_OK ? sl_rebuild_tell_missing(source, missing, reterr) : err;
}

enum sl_err sl_rebuild_gather_versions(struct sl_rebuild_source *source, struct sl_error *reterr)
{
	const json_t *rows = json_object_get(source->root, "versions");
	source->versions = sl_calloc(json_array_size(rows), sizeof(*source->versions));
	bool whole = true;
	enum sl_err err = SL_ERR_OK;
	size_t i;
	const json_t *row;
	json_array_foreach (rows, i, row) {
		if (err == SL_ERR_OK && json_is_string(json_object_get(row, "kind"))) {
			err = gather_one(source, row, &whole, reterr);
		}
	}
	source->whole |= whole ? SL_REBUILD_VERSIONS : 0U;
	return err;
}

/* --- loading ------------------------------------------------------------------------------- */

struct loading {
	struct sl_pg *pg;
	const char *video_id;
	const struct sl_rebuild_version *version;
	struct sl_buf text;
};

static void loading_finish(struct loading *loading)
{
	sl_buf_finish(&loading->text);
}

/* Appends the first `len` bytes. */
static enum sl_err append(struct loading *loading, size_t len, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *piece = sl_strndup(sl_buf_str(&loading->text), len);
	SL_AUTO(sl_buf_finish)
	struct sl_buf rest = SL_BUF_INIT;
	sl_buf_add(&rest, sl_buf_str(&loading->text) + len, loading->text.len - len);
	sl_buf_clear(&loading->text);
	sl_buf_add(&loading->text, sl_buf_str(&rest), rest.len);
	return sl_pg_exec(loading->pg, SL_SQL_mirror_version_append, NULL, reterr,
		SL_PG_TEXT(loading->video_id), SL_PG_TEXT(loading->version->kind),
		SL_PG_I64(loading->version->attempt), SL_PG_TEXT(piece));
}

static enum sl_err add_piece(void *context, const void *bytes, size_t len, struct sl_error *reterr)
{
	struct loading *loading = context;
	sl_buf_add(&loading->text, bytes, len);
	if (loading->text.len < PIECE) {
		return SL_ERR_OK;
	}
	const char *text = sl_buf_str(&loading->text);
	size_t cut = loading->text.len;
	do {
		cut--; /* the last character may not be all there: it waits */
	} while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80);
	return append(loading, cut, reterr);
}

enum sl_err sl_rebuild_load_versions(
	struct sl_pg *pg, struct sl_rebuild_source *source, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < source->version_count; i++) {
		if (source->versions[i].result == NULL) {
			continue;
		}
		SL_AUTO(loading_finish)
		struct loading loading = {pg, source->target_id, &source->versions[i], SL_BUF_INIT};
		err = sl_spool_read(loading.version->result, add_piece, &loading, reterr);
		if (err == SL_ERR_OK) {
			err = append(&loading, loading.text.len, reterr);
		}
	}
	return err;
}
