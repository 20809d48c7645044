/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PAGING_H
#define SL_PAGING_H

/*
 * Distrust of a provider's paging: a page that is delivered twice must not be stored twice, and
 * tokens that lead in a circle must not be followed for ever. One thread.
 */

#include <jansson.h>
#include <stdbool.h>

#include "defs.h"
#include "err.h"

/* Zero-initialise; sl_paging_finish() frees. */
struct sl_paging {
	uint64_t *tokens; /* hashes of every NextToken so far */
	size_t count, capacity;
	json_t *first, *last; /* items of the last page that had any */
	size_t size;          /* of that page */
	int repeats;          /* times in a row that it came again */
};
void sl_paging_finish(struct sl_paging *paging);

/**
 * Looks at a page before it is used. `asked` is the token that it was asked for with (NULL: the
 * first page), `next` the one it came with (NULL: it is the last), `items` an array or NULL.
 * `*ret_new` is false when it is the page before once more: leave it out and go on with `next`.
 * AWS_PROTOCOL when the tokens lead nowhere.
 */
SL_MUST_CHECK enum sl_err sl_paging_check(struct sl_paging *paging, const char *asked,
	const char *next, const json_t *items, bool *ret_new, struct sl_error *reterr);

#endif
