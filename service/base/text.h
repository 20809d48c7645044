/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TEXT_H
#define SL_TEXT_H

/* Encodings and small questions about strings. Pure functions, thread-safe. */

#include <stdbool.h>

#include "buf.h"

/** Lower-case hex of `len` bytes, appended. */
void sl_text_hex(struct sl_buf *out, const void *bytes, size_t len);

/** Percent-encodes everything but RFC 3986 unreserved characters, upper-case hex, appended;
 *  `keep` (may be "") lists further bytes that stay, e.g. "/" for a path. */
void sl_text_percent_encode(struct sl_buf *out, const char *bytes, size_t len, const char *keep);

/** Decodes %XX, and '+' as a space when `plus_is_space`; appended. False on a broken escape. */
SL_MUST_CHECK bool sl_text_percent_decode(
	struct sl_buf *out, const char *text, size_t len, bool plus_is_space);

/** RFC 4648 base64 with padding, appended. */
void sl_text_base64(struct sl_buf *out, const void *bytes, size_t len);

/** Strict RFC 4648 base64; appended. False when malformed. */
SL_MUST_CHECK bool sl_text_base64_decode(struct sl_buf *out, const char *text, size_t len);

/** Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool sl_text_is_utf8(const char *bytes, size_t len);

/** The length in bytes of the well-formed UTF-8 sequence at `bytes`, of which `left` > 0 are there;
 *  0 when there is none. */
size_t sl_text_utf8_sequence(const char *bytes, size_t left);

bool sl_text_starts_with(const char *text, const char *prefix);
bool sl_text_ends_with(const char *text, const char *suffix);

/** Equal, both NULL included. */
bool sl_text_equal(const char *a, const char *b);

/** A whole decimal integer in [min, max], nothing else around it; false otherwise. */
SL_MUST_CHECK bool sl_text_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret);

#endif
