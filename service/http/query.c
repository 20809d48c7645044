/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings: sl_query_parse() and questions about the result. Pure, any thread. */

#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "text.h"

/* NULL when the text has a broken escape, a NUL or bytes that are not UTF-8. */
static char *decode(const char *text, size_t len)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	if (!sl_text_percent_decode(&out, text, len, true) ||
		memchr(sl_buf_str(&out), '\0', out.len) != NULL ||
		!sl_text_is_utf8(sl_buf_str(&out), out.len)) {
		return NULL;
	}
	return sl_buf_steal(&out);
}

static enum sl_err add(
	struct sl_query *query, const char *text, size_t len, struct sl_error *reterr)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
	SL_AUTO(sl_freep)
	char *name = decode(text, name_len);
	if (name == NULL) {
		return sl_error_set(reterr, SL_ERR_BAD_PARAMETER,
			"the name of query parameter %zu is not percent-encoded UTF-8",
			query->count + 1);
	}
	SL_AUTO(sl_freep)
	char *value = equals != NULL ? decode(equals + 1, len - name_len - 1) : sl_strdup("");
	if (value == NULL) {
		SL_AUTO(sl_freep)
		char *pointer = sl_asprintf("?%s", name);
		return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, pointer,
			"the value is not percent-encoded UTF-8");
	}
	if (query->count == SL_QUERY_MAX_PARAMETERS) {
		return sl_error_set(reterr, SL_ERR_BAD_PARAMETER,
			"the query has more than %d parameters", SL_QUERY_MAX_PARAMETERS);
	}
	query->parameters =
		sl_reallocarray(query->parameters, query->count + 1, sizeof(*query->parameters));
	query->parameters[query->count++] =
		(struct sl_query_parameter){sl_take(&name), sl_take(&value)};
	return SL_ERR_OK;
}

enum sl_err sl_query_parse(
	const char *text, size_t len, struct sl_query *ret, struct sl_error *reterr)
{
	struct sl_query query = {NULL, 0};
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '&', len - at);
		size_t piece = end != NULL ? (size_t)(end - text) - at : len - at;
		enum sl_err err = piece > 0 ? add(&query, text + at, piece, reterr) : SL_ERR_OK;
		if (err != SL_ERR_OK) {
			sl_query_finish(&query);
			return err;
		}
		at += piece + 1;
	}
	*ret = query;
	return SL_ERR_OK;
}

const char *sl_query_get(const struct sl_query *query, const char *name)
{
	for (size_t i = 0; i < query->count; i++) {
		if (strcmp(query->parameters[i].name, name) == 0) {
			return query->parameters[i].value;
		}
	}
	return NULL;
}

enum sl_err sl_query_only(
	const struct sl_query *query, const char *const *names, struct sl_error *reterr)
{
	for (size_t i = 0; i < query->count; i++) {
		const struct sl_query_parameter *parameter = &query->parameters[i];
		bool known = false;
		for (const char *const *name = names; *name != NULL && !known; name++) {
			known = strcmp(*name, parameter->name) == 0;
		}
		bool again = sl_query_get(query, parameter->name) != parameter->value;
		if (!known || again) {
			SL_AUTO(sl_freep)
			char *pointer = sl_asprintf("?%s", parameter->name);
			return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, pointer, "%s",
				known ? "is given twice" : "is not a known parameter");
		}
	}
	return SL_ERR_OK;
}

void sl_query_finish(struct sl_query *query)
{
	for (size_t i = 0; i < query->count; i++) {
		free(query->parameters[i].name);
		free(query->parameters[i].value);
	}
	free(query->parameters);
	*query = (struct sl_query){NULL, 0};
}
