/* SPDX-License-Identifier: Apache-2.0 */
/* The router: "METHOD path" against a table with every form of template. */

#include <stdint.h>
#include <string.h>

#include "mem.h"
#include "router.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sl_err handle(struct sl_request *request, struct sl_reply *reply)
{
	(void)request;
	(void)reply;
	return SL_ERR_OK;
}

static const struct sl_route routes[] = {
	{"GET", "/", "root", handle, SL_AUTH_OPEN, 0},
	{"GET", "/videos", "list", handle, SL_AUTH_OPEN, 0},
	{"POST", "/videos", "create", handle, SL_AUTH_OPEN, 0},
	{"POST", "/videos/search", "search", handle, SL_AUTH_OPEN, 0},
	{"GET", "/videos/{id}", "get", handle, SL_AUTH_OPEN, 0},
	{"GET", "/videos/{id}/metadata", "metadata", handle, SL_AUTH_OPEN, 0},
	{"GET", "/{a}/{b}/{c}/{d}", "four", handle, SL_AUTH_OPEN, 0},
};

static void check(const struct sl_match *match)
{
	if ((match->err == SL_ERR_OK) != (match->route != NULL) ||
		(match->err == SL_ERR_METHOD_NOT_ALLOWED) != (match->allow[0] != '\0') ||
		(match->route == NULL && match->count > 0)) {
		SL_BUG("a match contradicts itself");
	}
	for (size_t i = 0; i < match->count; i++) {
		const char *value = match->values[i];
		if (value[0] == '\0' || strchr(value, '/') != NULL ||
			!sl_text_is_utf8(value, strlen(value))) {
			SL_BUG("a path parameter is not clean");
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_freep)
	char *text = sl_strndup((const char *)data, size);
	char *path = strchr(text, ' ');
	if (path == NULL) {
		return 0;
	}
	*path++ = '\0';
	struct sl_match match;
	sl_router_match(routes, SL_ARRAY_SIZE(routes), text, path, &match);
	check(&match);
	sl_match_finish(&match);
	/* Any template either is refused or can be matched against. */
	const struct sl_route odd[] = {routes[4], {"GET", path, "odd", handle, SL_AUTH_OPEN, 0}};
	if (sl_router_check(odd, 2, NULL) == SL_ERR_OK) {
		sl_router_match(odd, 2, "GET", path, &match);
		check(&match);
		sl_match_finish(&match);
	}
	return 0;
}
