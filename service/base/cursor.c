/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of lists: sl_cursor_write(), sl_cursor_read(). The text is base64url of the fields one
 * after the other (8 bytes, or a length and text) and a checksum over scope and fields. Pure.
 */

#include "cursor.h"

#include <math.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

#define CHECKSUM_BYTES 12
#define NULL_LENGTH    UINT64_MAX

void sl_cursor_finish(struct sl_cursor *cursor)
{
	sl_buf_finish(&cursor->bytes);
	*cursor = (struct sl_cursor){.count = 0};
}

/* --- bytes --------------------------------------------------------------------------------- */

static void put_u64(struct sl_buf *out, uint64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8) {
		sl_buf_putc(out, (char)(unsigned char)(value >> shift));
	}
}

static uint64_t get_u64(const char *bytes)
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++) {
		value = value << 8 | (unsigned char)bytes[i];
	}
	return value;
}

static void put_field(struct sl_buf *out, const struct sl_cursor_field *field)
{
	uint64_t bits = (uint64_t)field->number;
	if (field->kind == 'f') {
		memcpy(&bits, &field->real, sizeof(bits));
	} else if (field->kind == 't') {
		bits = field->text != NULL ? strlen(field->text) : NULL_LENGTH;
	}
	put_u64(out, bits);
	if (field->kind == 't' && field->text != NULL) {
		sl_buf_add(out, field->text, strlen(field->text) + 1);
	}
}

/* `bytes` is what precedes the checksum. */
static void checksum(const struct sl_buf *scope, const char *bytes, size_t len,
	unsigned char ret[static CHECKSUM_BYTES])
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf all = SL_BUF_INIT;
	put_u64(&all, scope->len);
	sl_buf_add(&all, sl_buf_str(scope), scope->len);
	sl_buf_add(&all, bytes, len);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)all.data, all.len, digest);
	memcpy(ret, digest, CHECKSUM_BYTES);
}

/* --- base64url ----------------------------------------------------------------------------- */

static char *to_text(const struct sl_buf *bytes)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_text_base64(&text, bytes->data, bytes->len);
	text.len = strcspn(text.data, "=");
	text.data[text.len] = '\0';
	for (char *c = text.data; *c != '\0'; c++) {
		*c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
	}
	return sl_buf_steal(&text);
}

static bool from_text(const char *text, struct sl_buf *bytes)
{
	size_t len = strlen(text);
	if (len > SL_CURSOR_MAX_BYTES || strpbrk(text, "+/=") != NULL) {
		return false;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf plain = SL_BUF_INIT;
	sl_buf_add(&plain, text, len);
	while (plain.len % 4 != 0) {
		sl_buf_putc(&plain, '=');
	}
	for (size_t i = 0; i < len; i++) {
		char c = plain.data[i];
		plain.data[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
	}
	return sl_text_base64_decode(bytes, sl_buf_str(&plain), plain.len);
}

/* --- both ways ----------------------------------------------------------------------------- */

char *sl_cursor_write(
	const struct sl_buf *scope, const struct sl_cursor_field *fields, size_t count)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf bytes = SL_BUF_INIT;
	for (size_t i = 0; i < count; i++) {
		put_field(&bytes, &fields[i]);
	}
	unsigned char sum[CHECKSUM_BYTES];
	checksum(scope, sl_buf_str(&bytes), bytes.len, sum);
	sl_buf_add(&bytes, sum, sizeof(sum));
	SL_AUTO(sl_freep)
	char *text = to_text(&bytes);
	return strlen(text) <= SL_CURSOR_MAX_BYTES ? sl_take(&text) : NULL;
}

/* A length, that many bytes of UTF-8 and a NUL. */
static bool read_text(const char **cursor, const char *end, uint64_t len, const char **ret)
{
	if (len == NULL_LENGTH) {
		*ret = NULL;
		return true;
	}
	if (len >= (uint64_t)(end - *cursor) || (*cursor)[len] != '\0' ||
		memchr(*cursor, '\0', len) != NULL || !sl_text_is_utf8(*cursor, len)) {
		return false;
	}
	*ret = *cursor;
	*cursor += len + 1;
	return true;
}

static bool read_field(const char **cursor, const char *end, struct sl_cursor_field *field)
{
	if (end - *cursor < 8) {
		return false;
	}
	uint64_t bits = get_u64(*cursor);
	*cursor += 8;
	if (field->kind == 't') {
		return read_text(cursor, end, bits, &field->text);
	}
	field->number = (int64_t)bits;
	memcpy(&field->real, &bits, sizeof(bits));
	return field->kind == 'i' || isfinite(field->real);
}

static bool read_fields(struct sl_cursor *cursor, const char *kinds)
{
	const char *at = cursor->bytes.data;
	const char *end = at + cursor->bytes.len - CHECKSUM_BYTES;
	for (; kinds[cursor->count] != '\0'; cursor->count++) {
		if (cursor->count == SL_CURSOR_MAX_FIELDS) {
			SL_BUG("a cursor has too many fields");
		}
		struct sl_cursor_field *field = &cursor->fields[cursor->count];
		*field = (struct sl_cursor_field){.kind = kinds[cursor->count]};
		if (!read_field(&at, end, field)) {
			return false;
		}
	}
	return at == end;
}

static bool is_whole(const struct sl_buf *bytes, const struct sl_buf *scope)
{
	if (bytes->len < CHECKSUM_BYTES) {
		return false;
	}
	size_t len = bytes->len - CHECKSUM_BYTES;
	unsigned char sum[CHECKSUM_BYTES];
	checksum(scope, bytes->data, len, sum);
	return memcmp(sum, bytes->data + len, CHECKSUM_BYTES) == 0;
}

enum sl_err sl_cursor_read(const char *text, const struct sl_buf *scope, const char *kinds,
	struct sl_cursor *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_cursor_finish)
	struct sl_cursor cursor = {.count = 0};
	SL_AUTO(sl_freep)
	char *again = NULL;
	if (from_text(text, &cursor.bytes) && is_whole(&cursor.bytes, scope)) {
		again = to_text(
			&cursor.bytes); /* base64 can spell the same bytes in several ways */
	}
	if (again == NULL || strcmp(again, text) != 0 || !read_fields(&cursor, kinds)) {
		return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, "?cursor",
			"must be the next_cursor of an answer to the same request; without a "
			"cursor the list begins anew");
	}
	*ret = cursor;
	cursor = (struct sl_cursor){.count = 0};
	return SL_ERR_OK;
}
