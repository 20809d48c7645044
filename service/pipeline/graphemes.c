/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grapheme clusters after UAX #29, and widths after UAX #11. Left out are the rarities of both:
 * prepended marks, and conjuncts that only newer versions keep together. Pure.
 */

#include "graphemes.h"

#include <string.h>

#include "defs.h"
#include "text.h"

struct range {
	uint32_t first, last;
};

#include "graphemes_table.inc"

#define ZERO_WIDTH_JOINER  0x200D
#define EMOJI_PRESENTATION 0xFE0F

static bool is_in(uint32_t code, const struct range *ranges, size_t count)
{
	size_t low = 0;
	size_t high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (code > ranges[middle].last) {
			low = middle + 1;
		} else if (code < ranges[middle].first) {
			high = middle;
		} else {
			return true;
		}
	}
	return false;
}

/* The code point at `text`, and its length; a byte that is no UTF-8 is U+FFFD. */
static uint32_t decode(const char *text, size_t left, size_t *ret_len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t len = sl_text_utf8_sequence(text, left);
	*ret_len = len > 0 ? len : 1;
	switch (len) {
	case 1:
		return bytes[0];
	case 2:
		return (uint32_t)(bytes[0] & 0x1F) << 6 | (bytes[1] & 0x3F);
	case 3:
		return (uint32_t)(bytes[0] & 0x0F) << 12 | (uint32_t)(bytes[1] & 0x3F) << 6 |
			(bytes[2] & 0x3F);
	case 4:
		return (uint32_t)(bytes[0] & 0x07) << 18 | (uint32_t)(bytes[1] & 0x3F) << 12 |
			(uint32_t)(bytes[2] & 0x3F) << 6 | (bytes[3] & 0x3F);
	default:
		return 0xFFFD;
	}
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

static bool is_invisible(uint32_t code)
{
	return is_control(code) || (code >= 0x200B && code <= 0x200F) ||
		(code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
		code == 0xFEFF || code == 0xAD;
}

static bool is_flag_half(uint32_t code)
{
	return code >= 0x1F1E6 && code <= 0x1F1FF;
}

static bool is_extending(uint32_t code)
{
	return code >= 0x300 && is_in(code, extending, SL_ARRAY_SIZE(extending));
}

/* Conjoining jamo: an initial is followed by initials and vowels, those by vowels and finals. */
enum jamo { NO_JAMO, INITIAL, VOWEL, FINAL, SYLLABLE_LV, SYLLABLE_LVT };

static enum jamo jamo_of(uint32_t code)
{
	if ((code >= 0x1100 && code <= 0x115F) || (code >= 0xA960 && code <= 0xA97C)) {
		return INITIAL;
	}
	if ((code >= 0x1160 && code <= 0x11A7) || (code >= 0xD7B0 && code <= 0xD7C6)) {
		return VOWEL;
	}
	if ((code >= 0x11A8 && code <= 0x11FF) || (code >= 0xD7CB && code <= 0xD7FB)) {
		return FINAL;
	}
	if (code >= 0xAC00 && code <= 0xD7A3) {
		return (code - 0xAC00) % 28 == 0 ? SYLLABLE_LV : SYLLABLE_LVT;
	}
	return NO_JAMO;
}

static bool is_one_syllable(uint32_t before, uint32_t code)
{
	enum jamo next = jamo_of(code);
	switch (jamo_of(before)) {
	case INITIAL:
		return next != NO_JAMO && next != FINAL;
	case VOWEL:
	case SYLLABLE_LV:
		return next == VOWEL || next == FINAL;
	case FINAL:
	case SYLLABLE_LVT:
		return next == FINAL;
	case NO_JAMO:
		break;
	}
	return false;
}

static unsigned columns_of(uint32_t code)
{
	if (code < 0x300 && !is_invisible(code)) {
		return 1;
	}
	if (is_invisible(code)) {
		return 0;
	}
	return is_flag_half(code) || is_in(code, wide, SL_ARRAY_SIZE(wide)) ? 2 : 1;
}

/* Pictures that ZWJ joins are all in these blocks. */
static bool is_picture(uint32_t code)
{
	return (code >= 0x2190 && code <= 0x2BFF) || (code >= 0x1F000 && code <= 0x1FAFF) ||
		code == 0x3030 || code == 0x303D || code == 0x3297 || code == 0x3299 ||
		code == 0xA9 || code == 0xAE;
}

struct sl_grapheme sl_grapheme_at(const char *text, size_t left)
{
	size_t len = 0;
	uint32_t before = decode(text, left, &len);
	struct sl_grapheme grapheme = {len, columns_of(before), before};
	if (before == '\r' && left > 1 && text[1] == '\n') {
		grapheme.len = 2;
		return grapheme;
	}
	if (is_control(before)) {
		return grapheme;
	}
	bool flag = is_flag_half(before);
	while (grapheme.len < left) {
		uint32_t code = decode(text + grapheme.len, left - grapheme.len, &len);
		bool joined = before == ZERO_WIDTH_JOINER && is_picture(grapheme.first) &&
			is_picture(code);
		if (!joined && !is_extending(code) && code != ZERO_WIDTH_JOINER &&
			!is_one_syllable(before, code) && !(flag && is_flag_half(code))) {
			break;
		}
		flag = false;
		if (code == EMOJI_PRESENTATION && is_picture(grapheme.first)) {
			grapheme.columns = 2;
		}
		grapheme.len += len;
		before = code;
	}
	return grapheme;
}

unsigned sl_grapheme_columns(const char *text, size_t len)
{
	unsigned columns = 0;
	for (size_t at = 0; at < len;) {
		struct sl_grapheme grapheme = sl_grapheme_at(text + at, len - at);
		columns += grapheme.columns;
		at += grapheme.len;
	}
	return columns;
}

bool sl_grapheme_is_unspaced(uint32_t code)
{
	static const struct range unspaced[] = {
		{0x0E00, 0x0EFF},   /* Thai, Lao */
		{0x1000, 0x109F},   /* Myanmar */
		{0x1780, 0x17FF},   /* Khmer */
		{0x2E80, 0x30FF},   /* radicals, CJK punctuation, kana */
		{0x3100, 0x312F},   /* bopomofo */
		{0x31A0, 0x31BF},   /* the same */
		{0x31F0, 0x31FF},   /* kana */
		{0x3400, 0x4DBF},   /* Han */
		{0x4E00, 0x9FFF},   /* Han */
		{0xF900, 0xFAFF},   /* Han */
		{0xFF01, 0xFF9F},   /* full-width forms, half-width kana */
		{0x1B000, 0x1B16F}, /* kana */
		{0x20000, 0x3FFFF}, /* Han */
	};
	return is_in(code, unspaced, SL_ARRAY_SIZE(unspaced));
}

bool sl_grapheme_is_rtl(uint32_t code)
{
	static const struct range rtl[] = {
		{0x0590, 0x08FF},
		{0x200F, 0x200F},
		{0xFB1D, 0xFDFF},
		{0xFE70, 0xFEFE},
		{0x10800, 0x10FFF},
		{0x1E800, 0x1EFFF},
	};
	return is_in(code, rtl, SL_ARRAY_SIZE(rtl));
}

/* Letters have a direction; ASCII's digits, punctuation and spaces have none. */
bool sl_grapheme_begins_rtl(const char *text)
{
	size_t left = strlen(text);
	for (size_t len = 0; left > 0; text += len, left -= len) {
		uint32_t code = decode(text, left, &len);
		bool letter = (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
		if (sl_grapheme_is_rtl(code)) {
			return true;
		}
		if (letter ||
			(code >= 0xAA && !is_invisible(code) && !is_extending(code) &&
				!(code >= 0x2000 && code <= 0x2BFF))) {
			return false;
		}
	}
	return false;
}
