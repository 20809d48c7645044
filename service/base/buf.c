/* SPDX-License-Identifier: Apache-2.0 */
/* Growable bytes: doubles its memory, keeps a NUL behind the content. */

#include "buf.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"

static void reserve(struct sl_buf *buf, size_t more)
{
	if (more > SIZE_MAX / 2 - buf->len - 1) {
		SL_BUG("buffer size overflow");
	}
	size_t need = buf->len + more + 1;
	if (need <= buf->capacity) {
		return;
	}
	size_t capacity = buf->capacity > 0 ? buf->capacity : 64;
	while (capacity < need) {
		capacity *= 2;
	}
	buf->data = sl_reallocarray(buf->data, capacity, 1);
	buf->capacity = capacity;
}

void sl_buf_add(struct sl_buf *buf, const void *bytes, size_t len)
{
	reserve(buf, len);
	if (len > 0) {
		memcpy(buf->data + buf->len, bytes, len);
	}
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void sl_buf_puts(struct sl_buf *buf, const char *s)
{
	sl_buf_add(buf, s, strlen(s));
}

void sl_buf_putc(struct sl_buf *buf, char c)
{
	if (buf->capacity - buf->len < 2) {
		reserve(buf, 1);
	}
	buf->data[buf->len++] = c;
	buf->data[buf->len] = '\0';
}

void sl_buf_add_i64(struct sl_buf *buf, int64_t number)
{
	char digits[20]; /* of 2^64 */
	size_t at = sizeof(digits);
	uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0) {
		sl_buf_putc(buf, '-');
	}
	sl_buf_add(buf, digits + at, sizeof(digits) - at);
}

void sl_buf_printf(struct sl_buf *buf, const char *format, ...)
{
	reserve(buf, 0);
	size_t room = buf->capacity - buf->len;
	va_list arguments;
	va_start(arguments, format);
	int len = vsnprintf(buf->data + buf->len, room, format, arguments);
	va_end(arguments);
	if (len < 0) {
		SL_BUG("bad format");
	}
	if ((size_t)len >= room) { /* it was cut: once more */
		reserve(buf, (size_t)len);
		va_start(arguments, format);
		vsnprintf(buf->data + buf->len, (size_t)len + 1, format, arguments);
		va_end(arguments);
	}
	buf->len += (size_t)len;
}

void sl_buf_clear(struct sl_buf *buf)
{
	buf->len = 0;
	if (buf->data != NULL) {
		buf->data[0] = '\0';
	}
}

const char *sl_buf_str(const struct sl_buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

char *sl_buf_steal(struct sl_buf *buf)
{
	char *data = buf->data != NULL ? buf->data : sl_strdup("");
	*buf = (struct sl_buf)SL_BUF_INIT;
	return data;
}

void sl_buf_finish(struct sl_buf *buf)
{
	free(buf->data);
	*buf = (struct sl_buf)SL_BUF_INIT;
}
