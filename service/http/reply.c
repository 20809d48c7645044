/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: filled by handlers, sent once by sl_reply_send(). Runs in the thread that has the
 * request. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exchange.h"
#include "json_spec.h"
#include "log.h"
#include "mem.h"

struct sl_reply_header_ {
	char *name;
	char *value;
};

void sl_reply_init(struct sl_reply *reply)
{
	*reply = (struct sl_reply){
		.status = MHD_HTTP_OK,
		.content_type = "application/json",
	};
}

void sl_reply_finish(struct sl_reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		free(reply->headers[i].name);
		free(reply->headers[i].value);
	}
	free(reply->headers);
	reply->headers = NULL;
	reply->header_count = 0;
	sl_buf_finish(&reply->body);
}

void sl_reply_header(struct sl_reply *reply, const char *name, const char *value)
{
	reply->headers =
		sl_reallocarray(reply->headers, reply->header_count + 1, sizeof(*reply->headers));
	reply->headers[reply->header_count++] =
		(struct sl_reply_header_){sl_strdup(name), sl_strdup(value)};
}

void sl_reply_json(struct sl_reply *reply, int status, json_t *root)
{
	reply->status = status;
	sl_buf_finish(&reply->body);
	char *text = sl_json_text(root);
	size_t len = strlen(text);
	reply->body = (struct sl_buf){.data = text, .len = len, .capacity = len + 1};
	json_decref(root);
}

static bool has_header(const struct sl_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		if (strcasecmp(reply->headers[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES) {
		sl_log(SL_LOG_WARN, "reply header refused", SL_F("name", name),
			SL_F("value", value), SL_F_END);
	}
}

static void add_headers(const struct sl_exchange *exchange, const struct sl_reply *reply,
	struct MHD_Response *response, bool body)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		add_header(response, reply->headers[i].name, reply->headers[i].value);
	}
	if (body && !has_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE)) {
		add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	}
	if (!has_header(reply, MHD_HTTP_HEADER_CACHE_CONTROL)) {
		add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	}
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "X-Request-Id", exchange->request_id);
	if (exchange->close) {
		add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	}
}

enum MHD_Result sl_reply_send(struct sl_exchange *exchange, struct sl_reply *reply)
{
	bool body = reply->body.len > 0;
	size_t len = reply->body.len;
	/* Memory of ours is handed over; only the literal may be persistent. */
	struct MHD_Response *response = body
		? MHD_create_response_from_buffer(
			  len, sl_buf_steal(&reply->body), MHD_RESPMEM_MUST_FREE)
		: MHD_create_response_from_buffer(
			  0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	if (response == NULL) {
		return MHD_NO;
	}
	add_headers(exchange, reply, response, body);
	enum MHD_Result result =
		MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	if (result == MHD_YES) {
		exchange->status = reply->status;
		exchange->bytes = strcmp(exchange->method, "HEAD") == 0 ? 0 : len;
	}
	return result;
}
