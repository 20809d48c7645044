/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces -> cues. What one speaker says without a long pause is a run; where it is divided is the
 * cheapest way by the costs below, found from left to right. Then each cue gets its time. Pure.
 */

#include "captions.h"

#include <stdlib.h>
#include <string.h>

#include "caption_pieces.h"
#include "graphemes.h"
#include "mem.h"
#include "text.h"

#define LONG_PAUSE_MS  1500 /* a cue does not reach over it */
#define PAUSE_MS       700
#define SHORT_PAUSE_MS 300

/* What is to be avoided, against each other. A cue more costs as much as COST_CUE. */
#define COST_CUE           100
#define COST_PLAIN_END     90
#define COST_PAUSE_END     20
#define COST_CLAUSE_END    25
#define COST_INSIDE_A_WORD 400
#define COST_SENTENCE_OVER 110 /* a sentence ends within the cue: together only what is short */
#define COST_PAUSE_WITHIN  60
#define COST_TOO_SHORT     150 /* times the part of min_ms that is lacking */
#define COST_TOO_FAST      200 /* times the part of the time for reading that is lacking */
#define COST_SCRAP         30  /* a few letters for themselves */
#define SCRAP_COLUMNS      10
#define NO_COST            INT64_MAX

struct maker {
	const struct sl_caption_options *options;
	struct sl_pieces pieces;
	int64_t *cost;  /* of the best way to divide the run up to before this piece */
	size_t *begins; /* and where the last cue of that way begins */
	struct sl_buf prefix;
	sl_caption_each *each;
	void *context;
	int64_t free_ms; /* when the next cue may begin */
	bool several;    /* speakers: else it needs not be said who speaks */
};

struct run {
	size_t begin, end; /* pieces */
	unsigned prefix;   /* columns of what stands before its first cue */
};

/* --- who speaks ---------------------------------------------------------------------------- */

/* "NAME: ", the name not wider than half a line. An English name before Arabic is set apart, or
 * the line would run from left to right. */
static void write_name(const char *speaker, unsigned columns, const char *text, struct sl_buf *out)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf name = SL_BUF_INIT;
	if (!sl_pieces_add_clean(&name, speaker)) {
		return;
	}
	bool isolate = sl_grapheme_begins_rtl(text) != sl_grapheme_begins_rtl(name.data);
	unsigned left = columns / 2 - 2;
	bool whole = sl_grapheme_columns(name.data, name.len) <= left;
	unsigned taken = 0;
	size_t at = 0;
	while (at < name.len) {
		struct sl_grapheme next = sl_grapheme_at(name.data + at, name.len - at);
		if (!whole && taken + next.columns > left - 1) {
			break;
		}
		taken += next.columns;
		at += next.len;
	}
	sl_buf_puts(out, isolate ? "\u2068" : "");
	sl_buf_add(out, name.data, at);
	sl_buf_puts(out, whole ? "" : "…");
	sl_buf_puts(out, isolate ? "\u2069: " : ": ");
}

static void write_prefix(struct maker *maker, const char *speaker, const char *text)
{
	sl_buf_clear(&maker->prefix);
	if (speaker == NULL || !maker->several || maker->options->speakers == SL_CAPTION_NONE) {
		return;
	}
	if (maker->options->speakers == SL_CAPTION_DASHES) {
		sl_buf_puts(&maker->prefix, "- ");
	} else {
		write_name(speaker, maker->options->columns, text, &maker->prefix);
	}
}

/* The widest that a prefix can be. */
static unsigned prefix_columns(const struct sl_caption_options *options)
{
	switch (options->speakers) {
	case SL_CAPTION_NAMES:
		return options->columns / 2;
	case SL_CAPTION_DASHES:
		return 2;
	case SL_CAPTION_NONE:
		break;
	}
	return 0;
}

/* --- dividing a run ------------------------------------------------------------------------ */

/* A cue that grows a piece at a time. */
struct growing {
	size_t begin;
	unsigned line, lines; /* columns of the last line; how many lines */
	unsigned columns;     /* of all */
	int64_t within;       /* what is wrong inside it */
};

static unsigned space_before(const struct sl_piece *piece)
{
	return piece->glued ? 0 : 1;
}

static bool grow(const struct maker *maker, struct growing *cue, size_t piece_at)
{
	const struct sl_caption_options *options = maker->options;
	const struct sl_piece *piece = &maker->pieces.items[piece_at];
	if (piece_at > cue->begin) {
		const struct sl_piece *before = piece - 1;
		cue->within += before->end == SL_PIECE_SENTENCE ? COST_SENTENCE_OVER : 0;
		cue->within += piece->from_ms - before->to_ms >= PAUSE_MS ? COST_PAUSE_WITHIN : 0;
		unsigned more = space_before(piece) + piece->columns;
		bool wraps = cue->line + more > options->columns;
		cue->columns += more;
		cue->line = wraps ? piece->columns : cue->line + more;
		cue->lines += wraps ? 1 : 0;
	} else {
		cue->line += piece->columns;
		cue->columns += piece->columns;
		return true; /* whatever its length and speed: it cannot be divided */
	}
	return cue->lines <= options->lines &&
		piece->to_ms - maker->pieces.items[cue->begin].from_ms <= options->max_ms &&
		(int64_t)cue->columns * 1000 <= (int64_t)options->per_second * options->max_ms;
}

