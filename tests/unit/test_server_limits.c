/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are too long, too many or not HTTP: refused with the reason, or cut off. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "http_client.h"
#include "mem.h"
#include "problem_answer.h"
#include "server_fixture.h"

#define HOST "Host: test\r\n"

static struct fixture *fixture;

static int start(void **state)
{
	(void)state;
	fixture = fixture_create(4, 30);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_destroy(fixture);
	return 0;
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
			ask_for_problem(fixture->port, request, 414, "uri_too_long");
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
	ask_for_problem(fixture->port, request.data, 400, "bad_parameter");

	sl_buf_clear(&request);
	sl_buf_puts(&request, "GET /echo/1 HTTP/1.1\r\n" HOST);
	for (int i = 0; i < 100; i++) {
		sl_buf_puts(&request, "A: 1\r\n");
	}
	sl_buf_puts(&request, "\r\n");
	ask_for_problem(fixture->port, request.data, 400, "bad_request");
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
	ask_for_problem(fixture->port, "POST /raw HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		400, "bad_request");
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

/* The answer to a body of `len`: the same, or that it is too large. */
static void expect_echo(int fd, size_t len, size_t limit)
{
	struct answer answer;
	client_read(fd, false, &answer);
	if (len <= limit) {
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.body_len, len);
	} else {
		json_decref(assert_problem(&answer, 413, "body_too_large"));
	}
	answer_finish(&answer);
}

static void a_body_up_to_the_limit_arrives_whole(void **state)
{
	(void)state;
	const size_t limit = 1 << 16;
	SL_AUTO(sl_freep)
	char *body = sl_calloc(limit + 2, 1);
	memset(body, 'x', limit + 1);
	int fd = client_dial(fixture->port);
	for (size_t len = limit; len <= limit + 1; len++) {
		client_sendf(fd, "POST /raw HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", len);
		client_send(fd, body, len);
		expect_echo(fd, len, limit);
		client_sendf(fd,
			"POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
			len - 10);
		client_send(fd, body, len - 10);
		client_sendf(fd, "\r\na;ext=1\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n");
		expect_echo(fd, len, limit);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_of_8_kib_is_served_and_no_longer_one),
		cmocka_unit_test(a_head_that_never_ends_is_cut_off),
		cmocka_unit_test(many_parameters_and_many_fields_are_refused),
		cmocka_unit_test(a_flood_of_parameters_is_cut_at_once),
		cmocka_unit_test(shapes_that_smuggle_are_refused_and_the_connection_closed),
		cmocka_unit_test(garbage_is_answered_400_or_cut),
		cmocka_unit_test(a_body_up_to_the_limit_arrives_whole),
		cmocka_unit_test(a_hopeless_length_is_refused_before_the_body),
		cmocka_unit_test(a_chunked_flood_is_dropped_and_cut),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
