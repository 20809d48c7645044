/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_QUERY_H
#define SL_QUERY_H

/* The query string of a request target, decoded. Pure. */

#include "defs.h"
#include "err.h"

#define SL_QUERY_MAX_PARAMETERS 64

struct sl_query_parameter {
	char *name;
	char *value; /* "" when there is no '=' */
};

struct sl_query {
	struct sl_query_parameter *parameters; /* in the order sent, repetitions included */
	size_t count;
};

/** Splits at '&' and decodes ('+' is a space). A broken escape, NUL, invalid UTF-8 or too many
 *  parameters: BAD_PARAMETER, and `ret` owns nothing. Call sl_query_finish(). */
SL_MUST_CHECK enum sl_err sl_query_parse(
	const char *text, size_t len, struct sl_query *ret, struct sl_error *reterr);

/** The first value of a name, or NULL. */
const char *sl_query_get(const struct sl_query *query, const char *name);

/** BAD_PARAMETER when a name is not in the NULL-terminated list, or given twice. */
SL_MUST_CHECK enum sl_err sl_query_only(
	const struct sl_query *query, const char *const *names, struct sl_error *reterr);

void sl_query_finish(struct sl_query *query);

#endif
