/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CORS_H
#define SL_CORS_H

/*
 * Which pages' scripts may read our replies (the Fetch standard, "HTTP extensions"). Who may call
 * is told by tokens, which a page sends itself, so cookies and other credentials of the browser are
 * never allowed. Made once, read by all threads.
 */

#include <stdbool.h>

#include "err.h"

struct sl_cors;

/** `origins`: each scheme://host[:port] as browsers send it, or "*" alone: any. None: NULL, and no
 *  reply tells of CORS. CONFIG names the one that is wrong; `setting` is where they come from. */
SL_MUST_CHECK enum sl_err sl_cors_create(const char *setting, const char *const *origins,
	size_t count, struct sl_cors **ret, struct sl_error *reterr);
void sl_cors_destroy(struct sl_cors *cors); /* NULL is fine */

/** The value of Access-Control-Allow-Origin for the value of an Origin header, which may be NULL:
 *  either that value or "*"; NULL: none. */
const char *sl_cors_allows(const struct sl_cors *cors, const char *origin);

/** Whether replies differ by Origin. */
bool sl_cors_varies(const struct sl_cors *cors);

#endif
