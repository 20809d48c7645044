/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What services need of requests and replies: header and parameter lookup, JSON and XML answers.
 * Entry points: lc_request_*, lc_form_value, lc_reply_*, lc_xml_escape. Any thread.
 */
#include <string.h>

#include "checksum.h"
#include "cloud.h"
#include "json_spec.h"
#include "text.h"

const char *lc_request_header(const struct lc_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++) {
		if (strcmp(request->headers[i].name, name) == 0) {
			return request->headers[i].value;
		}
	}
	return NULL;
}

static char *decode(const char *text, size_t len)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	if (!sl_text_percent_decode(&out, text, len, true)) {
		/* A broken escape stands for itself, as AWS's front ends read it. */
		sl_buf_clear(&out);
		sl_buf_add(&out, text, len);
	}
	return sl_buf_steal(&out);
}

char *lc_form_value(const char *form, size_t len, const char *name)
{
	const char *end = form + len;

	while (form < end) {
		const char *stop = memchr(form, '&', (size_t)(end - form));
		if (!stop) {
			stop = end;
		}
		const char *equals = memchr(form, '=', (size_t)(stop - form));
		const char *name_end = equals ? equals : stop;
		SL_AUTO(sl_freep)
		char *found = decode(form, (size_t)(name_end - form));
		if (strcmp(found, name) == 0) {
			return equals ? decode(equals + 1, (size_t)(stop - equals - 1))
				      : sl_strdup("");
		}
		form = stop < end ? stop + 1 : end;
	}
	return NULL;
}

char *lc_request_query(const struct lc_request *request, const char *name)
{
	return lc_form_value(request->raw_query, strlen(request->raw_query), name);
}

void lc_reply_header(struct lc_reply *reply, const char *name, const char *value)
{
	if (reply->extra_count == SL_ARRAY_SIZE(reply->extra)) {
		SL_BUG("too many reply headers");
	}
	reply->extra[reply->extra_count++] =
		(struct lc_header){.name = sl_strdup(name), .value = sl_strdup(value)};
}

void lc_reply_json(struct lc_reply *reply, const char *content_type, json_t *root)
{
	SL_AUTO(sl_freep)
	char *text = sl_json_text(root);
	json_decref(root);
	reply->content_type = content_type;
	sl_buf_clear(&reply->body);
	sl_buf_puts(&reply->body, text);
}

void lc_reply_json_error(
	struct lc_reply *reply, int status, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *message = sl_vasprintf(format, arguments);
	va_end(arguments);

	reply->status = status;
	lc_reply_json(reply, "application/x-amz-json-1.1",
		json_pack("{s:s, s:o}", "__type", code, "message", json_string_nocheck(message)));
}

/* DynamoDB and SQS speak JSON 1.0; DynamoDB's clients check a sum of every body. */
void lc_reply_json_refusal(struct lc_reply *reply, const struct lc_request *request, int status,
	const char *code, const char *message)
{
	bool dynamodb = sl_text_equal(request->service, "dynamodb");
	lc_reply_json_error(reply, status, code, "%s", message);
	if (dynamodb || sl_text_equal(request->service, "sqs")) {
		reply->content_type = "application/x-amz-json-1.0";
	}
	if (dynamodb) {
		SL_AUTO(sl_freep)
		char *sum =
			sl_asprintf("%u", lc_crc32(0, sl_buf_str(&reply->body), reply->body.len));
		lc_reply_header(reply, "x-amz-crc32", sum);
	}
}

static const char *query_namespace(const struct lc_request *request)
{
	return sl_text_equal(request->service, "sts") ? "https://sts.amazonaws.com/doc/2011-06-15/"
		: sl_text_equal(request->service, "iam")
		? "https://iam.amazonaws.com/doc/2010-05-08/"
		: sl_text_equal(request->service, "sqs")
		? "http://queue.amazonaws.com/doc/2012-11-05/"
		: "http://sns.amazonaws.com/doc/2010-03-31/";
}

static void query_error(struct sl_buf *body, const struct lc_request *request, const char *code,
	const char *message)
{
	sl_buf_printf(body,
		"<ErrorResponse xmlns=\"%s\"><Error><Type>Sender</Type><Code>%s</Code><Message>",
		query_namespace(request), code);
	lc_xml_escape(body, message);
	sl_buf_printf(body, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
		request->request_id);
}

static void s3_error(struct sl_buf *body, const struct lc_request *request, const char *code,
	const char *message)
{
	sl_buf_printf(body,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>",
		code);
	lc_xml_escape(body, message);
	sl_buf_puts(body, "</Message><Resource>");
	lc_xml_escape(body, request->raw_path);
	sl_buf_printf(body,
		"</Resource><RequestId>%s</RequestId><HostId>localcloud</HostId></Error>",
		request->request_id);
}

void lc_reply_xml_error(struct lc_reply *reply, const struct lc_request *request,
	bool query_protocol, int status, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *message = sl_vasprintf(format, arguments);
	va_end(arguments);

	reply->status = status;
	reply->content_type = query_protocol ? "text/xml" : "application/xml";
	sl_buf_clear(&reply->body);
	if (query_protocol) {
		query_error(&reply->body, request, code, message);
	} else {
		s3_error(&reply->body, request, code, message);
	}
}

void lc_xml_escape(struct sl_buf *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		switch (*c) {
		case '&':
			sl_buf_puts(out, "&amp;");
			break;
		case '<':
			sl_buf_puts(out, "&lt;");
			break;
		case '>':
			sl_buf_puts(out, "&gt;");
			break;
		case '"':
			sl_buf_puts(out, "&quot;");
			break;
		case '\'':
			sl_buf_puts(out, "&apos;");
			break;
		default:
			/* Control characters as S3 writes them; a reader that cannot take them asks
			 * for encoding-type=url. CR and LF would not survive a parser as they are.
			 */
			if ((unsigned char)*c < 0x20 && *c != '\t') {
				sl_buf_printf(out, "&#x%x;", (unsigned)*c);
			} else {
				sl_buf_putc(out, *c);
			}
		}
	}
}
