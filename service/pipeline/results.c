/* SPDX-License-Identifier: Apache-2.0 */
/* Removing results and files of a video. Worker threads. */

#include "results.h"

#include <string.h>

#include "dynamodb.h"
#include "mem.h"
#include "s3.h"

/* Keys in one round of removing: few enough to look at the lease in between. */
#define ROUND 500
/* Deletes go in batches of 25, so that a crash leaves gaps no wider than that. */
#define GAP 25

char *sl_results_version_key(const char *video_id, const char *kind, int64_t attempt)
{
	return sl_asprintf("videos/%s#version#%s#%lld", video_id, kind, (long long)attempt);
}

/* --- items --------------------------------------------------------------------------------- */

static void add_key(json_t *keys, const char *file_name)
{
	json_array_append_new(keys, json_pack("{s:{s:s}}", "fileName", "S", file_name));
}

static enum sl_err remove_keys(
	struct sl_worker *worker, const json_t *keys, struct sl_error *reterr)
{
	return sl_dynamodb_batch_delete(worker->aws, worker->config->table, keys, reterr);
}

static enum sl_err remove_item(
	struct sl_worker *worker, const char *file_name, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *keys = json_array();
	add_key(keys, file_name);
	return remove_keys(worker, keys, reterr);
}

static char *part_key(const char *file_name, const char *attribute, int64_t part)
{
	return sl_asprintf("%s#%s#%05lld", file_name, attribute, (long long)part);
}

static enum sl_err part_exists(struct sl_worker *worker, const char *file_name,
	const char *attribute, int64_t part, bool *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *key = part_key(file_name, attribute, part);
	return sl_dynamodb_item_exists(
		worker->aws, worker->config->table, "fileName", key, ret, reterr);
}

/* The first part that is not there, at or behind `from`: steps that double, then halves. Parts are
 * written in order and without gaps. */
static enum sl_err find_end(struct sl_worker *worker, const char *file_name, const char *attribute,
	int64_t from, int64_t *ret_end, struct sl_error *reterr)
{
	int64_t there = from - 1;
	int64_t gone = from;
	bool exists = true;
	enum sl_err err = SL_ERR_OK;
	for (int64_t step = 1; err == SL_ERR_OK && exists; step *= 2) {
		err = part_exists(worker, file_name, attribute, gone, &exists, reterr);
		if (err == SL_ERR_OK && exists) {
			there = gone;
			gone += step;
		}
	}
	while (err == SL_ERR_OK && gone - there > 1) {
		int64_t middle = there + (gone - there) / 2;
		err = part_exists(worker, file_name, attribute, middle, &exists, reterr);
		there = exists ? middle : there;
		gone = exists ? gone : middle;
	}
	*ret_end = gone;
	return err;
}

enum sl_err sl_results_trim_parts(struct sl_worker *worker, const char *file_name,
	const char *attribute, int64_t from, struct sl_error *reterr)
{
	int64_t end = from;
	enum sl_err err = find_end(worker, file_name, attribute, from, &end, reterr);
	if (err != SL_ERR_OK || end == from) {
		return err;
	}
	/* From the last to the first: what a crash leaves is still found from `from` on. */
	for (int64_t top = end + GAP; err == SL_ERR_OK && top > from; top -= GAP) {
		SL_AUTO(sl_json_decrefp)
		json_t *keys = json_array();
		int64_t bottom = top - GAP > from ? top - GAP : from;
		for (int64_t part = bottom; part < top; part++) {
			SL_AUTO(sl_freep)
			char *key = part_key(file_name, attribute, part);
			add_key(keys, key);
		}
		err = remove_keys(worker, keys, reterr);
	}
	return err;
}

/* An item and the parts of its attributes. The item goes last: it is what leads to the parts. */
static enum sl_err remove_whole(struct sl_worker *worker, const char *file_name,
	const char *const *attributes, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && attributes[i] != NULL; i++) {
		err = sl_results_trim_parts(worker, file_name, attributes[i], 0, reterr);
	}
	return err == SL_ERR_OK ? remove_item(worker, file_name, reterr) : err;
}

/* --- analyses ------------------------------------------------------------------------------ */

/* Every frame may have an item, whatever the mirror says: one is put before its row. */
static enum sl_err remove_frames(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	for (int64_t first = 0;;) {
		SL_AUTO(sl_pg_rows_finish)
		struct sl_pg_rows rows = {0};
		enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_frames_range, &rows, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_I64(first), SL_PG_I64(ROUND));
		if (err != SL_ERR_OK || rows.count == 0) {
			return err;
		}
		SL_AUTO(sl_json_decrefp)
		json_t *keys = json_array();
		for (int i = 0; i < rows.count; i++) {
			add_key(keys, sl_pg_text(&rows, i, "key"));
		}
		err = remove_keys(worker, keys, reterr);
		if (err == SL_ERR_OK) {
			err = sl_step_check_lease(worker, step, reterr);
		}
		if (err != SL_ERR_OK) {
			return err;
		}
		first = sl_pg_i64(&rows, rows.count - 1, "index") + 1;
	}
}

