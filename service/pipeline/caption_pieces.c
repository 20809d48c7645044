/* SPDX-License-Identifier: Apache-2.0 */
/* Words -> pieces: cleaned, measured, cut where they are too long, with the kind of their end. */

#include "caption_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "graphemes.h"
#include "mem.h"
#include "text.h"

/* U+0080 to U+009F, U+2028, U+2029: line breaks to somebody. */
static size_t break_len(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	if (bytes[0] <= ' ' || bytes[0] == 0x7F) {
		return bytes[0] == '\0' ? 0 : 1;
	}
	if (bytes[0] == 0xC2 && bytes[1] >= 0x80 && bytes[1] <= 0x9F) {
		return 2;
	}
	return bytes[0] == 0xE2 && bytes[1] == 0x80 && (bytes[2] == 0xA8 || bytes[2] == 0xA9) ? 3
											      : 0;
}

bool sl_pieces_add_clean(struct sl_buf *out, const char *text)
{
	size_t begin = out->len;
	bool space = false;
	while (*text != '\0') {
		size_t skip = break_len(text);
		if (skip > 0) {
			space = true;
			text += skip;
			continue;
		}
		if (space && out->len > begin) {
			sl_buf_putc(out, ' ');
		}
		space = false;
		sl_buf_putc(out, *text++);
	}
	return out->len > begin;
}

/* --- the ends of pieces -------------------------------------------------------------------- */

static bool is_one_of(uint32_t code, const uint32_t *codes)
{
	while (*codes != 0 && *codes != code) {
		codes++;
	}
	return *codes != 0;
}

static bool ends_sentence(uint32_t code)
{
	static const uint32_t codes[] = {'.', '?', '!', 0x2026, 0x203D, 0x3002, 0xFF0E, 0xFF01,
		0xFF1F, 0xFF61, 0x61F, 0x6D4, 0x964, 0x965, 0x1362, 0x104B, 0x17D4, 0};
	return is_one_of(code, codes);
}

static bool ends_clause(uint32_t code)
{
	static const uint32_t codes[] = {',', ';', ':', 0x2013, 0x2014, 0x3001, 0xFF0C, 0xFF1A,
		0xFF1B, 0xFF64, 0x60C, 0x61B, 0x104A, 0};
	return is_one_of(code, codes);
}

/* What may not begin a line, besides the above. */
static bool closes(uint32_t code)
{
	static const uint32_t codes[] = {'"', '\'', ')', ']', '}', 0xBB, 0x2019, 0x201D, 0x300B,
		0x300D, 0x300F, 0x3011, 0x3015, 0xFF09, 0xFF3D, 0xFF5D, 0x30FC, 0x3005, 0};
	return is_one_of(code, codes);
}

/* The last character that is no closing quote or bracket tells. */
static enum sl_piece_end end_of(const char *text, size_t len)
{
	enum sl_piece_end end = SL_PIECE_PLAIN;
	for (size_t at = 0; at < len;) {
		struct sl_grapheme grapheme = sl_grapheme_at(text + at, len - at);
		if (ends_sentence(grapheme.first)) {
			end = SL_PIECE_SENTENCE;
		} else if (ends_clause(grapheme.first)) {
			end = SL_PIECE_CLAUSE;
		} else if (!closes(grapheme.first)) {
			end = SL_PIECE_PLAIN;
		}
		at += grapheme.len;
	}
	return end;
}

static bool is_unspaced_end(const char *text, size_t len)
{
	uint32_t last = 0;
	for (size_t at = 0; at < len;) {
		struct sl_grapheme grapheme = sl_grapheme_at(text + at, len - at);
		last = grapheme.first;
		at += grapheme.len;
	}
	return sl_grapheme_is_unspaced(last);
}

/* --- pieces -------------------------------------------------------------------------------- */

static struct sl_piece *add(struct sl_pieces *pieces)
{
	if (pieces->count == pieces->capacity) {
		pieces->capacity = pieces->capacity > 0 ? pieces->capacity * 2 : 256;
		pieces->items =
			sl_reallocarray(pieces->items, pieces->capacity, sizeof(*pieces->items));
	}
	return &pieces->items[pieces->count++];
}

