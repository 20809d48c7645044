/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of callbacks, the schedule of their retries, and what a submission may name. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webhook_sender.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/* What is given besides what must be. */
static struct sl_config load(const char *a, const char *b, const char *c)
{
	const char *environment[] = {"SPOTLIST_DATABASE_URL=x", "SPOTLIST_BUCKET=x",
		"SPOTLIST_MEDIACONVERT_ROLE_ARN=x", a, b, c, NULL};
	struct sl_config config;
	struct sl_error error = SL_ERROR_INIT;
	if (sl_config_read((char **)(uintptr_t)environment, &config, &error) != SL_ERR_OK) {
		fail_msg("%s", error.detail);
	}
	return config;
}

static void the_schedule_is_about_a_day(void **state)
{
	(void)state;
	SL_AUTO(sl_config_release)
	struct sl_config config = load(NULL, NULL, NULL);
	SL_AUTO(sl_webhook_settings_finish)
	struct sl_webhook_settings settings;
	assert_int_equal(sl_webhook_settings_read(&config, &settings, NULL), SL_ERR_OK);
	assert_int_equal(settings.key_count, 0);
	int64_t total_ms = 0;
	for (size_t i = 0; i < settings.retry_count; i++) {
		total_ms += settings.retry_ms[i];
	}
	assert_in_range(total_ms, 23 * 3600000LL, 25 * 3600000LL);
	assert_int_equal(settings.policy.timeout_ms, 15000);
	assert_false(settings.policy.allow_http);
}

static void delays_are_jittered_and_never_shorter_than_asked(void **state)
{
	(void)state;
	int64_t schedule[] = {1000, 1, 86400000};
	const struct sl_webhook_settings settings = {.retry_ms = schedule, .retry_count = 3};
	int64_t least = INT64_MAX;
	int64_t most = 0;
	for (int i = 0; i < 1000; i++) {
		int64_t delay = sl_webhook_retry_delay_ms(&settings, 0, 0);
		least = delay < least ? delay : least;
		most = delay > most ? delay : most;
		assert_in_range(sl_webhook_retry_delay_ms(&settings, 1, 0), 1, 1);
		assert_in_range(sl_webhook_retry_delay_ms(&settings, 2, 0), 77760000, 95040000);
	}
	assert_in_range(least, 900, 920);
	assert_in_range(most, 1080, 1100);
	assert_int_equal(sl_webhook_retry_delay_ms(&settings, 0, 5000), 5000);
	assert_in_range(sl_webhook_retry_delay_ms(&settings, 0, 10), 900, 1100);
	assert_int_equal(sl_webhook_retry_delay_ms(&settings, 3, 5000), -1);
	assert_int_equal(sl_webhook_retry_delay_ms(&settings, -1, 0), -1);
}

static void wrong_settings_are_named(void **state)
{
	(void)state;
	static const char *const wrong[] = {"SPOTLIST_WEBHOOK_SECRET=" SECRET ",whsec_x",
		"SPOTLIST_WEBHOOK_ALLOW_NETWORKS=10.0.0.1/8", "SPOTLIST_WEBHOOK_RETRY_MS=0",
		"SPOTLIST_WEBHOOK_RETRY_MS=5,soon"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(wrong); i++) {
		SL_AUTO(sl_config_release)
		struct sl_config config = load(wrong[i], NULL, NULL);
		struct sl_webhook_settings settings;
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		assert_int_equal(
			sl_webhook_settings_read(&config, &settings, &error), SL_ERR_CONFIG);
		assert_memory_equal(error.detail, wrong[i], sizeof("SPOTLIST_WEBHOOK_") - 1);
	}
}

static void a_submission_may_name_what_the_settings_allow(void **state)
{
	(void)state;
	SL_AUTO(sl_config_release)
	struct sl_config none = load(NULL, NULL, NULL);
	SL_AUTO(sl_config_release)
	struct sl_config strict = load("SPOTLIST_WEBHOOK_SECRET=" SECRET, NULL, NULL);
	SL_AUTO(sl_config_release)
	struct sl_config open = load("SPOTLIST_WEBHOOK_SECRET=" SECRET,
		"SPOTLIST_WEBHOOK_ALLOW_HTTP=yes", "SPOTLIST_WEBHOOK_ALLOW_NETWORKS=127.0.0.0/8");
	const struct {
		const struct sl_config *config;
		const char *url;
		enum sl_err err;
	} rows[] = {
		{&none, "https://example.com", SL_ERR_CALLBACK_REFUSED},
		{&strict, "https://example.com", SL_ERR_OK},
		{&strict, "http://example.com", SL_ERR_CALLBACK_REFUSED},
		{&strict, "https://127.0.0.1", SL_ERR_CALLBACK_REFUSED},
		{&open, "http://127.0.0.1", SL_ERR_OK},
		{&open, "http://10.0.0.1", SL_ERR_CALLBACK_REFUSED},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		assert_int_equal(
			sl_webhook_check(rows[i].config, rows[i].url, &error), rows[i].err);
		if (rows[i].err != SL_ERR_OK) {
			assert_string_equal(error.pointer, "/callback/url");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schedule_is_about_a_day),
		cmocka_unit_test(delays_are_jittered_and_never_shorter_than_asked),
		cmocka_unit_test(wrong_settings_are_named),
		cmocka_unit_test(a_submission_may_name_what_the_settings_allow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
