/* SPDX-License-Identifier: Apache-2.0 */
/* The server under load and at its end: sleeping requests, lost clients, bursts, slow senders,
 * quiesce, drain and destroy with requests in flight. */

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "http_client.h"
#include "mem.h"
#include "server_fixture.h"

#define HOST "Host: test\r\n"
#define NAP  "GET /nap HTTP/1.1\r\n" HOST "\r\n"

static void expect_status(int fd, int status)
{
	struct answer answer;
	client_read(fd, false, &answer);
	if (answer.status != status) {
		fail_msg("%d wanted, got %d", status, answer.status);
	}
	answer_finish(&answer);
}

static void *wake_as_they_come(void *arg)
{
	struct fixture *fixture = arg;
	for (size_t woken = 0; woken < 300;) {
		fixture_wait_sleeping(fixture, 1);
		woken += fixture_wake_all(fixture, SL_ERR_OK);
	}
	return NULL;
}

static void hundreds_of_sleepers_are_woken_from_another_thread(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(4, 30);
	pthread_t waker;
	pthread_create(&waker, NULL, wake_as_they_come, fixture);
	int fds[100];
	for (size_t i = 0; i < SL_ARRAY_SIZE(fds); i++) {
		fds[i] = client_dial(fixture->port);
	}
	for (int round = 0; round < 3; round++) { /* the same connections again and again */
		for (size_t i = 0; i < SL_ARRAY_SIZE(fds); i++) {
			assert_true(client_sendf(fds[i], "%s", NAP));
		}
		for (size_t i = 0; i < SL_ARRAY_SIZE(fds); i++) {
			expect_status(fds[i], 200);
		}
	}
	pthread_join(waker, NULL);
	for (size_t i = 0; i < SL_ARRAY_SIZE(fds); i++) {
		close(fds[i]);
	}
	fixture_wait_freed(fixture, 300);
	fixture_destroy(fixture);
}

static void sleepers_do_not_hold_a_thread(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(1, 30);
	int sleeper = client_dial(fixture->port);
	client_sendf(sleeper,
		"POST /nap HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	fixture_wait_sleeping(fixture, 1);
	struct answer answer =
		client_ask(fixture->port, false, "GET /echo/1 HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer.status, 200);
	answer_finish(&answer);
	fixture_wake_all(fixture, SL_ERR_SOURCE_NOT_FOUND);
	expect_status(sleeper, 404);
	close(sleeper);
	fixture_destroy(fixture);
}

static void a_client_that_vanishes_in_its_sleep_leaves_nothing_behind(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(2, 30);
	for (int i = 0; i < 50; i++) {
		int fd = client_dial(fixture->port);
		struct linger abort_ = {1, 0};
		if (i % 2 == 0) { /* a reset, and an orderly end */
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_, sizeof(abort_));
		}
		client_sendf(fd, "%s", NAP);
		fixture_wait_sleeping(fixture, (size_t)i + 1);
		close(fd);
	}
	assert_false(sl_server_drain(fixture->server, 1)); /* asleep is not gone */
	assert_int_equal(fixture_wake_all(fixture, SL_ERR_OK), 50);
	fixture_wait_freed(fixture, 50);
	assert_true(sl_server_drain(fixture->server, 20000));
	fixture_destroy(fixture);
}

static void *wake_with_shutdown(void *arg)
{
	struct fixture *fixture = arg;
	fixture_wake_all(fixture, SL_ERR_SHUTTING_DOWN);
	return NULL;
}

static void sleepers_at_shutdown_are_told_and_destroy_waits_for_them(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		struct fixture *fixture = fixture_create(4, 30);
		int fds[20];
		for (size_t i = 0; i < SL_ARRAY_SIZE(fds); i++) {
			fds[i] = client_dial(fixture->port);
			client_sendf(fds[i], "%s", NAP);
		}
		fixture_wait_sleeping(fixture, SL_ARRAY_SIZE(fds));
		for (size_t i = 0; i < 5; i++) {
			close(fds[i]);
		}
		sl_server_quiesce(fixture->server);
		pthread_t waker;
		pthread_create(&waker, NULL, wake_with_shutdown, fixture);
		if (round % 2 == 0) { /* in order; and straight to the end */
			assert_true(sl_server_drain(fixture->server, 20000));
			for (size_t i = 5; i < SL_ARRAY_SIZE(fds); i++) {
				expect_status(fds[i], 503);
			}
		}
		struct sl_server *server = fixture->server;
		fixture->server = NULL;
		sl_server_destroy(server);
		pthread_join(waker, NULL);
		assert_int_equal(fixture->freed, SL_ARRAY_SIZE(fds));
		for (size_t i = 5; i < SL_ARRAY_SIZE(fds); i++) {
			close(fds[i]);
		}
		fixture_destroy(fixture);
	}
}

