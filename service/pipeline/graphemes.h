/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_GRAPHEMES_H
#define SL_GRAPHEMES_H

/* What a reader sees as one character, and how wide it stands in a caption. Pure functions,
 * thread-safe. The tables are of Unicode 14. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_grapheme {
	size_t len; /* bytes, at least one */
	unsigned
		columns; /* 2 when wide, as East Asian characters and emoji are; 0 when invisible */
	uint32_t first;  /* its first code point */
};

/** The grapheme cluster at `text`, of which `left` > 0 bytes are there. Bytes that are no UTF-8 are
 *  each one of their own. */
struct sl_grapheme sl_grapheme_at(const char *text, size_t left);

/** How many columns a text takes. */
unsigned sl_grapheme_columns(const char *text, size_t len);

/** Han, kana, Thai and the like: written without spaces, so a line may end before or after. */
bool sl_grapheme_is_unspaced(uint32_t code_point);

/** Arabic, Hebrew and the like: written from right to left. */
bool sl_grapheme_is_rtl(uint32_t code_point);

/** Whether the first character of a text that has a direction is written from right to left. */
bool sl_grapheme_begins_rtl(const char *text);

#endif
