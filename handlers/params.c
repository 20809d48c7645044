/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters by table: sl_params_decode(). Runs in the thread that has the request. */

#include "params.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "router.h"
#include "text.h"
#include "timecode.h"

static enum sl_err refuse(const struct sl_param *param, struct sl_error *reterr, const char *must)
{
	SL_AUTO(sl_freep)
	char *pointer = sl_asprintf("?%s", param->name);
	return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, pointer, "must be %s", must);
}

static enum sl_err decode_time(
	const struct sl_param *param, const char *text, int64_t *ret, struct sl_error *reterr)
{
	return sl_timecode_parse(text, ret) ? SL_ERR_OK
					    : refuse(param, reterr,
						      "a time from the beginning: seconds "
						      "(\"12.5\"), milliseconds (\"12500ms\") "
						      "or \"HH:MM:SS.mmm\"");
}

/* "2026-11-22" is its first moment in UTC. */
static enum sl_err decode_date(
	const struct sl_param *param, const char *text, int64_t *ret, struct sl_error *reterr)
{
	char whole[sizeof("2026-11-22T00:00:00Z")];
	if (strlen(text) == strlen("2026-11-22")) {
		(void)snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
		text = whole;
	}
	return sl_clock_parse_rfc3339(text, ret)
		? SL_ERR_OK
		: refuse(param, reterr,
			  "a date (\"2026-11-22\") or a date and time of RFC 3339 "
			  "(\"2026-11-22T18:40:00Z\"; a + in a query is written %2B)");
}

/* Digits, perhaps with a sign and a fraction: strtod() knows much more than that. */
static bool is_plain_number(const char *text)
{
	text += *text == '-';
	size_t whole = strspn(text, "0123456789");
	const char *rest = text + whole;
	size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
	rest += *rest == '.' ? fraction + 1 : 0;
	return whole > 0 && *rest == '\0' && (fraction > 0 || rest == text + whole);
}

static enum sl_err decode_number(
	const struct sl_param *param, const char *text, double *ret, struct sl_error *reterr)
{
	double value = is_plain_number(text) ? strtod(text, NULL) : param->max;
	if (!is_plain_number(text) || !(value >= param->min && value <= param->max)) {
		SL_AUTO(sl_freep)
		char *must = sl_asprintf("a number from %g to %g", param->min, param->max);
		return refuse(param, reterr, must);
	}
	*ret = value;
	return SL_ERR_OK;
}

static enum sl_err decode_integer(
	const struct sl_param *param, const char *text, int64_t *ret, struct sl_error *reterr)
{
	if (sl_text_parse_i64(text, (int64_t)param->min, (int64_t)param->max, ret)) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_freep)
	char *must = sl_asprintf("a whole number from %.0f to %.0f", param->min, param->max);
	return refuse(param, reterr, must);
}

static enum sl_err decode_bool(
	const struct sl_param *param, const char *text, bool *ret, struct sl_error *reterr)
{
	bool yes = strcmp(text, "true") == 0;
	if (!yes && strcmp(text, "false") != 0) {
		return refuse(param, reterr, "true or false");
	}
	*ret = yes;
	return SL_ERR_OK;
}

/* -1: not in the table. */
static int find_word(const struct sl_param *param, const char *text, size_t len)
{
	for (int i = 0; param->words[i] != NULL; i++) {
		if (strlen(param->words[i]) == len && memcmp(param->words[i], text, len) == 0) {
			return i;
		}
	}
	return -1;
}

static enum sl_err refuse_word(
	const struct sl_param *param, const char *must, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_buf_puts(&text, must);
	for (int i = 0; param->words[i] != NULL; i++) {
		sl_buf_printf(&text, "%s %s", i > 0 ? "," : "", param->words[i]);
	}
	return refuse(param, reterr, sl_buf_str(&text));
}

static enum sl_err decode_words(
	const struct sl_param *param, const char *text, unsigned *ret, struct sl_error *reterr)
{
	unsigned set = 0;
	for (;;) {
		size_t len = strcspn(text, ",");
		int word = find_word(param, text, len);
		if (word < 0) {
			return refuse_word(
				param, "a list, separated by commas, of some of:", reterr);
		}
		set |= 1u << word;
		if (text[len] == '\0') {
			*ret = set;
			return SL_ERR_OK;
		}
		text += len + 1;
	}
}

static enum sl_err decode_choice(
	const struct sl_param *param, const char *text, int *ret, struct sl_error *reterr)
{
	int word = find_word(param, text, strlen(text));
	if (word < 0) {
		return refuse_word(param, "one of:", reterr);
	}
	*ret = word;
	return SL_ERR_OK;
}

/* Continuation bytes do not count. */
static size_t count_characters(const char *text)
{
	size_t count = 0;
	for (; *text != '\0'; text++) {
		count += ((unsigned char)*text & 0xc0u) != 0x80u;
	}
	return count;
}