static int64_t end_cost(const struct maker *maker, const struct run *run, size_t piece_at)
{
	const struct sl_piece *piece = &maker->pieces.items[piece_at];
	if (piece_at + 1 == run->end || piece->end == SL_PIECE_SENTENCE) {
		return 0;
	}
	if (piece->end == SL_PIECE_INSIDE_A_WORD) {
		return COST_INSIDE_A_WORD;
	}
	if (piece[1].from_ms - piece->to_ms >= SHORT_PAUSE_MS) {
		return COST_PAUSE_END;
	}
	return piece->end == SL_PIECE_CLAUSE ? COST_CLAUSE_END : COST_PLAIN_END;
}

static int64_t reading_ms(const struct maker *maker, unsigned columns)
{
	unsigned per_second = maker->options->per_second;
	return ((int64_t)columns * 1000 + per_second - 1) / per_second;
}

static int64_t cue_cost(
	const struct maker *maker, const struct run *run, const struct growing *cue, size_t last)
{
	const struct sl_piece *items = maker->pieces.items;
	const struct sl_caption_options *options = maker->options;
	int64_t cost = COST_CUE + cue->within + end_cost(maker, run, last);
	bool whole_run = cue->begin == run->begin && last + 1 == run->end;
	cost += cue->columns < SCRAP_COLUMNS && !whole_run ? COST_SCRAP : 0;
	if (last + 1 == maker->pieces.count) {
		return cost;
	}
	int64_t room = items[last + 1].from_ms - options->gap_ms - items[cue->begin].from_ms;
	room = room > 0 ? room : 0;
	int64_t needed = reading_ms(maker, cue->columns);
	if (room < options->min_ms) {
		cost += COST_TOO_SHORT * (options->min_ms - room) / options->min_ms;
	}
	if (room < needed) {
		cost += COST_TOO_FAST * (needed - room) / needed;
	}
	return cost;
}

static void divide(struct maker *maker, const struct run *run)
{
	int64_t *cost = maker->cost;
	for (size_t i = run->begin; i <= run->end; i++) {
		cost[i] = NO_COST;
	}
	cost[run->begin] = 0;
	for (size_t i = run->begin; i < run->end; i++) {
		struct growing cue = {.begin = i, .lines = 1};
		cue.line = cue.columns = i == run->begin ? run->prefix : 0;
		for (size_t last = i; last < run->end && grow(maker, &cue, last); last++) {
			int64_t sum = cost[i] + cue_cost(maker, run, &cue, last);
			if (sum < cost[last + 1]) {
				cost[last + 1] = sum;
				maker->begins[last + 1] = i;
			}
		}
	}
}

/* --- writing a cue ------------------------------------------------------------------------- */

static unsigned width(const struct maker *maker, size_t begin, size_t end)
{
	unsigned columns = 0;
	for (size_t i = begin; i < end; i++) {
		const struct sl_piece *piece = &maker->pieces.items[i];
		columns += piece->columns + (i > begin ? space_before(piece) : 0);
	}
	return columns;
}

/* Where the second line begins; `end`: there is none. Halves of a size are best, the second a bit
 * longer, better still when a clause ends with the first. */
static size_t second_line(const struct maker *maker, size_t begin, size_t end, unsigned prefix)
{
	unsigned limit = maker->options->columns;
	if (prefix + width(maker, begin, end) <= limit) {
		return end;
	}
	size_t best = end;
	int64_t best_cost = NO_COST;
	for (size_t i = begin + 1; i < end; i++) {
		int64_t upper = prefix + width(maker, begin, i);
		int64_t lower = width(maker, i, end);
		enum sl_piece_end ends = maker->pieces.items[i - 1].end;
		int64_t cost = upper > lower ? upper - lower + 2 : lower - upper;
		cost -= ends == SL_PIECE_CLAUSE || ends == SL_PIECE_SENTENCE ? 12 : 0;
		cost += ends == SL_PIECE_INSIDE_A_WORD ? 30 : 0;
		if (upper <= limit && lower <= limit && cost < best_cost) {
			best = i;
			best_cost = cost;
		}
	}
	return best;
}

static void write_line(const struct maker *maker, size_t begin, size_t end, struct sl_buf *out)
{
	for (size_t i = begin; i < end; i++) {
		const struct sl_piece *piece = &maker->pieces.items[i];
		if (i > begin && !piece->glued) {
			sl_buf_putc(out, ' ');
		}
		sl_buf_add(out, maker->pieces.text.data + piece->at, piece->len);
	}
}

