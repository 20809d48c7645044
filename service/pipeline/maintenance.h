/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_MAINTENANCE_H
#define SL_MAINTENANCE_H

/* What is looked after once a minute: waits that a changed clock made too long, videos that have
 * no step and should, rows that nobody needs any more, documents in a format of before. */

#include "config.h"
#include "pg.h"

/** One round, unless another process is at it: a transaction, and some seconds for documents. */
SL_MUST_CHECK enum sl_err sl_maintain(
	struct sl_pg *pg, const struct sl_config *config, struct sl_error *reterr);

#endif
