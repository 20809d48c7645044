/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SPOOL_H
#define SL_SPOOL_H

/* Lines kept on disk between collecting from a provider and loading into PostgreSQL: results of
 * any size in bounded memory. An unlinked temporary file. One thread. */

#include "defs.h"
#include "err.h"

struct sl_spool;

SL_MUST_CHECK enum sl_err sl_spool_create(struct sl_spool **ret, struct sl_error *reterr);

/** Adds a line; `text` has no newline (compact JSON never does). */
SL_MUST_CHECK enum sl_err sl_spool_add(
	struct sl_spool *spool, const char *text, struct sl_error *reterr);

/** Calls `each` for every line in order, from the start, until it returns an error. */
typedef enum sl_err sl_spool_each(
	void *context, const char *line, size_t len, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_spool_read(
	struct sl_spool *spool, sl_spool_each *each, void *context, struct sl_error *reterr);

/** NULL is fine. */
void sl_spool_destroy(struct sl_spool *spool);

#endif
