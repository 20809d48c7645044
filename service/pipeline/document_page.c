/* SPDX-License-Identifier: Apache-2.0 */
/* A page of a filtered document, gathered and written: see document_page.h. One thread. */

#include "document_page.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "document_filter.h"
#include "mem.h"
#include "s3.h"
#include "timecode.h"

static void names_finish(struct sl_page_names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		sl_buf_finish(&names->names[i].head);
		sl_buf_finish(&names->names[i].appearances);
		sl_buf_finish(&names->names[i].detections);
	}
	free(names->names);
}

void sl_page_finish(struct sl_page *page)
{
	sl_pg_rows_finish(&page->head);
	names_finish(&page->celebrities);
	names_finish(&page->labels);
	sl_buf_finish(&page->segments);
	sl_buf_finish(&page->words);
	*page = (struct sl_page){.version = NULL};
}

/* --- links --------------------------------------------------------------------------------- */

static void add_text(struct sl_buf *out, const char *text)
{
	json_auto_t *value = json_string(text);
	SL_AUTO(sl_freep)
	char *quoted = json_dumps(value, JSON_ENCODE_ANY);
	sl_buf_puts(out, quoted);
}

/* "name":"https://…", behind a comma. Nothing when there is no key. */
static enum sl_err add_link(struct sl_page *page, const char *name, const char *key,
	struct sl_buf *out, struct sl_error *reterr)
{
	if (key == NULL) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_freep)
	char *url = NULL;
	int64_t end_ms;
	const struct sl_s3_grant grant = {
		.method = "GET",
		.bucket = page->links->config->bucket,
		.key = key,
		.expires_s = SL_DOCUMENT_LINKS_S + SL_DOCUMENT_LINKS_SAME_S,
		.same_for_s = SL_DOCUMENT_LINKS_SAME_S,
	};
	enum sl_err err = sl_s3_presign(page->links->aws, &grant, &url, &end_ms, reterr);
	if (err == SL_ERR_OK) {
		sl_buf_printf(out, ",\"%s\":", name);
		add_text(out, url);
		if (page->links_end_ms == 0 || end_ms < page->links_end_ms) {
			page->links_end_ms = end_ms;
		}
	}
	return err;
}

static enum sl_err add_frame_link(struct sl_page *page, struct sl_buf *out, struct sl_error *reterr)
{
	const char *key = sl_pg_text(&page->head, 0, "frame_key");
	if (key == NULL) {
		return SL_ERR_OK;
	}
	int64_t time_ms = sl_pg_i64(&page->head, 0, "frame_time_ms");
	char time[SL_TIMECODE_SIZE];
	sl_timecode_format(time, time_ms);
	sl_buf_printf(out,
		",\"frame\":{\"time_ms\":%lld,\"time\":\"%s\",\"key\":", (long long)time_ms, time);
	add_text(out, key);
	enum sl_err err = add_link(page, "url", key, out, reterr);
	sl_buf_putc(out, '}');
	return err;
}

static enum sl_err add_links(struct sl_page *page, struct sl_buf *out, struct sl_error *reterr)
{
	static const struct {
		const char *name, *column;
	} links[] = {{"mp4", "mp4_key"}, {"audio", "audio_key"}, {"transcript", "transcript_key"}};
	SL_AUTO(sl_buf_finish)
	struct sl_buf list = SL_BUF_INIT;
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < SL_ARRAY_SIZE(links); i++) {
		const char *key = sl_pg_text(&page->head, 0, links[i].column);
		err = add_link(page, links[i].name, key, &list, reterr);
	}
	if (err == SL_ERR_OK) {
		err = add_frame_link(page, &list, reterr);
	}
	sl_buf_puts(out, ",\"links\":{");
	if (page->links_end_ms > 0) { /* those of the detections count too */
		char end[SL_CLOCK_RFC3339_SIZE];
		sl_clock_rfc3339(page->links_end_ms, end);
		sl_buf_printf(out, "\"expires_at\":\"%s\"%s", end, sl_buf_str(&list));
	}
	sl_buf_putc(out, '}');
	return err;
}

/* --- gathering ----------------------------------------------------------------------------- */

void sl_page_begin_list(struct sl_page *page)
{
	page->celebrities.at = 0;
	page->labels.at = 0;
}

/* The name of a rank, put in its place when it is new. A list comes in the order of ranks. */
static struct sl_page_name *find_name(struct sl_page_names *names, int64_t rank)
{
	while (names->at < names->count && names->names[names->at].rank < rank) {
		names->at++;
	}
	if (names->at < names->count && names->names[names->at].rank == rank) {
		return &names->names[names->at];
	}
	if (names->count == names->capacity) {
		names->capacity = names->capacity > 0 ? 2 * names->capacity : 64;
		names->names =
			sl_reallocarray(names->names, names->capacity, sizeof(*names->names));
	}
	struct sl_page_name *name = &names->names[names->at];
	memmove(name + 1, name, (names->count - names->at) * sizeof(*name));
	*name = (struct sl_page_name){.rank = rank};
	names->count++;
	return name;
}

static struct sl_page_names *names_of(struct sl_page *page, const char *kind)
{
	return strcmp(kind, "label") == 0 ? &page->labels : &page->celebrities;
}

