/* SPDX-License-Identifier: Apache-2.0 */
/* Exports as replies: made whole, in memory or a temporary file, then sent. HTTP threads. */

#include "export_reply.h"

#include <string.h>

#include "app.h"
#include "export_text.h"
#include "mem.h"

static ssize_t read_body(void *context, uint64_t offset, char *out, size_t max)
{
	return sl_export_body_read(context, offset, out, max);
}

static void destroy_body(void *context)
{
	sl_export_body_destroy(context);
}

static void send_body(struct sl_export_body *body, struct sl_reply *reply)
{
	if (sl_export_body_take(body, &reply->body)) {
		sl_reply_validator(reply, sl_export_body_etag(body));
		sl_export_body_destroy(body);
		return;
	}
	const struct sl_reply_stream stream = {
		sl_export_body_size(body), read_body, destroy_body, body};
	sl_reply_stream(reply, &stream);
	sl_reply_validator(reply, sl_export_body_etag(body));
}

/* A language tag is letters, digits and hyphens. */
static bool is_language(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	return text != NULL && text[0] != '\0' && strlen(text) <= 35 &&
		strspn(text, letters) == strlen(text);
}

static void add_headers(const struct sl_export_kind *kind, const struct sl_export_video *video,
	struct sl_reply *reply)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf disposition = SL_BUF_INIT;
	sl_export_disposition(&disposition, video->title, video->id, kind->suffix);
	/* As a header of its own it is sent with an empty body, too. */
	sl_reply_header(reply, "Content-Type", kind->content_type);
	sl_reply_header(reply, "Content-Disposition", sl_buf_str(&disposition));
	if (kind->spoken && is_language(video->language)) {
		sl_reply_header(reply, "Content-Language", video->language);
	}
}

enum sl_err sl_export_reply(struct sl_request *request, const struct sl_export_kind *kind,
	void *options, struct sl_reply *reply)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	SL_AUTO(sl_export_video_finish)
	struct sl_export_video video = {0};
	SL_AUTO(sl_export_body_destroyp)
	struct sl_export_body *body = sl_export_body_create();
	enum sl_err err = sl_app_pg_take(request->app, &held, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_export_begin(held.pg, sl_request_param(request, "id"), kind->all,
			kind->any, &video, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = kind->write(request, held.pg, &video, options, body);
	}
	if (err == SL_ERR_OK) {
		err = sl_export_check(held.pg, &video, &request->error);
	}
	if (err == SL_ERR_OK) {
		send_body(sl_take(&body), reply);
		add_headers(kind, &video, reply);
	}
	return err;
}

char *sl_export_names(const struct sl_param_texts *names)
{
	if (names->count == 0) {
		return NULL;
	}
	json_auto_t *array = json_array();
	for (size_t i = 0; i < names->count; i++) {
		json_array_append_new(array, json_string(names->items[i]));
	}
	return json_dumps(array, JSON_COMPACT);
}
