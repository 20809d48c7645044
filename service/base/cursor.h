/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CURSOR_H
#define SL_CURSOR_H

/*
 * Where a list goes on, as text that clients hand back: URL-safe, opaque, and good only for the
 * request that it came from. It grants nothing, so it is not secret: a checksum keeps out what was
 * changed by hand or belongs to another request, and every field is checked all the same, since
 * anyone can compute the checksum. Pure functions, thread-safe.
 *
 *     scope: what the list is of, all of it: operation, path, parameters (sl_params_scope())
 *     char *next = sl_cursor_write(&scope, (const struct sl_cursor_field[]){
 *             SL_CURSOR_F64(rank), SL_CURSOR_TEXT(id)}, 2);
 *     err = sl_cursor_read(text, &scope, "ft", &cursor, reterr);
 */

#include "buf.h"
#include "err.h"

#define SL_CURSOR_MAX_FIELDS 8
#define SL_CURSOR_MAX_BYTES  4096 /* of a cursor's text */

struct sl_cursor_field {
	char kind; /* 'i': number, 'f': real, 't': text, which may be NULL */
	int64_t number;
	double real; /* finite */
	const char *text;
};
/* clang-format off */
#define SL_CURSOR_I64(number_) (struct sl_cursor_field){.kind = 'i', .number = (number_)}
#define SL_CURSOR_F64(real_)   (struct sl_cursor_field){.kind = 'f', .real = (real_)}
#define SL_CURSOR_TEXT(text_)  (struct sl_cursor_field){.kind = 't', .text = (text_)}
/* clang-format on */

/* A cursor that was read. Zero-initialise; sl_cursor_finish() frees. */
struct sl_cursor {
	struct sl_cursor_field fields[SL_CURSOR_MAX_FIELDS]; /* texts point into `bytes` */
	size_t count;
	struct sl_buf bytes;
};
void sl_cursor_finish(struct sl_cursor *cursor);

/** The cursor's text, owned by the caller: letters, digits, '-' and '_'. NULL when it would be
 *  longer than SL_CURSOR_MAX_BYTES. */
char *sl_cursor_write(
	const struct sl_buf *scope, const struct sl_cursor_field *fields, size_t count);

/** Reads what sl_cursor_write() made for the same scope and fields of these kinds ("it": a number
 *  and a text). Texts are UTF-8. Anything else is BAD_PARAMETER at "?cursor". */
SL_MUST_CHECK enum sl_err sl_cursor_read(const char *text, const struct sl_buf *scope,
	const char *kinds, struct sl_cursor *ret, struct sl_error *reterr);

#endif
