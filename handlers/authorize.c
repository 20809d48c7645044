/* SPDX-License-Identifier: Apache-2.0 */
/* sl_authorize(): before any handler, once per request. HTTP threads; what costs a statement is
 * access.c's to avoid. */

#include "authorize.h"

#include <stdio.h>
#include <string.h>

#include "access.h"
#include "app.h"
#include "router.h"
#include "text.h"

static enum sl_scope scope_of(const struct sl_route *route)
{
	switch (route->auth) {
	case SL_AUTH_READ:
		return SL_SCOPE_READ;
	case SL_AUTH_SUBMIT:
		return SL_SCOPE_SUBMIT;
	case SL_AUTH_ADMIN:
		return SL_SCOPE_ADMIN;
	case SL_AUTH_OPEN:
	case SL_AUTH_SNS:
	case SL_AUTH_UNSET_:
		break;
	}
	return SL_SCOPE_NONE;
}

/* RFC 6750 §2.3 has "access_token"; what stands in an address ends up in logs and histories. */
static bool has_token(const char *query)
{
	static const char name[] = "access_token=";
	for (const char *at = query; (at = strstr(at, name)) != NULL; at++) {
		if (at == query || at[-1] == '&') {
			return true;
		}
	}
	return sl_token_occurs(query);
}

static enum sl_err check_query(struct sl_request *request)
{
	const char *query = sl_request_query_text(request);
	if (query == NULL || !has_token(query)) {
		return SL_ERR_OK;
	}
	return sl_error_set(&request->error, SL_ERR_BAD_AUTHORIZATION,
		"a token does not belong in the address, where logs and histories keep it: revoke "
		"it, and send another one as Authorization: Bearer");
}

static enum sl_err check_token(
	struct sl_access *access, struct sl_request *request, enum sl_scope scope)
{
	const char *token = NULL;
	size_t len = 0;
	switch (sl_bearer_parse(sl_request_header(request, "Authorization"), &token, &len)) {
	case SL_BEARER_ABSENT:
		return sl_error_set(&request->error, SL_ERR_TOKEN_MISSING,
			"send Authorization: Bearer and a token; `spotlist token create` makes "
			"one");
	case SL_BEARER_MALFORMED:
		return sl_error_set(&request->error, SL_ERR_BAD_AUTHORIZATION,
			"the Authorization header must be Bearer, one space and a token");
	case SL_BEARER_GIVEN:
		break;
	}
	struct sl_access_caller caller = {.id = ""};
	enum sl_err err = sl_access_check(access, token, len, scope, &caller, &request->error);
	const char *known_as = caller.name[0] != '\0' ? caller.name : caller.id;
	snprintf(request->caller, sizeof(request->caller), "%s", known_as);
	return err;
}

enum sl_err sl_authorize(void *app, struct sl_request *request)
{
	struct sl_access *access = ((struct sl_app *)app)->access;
	enum sl_scope scope = scope_of(request->route);
	enum sl_err err = check_query(request);
	if (err != SL_ERR_OK || access == NULL || scope == SL_SCOPE_NONE) {
		return err;
	}
	return check_token(access, request, scope);
}
