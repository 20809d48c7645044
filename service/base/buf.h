/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_BUF_H
#define SL_BUF_H

/* A growable run of bytes, always NUL-terminated behind its length. Not thread-safe. */

#include <stdarg.h>
#include <stdbool.h>

#include "defs.h"

struct sl_buf {
	char *data;      /* NULL while nothing was ever appended; see sl_buf_str() */
	size_t len;      /* bytes, without the terminating NUL */
	size_t capacity; /* bytes allocated */
};

#define SL_BUF_INIT \
	{ \
		NULL, 0, 0 \
	}

/** Appends `len` bytes, which may contain NUL. */
void sl_buf_add(struct sl_buf *buf, const void *bytes, size_t len);

/** Appends a string. */
void sl_buf_puts(struct sl_buf *buf, const char *s);

/** Appends one character. */
void sl_buf_putc(struct sl_buf *buf, char c);

/** Appends a number in decimal. */
void sl_buf_add_i64(struct sl_buf *buf, int64_t number);

/** Appends formatted text. */
void sl_buf_printf(struct sl_buf *buf, const char *format, ...) SL_PRINTF(2, 3);

/** Empties the buffer and keeps its memory. */
void sl_buf_clear(struct sl_buf *buf);

/** The content as a string, never NULL, borrowed until the next change. */
const char *sl_buf_str(const struct sl_buf *buf);

/** Hands the content to the caller, who frees it; the buffer is empty afterwards. Never NULL. */
char *sl_buf_steal(struct sl_buf *buf);

/** Releases the memory; the buffer may be used again. */
void sl_buf_finish(struct sl_buf *buf);

#endif
