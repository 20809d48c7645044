/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CAPTION_PIECES_H
#define SL_CAPTION_PIECES_H

/* What lines of captions are put together of: words, and parts of those that no line could hold. */

#include "buf.h"
#include "captions.h"

enum sl_piece_end { SL_PIECE_PLAIN, SL_PIECE_CLAUSE, SL_PIECE_SENTENCE, SL_PIECE_INSIDE_A_WORD };

struct sl_piece {
	size_t at, len; /* in sl_pieces.text */
	unsigned columns;
	bool glued; /* no space before it */
	enum sl_piece_end end;
	int64_t from_ms, to_ms; /* in order: neither goes backwards */
	const char *speaker;
};

struct sl_pieces {
	struct sl_buf text;
	struct sl_piece *items;
	size_t count, capacity;
};

/** Of all words, none wider than `columns` (unless one character is). */
void sl_pieces_make(
	const struct sl_caption_word *words, size_t count, unsigned columns, struct sl_pieces *ret);

void sl_pieces_finish(struct sl_pieces *pieces);

/** Text on one line: controls, line breaks and runs of spaces are one space; none at the ends.
 *  Appended; false when nothing is left. */
bool sl_pieces_add_clean(struct sl_buf *out, const char *text);

#endif
