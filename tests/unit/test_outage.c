/* SPDX-License-Identifier: Apache-2.0 */
/* Which failures deserve a line of the log. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "outage.h"

static struct sl_error failure(enum sl_err code, const char *service, const char *provider_code)
{
	return (struct sl_error){
		.code = code,
		.provider = {.service = (char *)(uintptr_t)service,
			.code = (char *)(uintptr_t)provider_code},
	};
}

static void a_repeated_outage_is_a_line_a_minute(void **state)
{
	(void)state;
	struct sl_outages *outages = sl_outages_create();
	const struct sl_error error = failure(SL_ERR_AWS_UNAVAILABLE, "s3", NULL);
	int64_t repeated = -1;
	assert_true(sl_outages_tell(outages, &error, 1000, &repeated));
	assert_int_equal(repeated, 0);
	for (int64_t i = 1; i <= 500; i++) {
		assert_false(sl_outages_tell(outages, &error, 1000 + i, &repeated));
	}
	assert_false(sl_outages_tell(outages, &error, 1000 + SL_OUTAGE_SILENCE_MS - 1, &repeated));
	assert_true(sl_outages_tell(outages, &error, 1000 + SL_OUTAGE_SILENCE_MS, &repeated));
	assert_int_equal(repeated, 501);
	assert_false(sl_outages_tell(outages, &error, 1001 + SL_OUTAGE_SILENCE_MS, &repeated));
	sl_outages_destroy(outages);
}

static void another_service_or_cause_is_another_line(void **state)
{
	(void)state;
	struct sl_outages *outages = sl_outages_create();
	const struct sl_error errors[] = {
		failure(SL_ERR_AWS_UNAVAILABLE, "s3", NULL),
		failure(SL_ERR_AWS_UNAVAILABLE, "rekognition", NULL),
		failure(SL_ERR_AWS_CREDENTIALS, "s3", "ExpiredToken"),
		failure(SL_ERR_AWS_CREDENTIALS, "s3", "InvalidAccessKeyId"),
	};
	int64_t repeated = 0;
	for (size_t i = 0; i < SL_ARRAY_SIZE(errors); i++) {
		assert_true(sl_outages_tell(outages, &errors[i], 1, &repeated));
		assert_false(sl_outages_tell(outages, &errors[i], 2, &repeated));
	}
	sl_outages_destroy(outages);
}

static void what_does_not_pass_by_itself_is_always_told(void **state)
{
	(void)state;
	struct sl_outages *outages = sl_outages_create();
	const struct sl_error forbidden = failure(SL_ERR_AWS_FORBIDDEN, "s3", "AccessDenied");
	const struct sl_error ours = failure(SL_ERR_DATABASE_UNAVAILABLE, NULL, NULL);
	int64_t repeated = 0;
	for (int64_t i = 0; i < 3; i++) {
		assert_true(sl_outages_tell(outages, &forbidden, i, &repeated));
		assert_true(sl_outages_tell(outages, &ours, i, &repeated));
	}
	sl_outages_destroy(outages);
}

static void without_an_answer_the_cause_is_in_our_words_but_not_in_their_numbers(void **state)
{
	(void)state;
	struct sl_outages *outages = sl_outages_create();
	static const struct {
		const char *detail;
		bool told;
	} failures[] = {
		{"s3 HeadObject: no answer from h: timed out after 4001 ms", true},
		{"s3 PutObject: no answer from h: timed out after 398 ms", false},
		{"s3 HeadObject: what came from h is an HTML page", true},
		{"s3 HeadObject: no answer from h: timed out after 12 ms", false},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(failures); i++) {
		struct sl_error error = failure(SL_ERR_AWS_UNAVAILABLE, "s3", NULL);
		error.detail = (char *)(uintptr_t)failures[i].detail;
		int64_t repeated = 0;
		assert_int_equal(sl_outages_tell(outages, &error, 1, &repeated), failures[i].told);
	}
	sl_outages_destroy(outages);
}

/* More kinds than are remembered only cost lines. */
static void the_oldest_kind_is_forgotten_first(void **state)
{
	(void)state;
	struct sl_outages *outages = sl_outages_create();
	char code[] = "A0";
	int64_t repeated = 0;
	for (int64_t i = 0; i < 200; i++) {
		code[0] = (char)('A' + i % 20);
		code[1] = (char)('0' + i / 20);
		const struct sl_error error = failure(SL_ERR_AWS_UNAVAILABLE, "s3", code);
		assert_true(sl_outages_tell(outages, &error, i, &repeated));
	}
	const struct sl_error last = failure(SL_ERR_AWS_UNAVAILABLE, "s3", code);
	assert_false(sl_outages_tell(outages, &last, 200, &repeated));
	sl_outages_destroy(outages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repeated_outage_is_a_line_a_minute),
		cmocka_unit_test(another_service_or_cause_is_another_line),
		cmocka_unit_test(what_does_not_pass_by_itself_is_always_told),
		cmocka_unit_test(
			without_an_answer_the_cause_is_in_our_words_but_not_in_their_numbers),
		cmocka_unit_test(the_oldest_kind_is_forgotten_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
