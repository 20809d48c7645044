/* SPDX-License-Identifier: Apache-2.0 */
/* The router: which path goes where, and which tables may not be served. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "query.h"
#include "router.h"

static enum sl_err handle(struct sl_request *request, struct sl_reply *reply)
{
	(void)request;
	(void)reply;
	return SL_ERR_OK;
}

#define ROUTE(method_, path_, id_) \
	{ \
		.method = (method_), .path = (path_), .operation_id = (id_), .handler = handle, \
		.auth = SL_AUTH_OPEN \
	}

static const struct sl_route routes[] = {
	ROUTE("GET", "/", "root"),
	ROUTE("GET", "/videos", "list"),
	ROUTE("POST", "/videos", "create"),
	ROUTE("GET", "/videos/{id}", "get"),
	ROUTE("DELETE", "/videos/{id}", "delete"),
	ROUTE("POST", "/videos/search", "search"),
	ROUTE("GET", "/videos/{id}/metadata", "metadata"),
	ROUTE("GET", "/videos/{id}/frames/{frame}", "frame"),
	ROUTE("GET", "/videos/{id}/frames/first", "first"),
};

static void a_path_finds_its_route(void **state)
{
	(void)state;
	static const struct {
		const char *method, *path;
		enum sl_err err;
		const char *op, *allow, *first, *second;
	} rows[] = {
		{"GET", "/", SL_ERR_OK, "root", "", NULL, NULL},
		{"GET", "/videos", SL_ERR_OK, "list", "", NULL, NULL},
		{"HEAD", "/videos", SL_ERR_OK, "list", "", NULL, NULL},
		{"POST", "/videos", SL_ERR_OK, "create", "", NULL, NULL},
		{"PUT", "/videos", SL_ERR_METHOD_NOT_ALLOWED, NULL, "GET, HEAD, POST, OPTIONS",
			NULL, NULL},
		{"get", "/videos", SL_ERR_METHOD_NOT_ALLOWED, NULL, "GET, HEAD, POST, OPTIONS",
			NULL, NULL},
		{"OPTIONS", "/videos/1", SL_ERR_METHOD_NOT_ALLOWED, NULL,
			"GET, HEAD, DELETE, OPTIONS", NULL, NULL},
		{"GET", "/videos/", SL_ERR_NOT_FOUND, NULL, "", NULL, NULL},
		{"GET", "//videos", SL_ERR_NOT_FOUND, NULL, "", NULL, NULL},
		{"GET", "/Videos", SL_ERR_NOT_FOUND, NULL, "", NULL, NULL},
		{"GET", "/video", SL_ERR_NOT_FOUND, NULL, "", NULL, NULL},
		{"GET", "/%76ideos", SL_ERR_OK, "list", "", NULL, NULL},
		{"GET", "/videos/a%20b", SL_ERR_OK, "get", "", "a b", NULL},
		{"GET", "/videos/a+b", SL_ERR_OK, "get", "", "a+b", NULL},
		{"GET", "/videos/%ED%95%9C", SL_ERR_OK, "get", "", "한", NULL},
		{"GET", "/videos/%F0%9F%8E%AC", SL_ERR_OK, "get", "", "🎬", NULL},
		{"GET", "/videos/한", SL_ERR_OK, "get", "", "한", NULL},
		{"GET", "/videos/..", SL_ERR_OK, "get", "", "..", NULL},
		{"GET", "/videos/x/metadata", SL_ERR_OK, "metadata", "", "x", NULL},
		{"GET", "/videos/x/metadata/", SL_ERR_NOT_FOUND, NULL, "", NULL, NULL},
		{"GET", "/videos//metadata", SL_ERR_NOT_FOUND, NULL, "", NULL, NULL},
		{"GET", "/videos/x/frames/7", SL_ERR_OK, "frame", "", "x", "7"},
		{"GET", "/videos/x/frames/first", SL_ERR_OK, "first", "", "x", NULL},
		{"POST", "/videos/search", SL_ERR_OK, "search", "", NULL, NULL},
		{"GET", "/videos/search", SL_ERR_METHOD_NOT_ALLOWED, NULL, "POST, OPTIONS", NULL,
			NULL},
		{"GET", "/videos/%", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "/videos/%4", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "/videos/%zz", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "/videos/a%00b", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "/videos/a%2Fb", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "/videos/%ff", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "/videos/%C0%AF", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "/nothing/%ff", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "videos", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "", SL_ERR_BAD_REQUEST, NULL, "", NULL, NULL},
		{"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", SL_ERR_NOT_FOUND, NULL, "",
			NULL, NULL},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		struct sl_match match;
		sl_router_match(
			routes, SL_ARRAY_SIZE(routes), rows[i].method, rows[i].path, &match);
		if (match.err != rows[i].err) {
			fail_msg("%s %s: %s", rows[i].method, rows[i].path, sl_err_code(match.err));
		}
		assert_string_equal(match.allow, rows[i].allow);
		assert_int_equal(match.route != NULL, rows[i].op != NULL);
		if (rows[i].op != NULL) {
			assert_string_equal(match.route->operation_id, rows[i].op);
		}
		size_t count = rows[i].second != NULL ? 2 : rows[i].first != NULL ? 1 : 0;
		assert_int_equal(match.count, count);
		if (count > 0) {
			assert_string_equal(match.values[0], rows[i].first);
		}
		if (count > 1) {
			assert_string_equal(match.values[1], rows[i].second);
			assert_memory_equal(match.names[1], "frame}", match.name_lens[1] + 1);
		}
		sl_match_finish(&match);
	}
}

static void a_table_that_cannot_be_served_is_refused(void **state)
{
	(void)state;
	assert_int_equal(sl_router_check(routes, SL_ARRAY_SIZE(routes), NULL), SL_ERR_OK);
	static const struct {
		const char *why;
		struct sl_route pair[2];
	} rows[] = {
		{"no auth policy", {ROUTE("GET", "/a", "a"), {"GET", "/b", "b", handle, 0, 0}}},
		{"no handler",
			{ROUTE("GET", "/a", "a"), {"GET", "/b", "b", NULL, SL_AUTH_OPEN, 0}}},
		{"no operation id", {ROUTE("GET", "/a", "a"), ROUTE("GET", "/b", NULL)}},
		{"HEAD comes with GET", {ROUTE("GET", "/a", "a"), ROUTE("HEAD", "/a", "b")}},
		{"OPTIONS comes by itself", {ROUTE("GET", "/a", "a"), ROUTE("OPTIONS", "/a", "b")}},
		{"lower case", {ROUTE("GET", "/a", "a"), ROUTE("post", "/a", "b")}},
		{"the same", {ROUTE("GET", "/a/{x}", "a"), ROUTE("GET", "/a/{x}", "b")}},
		{"the same id", {ROUTE("GET", "/a", "a"), ROUTE("GET", "/b", "a")}},
		{"renamed", {ROUTE("GET", "/a/{x}", "a"), ROUTE("POST", "/a/{y}", "b")}},
		{"ambiguous", {ROUTE("GET", "/{x}/b", "a"), ROUTE("GET", "/a/{x}", "b")}},
		{"no slash", {ROUTE("GET", "/a", "a"), ROUTE("GET", "b", "b")}},
		{"empty segment", {ROUTE("GET", "/a", "a"), ROUTE("GET", "/b//c", "b")}},
		{"slash at the end", {ROUTE("GET", "/a", "a"), ROUTE("GET", "/b/", "b")}},
		{"part of a segment", {ROUTE("GET", "/a", "a"), ROUTE("GET", "/{b}.vtt", "b")}},
		{"no name", {ROUTE("GET", "/a", "a"), ROUTE("GET", "/{}", "b")}},
		{"name twice", {ROUTE("GET", "/a", "a"), ROUTE("GET", "/{b}/{b}", "b")}},
		{"escape", {ROUTE("GET", "/a", "a"), ROUTE("GET", "/b%20c", "b")}},
		{"five parameters",
			{ROUTE("GET", "/a", "a"), ROUTE("GET", "/{a}/{b}/{c}/{d}/{e}", "b")}},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_router_check(rows[i].pair, 2, &error);
		if (err != SL_ERR_CONFIG || error.detail == NULL) {
			fail_msg("accepted: %s", rows[i].why);
		}
	}
}

static void a_query_is_decoded_or_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *a; /* value of "a"; NULL: absent */
		size_t count;
		const char *pointer; /* of the refusal; "": none */
		enum sl_err err;
	} rows[] = {
		{"", NULL, 0, NULL, SL_ERR_OK},
		{"a=1", "1", 1, NULL, SL_ERR_OK},
		{"a", "", 1, NULL, SL_ERR_OK},
		{"a=", "", 1, NULL, SL_ERR_OK},
		{"a==", "=", 1, NULL, SL_ERR_OK},
		{"=a", NULL, 1, NULL, SL_ERR_OK},
		{"&&a=1&&b=2&", "1", 2, NULL, SL_ERR_OK},
		{"a=1&a=2", "1", 2, NULL, SL_ERR_OK},
		{"a=x+y%2Bz", "x y+z", 1, NULL, SL_ERR_OK},
		{"%61=%ED%95%9C%26", "한&", 1, NULL, SL_ERR_OK},
		{"a=%", NULL, 0, "?a", SL_ERR_BAD_PARAMETER},
		{"a=%0", NULL, 0, "?a", SL_ERR_BAD_PARAMETER},
		{"a=%g0", NULL, 0, "?a", SL_ERR_BAD_PARAMETER},
		{"b=1&a=%00", NULL, 0, "?a", SL_ERR_BAD_PARAMETER},
		{"a=%ff", NULL, 0, "?a", SL_ERR_BAD_PARAMETER},
		{"a=%ED%A0%80", NULL, 0, "?a", SL_ERR_BAD_PARAMETER},
		{"%ff=1", NULL, 0, "", SL_ERR_BAD_PARAMETER},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_query_finish)
		struct sl_query query = {NULL, 0};
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err =
			sl_query_parse(rows[i].text, strlen(rows[i].text), &query, &error);
		if (err != rows[i].err) {
			fail_msg("%s: %s", rows[i].text, sl_err_code(err));
		}
		if (rows[i].pointer != NULL) {
			assert_string_equal(error.pointer ? error.pointer : "", rows[i].pointer);
		}
		assert_int_equal(query.count, rows[i].count);
		const char *a = sl_query_get(&query, "a");
		assert_int_equal(a != NULL, rows[i].a != NULL);
		if (a != NULL) {
			assert_string_equal(a, rows[i].a);
		}
	}
}

