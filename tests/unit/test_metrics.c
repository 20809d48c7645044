/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "mem.h"
#include "metrics.h"

#define THREADS 8
#define TURNS   20000

static void *count_much(void *unused)
{
	(void)unused;
	for (int i = 0; i < TURNS; i++) {
		char kind[16];
		snprintf(kind, sizeof(kind), "kind%d", i % 10);
		sl_metric_add(SL_METRIC_STEPS, 1, SL_LABELS(kind, "done"));
		sl_metric_observe_us(SL_METRIC_STEP_SECONDS, i, SL_LABELS(kind));
	}
	return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	for (int i = 0; i < 10; i++) {
		char kind[16];
		snprintf(kind, sizeof(kind), "kind%d", i);
		assert_int_equal(sl_metric_value(SL_METRIC_STEPS, SL_LABELS(kind, "done")),
			THREADS * TURNS / 10);
	}
}

static void a_gauge_goes_up_and_down(void **state)
{
	(void)state;
	sl_metric_add(SL_METRIC_HTTP_CONNECTIONS, 3, SL_LABELS("api"));
	sl_metric_add(SL_METRIC_HTTP_CONNECTIONS, -2, SL_LABELS("api"));
	assert_int_equal(sl_metric_value(SL_METRIC_HTTP_CONNECTIONS, SL_LABELS("api")), 1);
	assert_int_equal(sl_metric_value(SL_METRIC_HTTP_CONNECTIONS, SL_LABELS("admin")), 0);
}

static void values_are_escaped_and_families_described(void **state)
{
	(void)state;
	sl_metric_add(SL_METRIC_WEBHOOK_ATTEMPTS, 1, SL_LABELS("a\"b\\c\nd"));
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_metrics_render(&text);
	const char *body = sl_buf_str(&text);
	assert_non_null(
		strstr(body, "spotlist_webhook_attempts_total{outcome=\"a\\\"b\\\\c\\nd\"} 1\n"));
	assert_non_null(strstr(body, "# TYPE spotlist_webhook_attempts_total counter\n"));
	assert_non_null(strstr(body, "# HELP spotlist_webhook_attempts_total "));
	assert_non_null(strstr(body, "\nspotlist_cost_cap_refused_total 0\n"));
	assert_non_null(strstr(body, "\nspotlist_webhook_attempt_duration_seconds_count 0\n"));
}

static void buckets_hold_their_bounds(void **state)
{
	(void)state;
	const int64_t observed[] = {0, 500, 501, 1000, 999999999};
	for (size_t i = 0; i < SL_ARRAY_SIZE(observed); i++) {
		sl_metric_observe_us(
			SL_METRIC_HTTP_SECONDS, observed[i], SL_LABELS("bounds", "2xx"));
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_metrics_render(&text);
	static const char *const lines[] = {
		"_bucket{operation=\"bounds\",status=\"2xx\",le=\"0.0005\"} 2\n",
		"_bucket{operation=\"bounds\",status=\"2xx\",le=\"0.001\"} 4\n",
		"_bucket{operation=\"bounds\",status=\"2xx\",le=\"300\"} 4\n",
		"_bucket{operation=\"bounds\",status=\"2xx\",le=\"+Inf\"} 5\n",
		"_sum{operation=\"bounds\",status=\"2xx\"} 1000.002000\n",
		"_count{operation=\"bounds\",status=\"2xx\"} 5\n"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(lines); i++) {
		assert_non_null(strstr(sl_buf_str(&text), lines[i]));
	}
}

static void too_many_values_become_other(void **state)
{
	(void)state;
	for (int i = 0; i < SL_METRICS_SERIES * 4; i++) {
		char operation[32];
		snprintf(operation, sizeof(operation), "Operation%d", i);
		sl_metric_add(SL_METRIC_AWS_CALLS, 1, SL_LABELS("s3", operation, "ok"));
	}
	int64_t other = sl_metric_value(SL_METRIC_AWS_CALLS, SL_LABELS("other", "other", "other"));
	assert_in_range(other, SL_METRICS_SERIES * 3, SL_METRICS_SERIES * 4 - 1);
	assert_int_equal(
		sl_metric_value(SL_METRIC_AWS_CALLS, SL_LABELS("s3", "Operation0", "ok")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_between_threads),
		cmocka_unit_test(a_gauge_goes_up_and_down),
		cmocka_unit_test(values_are_escaped_and_families_described),
		cmocka_unit_test(buckets_hold_their_bounds),
		cmocka_unit_test(too_many_values_become_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
