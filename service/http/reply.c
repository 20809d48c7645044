/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: filled by handlers, sent once by sl_reply_send(). Runs in the thread that has the
 * request. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "content_internal.h"
#include "encoding.h"
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
	sl_content_unref(sl_take(&reply->content));
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

void sl_reply_validator(struct sl_reply *reply, const char *etag)
{
	if (reply->stream.read == NULL) {
		sl_reply_content(reply, sl_content_create(&reply->body, etag));
	} else {
		snprintf(reply->etag, sizeof(reply->etag), "%s", etag);
	}
}

void sl_reply_content(struct sl_reply *reply, struct sl_content *content)
{
	sl_content_unref(reply->content);
	reply->content = content;
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

/* What is sent of a reply, once it is known what its client has and takes. */
struct form {
	const char *etag; /* with quotes; NULL: the reply has no validator */
	bool gzip;
	bool unchanged; /* the client has it: 304 */
	struct sl_content_form content;
	char stream_etag[SL_ETAG_SIZE];
};

static void choose_form(
	const struct sl_exchange *exchange, const struct sl_reply *reply, struct form *ret)
{
	*ret = (struct form){.etag = NULL};
	if (reply->content == NULL && reply->etag[0] == '\0') {
		return;
	}
	const char *takes = sl_request_header(&exchange->request, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	bool gzip = sl_encoding_takes_gzip(takes);
	if (reply->content != NULL) {
		ret->content = sl_content_form(reply->content, gzip);
		ret->etag = ret->content.etag;
		ret->gzip = ret->content.gzip;
	} else {
		sl_content_etag(ret->stream_etag, reply->etag, gzip);
		ret->etag = ret->stream_etag;
		ret->gzip = gzip;
	}
	ret->unchanged = sl_encoding_etag_matches(
		sl_request_header(&exchange->request, MHD_HTTP_HEADER_IF_NONE_MATCH), ret->etag);
}

static void add_headers(const struct sl_exchange *exchange, const struct sl_reply *reply,
	const struct form *form, struct MHD_Response *response, bool body)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		add_header(response, reply->headers[i].name, reply->headers[i].value);
	}
	if (body && !has_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE)) {
		add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	}
	if (form->etag != NULL) {
		add_header(response, MHD_HTTP_HEADER_ETAG, form->etag);
		add_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	}
	if (form->gzip && !form->unchanged) {
		add_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	}
	if (!has_header(reply, MHD_HTTP_HEADER_CACHE_CONTROL)) {
		/* With a validator it may be kept by who may see it, and is asked for every time.
		 */
		add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
			form->etag != NULL ? "private, no-cache" : "no-store");
	}
	sl_cors_answer(exchange, response);
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "X-Request-Id", exchange->request_id);
	if (exchange->close) {
		add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	}
}

/* A stream on its way: the exchange lives for as long as it is read. */
struct sending {
	struct sl_reply_stream stream;
	struct sl_exchange *exchange;
};

static ssize_t read_stream(void *cls, uint64_t offset, char *out, size_t max)
{
	const struct sending *sending = cls;
	const struct sl_reply_stream *stream = &sending->stream;
	ssize_t len = stream->read(stream->context, offset, out, max);
	if (len == 0 && stream->size == SL_REPLY_SIZE_UNKNOWN) {
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	sending->exchange->bytes += len > 0 ? (uint64_t)len : 0;
	/* 0 would make the library ask again at once, and for ever. */
	return len > 0 ? len : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_stream(void *cls)
{
	struct sending *sending = cls;
	sending->stream.destroy(sending->stream.context);
	free(sending);
}

static void free_content(void *cls)
{
	sl_content_unref(cls);
}

static struct MHD_Response *respond_empty(void)
{
	return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *respond_stream(
	struct sl_exchange *exchange, struct sl_reply *reply, bool gzip)
{
	struct sending *sending = sl_calloc(1, sizeof(*sending));
	sending->exchange = exchange;
	sending->stream = gzip ? sl_encoding_gzip_stream(&reply->stream) : reply->stream;
	reply->stream = (struct sl_reply_stream){0};
	uint64_t size = sending->stream.size;
	return MHD_create_response_from_callback(
		size == SL_REPLY_SIZE_UNKNOWN ? MHD_SIZE_UNKNOWN : size, SL_HTTP_STREAM_BLOCK,
		read_stream, sending, free_stream);
}

static struct MHD_Response *respond_content(struct sl_reply *reply, const struct form *form)
{
	return MHD_create_response_from_buffer_with_free_callback_cls(form->content.len,
		(void *)(uintptr_t)form->content.bytes, free_content, sl_take(&reply->content));
}

/* Memory of ours is handed over; only the literal may be persistent. */
static struct MHD_Response *make_response(
	struct sl_exchange *exchange, struct sl_reply *reply, const struct form *form)
{
	if (form->unchanged) {
		return respond_empty();
	}
	if (reply->stream.read != NULL) {
		return respond_stream(exchange, reply, form->gzip);
	}
	if (reply->content != NULL && form->content.len > 0) {
		exchange->bytes = form->content.len;
		return respond_content(reply, form);
	}
	size_t len = reply->body.len;
	exchange->bytes = len;
	return len > 0 ? MHD_create_response_from_buffer(
				 len, sl_buf_steal(&reply->body), MHD_RESPMEM_MUST_FREE)
		       : respond_empty();
}

enum MHD_Result sl_reply_send(struct sl_exchange *exchange, struct sl_reply *reply)
{
	struct form form;
	choose_form(exchange, reply, &form);
	bool body = !form.unchanged &&
		(reply->stream.read != NULL || reply->body.len > 0 || form.content.len > 0);
	if (form.unchanged) {
		reply->status = MHD_HTTP_NOT_MODIFIED;
	}
	struct MHD_Response *response = make_response(exchange, reply, &form);
	if (response == NULL) {
		return MHD_NO;
	}
	add_headers(exchange, reply, &form, response, body);
	sl_patience_send(exchange->connection);
	enum MHD_Result result =
		MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	if (result == MHD_YES) {
		exchange->status = reply->status;
		if (strcmp(exchange->method, "HEAD") == 0) {
			exchange->bytes = 0;
		}
	}
	return result;
}
