/* SPDX-License-Identifier: Apache-2.0 */
/* sl_problem_reply(): an error as application/problem+json (RFC 9457). Runs in the thread that has
 * the request. */

#include <string.h>

#include "exchange.h"
#include "mem.h"
#include "text.h"

#define RETRY_AFTER_S 5 /* for a failure that passes, when nobody knows when */

/* Details quote what clients and providers sent, and JSON takes UTF-8 only. */
static json_t *text_value(const char *text)
{
	if (sl_text_is_utf8(text, strlen(text))) {
		return json_string(text);
	}
	SL_AUTO(sl_freep)
	char *ascii = sl_strdup(text);
	for (char *p = ascii; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80) {
			*p = '?';
		}
	}
	return json_string(ascii);
}

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text != NULL) {
		json_object_set_new(object, name, text_value(text));
	}
}

static json_t *provider(const struct sl_provider_error *error)
{
	json_t *object = json_object();
	set_text(object, "service", error->service);
	set_text(object, "operation", error->operation);
	set_text(object, "code", error->code);
	set_text(object, "message", error->message);
	set_text(object, "request_id", error->request_id);
	return object;
}

static json_t *problem(const struct sl_exchange *exchange, const struct sl_error *error)
{
	json_t *root = json_object();
	const char *code = sl_err_code(error->code);
	json_object_set_new(root, "type", json_sprintf("urn:spotlist:problem:%s", code));
	set_text(root, "title", sl_err_title(error->code));
	json_object_set_new(root, "status", json_integer(sl_err_status(error->code)));
	set_text(root, "detail", error->detail);
	set_text(root, "code", code);
	set_text(root, "pointer", error->pointer);
	set_text(root, "request_id", exchange->request_id);
	if (error->provider.service != NULL) {
		json_object_set_new(root, "provider", provider(&error->provider));
	}
	return root;
}

static void retry_after(struct sl_reply *reply, const struct sl_error *error)
{
	int64_t seconds = (error->retry_after_ms + 999) / 1000;
	if (seconds <= 0 && reply->status == MHD_HTTP_SERVICE_UNAVAILABLE &&
		sl_err_retryable(error->code)) {
		seconds = RETRY_AFTER_S;
	}
	if (seconds > 0) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf value = SL_BUF_INIT;
		sl_buf_printf(&value, "%lld", (long long)seconds);
		sl_reply_header(reply, MHD_HTTP_HEADER_RETRY_AFTER, sl_buf_str(&value));
	}
}

/* RFC 6750 §3: what is wrong with the token, and which one would do. */
static void challenge(
	const struct sl_exchange *exchange, struct sl_reply *reply, const struct sl_error *error)
{
	static const char *const scopes[] = {
		[SL_AUTH_READ] = "read", [SL_AUTH_SUBMIT] = "submit", [SL_AUTH_ADMIN] = "admin"};
	SL_AUTO(sl_buf_finish)
	struct sl_buf value = SL_BUF_INIT;
	sl_buf_printf(&value, "Bearer realm=\"spotlist\"");
	switch (error->code) {
	case SL_ERR_TOKEN_MISSING:
		break;
	case SL_ERR_TOKEN_REFUSED:
		sl_buf_printf(&value, ", error=\"invalid_token\", error_description=\"%s\"",
			error->detail);
		break;
	case SL_ERR_BAD_AUTHORIZATION:
		sl_buf_printf(&value, ", error=\"invalid_request\"");
		break;
	case SL_ERR_INSUFFICIENT_SCOPE:
		sl_buf_printf(&value, ", error=\"insufficient_scope\", scope=\"%s\"",
			scopes[exchange->request.route->auth]);
		break;
	default:
		return;
	}
	sl_reply_header(reply, MHD_HTTP_HEADER_WWW_AUTHENTICATE, sl_buf_str(&value));
}

void sl_problem_reply(const struct sl_exchange *exchange, struct sl_reply *reply)
{
	const struct sl_error *error = &exchange->request.error;
	sl_reply_json(reply, sl_err_status(error->code), problem(exchange, error));
	reply->content_type = "application/problem+json";
	retry_after(reply, error);
	challenge(exchange, reply, error);
	if (error->code == SL_ERR_METHOD_NOT_ALLOWED) {
		sl_reply_header(reply, MHD_HTTP_HEADER_ALLOW, exchange->match.allow);
	}
}
