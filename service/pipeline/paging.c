/* SPDX-License-Identifier: Apache-2.0 */
/* Pages delivered twice and tokens that lead in a circle: sl_paging_check(). One thread. */

#include "paging.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* How often a token is asked for again that brought the page before. */
#define MAX_REPEATS 3
/* A thousand labels a page: a day of video with two hundred of them every second. */
#define MAX_PAGES 20000

void sl_paging_finish(struct sl_paging *paging)
{
	free(paging->tokens);
	json_decref(paging->first);
	json_decref(paging->last);
	*paging = (struct sl_paging){0};
}

/* FNV-1a: tokens are the provider's, and nobody gains by a collision. */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325u;
	for (; *text != '\0'; text++) {
		value = (value ^ (unsigned char)*text) * 0x100000001b3u;
	}
	return value;
}

static bool was_seen(const struct sl_paging *paging, uint64_t token)
{
	for (size_t i = 0; i < paging->count; i++) {
		if (paging->tokens[i] == token) {
			return true;
		}
	}
	return false;
}

/* Items come in order of time and none equals another, so the ends tell the page. */
static bool is_page_before(const struct sl_paging *paging, const json_t *items)
{
	size_t size = json_array_size(items);
	return size > 0 && size == paging->size &&
		json_equal(json_array_get(items, 0), paging->first) == 1 &&
		json_equal(json_array_get(items, size - 1), paging->last) == 1;
}

static void remember_page(struct sl_paging *paging, const json_t *items)
{
	size_t size = json_array_size(items);
	if (size == 0) {
		return;
	}
	json_decref(paging->first);
	json_decref(paging->last);
	paging->first = json_incref(json_array_get(items, 0));
	paging->last = json_incref(json_array_get(items, size - 1));
	paging->size = size;
}

static enum sl_err remember_token(
	struct sl_paging *paging, const char *next, struct sl_error *reterr)
{
	uint64_t token = hash(next);
	if (was_seen(paging, token) || paging->count == MAX_PAGES) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL, "the pages have no end: %s",
			paging->count == MAX_PAGES ? "there are more than any video has"
						   : "a NextToken is one that came before");
	}
	if (paging->count == paging->capacity) {
		paging->capacity = paging->capacity > 0 ? 2 * paging->capacity : 64;
		paging->tokens =
			sl_reallocarray(paging->tokens, paging->capacity, sizeof(*paging->tokens));
	}
	paging->tokens[paging->count++] = token;
	return SL_ERR_OK;
}

enum sl_err sl_paging_check(struct sl_paging *paging, const char *asked, const char *next,
	const json_t *items, bool *ret_new, struct sl_error *reterr)
{
	bool again = asked != NULL && is_page_before(paging, items);
	bool same_token = asked != NULL && next != NULL && strcmp(asked, next) == 0;
	paging->repeats = again ? paging->repeats + 1 : 0;
	if (paging->repeats > MAX_REPEATS || (same_token && !again)) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL, "page %zu does not lead on: %s",
			paging->count + 1,
			again ? "the page before came again and again"
			      : "its NextToken is the one it was asked for with");
	}
	enum sl_err err = SL_ERR_OK;
	if (next != NULL && !same_token) {
		err = remember_token(paging, next, reterr);
	}
	if (err == SL_ERR_OK) {
		remember_page(paging, items);
		*ret_new = !again;
	}
	return err;
}