static void add_element(struct sl_buf *list, const struct sl_pg_rows *rows, int row)
{
	if (list->len > 0) {
		sl_buf_putc(list, ',');
	}
	sl_buf_add(list, sl_pg_text(rows, row, "body"), sl_pg_text_len(rows, row, "body"));
}

/* A celebrity's detection, with a link to its frame. */
static enum sl_err add_with_frame(struct sl_page *page, struct sl_buf *list,
	const struct sl_pg_rows *rows, int row, struct sl_error *reterr)
{
	add_element(list, rows, row);
	list->len--; /* the brace */
	enum sl_err err = add_link(page, "frame_url", sl_pg_text(rows, row, "frame"), list, reterr);
	sl_buf_putc(list, '}');
	return err;
}

enum sl_err sl_page_add(struct sl_page *page, const char *kind, enum sl_page_list list,
	const struct sl_pg_rows *rows, int row, struct sl_error *reterr)
{
	if (kind == NULL) {
		add_element(list == SL_PAGE_WORDS ? &page->words : &page->segments, rows, row);
		return SL_ERR_OK;
	}
	struct sl_page_names *names = names_of(page, kind);
	struct sl_page_name *name = find_name(names, sl_pg_i64(rows, row, "rank"));
	if (list == SL_PAGE_APPEARANCES) {
		add_element(&name->appearances, rows, row);
	} else if (list == SL_PAGE_DETECTIONS) {
		if (page->links != NULL && names == &page->celebrities) {
			return add_with_frame(page, &name->detections, rows, row, reterr);
		}
		add_element(&name->detections, rows, row);
	}
	return SL_ERR_OK;
}

/* --- names --------------------------------------------------------------------------------- */

static char *ranks_of(const struct sl_page_names *names)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf ranks = SL_BUF_INIT;
	for (size_t i = 0; i < names->count; i++) {
		sl_buf_printf(&ranks, "%c%lld", i > 0 ? ',' : '[', (long long)names->names[i].rank);
	}
	sl_buf_putc(&ranks, ']');
	return sl_buf_steal(&ranks);
}

static enum sl_err read_names(struct sl_page_names *names, struct sl_pg *pg, const char *video_id,
	const char *kind, struct sl_error *reterr)
{
	if (names->count == 0) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_freep)
	char *ranks = ranks_of(names);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_filter_heads, &rows, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(kind), SL_PG_TEXT(ranks));
	names->at = 0;
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		struct sl_page_name *name = find_name(names, sl_pg_i64(&rows, i, "rank"));
		add_element(&name->head, &rows, i);
	}
	return err;
}

enum sl_err sl_page_read_names(
	struct sl_page *page, struct sl_pg *pg, const char *video_id, struct sl_error *reterr)
{
	enum sl_err err = read_names(&page->celebrities, pg, video_id, "celebrity", reterr);
	return err == SL_ERR_OK ? read_names(&page->labels, pg, video_id, "label", reterr) : err;
}

/* --- writing ------------------------------------------------------------------------------- */

static void write_list(struct sl_buf *out, const char *member, const struct sl_buf *list)
{
	sl_buf_printf(out, ",\"%s\":[", member);
	sl_buf_add(out, sl_buf_str(list), list->len);
	sl_buf_putc(out, ']');
}

static void write_names(struct sl_buf *out, const struct sl_page_names *names)
{
	if (names->member == NULL) {
		return;
	}
	sl_buf_printf(out, ",\"%s\":[", names->member);
	for (size_t i = 0; i < names->count; i++) {
		const struct sl_page_name *name = &names->names[i];
		if (i > 0) {
			sl_buf_putc(out, ',');
		}
		sl_buf_add(out, sl_buf_str(&name->head), name->head.len);
		if (names->with_appearances) {
			write_list(out, "appearances", &name->appearances);
		}
		if (names->with_detections) {
			write_list(out, "detections", &name->detections);
		}
		sl_buf_putc(out, '}');
	}
	sl_buf_putc(out, ']');
}

static void write_transcript(struct sl_buf *out, const struct sl_page *page)
{
	if (!page->with_transcript || !sl_pg_bool(&page->head, 0, "has_transcript")) {
		return;
	}
	const char *head = sl_pg_text(&page->head, 0, "transcript");
	sl_buf_printf(out, ",\"transcript\":%s", head);
	size_t before = out->len;
	if (page->with_text) {
		sl_buf_printf(out, ",\"text\":%s", sl_pg_text(&page->head, 0, "transcript_text"));
	}
	if (page->with_segments) {
		write_list(out, "segments", &page->segments);
	}
	if (page->with_words) {
		write_list(out, "words", &page->words);
	}
	if (head[1] == '\0' && out->len > before) { /* a transcript without a language */
		memmove(out->data + before, out->data + before + 1, out->len - before);
		out->len--;
	}
	sl_buf_putc(out, '}');
}

enum sl_err sl_page_write(
	struct sl_page *page, const char *cursor, struct sl_buf *out, struct sl_error *reterr)
{
	sl_buf_puts(out, sl_pg_text(&page->head, 0, "head"));
	write_names(out, &page->celebrities);
	write_names(out, &page->labels);
	write_transcript(out, page);
	enum sl_err err = page->links != NULL ? add_links(page, out, reterr) : SL_ERR_OK;
	if (cursor != NULL) {
		sl_buf_printf(out, ",\"next_cursor\":\"%s\"", cursor);
	}
	sl_buf_putc(out, '}');
	return err;
}
