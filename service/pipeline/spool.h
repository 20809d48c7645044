/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SPOOL_H
#define SL_SPOOL_H

/* Bytes kept on disk between collecting from a provider and loading into PostgreSQL, or between
 * PostgreSQL and a slow reader: results of any size in bounded memory. An unlinked temporary file.
 * One thread at a time. */

#include "defs.h"
#include "err.h"

struct sl_spool;

SL_MUST_CHECK enum sl_err sl_spool_create(struct sl_spool **ret, struct sl_error *reterr);

SL_MUST_CHECK enum sl_err sl_spool_add(
	struct sl_spool *spool, const void *bytes, size_t len, struct sl_error *reterr);

/** Calls `each` for pieces of what was added, in order, from the start, until it returns an
 *  error. */
typedef enum sl_err sl_spool_each(
	void *context, const void *bytes, size_t len, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_spool_read(
	struct sl_spool *spool, sl_spool_each *each, void *context, struct sl_error *reterr);

/** Bytes added so far. */
uint64_t sl_spool_size(const struct sl_spool *spool);

/** Up to `max` bytes from `offset` on; `ret_len` 0: there are none. */
SL_MUST_CHECK enum sl_err sl_spool_read_at(struct sl_spool *spool, uint64_t offset, void *bytes,
	size_t max, size_t *ret_len, struct sl_error *reterr);

/** NULL is fine. */
void sl_spool_destroy(struct sl_spool *spool);

#endif
