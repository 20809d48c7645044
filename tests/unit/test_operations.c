/* SPDX-License-Identifier: Apache-2.0 */
/* What is pure in cancelling, deleting and idempotent requests. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "end.h"
#include "idempotency.h"
#include "json_spec.h"
#include "mem.h"

static void keys_are_read_bare_and_in_quotes(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		const char *key; /* NULL: refused */
	} cases[] = {
		{"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
		{"\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
			"8e03978e-40d5-43dd-bc93-6894a57f9324"},
		{"\"a\\\"b\\\\c\"", "a\"b\\c"},
		{"a\\b c;d", "a\\b c;d"},
		{"\" \"", " "},
		{"", NULL},
		{"\"\"", NULL},
		{"\"", NULL},
		{"\"a", NULL},
		{"\"a\\", NULL},
		{"\"a\\\"", NULL},
		{"\"a\\n\"", NULL},
		{"\"a\"b", NULL},
		{"\"a\" ", NULL},
		{"a\"b", NULL},
		{"a\tb", NULL},
		{"\"a\tb\"", NULL},
		{"\xc3\xa9", NULL},
		{"\"\xc3\xa9\"", NULL},
	};
	json_auto_t *body = json_object();
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_idempotency_finish)
		struct sl_idempotency got = {0};
		enum sl_err err =
			sl_idempotency_read(cases[i].header, "POST", "/videos", body, &got, NULL);
		if (cases[i].key == NULL) {
			assert_int_equal(err, SL_ERR_BAD_REQUEST);
			assert_null(got.key);
		} else {
			assert_int_equal(err, SL_ERR_OK);
			assert_string_equal(got.key, cases[i].key);
		}
	}
}

static void no_header_is_no_key(void **state)
{
	(void)state;
	struct sl_idempotency got = {0};
	assert_int_equal(sl_idempotency_read(NULL, "POST", "/videos", NULL, &got, NULL), SL_ERR_OK);
	assert_null(got.key);
}

static char *digest(const char *method, const char *target, const char *text)
{
	json_auto_t *body = json_loads(text, 0, NULL);
	SL_AUTO(sl_idempotency_finish)
	struct sl_idempotency got = {0};
	assert_int_equal(sl_idempotency_read("k", method, target, body, &got, NULL), SL_ERR_OK);
	return sl_strdup(got.request_sha256);
}

static void requests_are_told_apart_by_what_they_say(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *first = digest("POST", "/videos", "{\"a\": [1, 2.5], \"b\": \"\\u00e9\"}");
	SL_AUTO(sl_freep)
	char *same = digest("POST", "/videos", "{\"b\":\"\xc3\xa9\",\"a\":[1,2.50]}");
	assert_string_equal(first, same);
	static const struct {
		const char *target;
		const char *body;
	} others[] = {
		{"/videos/1/analyses", "{\"a\": [1, 2.5], \"b\": \"\\u00e9\"}"},
		{"/videos", "{\"a\": [2.5, 1], \"b\": \"\\u00e9\"}"},
		{"/videos", "{\"a\": [1, 2.5], \"b\": \"e\"}"},
		{"/videos", "{\"a\": [1, 2.5]}"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(others); i++) {
		SL_AUTO(sl_freep)
		char *other = digest("POST", others[i].target, others[i].body);
		assert_string_not_equal(first, other);
	}
}

/* Whatever the state, only the steps that bring it to its end go on. */
static void steps_lose_their_purpose_when_the_video_is_to_end(void **state)
{
	(void)state;
	for (int i = 0; i < SL_VIDEO_STATES_; i++) {
		enum sl_video_state video = (enum sl_video_state)i;
		bool canceling = video == SL_VIDEO_CANCELING;
		bool deleting = video == SL_VIDEO_DELETING;
		assert_int_equal(sl_end_overtakes(video, "labels", 0, SL_STEP_LABELS_POLL),
			canceling || deleting);
		assert_int_equal(
			sl_end_overtakes(video, "video", 0, SL_STEP_SETTLE), canceling || deleting);
		assert_int_equal(
			sl_end_overtakes(video, "end", SL_END_CANCEL, SL_STEP_END), deleting);
		assert_int_equal(
			sl_end_overtakes(video, "end", SL_END_CANCEL, SL_STEP_SETTLE), deleting);
		assert_false(sl_end_overtakes(video, "end", SL_END_DELETE, SL_STEP_END));
	}
}

static void which_job_was_started_is_always_written_down(void **state)
{
	(void)state;
	assert_true(sl_end_keeps_outcome(SL_STEP_TRANSCODE_START));
	assert_true(sl_end_keeps_outcome(SL_STEP_LABELS_START));
	assert_true(sl_end_keeps_outcome(SL_STEP_TRANSCRIPT_START));
	assert_false(sl_end_keeps_outcome(SL_STEP_TRANSCODE_POLL));
	assert_false(sl_end_keeps_outcome(SL_STEP_CELEBRITIES_FRAMES));
	assert_false(sl_end_keeps_outcome(SL_STEP_SETTLE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_read_bare_and_in_quotes),
		cmocka_unit_test(no_header_is_no_key),
		cmocka_unit_test(requests_are_told_apart_by_what_they_say),
		cmocka_unit_test(steps_lose_their_purpose_when_the_video_is_to_end),
		cmocka_unit_test(which_job_was_started_is_always_written_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
