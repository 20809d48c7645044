/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_EXPORT_BODY_H
#define SL_EXPORT_BODY_H

/* The bytes of an export while they are made: in memory while they are few, else in a temporary
 * file, with a hash of them all. One thread at a time. */

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"
#include "defs.h"
#include "err.h"
#include "spool.h"

struct sl_export_body;

struct sl_export_body *sl_export_body_create(void);

/** Takes what is in `pending`, which is empty afterwards, once it is worth it. */
SL_MUST_CHECK enum sl_err sl_export_body_add(
	struct sl_export_body *body, struct sl_buf *pending, struct sl_error *reterr);

/** The same whatever there is; the last call. */
SL_MUST_CHECK enum sl_err sl_export_body_end(
	struct sl_export_body *body, struct sl_buf *pending, struct sl_error *reterr);

/** Moves all of a small body into `out`, which is empty; false when it is large. */
bool sl_export_body_take(struct sl_export_body *body, struct sl_buf *out);

uint64_t sl_export_body_size(const struct sl_export_body *body);

/** A hash of all bytes, in hex. Of a body that has ended. */
const char *sl_export_body_etag(const struct sl_export_body *body);

/** Up to `max` bytes of a large body from `offset` on; -1 when the file cannot be read, which is
 *  logged. */
ssize_t sl_export_body_read(struct sl_export_body *body, uint64_t offset, char *out, size_t max);

void sl_export_body_destroy(struct sl_export_body *body); /* NULL is fine */
void sl_export_body_destroyp(struct sl_export_body **body);

#endif