static void a_query_has_a_bounded_number_of_parameters(void **state)
{
	(void)state;
	char text[4 * SL_QUERY_MAX_PARAMETERS + 4];
	for (int extra = 0; extra < 2; extra++) {
		size_t len = 0;
		for (int i = 0; i < SL_QUERY_MAX_PARAMETERS + extra; i++) {
			memcpy(text + len, "a=1&", 4);
			len += 4;
		}
		SL_AUTO(sl_query_finish)
		struct sl_query query = {NULL, 0};
		assert_int_equal(sl_query_parse(text, len, &query, NULL),
			extra ? SL_ERR_BAD_PARAMETER : SL_ERR_OK);
	}
}

static void unknown_and_repeated_parameters_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"a", "b", NULL};
	static const struct {
		const char *text, *pointer;
	} rows[] = {
		{"", NULL},
		{"a=1&b=2", NULL},
		{"c=1", "?c"},
		{"a=1&a=1", "?a"},
		{"A=1", "?A"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_query_finish)
		struct sl_query query = {NULL, 0};
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		size_t len = strlen(rows[i].text);
		assert_int_equal(sl_query_parse(rows[i].text, len, &query, NULL), SL_ERR_OK);
		enum sl_err err = sl_query_only(&query, names, &error);
		assert_int_equal(err, rows[i].pointer ? SL_ERR_BAD_PARAMETER : SL_ERR_OK);
		if (rows[i].pointer != NULL) {
			assert_string_equal(error.pointer, rows[i].pointer);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_finds_its_route),
		cmocka_unit_test(a_table_that_cannot_be_served_is_refused),
		cmocka_unit_test(a_query_is_decoded_or_refused),
		cmocka_unit_test(a_query_has_a_bounded_number_of_parameters),
		cmocka_unit_test(unknown_and_repeated_parameters_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
