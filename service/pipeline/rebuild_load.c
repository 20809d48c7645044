/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transactions of `spotlist rebuild`. A check loads the same rows by the same code under an id
 * of its own and rolls back, so that what it calls equal is what a rebuild would write. Thread of
 * the command.
 */

#include "rebuild_load.h"

#include <stdlib.h>

#include "document.h"
#include "fsm.h"
#include "mem.h"
#include "text.h"
#include "transcript_mirror.h"

/* For each statement: ten million labels take minutes. */
#define PATIENCE_MS "900000"

struct work {
	struct sl_rebuild_source *source;
	const struct sl_rebuild_head *head;
	struct sl_rebuild_findings *found; /* by this transaction, which may run again */
	bool meant;                        /* the rollback */
};

/* An error is how a transaction is rolled back. */
static enum sl_err roll_back(struct work *work)
{
	work->meant = true;
	return SL_ERR_CANCELED;
}

static enum sl_err run(struct sl_pg *pg, const char *name, sl_tx_fn *fn, struct work *work,
	struct sl_error *reterr)
{
	enum sl_err err = sl_pg_tx(pg, name, fn, work, reterr);
	return work->meant ? SL_ERR_OK : err;
}

void sl_rebuild_head_finish(struct sl_rebuild_head *head)
{
	sl_freep(&head->version);
}

static enum sl_err read_head(struct sl_pg *pg, enum sl_sql statement, const char *video_id,
	struct sl_rebuild_head *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, statement, &rows, reterr, SL_PG_TEXT(video_id));
	if (err == SL_ERR_OK && rows.count > 0) {
		ret->exists = true;
		ret->final = sl_fsm_video_is_final(
			sl_fsm_video_state_parse(sl_pg_text(&rows, 0, "state")));
		ret->version = sl_strdup(sl_pg_text(&rows, 0, "version"));
	}
	return err;
}

enum sl_err sl_rebuild_head_read(struct sl_pg *pg, const char *video_id,
	struct sl_rebuild_head *ret, struct sl_error *reterr)
{
	return read_head(pg, SL_SQL_mirror_head, video_id, ret, reterr);
}

/* VIDEO_BUSY when the video has changed since its items were read. */
static enum sl_err check_unchanged(
	struct sl_pg *pg, enum sl_sql statement, const struct work *work, struct sl_error *reterr)
{
	SL_AUTO(sl_rebuild_head_finish)
	struct sl_rebuild_head now = {0};
	enum sl_err err = read_head(pg, statement, work->source->video_id, &now, reterr);
	if (err == SL_ERR_OK && !sl_text_equal(now.version, work->head->version)) {
		return sl_error_set(
			reterr, SL_ERR_VIDEO_BUSY, "the video changed while its items were read");
	}
	return err;
}

/* --- loading ------------------------------------------------------------------------------- */

struct faces {
	struct sl_pg *pg;
	const char *video_id;
};

static enum sl_err add_looks(
	void *context, const struct sl_look *looks, size_t count, struct sl_error *reterr)
{
	const struct faces *faces = context;
	return sl_celebrities_mirror_add(faces->pg, faces->video_id, looks, count, reterr);
}

static enum sl_err load_results(
	struct sl_pg *pg, struct sl_rebuild_source *source, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	if (source->whole & SL_REBUILD_FACES) {
		struct faces faces = {pg, source->target_id};
		err = sl_rebuild_each_looks(source, add_looks, &faces, reterr);
	}
	if (err == SL_ERR_OK && source->whole & SL_REBUILD_LABELS && source->labels != NULL) {
		err = sl_labels_mirror_load(pg, source->labels, reterr);
	}
	if (err == SL_ERR_OK && source->whole & SL_REBUILD_TRANSCRIPT && source->speech != NULL) {
		err = sl_transcript_mirror_load(pg, source->target_id, &source->transcript, reterr);
	}
	if (err == SL_ERR_OK && source->whole & SL_REBUILD_VERSIONS) {
		err = sl_rebuild_load_versions(pg, source, reterr);
	}
	return err;
}

/* What the items hold must be what was counted when the video was settled. */
static enum sl_err check_counts(struct sl_pg *pg, struct work *work, struct sl_error *reterr)
{
	const struct sl_rebuild_source *source = work->source;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_mirror_miscounts, &rows, reterr,
		SL_PG_TEXT(source->target_id), SL_PG_TEXT(source->record));
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		err = sl_rebuild_find(work->found, reterr,
			"%s: DynamoDB's items have %s, their record counts %s",
			sl_pg_text(&rows, i, "what"), sl_pg_text(&rows, i, "found"),
			sl_pg_text(&rows, i, "counted"));
	}
	return err;
}

