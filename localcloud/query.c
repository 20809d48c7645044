/* SPDX-License-Identifier: Apache-2.0 */
/* The query protocol for IAM and STS. Entry points: lc_query_*. On the HTTP thread. */
#include "lc_query.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "text.h"

char *lc_query_param(const struct lc_query *query, const char *name)
{
	const struct lc_request *request = query->request;
	char *value = request->body ? lc_form_value(request->body, request->body_len, name) : NULL;
	return value ? value : lc_request_query(request, name);
}

char *lc_query_member(const struct lc_query *query, const char *name, int n)
{
	SL_AUTO(sl_freep)
	char *full = sl_asprintf("%s.member.%d", name, n);
	return lc_query_param(query, full);
}

char *lc_query_required(struct lc_query *query, const char *name)
{
	SL_AUTO(sl_freep)
	char *value = lc_query_param(query, name);
	if (!value || !sl_text_is_utf8(value, strlen(value))) {
		lc_query_error(query, 400, "ValidationError",
			"1 validation error detected: Value null at '%c%s' failed to satisfy "
			"constraint: Member must not be null",
			name[0] | 0x20, name + 1);
		return NULL;
	}
	return sl_take(&value);
}

static const char *name_space(const struct lc_query *query)
{
	return sl_text_equal(query->request->service, "iam")
		? "https://iam.amazonaws.com/doc/2010-05-08/"
		: "https://sts.amazonaws.com/doc/2011-06-15/";
}

static void open_response(struct lc_query *query)
{
	query->reply->content_type = "text/xml";
	sl_buf_printf(
		&query->reply->body, "<%sResponse xmlns=\"%s\">", query->action, name_space(query));
}

void lc_query_open(struct lc_query *query)
{
	open_response(query);
	sl_buf_printf(&query->reply->body, "<%sResult>", query->action);
}

static void close_response(struct lc_query *query)
{
	sl_buf_printf(&query->reply->body,
		"<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
		query->request->request_id, query->action);
}

void lc_query_close(struct lc_query *query)
{
	sl_buf_printf(&query->reply->body, "</%sResult>", query->action);
	close_response(query);
}

void lc_query_done(struct lc_query *query)
{
	open_response(query);
	close_response(query);
}

void lc_query_element(struct lc_query *query, const char *name, const char *text)
{
	if (text) {
		sl_buf_printf(&query->reply->body, "<%s>", name);
		lc_xml_escape(&query->reply->body, text);
		sl_buf_printf(&query->reply->body, "</%s>", name);
	}
}

void lc_query_tag(struct lc_query *query, const char *tag)
{
	sl_buf_puts(&query->reply->body, tag);
}

void lc_query_time(struct lc_query *query, const char *name, int64_t time_ms)
{
	char time[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(time_ms, time);
	(void)snprintf(strchr(time, '.'), 2, "Z");
	lc_query_element(query, name, time);
}

void lc_query_error(struct lc_query *query, int status, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *words = sl_vasprintf(format, arguments);
	va_end(arguments);
	lc_reply_xml_error(query->reply, query->request, true, status, code, "%s", words);
}

void lc_query_run(
	struct lc_query *query, const struct lc_query_row *rows, size_t count, const char *version)
{
	SL_AUTO(sl_freep)
	char *action = lc_query_param(query, "Action");
	if (!action) {
		lc_query_error(query, 400, "MissingAction",
			"The request must contain the parameter Action");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].action, action) == 0) {
			query->action = rows[i].action;
			rows[i].run(query);
			return;
		}
	}
	lc_query_error(query, 400, "InvalidAction", "Could not find operation %s for version %s",
		action, version);
}
