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
	if (reply->stream.destroy != NULL) {
		reply->stream.destroy(reply->stream.context);
		reply->stream = (struct sl_reply_stream){0};
	}
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

void sl_reply_stream(struct sl_reply *reply, const struct sl_reply_stream *stream)
{
	reply->stream = *stream;
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

static ssize_t read_stream(void *cls, uint64_t offset, char *out, size_t max)
{
	const struct sl_reply_stream *stream = cls;
	ssize_t len = stream->read(stream->context, offset, out, max);
	/* 0 would make the library ask again at once, and for ever. */
	return len > 0 ? len : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_stream(void *cls)
{
	struct sl_reply_stream *stream = cls;
	stream->destroy(stream->context);
	free(stream);
}

/* Memory of ours is handed over; only the literal may be persistent. */
static struct MHD_Response *make_response(struct sl_reply *reply, uint64_t *ret_len)
{
	if (reply->stream.read != NULL) {
		struct sl_reply_stream *stream = sl_calloc(1, sizeof(*stream));
		*stream = reply->stream;
		reply->stream = (struct sl_reply_stream){0};
		*ret_len = stream->size;
		return MHD_create_response_from_callback(
			stream->size, SL_HTTP_STREAM_BLOCK, read_stream, stream, free_stream);
	}
	size_t len = reply->body.len;
	*ret_len = len;
	return len > 0 ? MHD_create_response_from_buffer(
				 len, sl_buf_steal(&reply->body), MHD_RESPMEM_MUST_FREE)
		       : MHD_create_response_from_buffer(
				 0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result sl_reply_send(struct sl_exchange *exchange, struct sl_reply *reply)
{
	uint64_t len;
	struct MHD_Response *response = make_response(reply, &len);
	if (response == NULL) {
		return MHD_NO;
	}
	add_headers(exchange, reply, response, len > 0);
	enum MHD_Result result =
		MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	if (result == MHD_YES) {
		exchange->status = reply->status;
		exchange->bytes = strcmp(exchange->method, "HEAD") == 0 ? 0 : len;
	}
	return result;
}
