/* SPDX-License-Identifier: Apache-2.0 */
/* The list of origins, checked when it is made: sl_cors_create(); and the headers of a reply,
 * sl_cors_answer(), sl_cors_preflight(). Runs in the thread that has the request. */

#include "cors.h"

#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "mem.h"
#include "text.h"

#define MAX_AGE_S "600" /* browsers keep what a preflight told for so long */

/* What scripts may send, and read, beyond what they always may. */
#define REQUEST_HEADERS "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id"
#define REPLY_HEADERS \
	"Allow, Content-Disposition, ETag, Link, Location, Retry-After, WWW-Authenticate, " \
	"X-Request-Id"

struct sl_cors {
	char **origins; /* none: any */
	size_t count;
};

/* As browsers write it (RFC 6454 §6.2): lower case, no path, no port that is the scheme's own. */
static bool is_origin(const char *text)
{
	const char *host = strstr(text, "://");
	if (host == NULL || host == text || host[3] == '\0') {
		return false;
	}
	host += 3;
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
	size_t rest = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-._[]:");
	bool own_port =
		(sl_text_starts_with(text, "https://") && sl_text_ends_with(text, ":443")) ||
		(sl_text_starts_with(text, "http://") && sl_text_ends_with(text, ":80"));
	return text + scheme == host - 3 && host[rest] == '\0' && !own_port;
}

static enum sl_err check(
	const char *setting, const char *const *origins, size_t count, struct sl_error *reterr)
{
	for (size_t i = 0; i < count; i++) {
		bool any = strcmp(origins[i], "*") == 0;
		if (any && count > 1) {
			return sl_error_set(reterr, SL_ERR_CONFIG,
				"%s has * and more; * alone allows every origin", setting);
		}
		if (!any && !is_origin(origins[i])) {
			return sl_error_set(reterr, SL_ERR_CONFIG,
				"%s has \"%s\"; write an origin as browsers do, "
				"https://app.example.com or http://localhost:3000: lower case, no "
				"path, no slash at the end, no port 443 or 80",
				setting, origins[i]);
		}
	}
	return SL_ERR_OK;
}

enum sl_err sl_cors_create(const char *setting, const char *const *origins, size_t count,
	struct sl_cors **ret, struct sl_error *reterr)
{
	enum sl_err err = check(setting, origins, count, reterr);
	if (err != SL_ERR_OK || count == 0) {
		return err;
	}
	struct sl_cors *cors = sl_calloc(1, sizeof(*cors));
	cors->origins = sl_calloc(count, sizeof(*cors->origins));
	for (size_t i = 0; i < count && strcmp(origins[i], "*") != 0; i++) {
		cors->origins[cors->count++] = sl_strdup(origins[i]);
	}
	*ret = cors;
	return SL_ERR_OK;
}

void sl_cors_destroy(struct sl_cors *cors)
{
	if (cors == NULL) {
		return;
	}
	for (size_t i = 0; i < cors->count; i++) {
		free(cors->origins[i]);
	}
	free(cors->origins);
	free(cors);
}

const char *sl_cors_allows(const struct sl_cors *cors, const char *origin)
{
	if (!sl_cors_varies(cors)) {
		return "*";
	}
	for (size_t i = 0; origin != NULL && i < cors->count; i++) {
		if (strcmp(cors->origins[i], origin) == 0) {
			return cors->origins[i];
		}
	}
	return NULL;
}

bool sl_cors_varies(const struct sl_cors *cors)
{
	return cors->count > 0;
}

/* --- replies ------------------------------------------------------------------------------- */

void sl_cors_answer(const struct sl_exchange *exchange, struct MHD_Response *response)
{
	const struct sl_cors *cors = exchange->server->options.cors;
	if (cors == NULL) {
		return;
	}
	const char *origin = sl_request_header(&exchange->request, MHD_HTTP_HEADER_ORIGIN);
	const char *allowed = sl_cors_allows(cors, origin);
	if (sl_cors_varies(cors)) {
		/* Of replies to other origins too, or a cache would give those to ours. */
		(void)MHD_add_response_header(
			response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ORIGIN);
	}
	if (allowed != NULL && origin != NULL) {
		(void)MHD_add_response_header(
			response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
		(void)MHD_add_response_header(
			response, MHD_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS, REPLY_HEADERS);
	}
}

void sl_cors_preflight(const struct sl_exchange *exchange, struct sl_reply *reply)
{
	const struct sl_cors *cors = exchange->server->options.cors;
	const struct sl_request *request = &exchange->request;
	const char *origin = sl_request_header(request, MHD_HTTP_HEADER_ORIGIN);
	const char *method =
		sl_request_header(request, MHD_HTTP_HEADER_ACCESS_CONTROL_REQUEST_METHOD);
	if (cors == NULL || origin == NULL || method == NULL ||
		sl_cors_allows(cors, origin) == NULL) {
		return;
	}
	sl_reply_header(reply, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_METHODS, exchange->match.allow);
	sl_reply_header(reply, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
	sl_reply_header(reply, MHD_HTTP_HEADER_ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
}
