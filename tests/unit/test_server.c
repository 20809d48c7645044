/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of HTTP: what it answers to good, bad and hostile requests. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <jansson.h>

#include "http_client.h"
#include "mem.h"
#include "server_fixture.h"
#include "text.h"
#include "uuid.h"

#define HOST "Host: test\r\n"

static struct fixture *fixture;

static int start(void **state)
{
	(void)state;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	fixture = fixture_create(4, 30);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_destroy(fixture);
	curl_global_cleanup();
	return 0;
}

/* Every reply carries these. */
static void assert_common(const struct answer *answer)
{
	assert_non_null(client_field(answer, "X-Request-Id"));
	assert_non_null(client_field(answer, "Date"));
	const char *nosniff = client_field(answer, "X-Content-Type-Options");
	assert_string_equal(nosniff, "nosniff");
	assert_non_null(client_field(answer, "Cache-Control"));
}

/* A problem with this code and status, complete by RFC 9457. The caller frees the document. */
static json_t *assert_problem(const struct answer *answer, int status, const char *code)
{
	if (answer->status != status) {
		fail_msg("%d %s wanted, got %d: %s", status, code, answer->status,
			answer->body != NULL ? answer->body : "(nothing)");
	}
	assert_common(answer);
	assert_string_equal(client_field(answer, "Content-Type"), "application/problem+json");
	json_t *root = json_loads(answer->body, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "code")), code);
	assert_int_equal(json_integer_value(json_object_get(root, "status")), status);
	SL_AUTO(sl_freep)
	char *type = sl_asprintf("urn:spotlist:problem:%s", code);
	assert_string_equal(json_string_value(json_object_get(root, "type")), type);
	assert_non_null(json_object_get(root, "title"));
	assert_string_equal(json_string_value(json_object_get(root, "request_id")),
		client_field(answer, "X-Request-Id"));
	return root;
}

static void ask_for_problem(const char *request, int status, const char *code)
{
	struct answer answer = client_ask(fixture->port, false, request);
	json_decref(assert_problem(&answer, status, code));
	answer_finish(&answer);
}

static void a_handler_sees_decoded_parameters(void **state)
{
	(void)state;
	struct answer answer = client_ask(fixture->port, false,
		"GET /echo/a%20%ED%95%9C?q=1%262 HTTP/1.1\r\n" HOST
		"X-Request-Id: me-1.a_b\r\n\r\n");
	assert_int_equal(answer.status, 200);
	assert_common(&answer);
	assert_string_equal(client_field(&answer, "Content-Type"), "application/json");
	assert_string_equal(client_field(&answer, "Cache-Control"), "no-store");
	assert_string_equal(client_field(&answer, "X-Request-Id"), "me-1.a_b");
	assert_string_equal(
		answer.body, "{\"id\":\"a 한\",\"q\":\"1&2\",\"request_id\":\"me-1.a_b\"}");
	answer_finish(&answer);
}

static void an_insane_request_id_is_replaced(void **state)
{
	(void)state;
	static const char *const ids[] = {"", "a b", "a\"b", "ä", "<x>"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(ids); i++) {
		SL_AUTO(sl_freep)
		char *request = sl_asprintf(
			"GET /echo/1 HTTP/1.1\r\n" HOST "X-Request-Id: %s\r\n\r\n", ids[i]);
		struct answer answer = client_ask(fixture->port, false, request);
		assert_int_equal(answer.status, 200);
		assert_true(sl_uuid_valid(client_field(&answer, "X-Request-Id")));
		answer_finish(&answer);
	}
}

static void head_is_get_without_a_body(void **state)
{
	(void)state;
	int fd = client_dial(fixture->port);
	struct answer answer;
	client_sendf(fd, "HEAD /echo/1 HTTP/1.1\r\n" HOST "X-Request-Id: x\r\n\r\n");
	client_read(fd, true, &answer);
	assert_int_equal(answer.status, 200);
	assert_string_equal(client_field(&answer, "Content-Length"), "27");
	answer_finish(&answer);
	/* Nothing of a body lies in the way of the next reply. */
	client_sendf(fd, "GET /echo/1 HTTP/1.1\r\n" HOST "X-Request-Id: x\r\n\r\n");
	client_read(fd, false, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_len, 27);
	answer_finish(&answer);
	close(fd);
}

