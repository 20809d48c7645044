/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers may ask of a request. Runs in the thread that has the request. */

#include "request.h"

#include <string.h>
#include <strings.h>

#include "exchange.h"
#include "json_spec.h"
#include "text.h"

struct sl_exchange *sl_exchange_of(const struct sl_request *request)
{
	return (struct sl_exchange *)(uintptr_t)request;
}

const char *sl_request_param(const struct sl_request *request, const char *name)
{
	const struct sl_match *match = &sl_exchange_of(request)->match;
	size_t len = strlen(name);
	for (size_t i = 0; i < match->count; i++) {
		if (match->name_lens[i] == len && memcmp(match->names[i], name, len) == 0) {
			return match->values[i];
		}
	}
	SL_BUG("a handler asks for a parameter that its route does not have");
}

const char *sl_request_query(const struct sl_request *request, const char *name)
{
	return sl_query_get(&sl_exchange_of(request)->query, name);
}

const char *sl_request_query_text(const struct sl_request *request)
{
	return sl_exchange_of(request)->query_text;
}

const struct sl_query *sl_request_whole_query(const struct sl_request *request)
{
	return &sl_exchange_of(request)->query;
}

enum sl_err sl_request_only_query(struct sl_request *request, const char *const *names)
{
	return sl_query_only(&sl_exchange_of(request)->query, names, &request->error);
}

const char *sl_request_header(const struct sl_request *request, const char *name)
{
	return MHD_lookup_connection_value(
		sl_exchange_of(request)->connection, MHD_HEADER_KIND, name);
}

/* "application/json", perhaps with parameters behind it. */
static bool is_json_type(const char *type)
{
	static const char json[] = "application/json";
	if (type == NULL || strncasecmp(type, json, sizeof(json) - 1) != 0) {
		return false;
	}
	const char *rest = type + sizeof(json) - 1;
	rest += strspn(rest, " \t");
	return *rest == '\0' || *rest == ';';
}

static enum sl_err check_media(struct sl_request *request)
{
	const char *type = sl_request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);
	if (!is_json_type(type)) {
		return sl_error_set(&request->error, SL_ERR_UNSUPPORTED_MEDIA_TYPE,
			"the Content-Type must be application/json");
	}
	const char *coding = sl_request_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);
	if (coding != NULL && strcasecmp(coding, "identity") != 0) {
		return sl_error_set(&request->error, SL_ERR_UNSUPPORTED_MEDIA_TYPE,
			"the body must not have a Content-Encoding");
	}
	return SL_ERR_OK;
}

enum sl_err sl_request_json(struct sl_request *request, json_t **ret_root)
{
	struct sl_exchange *exchange = sl_exchange_of(request);
	if (exchange->json != NULL) { /* the handler slept and is called again */
		*ret_root = exchange->json;
		return SL_ERR_OK;
	}
	if (request->body == NULL) {
		return sl_error_set(
			&request->error, SL_ERR_BODY_MISSING, "send a JSON object as the body");
	}
	enum sl_err err = check_media(request);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (!sl_text_is_utf8(request->body, request->body_len)) {
		return sl_error_set(&request->error, SL_ERR_BODY_NOT_JSON, "the body is not UTF-8");
	}
	json_auto_t *root = NULL;
	err = sl_json_parse(request->body, request->body_len, &root, &request->error);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (!json_is_object(root)) {
		return sl_error_set_at(
			&request->error, SL_ERR_WRONG_TYPE, "", "the body must be an object");
	}
	exchange->json = sl_take(&root);
	*ret_root = exchange->json;
	return SL_ERR_OK;
}

void sl_request_suspend(struct sl_request *request)
{
	struct sl_exchange *exchange = sl_exchange_of(request);
	if (exchange->asleep) {
		SL_BUG("a request is suspended twice");
	}
	exchange->asleep = true;
	exchange->slept = true;
	MHD_suspend_connection(exchange->connection);
}

void sl_request_resume(struct sl_request *request)
{
	const struct sl_exchange *exchange = sl_exchange_of(request);
	struct sl_server *server = exchange->server;
	/* Under the lock, because the daemon may be stopped as soon as this request has left its
	 * handler, which takes the lock too: not before the library is done waking it. */
	pthread_mutex_lock(&server->lock);
	MHD_resume_connection(exchange->connection);
	pthread_mutex_unlock(&server->lock);
}