/* When the cue goes: late enough to be read, before the next one has to come. */
static int64_t end_ms(const struct maker *maker, size_t end, unsigned columns, int64_t from_ms)
{
	const struct sl_caption_options *options = maker->options;
	const struct sl_piece *items = maker->pieces.items;
	int64_t least = from_ms + (options->min_ms > 0 ? options->min_ms : 1);
	int64_t most = from_ms + options->max_ms;
	int64_t to_ms = items[end - 1].to_ms;
	int64_t read_ms = from_ms + reading_ms(maker, columns);
	to_ms = to_ms > read_ms ? to_ms : read_ms;
	to_ms = to_ms < most ? to_ms : most;
	if (end < maker->pieces.count && to_ms > items[end].from_ms - options->gap_ms) {
		to_ms = items[end].from_ms - options->gap_ms;
	}
	return to_ms > least ? to_ms : least;
}

static enum sl_err emit(
	struct maker *maker, size_t begin, size_t end, unsigned prefix, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf upper = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf lower = SL_BUF_INIT;
	const struct sl_piece *first = &maker->pieces.items[begin];
	size_t second = second_line(maker, begin, end, prefix);
	if (prefix > 0) {
		sl_buf_add(&upper, maker->prefix.data, maker->prefix.len);
	}
	write_line(maker, begin, second, &upper);
	write_line(maker, second, end, &lower);
	struct sl_cue cue = {
		.from_ms = first->from_ms > maker->free_ms ? first->from_ms : maker->free_ms,
		.speaker = first->speaker,
		.lines = {sl_buf_str(&upper), sl_buf_str(&lower)},
		.line_count = second < end ? 2 : 1,
	};
	cue.to_ms = end_ms(maker, end, prefix + width(maker, begin, end), cue.from_ms);
	maker->free_ms = cue.to_ms + maker->options->gap_ms;
	return maker->each(maker->context, &cue, reterr);
}

static enum sl_err emit_run(struct maker *maker, const struct run *run, struct sl_error *reterr)
{
	/* The way back, turned round in place: begins[i] becomes where the cue from i on ends. */
	size_t after = run->end;
	for (size_t end = run->end; end > run->begin;) {
		size_t begin = maker->begins[end];
		maker->begins[end] = after;
		after = end;
		end = begin;
	}
	size_t end = after;
	enum sl_err err = SL_ERR_OK;
	for (size_t begin = run->begin; err == SL_ERR_OK && begin < run->end;) {
		err = emit(maker, begin, end, begin == run->begin ? run->prefix : 0, reterr);
		size_t next = maker->begins[end];
		begin = end;
		end = next;
	}
	return err;
}

/* --- runs ---------------------------------------------------------------------------------- */

static struct run run_from(struct maker *maker, size_t begin)
{
	const struct sl_pieces *pieces = &maker->pieces;
	struct run run = {.begin = begin, .end = begin + 1};
	while (run.end < pieces->count) {
		const struct sl_piece *next = &pieces->items[run.end];
		if (!sl_text_equal(next->speaker, next[-1].speaker) ||
			next->from_ms - next[-1].to_ms >= LONG_PAUSE_MS) {
			break;
		}
		run.end++;
	}
	const struct sl_piece *first = &pieces->items[begin];
	if (begin == 0 || !sl_text_equal(first->speaker, first[-1].speaker)) {
		write_prefix(maker, first->speaker, pieces->text.data + first->at);
		run.prefix = sl_grapheme_columns(maker->prefix.data, maker->prefix.len);
	}
	return run;
}

static bool has_several_speakers(const struct sl_caption_word *words, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (!sl_text_equal(words[i].speaker, words[0].speaker)) {
			return true;
		}
	}
	return false;
}

enum sl_err sl_captions_make(const struct sl_caption_word *words, size_t count,
	const struct sl_caption_options *options, sl_caption_each *each, void *context,
	struct sl_error *reterr)
{
	struct maker maker = {.options = options,
		.each = each,
		.context = context,
		.several = has_several_speakers(words, count)};
	sl_pieces_make(words, count, options->columns - prefix_columns(options), &maker.pieces);
	maker.cost = sl_calloc(maker.pieces.count + 1, sizeof(*maker.cost));
	maker.begins = sl_calloc(maker.pieces.count + 1, sizeof(*maker.begins));
	enum sl_err err = SL_ERR_OK;
	for (size_t begin = 0; err == SL_ERR_OK && begin < maker.pieces.count;) {
		struct run run = run_from(&maker, begin);
		divide(&maker, &run);
		err = emit_run(&maker, &run, reterr);
		begin = run.end;
	}
	sl_pieces_finish(&maker.pieces);
	sl_buf_finish(&maker.prefix);
	free(maker.cost);
	free(maker.begins);
	return err;
}