static void a_streamed_body_arrives_whole(void **state)
{
	(void)state;
	size_t freed = fixture->freed;
	int fd = client_dial(fixture->port);
	for (size_t i = 1; i <= 2; i++) { /* on one connection */
		struct answer answer;
		client_sendf(fd, "GET /stream/whole HTTP/1.1\r\n" HOST "\r\n");
		client_read(fd, false, &answer);
		assert_int_equal(answer.status, 200);
		assert_string_equal(client_field(&answer, "Content-Length"), "1000000");
		assert_string_equal(client_field(&answer, "Content-Type"), "application/json");
		assert_int_equal(answer.body_len, 1000000);
		for (size_t at = 0; at < answer.body_len; at++) {
			assert_int_equal(answer.body[at], 'a' + at % 26);
		}
		answer_finish(&answer);
		fixture_wait_freed(fixture, freed + i);
	}
	close(fd);
}

static void head_of_a_stream_tells_its_length(void **state)
{
	(void)state;
	size_t freed = fixture->freed;
	struct answer answer =
		client_ask(fixture->port, true, "HEAD /stream/whole HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer.status, 200);
	assert_string_equal(client_field(&answer, "Content-Length"), "1000000");
	answer_finish(&answer);
	fixture_wait_freed(fixture, freed + 1);
}

static void a_stream_that_breaks_closes_the_connection(void **state)
{
	(void)state;
	size_t freed = fixture->freed;
	int fd = client_dial(fixture->port);
	client_sendf(fd, "GET /stream/123456 HTTP/1.1\r\n" HOST "\r\n");
	size_t got = 0;
	char piece[4096];
	for (ssize_t len; (len = recv(fd, piece, sizeof(piece), 0)) > 0;) {
		got += (size_t)len;
	}
	assert_in_range(got, 123456, 125000); /* head and what there was */
	close(fd);
	fixture_wait_freed(fixture, freed + 1);
}

static void a_reader_that_leaves_frees_its_stream(void **state)
{
	(void)state;
	size_t freed = fixture->freed;
	int fd = client_dial(fixture->port);
	client_sendf(fd, "GET /stream/whole HTTP/1.1\r\n" HOST "\r\n");
	char piece[100];
	assert_true(recv(fd, piece, sizeof(piece), 0) > 0);
	close(fd);
	fixture_wait_freed(fixture, freed + 1);
}

static void an_error_wins_over_a_stream_that_was_begun(void **state)
{
	(void)state;
	size_t freed = fixture->freed;
	struct answer answer =
		client_ask(fixture->port, false, "GET /stream_error HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer.status, 404);
	assert_string_equal(client_field(&answer, "Content-Type"), "application/problem+json");
	answer_finish(&answer);
	fixture_wait_freed(fixture, freed + 1);
}

static void options_tells_the_methods(void **state)
{
	(void)state;
	struct answer answer =
		client_ask(fixture->port, false, "OPTIONS /nap HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer.status, 204);
	assert_common(&answer);
	assert_string_equal(client_field(&answer, "Allow"), "GET, HEAD, POST, OPTIONS");
	answer_finish(&answer);
	answer = client_ask(fixture->port, false, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer.status, 204);
	answer_finish(&answer);
	ask_for_problem("OPTIONS /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, "not_found");
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
	(void)state;
	struct answer answer =
		client_ask(fixture->port, false, "PUT /json HTTP/1.1\r\n" HOST "\r\n");
	json_decref(assert_problem(&answer, 405, "method_not_allowed"));
	assert_string_equal(client_field(&answer, "Allow"), "POST, OPTIONS");
	answer_finish(&answer);
}

static void a_handler_may_set_its_own_headers(void **state)
{
	(void)state;
	struct answer answer =
		client_ask(fixture->port, false, "GET /headers HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer.status, 200);
	assert_string_equal(client_field(&answer, "Content-Type"), "text/vtt");
	assert_string_equal(client_field(&answer, "Cache-Control"), "private, max-age=5");
	assert_null(client_field(&answer, "X-Injected"));
	assert_null(client_field(&answer, "X-Bad"));
	answer_finish(&answer);
}

static void a_request_that_is_refused_says_why(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		int status;
		const char *code;
	} rows[] = {
		{"GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, "not_found"},
		{"GET /echo/ HTTP/1.1\r\n" HOST "\r\n", 404, "not_found"},
		{"GET /echo/%00 HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET /echo/%ff HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET /echo/\xff HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET /echo/% HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET /echo/a b HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET /echo/a\tb HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET /echo/a#b HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET echo HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET * HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET ftp://x/echo HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"G(T /echo/1 HTTP/1.1\r\n" HOST "\r\n", 400, "bad_request"},
		{"GET /echo/1?q=%ff HTTP/1.1\r\n" HOST "\r\n", 400, "bad_parameter"},
		{"GET /echo/1?q=%00 HTTP/1.1\r\n" HOST "\r\n", 400, "bad_parameter"},
		{"GET /echo/1?q=%2 HTTP/1.1\r\n" HOST "\r\n", 400, "bad_parameter"},
		{"GET /echo/1?q=1&q=2 HTTP/1.1\r\n" HOST "\r\n", 400, "bad_parameter"},
		{"GET /echo/1?r=1 HTTP/1.1\r\n" HOST "\r\n", 400, "bad_parameter"},
		{"GET /broken/database HTTP/1.1\r\n" HOST "\r\n", 500, "database"},
		{"POST /json HTTP/1.1\r\n" HOST "\r\n", 400, "body_missing"},
		{"POST /json HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 400, "body_missing"},
		{"POST /json HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 415,
			"unsupported_media_type"},
		{"POST /json HTTP/1.1\r\n" HOST
		 "Content-Type: application/jsonx\r\nContent-Length: 2\r\n\r\n{}",
			415, "unsupported_media_type"},
		{"POST /json HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
		 "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
			415, "unsupported_media_type"},
		{"POST /json HTTP/1.1\r\n" HOST
		 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{]",
			400, "body_not_json"},
		{"POST /json HTTP/1.1\r\n" HOST
		 "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n\"\xff\xfe\x01\"",
			400, "body_not_json"},
		{"POST /json HTTP/1.1\r\n" HOST
		 "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"a\":1,\"a\":2}",
			400, "duplicate_key"},
		{"POST /json HTTP/1.1\r\n" HOST
		 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
			422, "wrong_type"},
		{"GET /echo/1 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 413,
			"body_too_large"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		ask_for_problem(rows[i].request, rows[i].status, rows[i].code);
	}
}

static void json_is_accepted_with_parameters_of_its_type(void **state)
{
	(void)state;
	struct answer answer = client_ask(fixture->port, false,
		"POST /json HTTP/1.1\r\n" HOST "Content-Type: Application/JSON ;charset=utf-8\r\n"
		"Content-Length: 7\r\n\r\n{\"a\":1}");
	assert_int_equal(answer.status, 201);
	assert_string_equal(answer.body, "{\"got\":{\"a\":1}}");
	answer_finish(&answer);
}

static void a_problem_carries_all_that_is_known(void **state)
{
	(void)state;
	struct answer answer = client_ask(
		fixture->port, false, "GET /broken/aws_throttled?q=%22 HTTP/1.1\r\n" HOST "\r\n");
	json_t *root = assert_problem(&answer, 503, "aws_throttled");
	assert_string_equal(json_string_value(json_object_get(root, "pointer")), "/a/b");
	assert_string_equal(json_string_value(json_object_get(root, "detail")), "it broke: \"");
	const json_t *provider = json_object_get(root, "provider");
	assert_string_equal(
		json_string_value(json_object_get(provider, "code")), "BadRequestException");
	assert_string_equal(
		json_string_value(json_object_get(provider, "message")), "no ? such queue");
	assert_string_equal(json_string_value(json_object_get(provider, "request_id")), "r-1");
	assert_string_equal(client_field(&answer, "Retry-After"), "2");
	json_decref(root);
	answer_finish(&answer);

	answer = client_ask(
		fixture->port, false, "GET /broken/database_unavailable HTTP/1.1\r\n" HOST "\r\n");
	json_decref(assert_problem(&answer, 503, "database_unavailable"));
	assert_string_equal(client_field(&answer, "Retry-After"), "5");
	answer_finish(&answer);
}

static void a_target_of_8_kib_is_served_and_no_longer_one(void **state)
{
	(void)state;
	static const size_t lens[] = {8192, 8193, 10000};
	for (size_t i = 0; i < SL_ARRAY_SIZE(lens); i++) {
		SL_AUTO(sl_freep)
		char *padding = sl_calloc(lens[i] + 1, 1);
		memset(padding, 'a', lens[i] - strlen("/echo/1?q="));
		SL_AUTO(sl_freep)
		char *request = sl_asprintf("GET /echo/1?q=%s HTTP/1.1\r\n" HOST "\r\n", padding);
		if (lens[i] > 8192) {
			ask_for_problem(request, 414, "uri_too_long");
		} else {
			struct answer answer = client_ask(fixture->port, false, request);
			assert_int_equal(answer.status, 200);
			answer_finish(&answer);
		}
	}
}

static void a_head_that_never_ends_is_cut_off(void **state)
{
	(void)state;
	static const char *const openings[] = {
		"GET /", "GET /echo/1 HTTP/1.1\r\n" HOST "X-Long: ", "GET /echo/1?"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(openings); i++) {
		int fd = client_dial(fixture->port);
		client_sendf(fd, "%s", openings[i]);
		char chunk[4096];
		memset(chunk, i == 2 ? '&' : 'a', sizeof(chunk));
		for (int j = 0; j < 64 && client_send(fd, chunk, sizeof(chunk)); j++) {
		}
		struct answer answer;
		client_read(fd, false, &answer);
		assert_true(answer.status == 0 || answer.status == 414 || answer.status == 431);
		answer_finish(&answer);
		close(fd);
	}
}

static void many_parameters_and_many_fields_are_refused(void **state)
{
	(void)state;
	SL_AUTO(sl_buf_finish)
	struct sl_buf request = SL_BUF_INIT;
	sl_buf_puts(&request, "GET /echo/1?");
	for (int i = 0; i < 65; i++) {
		sl_buf_puts(&request, "q=1&");
	}
	sl_buf_puts(&request, " HTTP/1.1\r\n" HOST "\r\n");
	ask_for_problem(request.data, 400, "bad_parameter");

	sl_buf_clear(&request);
	sl_buf_puts(&request, "GET /echo/1 HTTP/1.1\r\n" HOST);
	for (int i = 0; i < 100; i++) {
		sl_buf_puts(&request, "A: 1\r\n");
	}
	sl_buf_puts(&request, "\r\n");
	ask_for_problem(request.data, 400, "bad_request");
}

/* Parameters beyond what the connection's memory holds must not hang it. */
static void a_flood_of_parameters_is_cut_at_once(void **state)
{
	(void)state;
	static const int counts[] = {300, 1000, 4000};
	for (size_t i = 0; i < SL_ARRAY_SIZE(counts); i++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf request = SL_BUF_INIT;
		sl_buf_puts(&request, "GET /echo/1?");
		for (int j = 0; j < counts[i]; j++) {
			sl_buf_puts(&request, "a&");
		}
		sl_buf_puts(&request, " HTTP/1.1\r\n" HOST "\r\n");
		int fd = client_dial(fixture->port);
		client_send(fd, request.data, request.len);
		assert_true(client_closed(fd));
		close(fd);
	}
}

static void shapes_that_smuggle_are_refused_and_the_connection_closed(void **state)
{
	(void)state;
	static const char *const heads[] = {
		"Host: a\r\nHost: b\r\n",
		"",
		"Host: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n",
		"Host: a\r\nContent-Length: 3\r\ncontent-length: 4\r\n",
		"Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
		"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n",
		"Host: a\r\nTransfer-Encoding: identity\r\n",
		"Host: a\r\nTransfer-Encoding:\r\n",
		"Host: a\r\nContent-Length : 3\r\n",
		"Host: a\r\nContent-Length\t: 3\r\n",
		"Host: a\r\nX[]: 3\r\n",
		"Host: a\r\nX: a\x01z\r\n",
		"Host: a\r\nX: a\rContent-Length: 3\r\n",
		/* Folded: the library would read "Content-Length". */
		"Host: a\r\nContent: 3\r\n -Length\r\n",
		"Host: a\r\nX: a\r\n b\r\nY: c\r\n",
		"Host: a\r\nX: a\r\n\tb\r\n",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(heads); i++) {
		int fd = client_dial(fixture->port);
		client_sendf(fd, "POST /raw HTTP/1.1\r\n%s\r\n", heads[i]);
		struct answer answer;
		client_read(fd, false, &answer);
		if (answer.status != 400) {
			fail_msg("%d for %s", answer.status, heads[i]);
		}
		json_decref(assert_problem(&answer, 400, "bad_request"));
		assert_string_equal(client_field(&answer, "Connection"), "close");
		assert_true(client_closed(fd));
		answer_finish(&answer);
		close(fd);
	}
	ask_for_problem(
		"POST /raw HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_request");
}

/* Unreadable to the library itself, which answers in its own words. */
static void garbage_is_answered_400_or_cut(void **state)
{
	(void)state;
	static const char *const requests[] = {
		"\x16\x03\x01\x02\x01\x01\x03\r\n\r\n",
		"GARBAGE\r\n\r\n",
		"GET\r\n\r\n",
		"GET / \r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"GET / HTTP/1.1.1\r\n\r\n",
		"GET / http/1.1\r\n\r\n",
		"   \r\n\r\n",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n",
		"POST /raw HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n",
		"POST /raw HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
		"POST /raw HTTP/1.1\r\n" HOST "Content-Length: 1 \r\n\r\n",
		"POST /raw HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n",
		"POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
		"POST /raw HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(requests); i++) {
		struct answer answer = client_ask(fixture->port, false, requests[i]);
		if (answer.status != 0 && (answer.status < 400 || answer.status > 505)) {
			fail_msg("%d for %s", answer.status, requests[i]);
		}
		answer_finish(&answer);
	}
	struct answer answer =
		client_ask(fixture->port, false, "\r\n\r\nGET /echo/1 HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer.status, 200);
	answer_finish(&answer);
}

static void absolute_targets_and_http_1_0_are_served(void **state)
{
	(void)state;
	struct answer answer = client_ask(
		fixture->port, false, "GET http://any:1/echo/1?q=2 HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer.status, 200);
	answer_finish(&answer);
	answer = client_ask(fixture->port, false, "GET /echo/1 HTTP/1.0\r\n\r\n");
	assert_int_equal(answer.status, 200);
	answer_finish(&answer);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	int fd = client_dial(fixture->port);
	client_sendf(fd,
		"GET /echo/1 HTTP/1.1\r\n" HOST "X-Request-Id: a\r\n\r\n"
		"POST /raw HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"
		"GET /nowhere HTTP/1.1\r\n" HOST "\r\n"
		"GET /echo/3 HTTP/1.1\r\n" HOST "X-Request-Id: c\r\n\r\n");
	static const char *const bodies[] = {"{\"id\":\"1\",\"request_id\":\"a\"}", "hello", NULL,
		"{\"id\":\"3\",\"request_id\":\"c\"}"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(bodies); i++) {
		struct answer answer;
		client_read(fd, false, &answer);
		assert_int_equal(answer.status, bodies[i] != NULL ? 200 : 404);
		if (bodies[i] != NULL) {
			assert_string_equal(answer.body, bodies[i]);
		}
		answer_finish(&answer);
	}
	close(fd);
}

/* --- bodies and their limits --------------------------------------------------------------- */

static void a_body_up_to_the_limit_arrives_whole(void **state)
{
	(void)state;
	const size_t limit = 1 << 16;
	SL_AUTO(sl_freep)
	char *body = sl_calloc(limit + 2, 1);
	memset(body, 'x', limit + 1);
	int fd = client_dial(fixture->port);
	for (size_t len = limit; len <= limit + 1; len++) {
		struct answer answer;
		client_sendf(fd, "POST /raw HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", len);
		client_send(fd, body, len);
		client_read(fd, false, &answer);
		if (len == limit) {
			assert_int_equal(answer.status, 200);
			assert_int_equal(answer.body_len, limit);
		} else {
			json_decref(assert_problem(&answer, 413, "body_too_large"));
		}
		answer_finish(&answer);
		client_sendf(fd,
			"POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
			len - 10);
		client_send(fd, body, len - 10);
		client_sendf(fd, "\r\na;ext=1\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n");
		client_read(fd, false, &answer);
		if (len == limit) {
			assert_int_equal(answer.status, 200);
			assert_int_equal(answer.body_len, limit);
		} else {
			json_decref(assert_problem(&answer, 413, "body_too_large"));
		}
		answer_finish(&answer);
	}
	close(fd);
}

static void a_hopeless_length_is_refused_before_the_body(void **state)
{
	(void)state;
	int fd = client_dial(fixture->port);
	struct answer answer;
	client_sendf(fd, "POST /raw HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n");
	client_read(fd, false, &answer);
	json_decref(assert_problem(&answer, 413, "body_too_large"));
	assert_string_equal(client_field(&answer, "Connection"), "close");
	assert_true(client_closed(fd));
	answer_finish(&answer);
	close(fd);
}

static void a_chunked_flood_is_dropped_and_cut(void **state)
{
	(void)state;
	int fd = client_dial(fixture->port);
	client_sendf(fd, "POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	static char chunk[65536];
	bool open = true;
	for (int i = 0; i < 1024 && open; i++) {
		open = client_sendf(fd, "10000\r\n") && client_send(fd, chunk, sizeof(chunk)) &&
			client_sendf(fd, "\r\n");
	}
	assert_false(open);
	close(fd);
}

static void a_client_that_asks_before_sending_is_told(void **state)
{
	(void)state;
	int fd = client_dial(fixture->port);
	struct answer answer;
	client_sendf(fd,
		"POST /raw HTTP/1.1\r\n" HOST
		"Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n");
	client_read(fd, false, &answer);
	json_decref(assert_problem(&answer, 413, "body_too_large"));
	answer_finish(&answer);
	close(fd);

	fd = client_dial(fixture->port);
	client_sendf(fd,
		"POST /raw HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	client_read(fd, true, &answer);
	assert_int_equal(answer.status, 100);
	answer_finish(&answer);
	client_sendf(fd, "hello");
	client_read(fd, false, &answer);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "hello");
	answer_finish(&answer);
	close(fd);
}

static void a_body_sent_byte_by_byte_is_put_together(void **state)
{
	(void)state;
	int fd = client_dial(fixture->port);
	client_sendf(fd, "POST /raw HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n");
	for (int i = 0; i < 40; i++) {
		assert_true(client_send(fd, "b", 1));
	}
	struct answer answer;
	client_read(fd, false, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_len, 40);
	answer_finish(&answer);
	close(fd);
}

/* --- libcurl ------------------------------------------------------------------------------- */

static size_t collect(char *data, size_t size, size_t count, void *buf)
{
	sl_buf_add(buf, data, size * count);
	return size * count;
}

static void libcurl_keeps_its_connection(void **state)
{
	(void)state;
	CURL *easy = curl_easy_init();
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
	static const char *const paths[] = {
		"echo/1", "big", "nowhere", "broken/internal", "echo/2"};
	static const long statuses[] = {200, 200, 404, 500, 200};
	long connects = 0;
	for (size_t i = 0; i < SL_ARRAY_SIZE(paths); i++) {
		SL_AUTO(sl_freep)
		char *url = sl_asprintf("http://127.0.0.1:%u/%s", fixture->port, paths[i]);
		curl_easy_setopt(easy, CURLOPT_URL, url);
		sl_buf_clear(&body);
		assert_int_equal(curl_easy_perform(easy), CURLE_OK);
		long status;
		long opened;
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &opened);
		assert_int_equal(status, statuses[i]);
		connects += opened;
		if (i == 1) {
			assert_int_equal(body.len, 1 << 20);
		}
	}
	assert_int_equal(connects, 1);
	curl_easy_cleanup(easy);
}

/* --- the log ------------------------------------------------------------------------------- */

static void every_request_is_one_line_that_nobody_can_forge(void **state)
{
	(void)state;
	struct answer answer = client_ask(fixture->port, false,
		"GET /broken/database?q=%0Alevel%3Derror HTTP/1.1\r\n" HOST
		"X-Request-Id: line-1\r\n\r\n");
	answer_finish(&answer);
	answer = client_ask(fixture->port, false,
		"GET /echo/\"\x01level=error\" HTTP/1.1\r\n" HOST "X-Request-Id: line-2\r\n\r\n");
	assert_int_equal(answer.status, 400);
	answer_finish(&answer);
	answer = client_ask(fixture->port, false,
		"GET /healthz HTTP/1.1\r\n" HOST "X-Request-Id: line-3\r\n\r\n");
	assert_int_equal(answer.status, 204);
	answer_finish(&answer);
	assert_true(sl_server_drain(fixture->server, 20000));
	SL_AUTO(sl_freep)
	char *log = fixture_log(fixture);
	const char *first = strstr(log, "request_id=line-1");
	assert_non_null(first);
	assert_null(strstr(first + 1, "request_id=line-1"));
	static const char *const parts[] = {" op=broken ", " method=GET ",
		" path=/broken/database ", " status=500 ", " ms=", " bytes=", " err=database "};
	SL_AUTO(sl_freep)
	char *line = sl_strndup(first, strcspn(first, "\n"));
	for (size_t i = 0; i < SL_ARRAY_SIZE(parts); i++) {
		if (strstr(line, parts[i]) == NULL) {
			fail_msg("no%sin %s", parts[i], line);
		}
	}
	assert_null(strstr(log, "\nlevel=error"));
	assert_non_null(strstr(log, "path=\"/echo/\\\"\\x01level=error\\\"\""));
	assert_null(strstr(log, "line-3")); /* health checks are below the threshold */
}

static void the_after_hook_runs_once_per_handler(void **state)
{
	(void)state;
	size_t before = fixture->after;
	struct answer answer =
		client_ask(fixture->port, false, "GET /echo/1 HTTP/1.1\r\n" HOST "\r\n");
	answer_finish(&answer);
	answer = client_ask(fixture->port, false, "GET /nowhere HTTP/1.1\r\n" HOST "\r\n");
	answer_finish(&answer);
	assert_true(sl_server_drain(fixture->server, 20000));
	assert_int_equal(fixture->after, before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handler_sees_decoded_parameters),
		cmocka_unit_test(an_insane_request_id_is_replaced),
		cmocka_unit_test(head_is_get_without_a_body),
		cmocka_unit_test(a_streamed_body_arrives_whole),
		cmocka_unit_test(head_of_a_stream_tells_its_length),
		cmocka_unit_test(a_stream_that_breaks_closes_the_connection),
		cmocka_unit_test(a_reader_that_leaves_frees_its_stream),
		cmocka_unit_test(an_error_wins_over_a_stream_that_was_begun),
		cmocka_unit_test(options_tells_the_methods),
		cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
		cmocka_unit_test(a_handler_may_set_its_own_headers),
		cmocka_unit_test(a_request_that_is_refused_says_why),
		cmocka_unit_test(json_is_accepted_with_parameters_of_its_type),
		cmocka_unit_test(a_problem_carries_all_that_is_known),
		cmocka_unit_test(a_target_of_8_kib_is_served_and_no_longer_one),
		cmocka_unit_test(a_head_that_never_ends_is_cut_off),
		cmocka_unit_test(many_parameters_and_many_fields_are_refused),
		cmocka_unit_test(a_flood_of_parameters_is_cut_at_once),
		cmocka_unit_test(shapes_that_smuggle_are_refused_and_the_connection_closed),
		cmocka_unit_test(garbage_is_answered_400_or_cut),
		cmocka_unit_test(absolute_targets_and_http_1_0_are_served),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(a_body_up_to_the_limit_arrives_whole),
		cmocka_unit_test(a_hopeless_length_is_refused_before_the_body),
		cmocka_unit_test(a_chunked_flood_is_dropped_and_cut),
		cmocka_unit_test(a_client_that_asks_before_sending_is_told),
		cmocka_unit_test(a_body_sent_byte_by_byte_is_put_together),
		cmocka_unit_test(libcurl_keeps_its_connection),
		cmocka_unit_test(every_request_is_one_line_that_nobody_can_forge),
		cmocka_unit_test(the_after_hook_runs_once_per_handler),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
