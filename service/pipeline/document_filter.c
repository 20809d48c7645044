/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of a filtered document: sl_document_filter(). A page walks along lists, each a statement
 * that goes on behind a place, a batch at a time until `limit` elements are there; document_page.c
 * then nests what was found as the document does. HTTP threads.
 */

#include "document_filter.h"

#include <string.h>

#include "cursor.h"
#include "document_page.h"
#include "mem.h"
#include "uuid.h"

/* Rows of a statement: what a page is made of is in memory, but not much more. */
#define BATCH 500
/* A page that an analysis changed while it was made is made again. */
#define TRIES 3

const char *const sl_document_part_names[] = {"video", "outputs", "analyses", "celebrities",
	"celebrities.names", "celebrities.appearances", "celebrities.detections", "labels",
	"labels.names", "labels.appearances", "labels.detections", "labels.instances", "transcript",
	"transcript.text", "transcript.segments", "transcript.words", "links", "all", NULL};

#define CELEBRITY_PARTS \
	(SL_PART_CELEBRITIES | SL_PART_CELEBRITY_NAMES | SL_PART_CELEBRITY_APPEARANCES | \
		SL_PART_CELEBRITY_DETECTIONS)
#define LABEL_PARTS \
	(SL_PART_LABELS | SL_PART_LABEL_NAMES | SL_PART_LABEL_APPEARANCES | \
		SL_PART_LABEL_DETECTIONS | SL_PART_LABEL_INSTANCES)
#define TRANSCRIPT_PARTS (SL_PART_TRANSCRIPT | SL_PART_TEXT | SL_PART_SEGMENTS | SL_PART_WORDS)

/* In the order in which pages come to them: what is short and says much, first. */
static const struct list {
	unsigned parts; /* any of them asks for it */
	enum sl_sql statement;
	int params;       /* of those that all statements of its kind have in the same order */
	const char *kind; /* NULL: of the transcript */
	enum sl_page_list list;
} lists[] = {
	{CELEBRITY_PARTS, SL_SQL_filter_names, 8, "celebrity", SL_PAGE_NAMES},
	{LABEL_PARTS, SL_SQL_filter_names, 8, "label", SL_PAGE_NAMES},
	{SL_PART_CELEBRITIES | SL_PART_CELEBRITY_APPEARANCES, SL_SQL_filter_appearances, 9,
		"celebrity", SL_PAGE_APPEARANCES},
	{SL_PART_LABELS | SL_PART_LABEL_APPEARANCES, SL_SQL_filter_appearances, 9, "label",
		SL_PAGE_APPEARANCES},
	{SL_PART_TRANSCRIPT | SL_PART_SEGMENTS, SL_SQL_filter_segments, 5, NULL, SL_PAGE_SEGMENTS},
	{SL_PART_CELEBRITIES | SL_PART_CELEBRITY_DETECTIONS, SL_SQL_filter_celebrity_detections, 10,
		"celebrity", SL_PAGE_DETECTIONS},
	{SL_PART_LABELS | SL_PART_LABEL_DETECTIONS | SL_PART_LABEL_INSTANCES,
		SL_SQL_filter_label_detections, 11, "label", SL_PAGE_DETECTIONS},
	{SL_PART_TRANSCRIPT | SL_PART_WORDS, SL_SQL_filter_words, 6, NULL, SL_PAGE_WORDS},
};

/* Where a page begins or ends: behind this element of this list. */
struct place {
	size_t list;
	int64_t rank, place;
};
#define BEGIN_OF(list_) ((struct place){(list_), 0, -1})

struct walk {
	struct sl_app *app;
	struct sl_pg *pg;
	const char *video_id;
	const struct sl_document_filter *filter;
	unsigned include;
	int64_t from_ms, to_ms;
	char *names; /* as a JSON array, or NULL */
	struct place place;
	int64_t left; /* elements that fit on the page */
	bool more;    /* there is something behind the place */
	struct sl_page page;
};

