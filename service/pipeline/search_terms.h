/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SEARCH_TERMS_H
#define SL_SEARCH_TERMS_H

/*
 * What somebody typed to search speech, as terms. As with a search engine: words, all of which must
 * be said; "a phrase"; -word or -"a phrase" must not be said; or between alternatives; word* begins
 * so. Nothing that is typed is an error of syntax. Pure.
 */

#include <jansson.h>

#include "err.h"

#define SL_SEARCH_TERMS_MAX 32

/**
 * [[{"text": "…", "prefix": false, "not": false}, …], …]: any of these lists, all of a list's
 * terms. What has no term, too many, or a list that only says what must not be said, is
 * BAD_PARAMETER at
 * "?q". The caller releases the tree.
 */
SL_MUST_CHECK enum sl_err sl_search_terms_parse(
	const char *text, json_t **ret, struct sl_error *reterr);

#endif