static void a_quiesced_server_ends_what_it_began(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(4, 30);
	int idle = client_dial(fixture->port);
	client_sendf(idle, "GET /echo/1 HTTP/1.1\r\n" HOST "\r\n");
	expect_status(idle, 200);
	int running = client_dial(fixture->port);
	client_sendf(running, "%s", NAP);
	fixture_wait_sleeping(fixture, 1);
	int sending = client_dial(fixture->port);
	client_sendf(sending,
		"POST /raw HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	struct answer answer;
	client_read(sending, true, &answer);
	assert_int_equal(answer.status, 100);
	answer_finish(&answer);

	sl_server_quiesce(fixture->server);
	sl_server_quiesce(fixture->server); /* twice is once */
	client_sendf(idle, "GET /echo/1 HTTP/1.1\r\n" HOST "\r\n");
	client_read(idle, false, &answer);
	assert_int_equal(answer.status, 503);
	assert_string_equal(client_field(&answer, "Connection"), "close");
	assert_non_null(strstr(answer.body, "\"shutting_down\""));
	assert_non_null(client_field(&answer, "Retry-After"));
	answer_finish(&answer);
	assert_true(client_closed(idle));

	assert_false(sl_server_drain(fixture->server, 10));
	client_sendf(sending, "hello");
	expect_status(sending, 200);
	fixture_wake_all(fixture, SL_ERR_OK);
	expect_status(running, 200);
	assert_true(sl_server_drain(fixture->server, 20000));
	close(idle);
	close(running);
	close(sending);
	fixture_destroy(fixture);
}

static void a_quiesced_server_refuses_connections(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(2, 30);
	sl_server_quiesce(fixture->server);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((unsigned short)fixture->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), -1);
	close(fd);
	fixture_destroy(fixture);
}

static void destroy_waits_for_a_running_handler(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		struct fixture *fixture = fixture_create(4, 30);
		int fds[8];
		for (size_t i = 0; i < SL_ARRAY_SIZE(fds); i++) {
			fds[i] = client_dial(fixture->port);
			client_sendf(fds[i],
				i % 2 == 0 ? "GET /gate HTTP/1.1\r\n" HOST "\r\n"
					   : "GET /big HTTP/1.1\r\n" HOST "\r\n");
		}
		fixture_wait_gate(fixture, 1);
		fixture_open_gate(fixture);
		fixture_destroy(fixture);
		for (size_t i = 0; i < SL_ARRAY_SIZE(fds); i++) {
			close(fds[i]);
		}
	}
}

static void slow_senders_are_cut_off(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(2, 1);
	static const char *const beginnings[] = {
		"",
		"GET /echo/1 HT",
		"GET /echo/1 HTTP/1.1\r\nHost: te",
		"POST /raw HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhel",
		"POST /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
	};
	int fds[SL_ARRAY_SIZE(beginnings)];
	for (size_t i = 0; i < SL_ARRAY_SIZE(beginnings); i++) {
		fds[i] = client_dial(fixture->port);
		client_sendf(fds[i], "%s", beginnings[i]);
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(beginnings); i++) {
		assert_true(client_closed(fds[i]));
		close(fds[i]);
	}
	assert_true(sl_server_drain(fixture->server, 20000));
	SL_AUTO(sl_freep)
	char *log = fixture_log(fixture);
	assert_non_null(strstr(log, "ended=timeout"));
	fixture_destroy(fixture);
}