static enum sl_err decode_text(
	const struct sl_param *param, const char *text, const char **ret, struct sl_error *reterr)
{
	size_t count = count_characters(text);
	if (count < 1 || count > (size_t)param->max) {
		SL_AUTO(sl_freep)
		char *must = sl_asprintf("1 to %.0f characters long", param->max);
		return refuse(param, reterr, must);
	}
	*ret = text;
	return SL_ERR_OK;
}

static enum sl_err decode_texts(const struct sl_param *param, const char *text,
	struct sl_param_texts *texts, struct sl_error *reterr)
{
	if (texts->count == SL_PARAM_TEXTS_MAX) {
		SL_AUTO(sl_freep)
		char *must = sl_asprintf("given at most %d times", SL_PARAM_TEXTS_MAX);
		return refuse(param, reterr, must);
	}
	const char *item = NULL;
	enum sl_err err = decode_text(param, text, &item, reterr);
	if (err == SL_ERR_OK) {
		texts->items[texts->count++] = item;
	}
	return err;
}

static enum sl_err decode_value(
	const struct sl_param *param, const char *text, void *member, struct sl_error *reterr)
{
	switch (param->kind) {
	case SL_PARAM_TIME_:
		return decode_time(param, text, member, reterr);
	case SL_PARAM_DATE_:
		return decode_date(param, text, member, reterr);
	case SL_PARAM_NUMBER_:
		return decode_number(param, text, member, reterr);
	case SL_PARAM_INTEGER_:
		return decode_integer(param, text, member, reterr);
	case SL_PARAM_BOOL_:
		return decode_bool(param, text, member, reterr);
	case SL_PARAM_WORDS_:
		return decode_words(param, text, member, reterr);
	case SL_PARAM_CHOICE_:
		return decode_choice(param, text, member, reterr);
	case SL_PARAM_TEXT_:
		return decode_text(param, text, member, reterr);
	case SL_PARAM_TEXTS_:
		return decode_texts(param, text, member, reterr);
	case SL_PARAM_END_:
		break;
	}
	SL_BUG("a parameter has no kind");
}

static const struct sl_param *find_param(const struct sl_param *params, const char *name)
{
	for (; params->name != NULL; params++) {
		if (strcmp(params->name, name) == 0) {
			return params;
		}
	}
	return NULL;
}

enum sl_err sl_params_decode(const struct sl_query *query, const struct sl_param *params,
	void *target, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; i < query->count && err == SL_ERR_OK; i++) {
		const struct sl_query_parameter *given = &query->parameters[i];
		const struct sl_param *param = find_param(params, given->name);
		bool again = sl_query_get(query, given->name) != given->value;
		if (param == NULL || (again && param->kind != SL_PARAM_TEXTS_)) {
			SL_AUTO(sl_freep)
			char *pointer = sl_asprintf("?%s", given->name);
			return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, pointer, "%s",
				again ? "is given twice" : "is not a known parameter");
		}
		err = decode_value(param, given->value, (char *)target + param->offset, reterr);
	}
	return err;
}

enum sl_err sl_params_read(struct sl_request *request, const struct sl_param *params, void *target)
{
	return sl_params_decode(sl_request_whole_query(request), params, target, &request->error);
}

static int compare_parameters(const void *left, const void *right)
{
	const struct sl_query_parameter *a = left;
	const struct sl_query_parameter *b = right;
	int order = strcmp(a->name, b->name);
	return order != 0 ? order : strcmp(a->value, b->value);
}

void sl_params_scope(const struct sl_request *request, struct sl_buf *out)
{
	const struct sl_query *query = sl_request_whole_query(request);
	struct sl_query_parameter sorted[SL_QUERY_MAX_PARAMETERS];
	if (query->count > 0) {
		memcpy(sorted, query->parameters, query->count * sizeof(sorted[0]));
	}
	qsort(sorted, query->count, sizeof(sorted[0]), compare_parameters);
	/* With their NULs, so that nothing can be said in two ways. */
	const char *operation = request->route->operation_id;
	sl_buf_add(out, operation, strlen(operation) + 1);
	sl_buf_add(out, request->target, strlen(request->target) + 1);
	for (size_t i = 0; i < query->count; i++) {
		const char *name = sorted[i].name;
		if (strcmp(name, "cursor") != 0 && strcmp(name, "limit") != 0) {
			sl_buf_add(out, name, strlen(name) + 1);
			sl_buf_add(out, sorted[i].value, strlen(sorted[i].value) + 1);
		}
	}
}

enum sl_err sl_params_refuse(
	struct sl_request *request, const char *pointer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *sentence = sl_vasprintf(format, arguments);
	va_end(arguments);
	return sl_error_set_at(&request->error, SL_ERR_BAD_PARAMETER, pointer, "%s", sentence);
}