static void walk_finish(struct walk *walk)
{
	free(walk->names);
	sl_page_finish(&walk->page);
}

/* --- what is asked for --------------------------------------------------------------------- */

static unsigned parts_of(const struct sl_document_filter *filter)
{
	if (filter->include == 0) {
		return filter->name_count > 0 ? SL_PART_CELEBRITIES | SL_PART_LABELS
					      : SL_PART_ALL - 1 - SL_PART_LINKS;
	}
	return filter->include & SL_PART_ALL ? filter->include | (SL_PART_ALL - 1 - SL_PART_LINKS)
					     : filter->include;
}

static char *names_of(const struct sl_document_filter *filter)
{
	if (filter->name_count == 0) {
		return NULL;
	}
	json_auto_t *names = json_array();
	for (size_t i = 0; i < filter->name_count; i++) {
		json_array_append_new(names, json_string(filter->names[i]));
	}
	return json_dumps(names, JSON_COMPACT);
}

static void begin(struct walk *walk)
{
	const struct sl_document_filter *filter = walk->filter;
	bool moment = filter->at_ms >= 0;
	walk->include = parts_of(filter);
	walk->from_ms = moment ? filter->at_ms : filter->from_ms;
	walk->to_ms = moment ? filter->at_ms + 1 : filter->to_ms >= 0 ? filter->to_ms : INT64_MAX;
	walk->names = names_of(filter);
}

/* --- where it goes on ---------------------------------------------------------------------- */

static enum sl_err read_cursor(struct walk *walk, struct sl_error *reterr)
{
	const char *text = walk->filter->cursor;
	walk->place = BEGIN_OF(0);
	if (text == NULL) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_cursor_finish)
	struct sl_cursor cursor = {.count = 0};
	enum sl_err err = sl_cursor_read(text, walk->filter->scope, "tiii", &cursor, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *version = cursor.fields[0].text;
	int64_t list = cursor.fields[1].number;
	if (version == NULL || strcmp(version, walk->page.version) != 0) {
		return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, "?cursor",
			"is of before an analysis of the video began or ended; begin again "
			"without");
	}
	if (list < 0 || list >= (int64_t)SL_ARRAY_SIZE(lists)) {
		return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, "?cursor",
			"must be the next_cursor of an answer to the same request");
	}
	walk->place =
		(struct place){(size_t)list, cursor.fields[2].number, cursor.fields[3].number};
	return SL_ERR_OK;
}

static char *next_cursor(const struct walk *walk)
{
	const struct sl_cursor_field fields[] = {SL_CURSOR_TEXT(walk->page.version),
		SL_CURSOR_I64((int64_t)walk->place.list), SL_CURSOR_I64(walk->place.rank),
		SL_CURSOR_I64(walk->place.place)};
	return walk->more ? sl_cursor_write(walk->filter->scope, fields, SL_ARRAY_SIZE(fields))
			  : NULL;
}

/* --- walking ------------------------------------------------------------------------------- */

static enum sl_err fetch(struct walk *walk, const struct list *list, int64_t batch,
	struct sl_pg_rows *rows, struct sl_error *reterr)
{
	const struct sl_document_filter *filter = walk->filter;
	const struct place *place = &walk->place;
	if (list->kind == NULL) {
		const struct sl_pg_param params[] = {SL_PG_TEXT(walk->video_id),
			SL_PG_I64(walk->from_ms), SL_PG_I64(walk->to_ms), SL_PG_I64(place->place),
			SL_PG_I64(batch), SL_PG_F64(filter->min_confidence)};
		return sl_pg_run(walk->pg, list->statement, params, list->params, rows, reterr);
	}
	const unsigned with_instances = SL_PART_LABELS | SL_PART_LABEL_INSTANCES;
	const struct sl_pg_param params[] = {SL_PG_TEXT(walk->video_id), SL_PG_TEXT(list->kind),
		SL_PG_F64(filter->min_confidence), SL_PG_TEXT(walk->names),
		SL_PG_I64(walk->from_ms), SL_PG_I64(walk->to_ms), SL_PG_I64(place->rank),
		SL_PG_I64(batch), SL_PG_I64(place->place), SL_PG_BOOL(filter->at_ms >= 0),
		SL_PG_BOOL((walk->include & with_instances) != 0)};
	return sl_pg_run(walk->pg, list->statement, params, list->params, rows, reterr);
}