/* All rows of the target; none of them may be there, but the video's own. */
static enum sl_err load(struct sl_pg *pg, struct work *work, struct sl_error *reterr)
{
	struct sl_rebuild_source *source = work->source;
	const char *id = source->target_id;
	sl_rebuild_findings_finish(work->found);
	enum sl_err err = sl_pg_exec(pg, SL_SQL_patience, NULL, reterr, SL_PG_TEXT(PATIENCE_MS));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_mirror_video, NULL, reterr, SL_PG_TEXT(id),
			SL_PG_TEXT(source->record));
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_mirror_clear, NULL, reterr, SL_PG_TEXT(id));
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_mirror_record, NULL, reterr, SL_PG_TEXT(id),
			SL_PG_TEXT(source->record));
	}
	if (err == SL_ERR_OK) {
		err = load_results(pg, source, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(
			pg, SL_SQL_appearances_make, NULL, reterr, SL_PG_TEXT(id), SL_PG_NULL);
	}
	if (err == SL_ERR_OK && source->whole == SL_REBUILD_ALL) {
		err = check_counts(pg, work, reterr);
	}
	return err == SL_ERR_OK ? sl_document_replace(pg, id, reterr) : err;
}

static enum sl_err replace_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct work *work = context;
	enum sl_err err = check_unchanged(pg, SL_SQL_mirror_lock, work, reterr);
	if (err == SL_ERR_OK) {
		err = load(pg, work, reterr);
	}
	return err == SL_ERR_OK && work->found->count > 0 ? roll_back(work) : err;
}

enum sl_err sl_rebuild_replace(struct sl_pg *pg, struct sl_rebuild_source *source,
	const struct sl_rebuild_head *head, struct sl_rebuild_findings *found,
	struct sl_error *reterr)
{
	struct work work = {source, head, found, false};
	return run(pg, "rebuild_replace", replace_tx, &work, reterr);
}

/* --- comparing ----------------------------------------------------------------------------- */

struct table {
	const char *name;
	struct sl_rebuild_findings *findings;
};

static enum sl_err tell_difference(
	void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	const struct table *table = context;
	const char *key = sl_pg_text(row, 0, "key");
	return sl_rebuild_find(table->findings, reterr, "%s%s%s: %s", table->name,
		*key != '\0' ? " " : "", key, sl_pg_text(row, 0, "what"));
}

static enum sl_err compare_tables(struct sl_pg *pg, struct work *work, struct sl_error *reterr)
{
	static const struct {
		const char *name;
		unsigned sections;
	} tables[] = {
		{"videos", SL_REBUILD_RECORD},
		{"analyses", SL_REBUILD_RECORD},
		{"analysis_versions", SL_REBUILD_RECORD | SL_REBUILD_VERSIONS},
		{"timeline", SL_REBUILD_RECORD},
		{"frames", SL_REBUILD_RECORD},
		{"celebrity_detections", SL_REBUILD_FACES},
		{"labels", SL_REBUILD_LABELS},
		{"label_detections", SL_REBUILD_LABELS},
		{"label_instances", SL_REBUILD_LABELS},
		{"appearances", SL_REBUILD_RECORD | SL_REBUILD_FACES | SL_REBUILD_LABELS},
		{"video_names", SL_REBUILD_RECORD | SL_REBUILD_FACES | SL_REBUILD_LABELS},
		{"transcripts", SL_REBUILD_TRANSCRIPT},
		{"transcript_segments", SL_REBUILD_TRANSCRIPT},
		{"transcript_words", SL_REBUILD_TRANSCRIPT},
		{"documents", SL_REBUILD_ALL},
	};
	const struct sl_rebuild_source *source = work->source;
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < SL_ARRAY_SIZE(tables); i++) {
		if ((source->whole & tables[i].sections) != tables[i].sections) {
			continue;
		}
		struct table table = {tables[i].name, work->found};
		const struct sl_pg_param params[] = {SL_PG_TEXT(source->video_id),
			SL_PG_TEXT(source->target_id), SL_PG_TEXT(table.name)};
		err = sl_pg_each(pg, SL_SQL_mirror_differences, params, SL_ARRAY_SIZE(params),
			tell_difference, &table, reterr);
	}
	return err;
}

static enum sl_err compare_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct work *work = context;
	enum sl_err err = load(pg, work, reterr);
	if (err == SL_ERR_OK) {
		err = compare_tables(pg, work, reterr);
	}
	if (err == SL_ERR_OK) {
		err = check_unchanged(pg, SL_SQL_mirror_head, work, reterr);
	}
	return err == SL_ERR_OK ? roll_back(work) : err;
}

enum sl_err sl_rebuild_compare(struct sl_pg *pg, struct sl_rebuild_source *source,
	const struct sl_rebuild_head *head, struct sl_rebuild_findings *found,
	struct sl_error *reterr)
{
	struct work work = {source, head, found, false};
	return run(pg, "rebuild_compare", compare_tx, &work, reterr);
}
