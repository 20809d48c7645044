/* SPDX-License-Identifier: Apache-2.0 */
/* transcript.json, .vtt, .srt and .txt. The words of one transcript are held while it is written:
 * a few megabytes for the longest that Transcribe takes. HTTP threads. */

#include <stdlib.h>
#include <string.h>

#include "caption_pieces.h"
#include "export.h"
#include "export_text.h"
#include "graphemes.h"
#include "mem.h"
#include "text.h"
#include "timecode.h"
#include "transcript_words.h"

/* What is being written, and where it goes. */
struct writing {
	struct sl_export_body *body;
	struct sl_buf pending;
	const struct sl_export_captions *captions;
	uint64_t number;
};

static enum sl_err end_writing(struct writing *writing, enum sl_err err, struct sl_error *reterr)
{
	if (err == SL_ERR_OK) {
		err = sl_export_body_end(writing->body, &writing->pending, reterr);
	}
	sl_buf_finish(&writing->pending);
	return err;
}

/* --- JSON ---------------------------------------------------------------------------------- */

static enum sl_err add_fragment(
	void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	struct writing *writing = context;
	sl_buf_add(&writing->pending, sl_pg_text(row, 0, "body"), sl_pg_text_len(row, 0, "body"));
	return sl_export_body_add(writing->body, &writing->pending, reterr);
}

enum sl_err sl_export_transcript_json(struct sl_pg *pg, const struct sl_export_video *video,
	struct sl_export_body *body, struct sl_error *reterr)
{
	struct writing writing = {.body = body, .pending = SL_BUF_INIT};
	const struct sl_pg_param params[] = {SL_PG_TEXT(video->id)};
	enum sl_err err = sl_pg_each(pg, SL_SQL_export_transcript, params, SL_ARRAY_SIZE(params),
		add_fragment, &writing, reterr);
	return end_writing(&writing, err, reterr);
}

/* --- loading ------------------------------------------------------------------------------- */

struct rows {
	struct sl_spoken *items;
	size_t count, capacity;
};

struct loading {
	struct rows segments, words;
};

static void finish_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free((char *)(uintptr_t)rows->items[i].text);
		free((char *)(uintptr_t)rows->items[i].speaker);
	}
	free(rows->items);
}

static void finish_loading(struct loading *loading)
{
	finish_rows(&loading->segments);
	finish_rows(&loading->words);
}

static enum sl_err load_row(void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	(void)reterr;
	struct loading *loading = context;
	bool is_word = sl_pg_bool(row, 0, "is_word");
	struct rows *rows = is_word ? &loading->words : &loading->segments;
	if (rows->count == rows->capacity) {
		rows->capacity = rows->capacity > 0 ? rows->capacity * 2 : 256;
		rows->items = sl_reallocarray(rows->items, rows->capacity, sizeof(*rows->items));
	}
	const char *speaker = sl_pg_text(row, 0, "speaker");
	rows->items[rows->count++] = (struct sl_spoken){
		.text = sl_strdup(sl_pg_text(row, 0, "text")),
		.speaker = speaker != NULL ? sl_strdup(speaker) : NULL,
		.from_ms = sl_pg_i64(row, 0, "from_ms"),
		.to_ms = sl_pg_i64(row, 0, "to_ms"),
	};
	return SL_ERR_OK;
}

static enum sl_err load(struct sl_pg *pg, const struct sl_export_video *video,
	struct loading *loading, struct sl_error *reterr)
{
	const struct sl_pg_param params[] = {SL_PG_TEXT(video->id)};
	return sl_pg_each(
		pg, SL_SQL_export_spoken, params, SL_ARRAY_SIZE(params), load_row, loading, reterr);
}

/* --- captions ------------------------------------------------------------------------------ */

static enum sl_err add_cue(void *context, const struct sl_cue *cue, struct sl_error *reterr)
{
	struct writing *writing = context;
	if (writing->captions->srt) {
		sl_export_srt_cue(&writing->pending, cue, ++writing->number);
	} else {
		sl_export_vtt_cue(&writing->pending, cue, writing->captions->voices);
	}
	return sl_export_body_add(writing->body, &writing->pending, reterr);
}

