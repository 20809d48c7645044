/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings: hex, percent, base64, UTF-8. Pure functions. */

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void sl_text_hex(struct sl_buf *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = bytes;
	for (size_t i = 0; i < len; i++) {
		sl_buf_putc(out, digits[in[i] >> 4]);
		sl_buf_putc(out, digits[in[i] & 15]);
	}
}

static bool unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '_' || c == '.' || c == '~';
}

void sl_text_percent_encode(struct sl_buf *out, const char *bytes, size_t len, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (unreserved(c) || (c != '\0' && strchr(keep, c) != NULL)) {
			sl_buf_putc(out, (char)c);
		} else {
			char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
			sl_buf_add(out, escape, sizeof(escape));
		}
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool sl_text_percent_decode(struct sl_buf *out, const char *text, size_t len, bool plus_is_space)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '+' && plus_is_space) {
			sl_buf_putc(out, ' ');
		} else if (text[i] != '%') {
			sl_buf_putc(out, text[i]);
		} else {
			bool whole = len - i > 2;
			int high = whole ? hex_value(text[i + 1]) : -1;
			int low = whole ? hex_value(text[i + 2]) : -1;
			if (high < 0 || low < 0) {
				return false;
			}
			sl_buf_putc(out, (char)(high * 16 + low));
			i += 2;
		}
	}
	return true;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sl_text_base64(struct sl_buf *out, const void *bytes, size_t len)
{
	const unsigned char *in = bytes;
	for (size_t i = 0; i < len; i += 3) {
		unsigned have = len - i >= 3 ? 3 : (unsigned)(len - i);
		unsigned group = (unsigned)in[i] << 16;
		group |= have > 1 ? (unsigned)in[i + 1] << 8 : 0;
		group |= have > 2 ? (unsigned)in[i + 2] : 0;
		char quad[4] = {
			base64_digits[group >> 18], base64_digits[group >> 12 & 63], '=', '='};
		if (have > 1) {
			quad[2] = base64_digits[group >> 6 & 63];
		}
		if (have > 2) {
			quad[3] = base64_digits[group & 63];
		}
		sl_buf_add(out, quad, sizeof(quad));
	}
}

/* The value of a base64 digit, or -1. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	if (c == '+') {
		return 62;
	}
	return c == '/' ? 63 : -1;
}

/* Up to three bytes of one group of four digits, of which the last ones may be padding. */
static bool decode_group(const char *digits, unsigned bytes, char ret[static 3])
{
	unsigned group = 0;
	for (unsigned j = 0; j < 4; j++) {
		int value = j > bytes ? 0 : base64_value(digits[j]);
		if (value < 0) {
			return false;
		}
		group = group << 6 | (unsigned)value;
	}
	/* bits that no byte owns: a second spelling of the same bytes */
	if ((bytes < 3 && (group & 0xff) != 0) || (bytes < 2 && (group & 0xff00) != 0)) {
		return false;
	}
	ret[0] = (char)(group >> 16);
	ret[1] = (char)(group >> 8);
	ret[2] = (char)group;
	return true;
}

bool sl_text_base64_decode(struct sl_buf *out, const char *text, size_t len)
{
	if (len % 4 != 0) {
		return false;
	}
	size_t padding = 0;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=') {
		padding++;
	}
	char chunk[192];
	size_t filled = 0;
	for (size_t i = 0; i < len; i += 4) {
		unsigned bytes = i + 4 == len ? 3 - (unsigned)padding : 3;
		if (!decode_group(text + i, bytes, chunk + filled)) {
			return false;
		}
		filled += bytes;
		if (filled > sizeof chunk - 3) {
			sl_buf_add(out, chunk, filled);
			filled = 0;
		}
	}
	sl_buf_add(out, chunk, filled);
	return true;
}

size_t sl_text_utf8_sequence(const char *bytes, size_t left)
{
	const unsigned char *s = (const unsigned char *)bytes;
	static const struct { /* RFC 3629 §4 */
		unsigned char first_min, first_max, second_min, second_max;
		size_t len;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(forms); i++) {
		if (s[0] < forms[i].first_min || s[0] > forms[i].first_max) {
			continue;
		}
		if (left < forms[i].len) {
			return 0;
		}
		if (forms[i].len > 1 &&
			(s[1] < forms[i].second_min || s[1] > forms[i].second_max)) {
			return 0;
		}
		for (size_t j = 2; j < forms[i].len; j++) {
			if (s[j] < 0x80 || s[j] > 0xbf) {
				return 0;
			}
		}
		return forms[i].len;
	}
	return 0;
}

bool sl_text_is_utf8(const char *bytes, size_t len)
{
	size_t at = 0;
	while (at < len) {
		size_t step = sl_text_utf8_sequence(bytes + at, len - at);
		if (step == 0) {
			return false;
		}
		at += step;
	}
	return true;
}

bool sl_text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool sl_text_ends_with(const char *text, const char *suffix)
{
	size_t text_len = strlen(text);
	size_t suffix_len = strlen(suffix);
	return text_len >= suffix_len && strcmp(text + text_len - suffix_len, suffix) == 0;
}

bool sl_text_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool sl_text_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	const char *first = *text == '-' ? text + 1 : text;
	if (*first < '0' || *first > '9') {
		return false;
	}
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < min || value > max) {
		return false;
	}
	*ret = value;
	return true;
}
