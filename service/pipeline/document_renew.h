/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DOCUMENT_RENEW_H
#define SL_DOCUMENT_RENEW_H

/* Stored metadata documents of an earlier format (see spotlist_data.document_format()). */

#include "pg.h"

/** Makes them again, for about so long, each in transactions of its own. Those that fail are logged
 *  and left for the next time. Worker threads. */
SL_MUST_CHECK enum sl_err sl_document_renew(
	struct sl_pg *pg, int64_t for_ms, struct sl_error *reterr);

#endif