/* The statements leave their order to a nested loop: see filter_names.inc. */
static enum sl_err go_on(
	struct walk *walk, const struct sl_pg_rows *rows, int row, struct sl_error *reterr)
{
	struct place *place = &walk->place;
	int64_t rank = sl_pg_i64(rows, row, "rank");
	int64_t at = sl_pg_i64(rows, row, "place");
	if (rank < place->rank || (rank == place->rank && at <= place->place)) {
		return sl_error_set(reterr, SL_ERR_INTERNAL,
			"PostgreSQL planned a list of the metadata in another order");
	}
	place->rank = rank;
	place->place = at;
	return SL_ERR_OK;
}

/* Takes rows while they fit. The first of a page always does: a page may not be empty for ever. */
static enum sl_err take_rows(struct walk *walk, const struct list *list,
	const struct sl_pg_rows *rows, struct sl_error *reterr)
{
	for (int i = 0; i < rows->count; i++) {
		int64_t entries = sl_pg_i64(rows, i, "entries");
		if (entries > walk->left && walk->left < walk->filter->limit) {
			walk->more = true;
			return SL_ERR_OK;
		}
		walk->left = entries < walk->left ? walk->left - entries : 0;
		enum sl_err err = go_on(walk, rows, i, reterr);
		if (err == SL_ERR_OK) {
			err = sl_page_add(&walk->page, list->kind, list->list, rows, i, reterr);
		}
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	return SL_ERR_OK;
}

static enum sl_err walk_list(struct walk *walk, const struct list *list, struct sl_error *reterr)
{
	for (;;) {
		SL_AUTO(sl_pg_rows_finish)
		struct sl_pg_rows rows = {0};
		int64_t batch = walk->left < BATCH ? walk->left : BATCH;
		batch = batch > 0 ? batch : 1; /* is there one more? */
		enum sl_err err = fetch(walk, list, batch, &rows, reterr);
		if (err == SL_ERR_OK) {
			err = take_rows(walk, list, &rows, reterr);
		}
		if (err != SL_ERR_OK || walk->more || rows.count < batch) {
			return err;
		}
	}
}

static enum sl_err walk_lists(struct walk *walk, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	walk->left = walk->filter->limit;
	for (size_t i = walk->place.list; i < SL_ARRAY_SIZE(lists); i++) {
		if (i != walk->place.list) {
			walk->place = BEGIN_OF(i);
		}
		if (walk->include & lists[i].parts) {
			sl_page_begin_list(&walk->page);
			err = walk_list(walk, &lists[i], reterr);
		}
		if (err != SL_ERR_OK || walk->more) {
			break;
		}
	}
	return err;
}

/* --- one page ------------------------------------------------------------------------------ */

static const char *member_if(const struct walk *walk, unsigned parts, const char *name)
{
	return walk->include & parts ? name : NULL;
}

static void say_what_to_write(struct walk *walk)
{
	struct sl_page *page = &walk->page;
	bool begins = walk->filter->cursor == NULL;
	bool everything = walk->from_ms == 0 && walk->to_ms == INT64_MAX;
	page->celebrities.member = member_if(walk, CELEBRITY_PARTS, "celebrities");
	page->celebrities.with_appearances =
		walk->include & (SL_PART_CELEBRITIES | SL_PART_CELEBRITY_APPEARANCES);
	page->celebrities.with_detections =
		walk->include & (SL_PART_CELEBRITIES | SL_PART_CELEBRITY_DETECTIONS);
	page->labels.member = member_if(walk, LABEL_PARTS, "labels");
	page->labels.with_appearances =
		walk->include & (SL_PART_LABELS | SL_PART_LABEL_APPEARANCES);
	page->labels.with_detections = walk->include &
		(SL_PART_LABELS | SL_PART_LABEL_DETECTIONS | SL_PART_LABEL_INSTANCES);
	page->with_transcript = walk->include & TRANSCRIPT_PARTS;
	page->with_text =
		begins && everything && walk->include & (SL_PART_TRANSCRIPT | SL_PART_TEXT);
	page->with_segments = walk->include & (SL_PART_TRANSCRIPT | SL_PART_SEGMENTS);
	page->with_words = walk->include & (SL_PART_TRANSCRIPT | SL_PART_WORDS);
	page->links = walk->include & SL_PART_LINKS ? walk->app : NULL;
}

static enum sl_err not_found(const char *id, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", id);
}

static enum sl_err read_head(struct walk *walk, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_exec(walk->pg, SL_SQL_filter_document, &walk->page.head, reterr,
		SL_PG_TEXT(walk->video_id), SL_PG_BOOL(walk->include & SL_PART_VIDEO),
		SL_PG_BOOL(walk->include & SL_PART_OUTPUTS),
		SL_PG_BOOL(walk->include & SL_PART_ANALYSES),
		walk->filter->at_ms >= 0 ? SL_PG_I64(walk->filter->at_ms) : SL_PG_NULL);
	if (err == SL_ERR_OK && walk->page.head.count == 0) {
		return not_found(walk->video_id, reterr);
	}
	if (err == SL_ERR_OK) {
		walk->page.version = sl_pg_text(&walk->page.head, 0, "version");
	}
	return err;
}

static enum sl_err check_unchanged(struct walk *walk, bool *ret_unchanged, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		walk->pg, SL_SQL_filter_version, &rows, reterr, SL_PG_TEXT(walk->video_id));
	if (err == SL_ERR_OK) {
		*ret_unchanged = strcmp(walk->page.version, sl_pg_text(&rows, 0, "version")) == 0;
	}
	return err;
}

