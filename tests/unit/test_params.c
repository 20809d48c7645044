/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters by table: what each kind takes, and where a refusal points. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"
#include "params.h"

struct target {
	int64_t from_ms, since_ms, limit;
	double confidence;
	bool merged;
	unsigned include;
	int format;
	const char *name;
	struct sl_param_texts tags;
};

static const char *const parts[] = {"celebrities", "labels", "words", NULL};
static const char *const formats[] = {"json", "vtt", NULL};

static const struct sl_param table[] = {
	SL_PARAM_TIME(struct target, from_ms, "from"),
	SL_PARAM_DATE(struct target, since_ms, "since"),
	SL_PARAM_NUMBER(struct target, confidence, "min_confidence", 0, 100),
	SL_PARAM_INTEGER(struct target, limit, "limit", 1, 1000),
	SL_PARAM_BOOL(struct target, merged, "merged"),
	SL_PARAM_WORDS(struct target, include, "include", parts),
	SL_PARAM_CHOICE(struct target, format, "format", formats),
	SL_PARAM_TEXT(struct target, name, "name", 5),
	SL_PARAM_TEXTS(struct target, tags, "tag", 5),
	SL_PARAM_END,
};

static const struct target defaults = {-1, -2, 100, 50.0, false, 7, 1, NULL, {.count = 0}};

/* The values point into `query`, which the caller finishes. */
static enum sl_err read_query(
	const char *text, struct sl_query *query, struct target *target, struct sl_error *reterr)
{
	*target = defaults;
	enum sl_err err = sl_query_parse(text, strlen(text), query, reterr);
	return err == SL_ERR_OK ? sl_params_decode(query, table, target, reterr) : err;
}

static void what_is_absent_keeps_its_default(void **state)
{
	(void)state;
	struct sl_query query = {NULL, 0};
	struct target target;
	assert_int_equal(read_query("", &query, &target, NULL), SL_ERR_OK);
	assert_memory_equal(&target, &defaults, sizeof(target));
}

static void each_kind_is_read(void **state)
{
	(void)state;
	SL_AUTO(sl_query_finish)
	struct sl_query query = {NULL, 0};
	struct target target;
	assert_int_equal(read_query("from=00:01:02.5&since=2026-11-22T01:00:00%2B01:00&limit=7&"
				    "min_confidence=12.5&merged=true&include=words,labels&"
				    "format=json&name=%C3%A9t%C3%A9+x&tag=a&tag=b%26",
				 &query, &target, NULL),
		SL_ERR_OK);
	assert_int_equal(target.from_ms, 62500);
	assert_int_equal(target.since_ms, INT64_C(1795305600000));
	assert_int_equal(target.limit, 7);
	assert_true(target.confidence == 12.5);
	assert_true(target.merged);
	assert_int_equal(target.include, 6);
	assert_int_equal(target.format, 0);
	assert_string_equal(target.name, "\xc3\xa9t\xc3\xa9 x");
	assert_int_equal(target.tags.count, 2);
	assert_string_equal(target.tags.items[0], "a");
	assert_string_equal(target.tags.items[1], "b&");
}

static void borders_are_inside(void **state)
{
	(void)state;
	static const char *const texts[] = {"limit=1", "limit=1000", "min_confidence=0",
		"min_confidence=100", "min_confidence=100.000", "min_confidence=-0", "name=x",
		"name=%F0%9F%8E%AC%F0%9F%8E%AC%F0%9F%8E%AC%F0%9F%8E%AC%F0%9F%8E%AC",
		"include=celebrities,celebrities", "merged=false", "since=2026-11-22",
		"since=2024-02-29", "from=0", "from=0ms"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		SL_AUTO(sl_query_finish)
		struct sl_query query = {NULL, 0};
		struct target target;
		if (read_query(texts[i], &query, &target, NULL) != SL_ERR_OK) {
			fail_msg("%s is refused", texts[i]);
		}
	}
}

static void what_is_wrong_is_refused_where_it_stands(void **state)
{
	(void)state;
	static const struct {
		const char *query, *pointer, *detail; /* a piece of it */
	} rows[] = {
		{"from=-1", "?from", "HH:MM:SS.mmm"},
		{"from=NaN", "?from", "seconds"},
		{"from=", "?from", "seconds"},
		{"from", "?from", "seconds"},
		{"since=yesterday", "?since", "RFC 3339"},
		{"since=2026-02-29", "?since", "RFC 3339"},
		{"since=2026-11-22T01:00:00+01:00", "?since", "%2B"},
		{"since=1", "?since", "RFC 3339"},
		{"min_confidence=100.1", "?min_confidence", "from 0 to 100"},
		{"min_confidence=-1", "?min_confidence", "from 0 to 100"},
		{"min_confidence=nan", "?min_confidence", "a number"},
		{"min_confidence=inf", "?min_confidence", "a number"},
		{"min_confidence=1e1", "?min_confidence", "a number"},
		{"min_confidence=0x10", "?min_confidence", "a number"},
		{"min_confidence=.5", "?min_confidence", "a number"},
		{"min_confidence=5.", "?min_confidence", "a number"},
		{"min_confidence=", "?min_confidence", "a number"},
		{"min_confidence=%205", "?min_confidence", "a number"},
		{"limit=0", "?limit", "from 1 to 1000"},
		{"limit=1001", "?limit", "from 1 to 1000"},
		{"limit=5.0", "?limit", "whole"},
		{"limit=99999999999999999999", "?limit", "whole"},
		{"merged=1", "?merged", "true or false"},
		{"merged=TRUE", "?merged", "true or false"},
		{"include=", "?include", "celebrities, labels, words"},
		{"include=word", "?include", "celebrities, labels, words"},
		{"include=words,", "?include", "celebrities, labels, words"},
		{"include=words,,labels", "?include", "celebrities, labels, words"},
		{"format=avi", "?format", "one of: json, vtt"},
		{"name=", "?name", "1 to 5 characters"},
		{"name=123456", "?name", "1 to 5 characters"},
		{"tag=a&tag=", "?tag", "1 to 5 characters"},
		{"tag=1&tag=2&tag=3&tag=4&tag=5&tag=6&tag=7&tag=8&tag=9&tag=10&tag=11&tag=12&"
		 "tag=13&tag=14&tag=15&tag=16&tag=17",
			"?tag", "16 times"},
		{"limit=1&limit=1", "?limit", "twice"},
		{"Limit=1", "?Limit", "not a known parameter"},
		{"limi=1", "?limi", "not a known parameter"},
		{"limit=1&x=2&x=2", "?x", "not a known parameter"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_query_finish)
		struct sl_query query = {NULL, 0};
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct target target;
		assert_int_equal(
			read_query(rows[i].query, &query, &target, &error), SL_ERR_BAD_PARAMETER);
		assert_string_equal(error.pointer, rows[i].pointer);
		if (strstr(error.detail, rows[i].detail) == NULL) {
			fail_msg("%s: %s", rows[i].query, error.detail);
		}
	}
}

static void a_refused_value_leaves_its_member(void **state)
{
	(void)state;
	SL_AUTO(sl_query_finish)
	struct sl_query query = {NULL, 0};
	struct target target;
	assert_int_equal(read_query("limit=0", &query, &target, NULL), SL_ERR_BAD_PARAMETER);
	assert_int_equal(target.limit, defaults.limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_absent_keeps_its_default),
		cmocka_unit_test(each_kind_is_read),
		cmocka_unit_test(borders_are_inside),
		cmocka_unit_test(what_is_wrong_is_refused_where_it_stands),
		cmocka_unit_test(a_refused_value_leaves_its_member),
	};
	return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