enum sl_err sl_export_captions_write(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_captions *options, struct sl_export_body *body,
	struct sl_error *reterr)
{
	SL_AUTO(finish_loading)
	struct loading loading = {.segments = {0}};
	enum sl_err err = load(pg, video, &loading, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	struct writing writing = {.body = body, .pending = SL_BUF_INIT, .captions = options};
	sl_buf_puts(&writing.pending, options->srt ? "" : "WEBVTT\n\n");
	SL_AUTO(sl_transcript_words_finish)
	struct sl_transcript_words words = {.text = SL_BUF_INIT};
	sl_transcript_words_make(loading.segments.items, loading.segments.count,
		loading.words.items, loading.words.count, &words);
	err = sl_captions_make(words.items, words.count, &options->cues, add_cue, &writing, reterr);
	return end_writing(&writing, err, reterr);
}

/* --- prose --------------------------------------------------------------------------------- */

/* A paragraph ends when the speaker changes, and after a silence. */
#define SILENCE_MS 2000

static uint32_t last_of(const char *text, size_t len)
{
	uint32_t last = 0;
	for (size_t at = 0; at < len;) {
		struct sl_grapheme next = sl_grapheme_at(text + at, len - at);
		last = next.first;
		at += next.len;
	}
	return last;
}

static bool needs_space(const struct sl_buf *text, const char *next)
{
	size_t from = text->len > 64 ? text->len - 64 : 0;
	while (from < text->len && (text->data[from] & 0xC0) == 0x80) {
		from++;
	}
	return !sl_grapheme_is_unspaced(last_of(text->data + from, text->len - from)) ||
		!sl_grapheme_is_unspaced(sl_grapheme_at(next, strlen(next)).first);
}

static void begin_paragraph(struct sl_buf *out, const struct sl_export_prose *options,
	const struct sl_caption_word *word, bool new_speaker)
{
	if (options->times) {
		char time[SL_TIMECODE_SIZE];
		sl_timecode_format(time, word->from_ms);
		sl_buf_printf(out, "[%s] ", time);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf name = SL_BUF_INIT;
	if (options->speakers && new_speaker && word->speaker != NULL &&
		sl_pieces_add_clean(&name, word->speaker)) {
		sl_buf_printf(out, "%s: ", name.data);
	}
}

static enum sl_err add_prose(struct writing *writing, const struct sl_transcript_words *words,
	const struct sl_export_prose *options, struct sl_error *reterr)
{
	struct sl_buf *out = &writing->pending;
	const struct sl_caption_word *before = NULL;
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < words->count; i++) {
		const struct sl_caption_word *word = &words->items[i];
		SL_AUTO(sl_buf_finish)
		struct sl_buf clean = SL_BUF_INIT;
		if (!sl_pieces_add_clean(&clean, word->text)) {
			continue;
		}
		bool new_speaker = before == NULL || !sl_text_equal(before->speaker, word->speaker);
		if (new_speaker || word->from_ms - before->to_ms >= SILENCE_MS) {
			sl_buf_puts(out, before != NULL ? "\n\n" : "");
			err = sl_export_body_add(writing->body, out, reterr);
			begin_paragraph(out, options, word, new_speaker);
		} else if (needs_space(out, clean.data)) {
			sl_buf_putc(out, ' ');
		}
		sl_buf_add(out, clean.data, clean.len);
		before = word;
	}
	sl_buf_puts(out, before != NULL ? "\n" : "");
	return err;
}

enum sl_err sl_export_prose_write(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_prose *options, struct sl_export_body *body, struct sl_error *reterr)
{
	SL_AUTO(finish_loading)
	struct loading loading = {.segments = {0}};
	enum sl_err err = load(pg, video, &loading, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	struct writing writing = {.body = body, .pending = SL_BUF_INIT};
	SL_AUTO(sl_transcript_words_finish)
	struct sl_transcript_words words = {.text = SL_BUF_INIT};
	sl_transcript_words_make(loading.segments.items, loading.segments.count,
		loading.words.items, loading.words.count, &words);
	err = add_prose(&writing, &words, options, reterr);
	return end_writing(&writing, err, reterr);
}