static enum sl_err make_page(
	struct walk *walk, struct sl_buf *out, bool *ret_made, struct sl_error *reterr)
{
	begin(walk);
	enum sl_err err = read_head(walk, reterr);
	if (err == SL_ERR_OK) {
		say_what_to_write(walk);
		err = read_cursor(walk, reterr);
	}
	if (err == SL_ERR_OK) {
		err = walk_lists(walk, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_page_read_names(&walk->page, walk->pg, walk->video_id, reterr);
	}
	if (err == SL_ERR_OK) {
		err = check_unchanged(walk, ret_made, reterr);
	}
	if (err != SL_ERR_OK || !*ret_made) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *cursor = next_cursor(walk);
	return sl_page_write(&walk->page, cursor, out, reterr);
}

enum sl_err sl_document_filter(struct sl_app *app, const char *video_id,
	const struct sl_document_filter *filter, struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	if (!sl_uuid_valid(video_id)) {
		return not_found(video_id, reterr);
	}
	enum sl_err err = sl_app_pg_take(app, &held, reterr);
	bool made = false;
	for (int i = 0; err == SL_ERR_OK && !made && i < TRIES; i++) {
		SL_AUTO(walk_finish)
		struct walk walk = {
			.app = app, .pg = held.pg, .video_id = video_id, .filter = filter};
		err = make_page(&walk, out, &made, reterr);
	}
	if (err == SL_ERR_OK && !made) {
		return sl_error_set(reterr, SL_ERR_DATABASE_CONFLICT,
			"analyses of video %s began or ended while it was read; try again",
			video_id);
	}
	return err;
}
