/* SPDX-License-Identifier: Apache-2.0 */
/* The MediaConvert job: wire form, names, and frame numbers out of keys. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json_spec.h"
#include "transcode_job.h"

static const struct sl_config config = {
	.bucket = (char[]){"ours"},
	.mediaconvert_role_arn = (char[]){"arn:aws:iam::000000000000:role/r"},
	.mediaconvert_queue = (char[]){"Default"},
};

static struct sl_video video_every(int64_t interval_ms)
{
	static char id[] = "0197";
	static char bucket[] = "theirs";
	static char key[] = "a $dt$ b.mov";
	return (struct sl_video){
		.id = id, .bucket = bucket, .key = key, .frame_interval_ms = interval_ms};
}

static const json_t *at(const json_t *node, const char *name)
{
	const json_t *value = json_object_get(node, name);
	assert_non_null(value);
	return value;
}

static const char *destination(const json_t *settings, size_t group)
{
	const json_t *node = json_array_get(at(settings, "outputGroups"), group);
	return json_string_value(
		at(at(at(node, "outputGroupSettings"), "fileGroupSettings"), "destination"));
}

static void names_derive_from_the_id_and_not_from_the_user(void **state)
{
	(void)state;
	struct sl_video video = video_every(1000);
	SL_AUTO(sl_json_decrefp)
	json_t *body = sl_transcode_job_build(&config, &video, true);
	const json_t *settings = at(body, "settings");
	assert_int_equal(json_array_size(at(settings, "outputGroups")), 3);
	assert_string_equal(destination(settings, 0), "s3://ours/thumbs/0197/frame");
	assert_string_equal(destination(settings, 1), "s3://ours/mp4/0197/video");
	assert_string_equal(destination(settings, 2), "s3://ours/audio/0197/audio");
	const json_t *input = json_array_get(at(settings, "inputs"), 0);
	assert_string_equal(json_string_value(at(input, "fileInput")), "s3://theirs/a $dt$ b.mov");
	assert_string_equal(json_string_value(at(at(body, "userMetadata"), "videoId")), "0197");
}

static void a_silent_job_names_no_audio(void **state)
{
	(void)state;
	struct sl_video video = video_every(1000);
	SL_AUTO(sl_json_decrefp)
	json_t *body = sl_transcode_job_build(&config, &video, false);
	const json_t *groups = at(at(body, "settings"), "outputGroups");
	assert_int_equal(json_array_size(groups), 2);
	const json_t *output = json_array_get(at(json_array_get(groups, 1), "outputs"), 0);
	assert_null(json_object_get(output, "audioDescriptions"));
}

static void the_interval_becomes_a_reduced_frame_rate(void **state)
{
	(void)state;
	static const struct {
		int64_t interval_ms, numerator, denominator;
	} rates[] = {{1000, 1, 1}, {500, 2, 1}, {5000, 1, 5}, {100, 10, 1}, {1500, 2, 3},
		{600000, 1, 600}, {333, 1000, 333}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rates); i++) {
		struct sl_video video = video_every(rates[i].interval_ms);
		SL_AUTO(sl_json_decrefp)
		json_t *body = sl_transcode_job_build(&config, &video, true);
		const json_t *group = json_array_get(at(at(body, "settings"), "outputGroups"), 0);
		const json_t *output = json_array_get(at(group, "outputs"), 0);
		const json_t *capture = at(at(at(output, "videoDescription"), "codecSettings"),
			"frameCaptureSettings");
		assert_int_equal(
			json_integer_value(at(capture, "framerateNumerator")), rates[i].numerator);
		assert_int_equal(json_integer_value(at(capture, "framerateDenominator")),
			rates[i].denominator);
	}
}

static void frame_numbers_are_read_from_keys(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		int64_t index;
	} keys[] = {
		{"thumbs/x/frame.0000000.jpg", 0},
		{"thumbs/x/frame.0010799.jpg", 10799},
		{"thumbs/x/frame.10000000.jpg", 10000000},
		{"thumbs/x/frame.000.jpg", -1},
		{"thumbs/x/frame0000001.jpg", -1},
		{"thumbs/x/frame.0000001.png", -1},
		{"thumbs/y/frame.0000001.jpg", -1},
		{"thumbs/x/", -1},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(keys); i++) {
		assert_int_equal(
			sl_transcode_job_frame_index("thumbs/x/", keys[i].key), keys[i].index);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_derive_from_the_id_and_not_from_the_user),
		cmocka_unit_test(a_silent_job_names_no_audio),
		cmocka_unit_test(the_interval_becomes_a_reduced_frame_rate),
		cmocka_unit_test(frame_numbers_are_read_from_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
