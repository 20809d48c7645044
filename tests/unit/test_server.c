/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of HTTP: what it answers to good requests, and to wrong ones;
 * test_server_limits has the hostile ones. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <jansson.h>

#include "http_client.h"
#include "mem.h"
#include "problem_answer.h"
#include "server_fixture.h"
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
	ask_for_problem(
		fixture->port, "OPTIONS /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, "not_found");
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
		ask_for_problem(fixture->port, rows[i].request, rows[i].status, rows[i].code);
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
		cmocka_unit_test(absolute_targets_and_http_1_0_are_served),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(a_client_that_asks_before_sending_is_told),
		cmocka_unit_test(a_body_sent_byte_by_byte_is_put_together),
		cmocka_unit_test(libcurl_keeps_its_connection),
		cmocka_unit_test(every_request_is_one_line_that_nobody_can_forge),
		cmocka_unit_test(the_after_hook_runs_once_per_handler),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
