/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads log at once into a pipe whose reader is slow: every line comes, whole, in its
 * thread's order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "buf.h"
#include "log.h"
#include "mem.h"

#define THREADS 8
#define LINES   4000 /* of about 400 bytes: more than a pipe and the waiting room take */

static char filler[320];

static void *log_many(void *thread)
{
	for (int i = 0; i < LINES; i++) {
		sl_log(SL_LOG_INFO, "line", SL_F("thread", thread), SL_F_I64("number", i),
			SL_F("filler", filler), SL_F_END);
	}
	sl_log_flush();
	return NULL;
}

static void *log_all(void *unused)
{
	pthread_t threads[THREADS];
	char names[THREADS][8];
	for (int i = 0; i < THREADS; i++) {
		snprintf(names[i], sizeof(names[i]), "%d", i);
		pthread_create(&threads[i], NULL, log_many, names[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	close(STDERR_FILENO);
	return unused;
}

static void check_line(const char *line, int next[static THREADS])
{
	int thread;
	int number;
	char rest[sizeof(filler) + 1];
	if (sscanf(line, "time=%*s level=info msg=line thread=%d number=%d filler=%320s", &thread,
		    &number, rest) != 3 ||
		thread < 0 || thread >= THREADS) {
		fail_msg("torn: %s", line);
	}
	assert_int_equal(number, next[thread]);
	next[thread]++;
	assert_string_equal(rest, filler);
}

static void lines_come_whole_and_in_order(void **state)
{
	(void)state;
	memset(filler, 'x', sizeof(filler) - 1);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	int before = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	pthread_t loggers;
	pthread_create(&loggers, NULL, log_all, NULL);
	FILE *in = fdopen(ends[0], "r");
	char line[1024];
	int next[THREADS] = {0};
	while (fgets(line, sizeof(line), in) != NULL) {
		check_line(line, next);
	}
	pthread_join(loggers, NULL);
	dup2(before, STDERR_FILENO);
	close(before);
	fclose(in);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(next[i], LINES);
	}
}

static void numbers_are_written_as_printf_does(void **state)
{
	(void)state;
	static const int64_t numbers[] = {
		0, 1, -1, 9, 10, -10, 1234567890123, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < SL_ARRAY_SIZE(numbers); i++) {
		SL_AUTO(sl_freep)
		char *expected = sl_asprintf("%lld", (long long)numbers[i]);
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		sl_buf_add_i64(&out, numbers[i]);
		assert_string_equal(sl_buf_str(&out), expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_whole_and_in_order),
		cmocka_unit_test(numbers_are_written_as_printf_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