static enum sl_err remove_labels(
	struct sl_worker *worker, const char *video_id, struct sl_error *reterr)
{
	static const char *const attributes[] = {"objects", NULL};
	SL_AUTO(sl_freep)
	char *key = sl_video_mp4_key(video_id);
	return remove_whole(worker, key, attributes, reterr);
}

static enum sl_err remove_transcripts(
	struct sl_worker *worker, const char *video_id, int64_t attempt, struct sl_error *reterr)
{
	static const char *const attributes[] = {
		"transcript", "items", "audioSegments", "speakerSegments", NULL};
	enum sl_err err = SL_ERR_OK;
	for (int64_t run = 1; err == SL_ERR_OK && run <= attempt; run++) {
		SL_AUTO(sl_freep)
		char *key = sl_video_transcript_key(video_id, run);
		err = remove_whole(worker, key, attributes, reterr);
	}
	return err;
}

static enum sl_err remove_items_of(struct sl_worker *worker, struct sl_step *step, const char *kind,
	int64_t attempt, struct sl_error *reterr)
{
	if (strcmp(kind, sl_analysis_names[SL_CELEBRITIES]) == 0) {
		return remove_frames(worker, step, reterr);
	}
	return strcmp(kind, sl_analysis_names[SL_LABELS]) == 0
		? remove_labels(worker, step->video_id, reterr)
		: remove_transcripts(worker, step->video_id, attempt, reterr);
}

enum sl_err sl_results_remove(struct sl_worker *worker, struct sl_step *step, const char *kind,
	int64_t attempt, struct sl_error *reterr)
{
	enum sl_err err = remove_items_of(worker, step, kind, attempt, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (strcmp(kind, sl_analysis_names[SL_CELEBRITIES]) == 0) {
		return sl_pg_exec(worker->pg, SL_SQL_celebrities_delete_range, NULL, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_I64(0), SL_PG_I64(INT32_MAX));
	}
	bool labels = strcmp(kind, sl_analysis_names[SL_LABELS]) == 0;
	return sl_pg_exec(worker->pg, labels ? SL_SQL_labels_delete : SL_SQL_transcript_delete,
		NULL, reterr, SL_PG_TEXT(step->video_id));
}

/* --- a whole video ------------------------------------------------------------------------- */

static enum sl_err remove_versions(
	struct sl_worker *worker, const char *video_id, struct sl_error *reterr)
{
	static const char *const attributes[] = {"result", NULL};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err =
		sl_pg_exec(worker->pg, SL_SQL_version_list, &rows, reterr, SL_PG_TEXT(video_id));
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		SL_AUTO(sl_freep)
		char *key = sl_results_version_key(
			video_id, sl_pg_text(&rows, i, "kind"), sl_pg_i64(&rows, i, "attempt"));
		err = remove_whole(worker, key, attributes, reterr);
	}
	return err;
}

enum sl_err sl_results_remove_items(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	static const char *const attributes[] = {"record", "celebrityFrames", NULL};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		worker->pg, SL_SQL_analysis_list, &rows, reterr, SL_PG_TEXT(step->video_id));
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		err = remove_items_of(worker, step, sl_pg_text(&rows, i, "kind"),
			sl_pg_i64(&rows, i, "attempt"), reterr);
	}
	if (err == SL_ERR_OK) {
		err = remove_versions(worker, step->video_id, reterr);
	}
	SL_AUTO(sl_freep)
	char *record = sl_asprintf("videos/%s", step->video_id);
	return err == SL_ERR_OK ? remove_whole(worker, record, attributes, reterr) : err;
}

static enum sl_err remove_listed(
	struct sl_worker *worker, const struct sl_s3_listing *listing, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	const char **keys = sl_calloc(listing->count + 1, sizeof(*keys));
	for (size_t i = 0; i < listing->count; i++) {
		keys[i] = listing->entries[i].key;
	}
	return sl_s3_delete_objects(
		worker->aws, worker->config->bucket, keys, listing->count, reterr);
}

/* Always the first page: what it named is gone when it is asked for again. */
static enum sl_err remove_prefix(
	struct sl_worker *worker, struct sl_step *step, const char *prefix, struct sl_error *reterr)
{
	for (;;) {
		SL_AUTO(sl_s3_listing_finish)
		struct sl_s3_listing listing = {0};
		enum sl_err err = sl_s3_list_objects(
			worker->aws, worker->config->bucket, prefix, NULL, NULL, &listing, reterr);
		if (err == SL_ERR_OK) {
			err = remove_listed(worker, &listing, reterr);
		}
		if (err == SL_ERR_OK) {
			err = sl_step_check_lease(worker, step, reterr);
		}
		if (err != SL_ERR_OK || listing.next_token == NULL) {
			return err;
		}
	}
}

enum sl_err sl_results_remove_objects(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	static const char *const prefixes[] = {"thumbs", "mp4", "audio", "transcripts", "uploads"};
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < SL_ARRAY_SIZE(prefixes); i++) {
		SL_AUTO(sl_freep)
		char *prefix = sl_asprintf("%s/%s/", prefixes[i], step->video_id);
		err = remove_prefix(worker, step, prefix, reterr);
	}
	return err;
}