/* Each byte arrives in time, the whole never. The reader's timeout is the tick. */
static void a_body_that_trickles_is_cut_off(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(1, 1);
	int fd = client_dial(fixture->port);
	struct timeval tick = {0, 200000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	client_sendf(fd, "POST /raw HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
	int64_t start_ms = sl_clock_monotonic_ms();
	while (!client_closed(fd) && client_send(fd, "x", 1)) {
		assert_true(sl_clock_monotonic_ms() - start_ms < 20000);
	}
	close(fd);
	fixture_destroy(fixture);
}

/* So that its own idle timeout never comes. Also on a connection that has been good before. */
static void a_head_that_trickles_is_cut_off(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(1, 1);
	for (int kept = 0; kept < 2; kept++) {
		int fd = client_dial(fixture->port);
		if (kept > 0) {
			client_sendf(fd, "GET /echo/1 HTTP/1.1\r\n" HOST "\r\n");
			expect_status(fd, 200);
		}
		struct timeval tick = {0, 200000};
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
		client_sendf(fd, "GET /echo/1 HTTP/1.1\r\nX: ");
		int64_t start_ms = sl_clock_monotonic_ms();
		while (!client_closed(fd) && client_send(fd, "x", 1)) {
			assert_true(sl_clock_monotonic_ms() - start_ms < 30000);
		}
		close(fd);
	}
	assert_true(sl_server_drain(fixture->server, 20000));
	SL_AUTO(sl_freep)
	char *log = fixture_log(fixture);
	assert_non_null(strstr(log, "ended=too_slow"));
	fixture_destroy(fixture);
}

/* libmicrohttpd's epoll loop sleeps on a batch of exactly 128; poll must not. */
static void bursts_of_connections_are_all_answered(void **state)
{
	(void)state;
	static const size_t sizes[] = {127, 128, 129, 255, 256, 257, 383, 384};
	static const char request[] = "GET /echo/1 HTTP/1.1\r\n" HOST "\r\n";
	for (unsigned threads = 1; threads <= 16; threads *= 4) {
		struct fixture *fixture = fixture_create(threads, 30);
		for (size_t i = 0; i < 3 * SL_ARRAY_SIZE(sizes); i++) {
			int fds[384];
			size_t size = sizes[i % SL_ARRAY_SIZE(sizes)];
			for (size_t j = 0; j < size; j++) {
				fds[j] = client_dial(fixture->port);
			}
			for (size_t j = 0; j < size; j++) {
				assert_true(client_send(fds[j], request, sizeof(request) - 1));
			}
			for (size_t j = 0; j < size; j++) {
				expect_status(fds[j], 200);
				close(fds[j]);
			}
		}
		fixture_destroy(fixture);
	}
}

static void what_cannot_be_served_is_told_at_start(void **state)
{
	(void)state;
	struct fixture *fixture = fixture_create(4, 30);
	struct sl_server_options options = {
		.listen = "127.0.0.1:0",
		.routes = (const struct sl_route[]){{"GET", "/x", "x", NULL, SL_AUTH_OPEN, 0}},
		.route_count = 1,
	};
	struct sl_server *none = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_int_equal(sl_server_create(&options, &none, &error), SL_ERR_CONFIG);
	options.route_count = 0;
	static const char *const addresses[] = {"", ":", "8080", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "localhost:1", "::1:80", "[::1]",
		"[127.0.0.1]:1"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(addresses); i++) {
		options.listen = addresses[i];
		assert_int_equal(sl_server_create(&options, &none, &error), SL_ERR_CONFIG);
	}
	SL_AUTO(sl_freep)
	char *taken = sl_asprintf("127.0.0.1:%u", fixture->port);
	options.listen = taken;
	assert_int_equal(sl_server_create(&options, &none, &error), SL_ERR_IO);
	assert_non_null(strstr(error.detail, taken));
	assert_null(none);
	fixture_destroy(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hundreds_of_sleepers_are_woken_from_another_thread),
		cmocka_unit_test(sleepers_do_not_hold_a_thread),
		cmocka_unit_test(a_client_that_vanishes_in_its_sleep_leaves_nothing_behind),
		cmocka_unit_test(sleepers_at_shutdown_are_told_and_destroy_waits_for_them),
		cmocka_unit_test(a_quiesced_server_ends_what_it_began),
		cmocka_unit_test(a_quiesced_server_refuses_connections),
		cmocka_unit_test(destroy_waits_for_a_running_handler),
		cmocka_unit_test(slow_senders_are_cut_off),
		cmocka_unit_test(a_body_that_trickles_is_cut_off),
		cmocka_unit_test(a_head_that_trickles_is_cut_off),
		cmocka_unit_test(bursts_of_connections_are_all_answered),
		cmocka_unit_test(what_cannot_be_served_is_told_at_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