/* How much of a text that is too wide comes first: up to `columns`, or to a mark that ends a
 * clause, and not such that a closing mark would begin what is left. */
static size_t first_part(const char *text, size_t len, unsigned columns, unsigned *ret_columns)
{
	unsigned taken = 0;
	size_t at = 0;
	size_t before = 0;
	unsigned before_columns = 0;
	while (at < len) {
		struct sl_grapheme next = sl_grapheme_at(text + at, len - at);
		bool hangs =
			ends_sentence(next.first) || ends_clause(next.first) || closes(next.first);
		if (at > 0 && taken + next.columns > columns) {
			bool back = hangs && before > 0;
			*ret_columns = back ? before_columns : taken;
			return back ? before : at;
		}
		before = at;
		before_columns = taken;
		at += next.len;
		taken += next.columns;
		bool mark = sl_grapheme_is_unspaced(next.first) &&
			(ends_sentence(next.first) || ends_clause(next.first));
		struct sl_grapheme after =
			at < len ? sl_grapheme_at(text + at, len - at) : (struct sl_grapheme){0};
		if (mark && !closes(after.first) && !ends_sentence(after.first)) {
			break;
		}
	}
	*ret_columns = taken;
	return at;
}

/* `word` is in pieces->text from `at` on. */
static void add_word(struct sl_pieces *pieces, const struct sl_caption_word *word, size_t at,
	unsigned columns, bool glued)
{
	size_t len = pieces->text.len - at;
	unsigned whole = sl_grapheme_columns(pieces->text.data + at, len);
	unsigned done = 0;
	int64_t lasts_ms = word->to_ms - word->from_ms;
	while (len > 0) {
		const char *text = pieces->text.data + at;
		unsigned wide = whole;
		size_t part = whole <= columns ? len : first_part(text, len, columns, &wide);
		struct sl_piece *piece = add(pieces);
		*piece = (struct sl_piece){
			.at = at,
			.len = part,
			.columns = wide,
			.glued = glued,
			.end = end_of(text, part),
			.from_ms = word->from_ms + lasts_ms * done / (whole > 0 ? whole : 1),
			.speaker = word->speaker,
		};
		done += wide;
		piece->to_ms = word->from_ms + lasts_ms * done / (whole > 0 ? whole : 1);
		if (part < len && piece->end == SL_PIECE_PLAIN) {
			piece->end = SL_PIECE_INSIDE_A_WORD;
		}
		glued = true;
		at += part;
		len -= part;
	}
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void sl_pieces_make(
	const struct sl_caption_word *words, size_t count, unsigned columns, struct sl_pieces *ret)
{
	struct sl_pieces pieces = {.text = SL_BUF_INIT};
	int64_t from_ms = 0;
	int64_t to_ms = 0;
	for (size_t i = 0; i < count; i++) {
		size_t at = pieces.text.len;
		if (!sl_pieces_add_clean(&pieces.text, words[i].text)) {
			continue;
		}
		from_ms = later(from_ms, words[i].from_ms);
		to_ms = later(later(to_ms, from_ms), words[i].to_ms);
		const struct sl_caption_word word = {
			words[i].text, words[i].speaker, from_ms, to_ms};
		bool glued = false;
		if (pieces.count > 0) {
			const struct sl_piece *last = &pieces.items[pieces.count - 1];
			struct sl_grapheme first =
				sl_grapheme_at(pieces.text.data + at, pieces.text.len - at);
			glued = sl_grapheme_is_unspaced(first.first) &&
				is_unspaced_end(pieces.text.data + last->at, last->len);
		}
		add_word(&pieces, &word, at, columns, glued);
	}
	*ret = pieces;
}

void sl_pieces_finish(struct sl_pieces *pieces)
{
	sl_buf_finish(&pieces->text);
	free(pieces->items);
	*pieces = (struct sl_pieces){.text = SL_BUF_INIT};
}
