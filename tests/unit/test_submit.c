/* SPDX-License-Identifier: Apache-2.0 */
/* What a submission may say: one table of bodies, and the error that each deserves. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"
#include "source.h"
#include "submit.h"

static const struct sl_config config = {.bucket = (char[]){"ours"}};

static const struct {
	const char *body;
	enum sl_err err;
	const char *pointer;
} bodies[] = {
	{"{\"source\":\"s3://bucket/key.mp4\"}", SL_ERR_OK, NULL},
	{"{\"source\":\"s3://bucket/a b+c%25#d?e'\\\"\"}", SL_ERR_OK, NULL},
	{"{\"source\":\"s3://bucket//\"}", SL_ERR_OK, NULL},
	{"{\"source\":\"upload\",\"filename\":\"영상 🎬.mp4\"}", SL_ERR_OK, NULL},
	{"{}", SL_ERR_MISSING_FIELD, "/source"},
	{"[]", SL_ERR_WRONG_TYPE, ""},
	{"{\"source\":7}", SL_ERR_WRONG_TYPE, "/source"},
	{"{\"source\":null}", SL_ERR_WRONG_TYPE, "/source"},
	{"{\"source\":\"\"}", SL_ERR_OUT_OF_RANGE, "/source"},
	{"{\"source\":\"key.mp4\"}", SL_ERR_BAD_SOURCE, "/source"},
	{"{\"source\":\"s3://\"}", SL_ERR_BAD_SOURCE, "/source"},
	{"{\"source\":\"s3://bucket\"}", SL_ERR_BAD_SOURCE, "/source"},
	{"{\"source\":\"s3://bucket/\"}", SL_ERR_BAD_SOURCE, "/source"},
	{"{\"source\":\"s3://Bucket/key\"}", SL_ERR_BAD_SOURCE, "/source"},
	{"{\"source\":\"s3://a..b/key\"}", SL_ERR_BAD_SOURCE, "/source"},
	{"{\"source\":\"s3://192.168.0.1/key\"}", SL_ERR_BAD_SOURCE, "/source"},
	{"{\"source\":\"ftp://bucket/key\"}", SL_ERR_UNSUPPORTED_SCHEME, "/source"},
	{"{\"source\":\"S3://bucket/key\"}", SL_ERR_UNSUPPORTED_SCHEME, "/source"},
	{"{\"source\":\"s3://bucket/k\",\"colour\":1}", SL_ERR_UNKNOWN_FIELD, "/colour"},
	{"{\"source\":\"s3://bucket/k\",\"a/b~\":1}", SL_ERR_UNKNOWN_FIELD, "/a~1b~0"},
	{"{\"source\":\"s3://bucket/k\",\"filename\":\"x\"}", SL_ERR_BAD_VALUE, "/filename"},
	{"{\"source\":\"upload\"}", SL_ERR_MISSING_FIELD, "/filename"},
	{"{\"source\":\"upload\",\"filename\":\"../x\"}", SL_ERR_BAD_VALUE, "/filename"},
	{"{\"source\":\"upload\",\"filename\":\"..\"}", SL_ERR_BAD_VALUE, "/filename"},
	{"{\"source\":\"upload\",\"filename\":\"a\\nb\"}", SL_ERR_BAD_VALUE, "/filename"},
	{"{\"source\":\"upload\",\"filename\":\"x\",\"content_type\":\"mp4\"}", SL_ERR_BAD_VALUE,
		"/content_type"},
	{"{\"source\":\"s3://bucket/k\",\"title\":\"\"}", SL_ERR_OUT_OF_RANGE, "/title"},
	{"{\"source\":\"s3://bucket/k\",\"title\":\"a\\u0007\"}", SL_ERR_BAD_VALUE, "/title"},
	{"{\"source\":\"s3://bucket/k\",\"tags\":\"x\"}", SL_ERR_WRONG_TYPE, "/tags"},
	{"{\"source\":\"s3://bucket/k\",\"tags\":[\"a\",2]}", SL_ERR_WRONG_TYPE, "/tags/1"},
	{"{\"source\":\"s3://bucket/k\",\"tags\":[\"\"]}", SL_ERR_OUT_OF_RANGE, "/tags/0"},
	{"{\"source\":\"s3://bucket/k\",\"analyses\":[]}", SL_ERR_OUT_OF_RANGE, "/analyses"},
	{"{\"source\":\"s3://bucket/k\",\"analyses\":[\"smells\"]}", SL_ERR_BAD_VALUE,
		"/analyses/0"},
	{"{\"source\":\"s3://bucket/k\",\"analyses\":[\"labels\",\"labels\"]}", SL_ERR_BAD_VALUE,
		"/analyses/1"},
	{"{\"source\":\"s3://bucket/k\",\"frames\":{\"interval_ms\":99}}", SL_ERR_OUT_OF_RANGE,
		"/frames/interval_ms"},
	{"{\"source\":\"s3://bucket/k\",\"frames\":{\"interval_ms\":1.5}}", SL_ERR_WRONG_TYPE,
		"/frames/interval_ms"},
	{"{\"source\":\"s3://bucket/k\",\"frames\":{\"interval\":1000}}", SL_ERR_UNKNOWN_FIELD,
		"/frames/interval"},
	{"{\"source\":\"s3://bucket/k\",\"labels\":{\"min_confidence\":100.5}}",
		SL_ERR_OUT_OF_RANGE, "/labels/min_confidence"},
	{"{\"source\":\"s3://bucket/k\",\"transcript\":{\"language\":\"english\"}}",
		SL_ERR_BAD_VALUE, "/transcript/language"},
	{"{\"source\":\"s3://bucket/k\",\"transcript\":{\"max_speakers\":1}}", SL_ERR_OUT_OF_RANGE,
		"/transcript/max_speakers"},
};

static void each_body_gets_its_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(bodies); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *root = NULL;
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		SL_AUTO(sl_submission_finish)
		struct sl_submission submission = {0};
		assert_int_equal(sl_json_parse(bodies[i].body, strlen(bodies[i].body), &root, NULL),
			SL_ERR_OK);
		enum sl_err err = sl_submission_decode(&config, root, &submission, &error);
		if (err != bodies[i].err) {
			fail_msg("%s: %s instead of %s", bodies[i].body, sl_err_code(err),
				sl_err_code(bodies[i].err));
		}
		if (bodies[i].pointer != NULL) {
			assert_string_equal(error.pointer, bodies[i].pointer);
		}
	}
}

static void a_source_is_split_raw(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	assert_int_equal(
		sl_source_parse("s3://b-1.x/a%20b/c+d#e?f", &bucket, &key, NULL), SL_ERR_OK);
	assert_string_equal(bucket, "b-1.x");
	assert_string_equal(key, "a%20b/c+d#e?f");
}

static void a_key_may_have_1024_bytes_and_no_more(void **state)
{
	(void)state;
	char uri[1100] = "s3://bucket/";
	size_t prefix = strlen(uri);
	memset(uri + prefix, 'k', 1025);
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	assert_int_equal(sl_source_parse(uri, &bucket, &key, NULL), SL_ERR_BAD_SOURCE);
	uri[prefix + 1024] = '\0';
	assert_int_equal(sl_source_parse(uri, &bucket, &key, NULL), SL_ERR_OK);
	assert_int_equal(strlen(key), 1024);
}

static void an_upload_goes_below_its_own_prefix(void **state)
{
	(void)state;
	static const char body[] = "{\"source\":\"upload\",\"filename\":\"$dt$.mp4\"}";
	SL_AUTO(sl_json_decrefp)
	json_t *root = NULL;
	SL_AUTO(sl_submission_finish)
	struct sl_submission submission = {0};
	assert_int_equal(sl_json_parse(body, strlen(body), &root, NULL), SL_ERR_OK);
	assert_int_equal(sl_submission_decode(&config, root, &submission, NULL), SL_ERR_OK);
	SL_AUTO(sl_freep)
	char *key = sl_asprintf("uploads/%s/$dt$.mp4", submission.id);
	assert_string_equal(submission.key, key);
	assert_string_equal(submission.bucket, "ours");
}

static void sizes_have_limits(void **state)
{
	(void)state;
	assert_int_equal(sl_source_check_size(0, NULL), SL_ERR_SOURCE_EMPTY);
	assert_int_equal(sl_source_check_size(1, NULL), SL_ERR_OK);
	assert_int_equal(sl_source_check_size(SL_SOURCE_MAX_BYTES, NULL), SL_ERR_OK);
	assert_int_equal(
		sl_source_check_size(SL_SOURCE_MAX_BYTES + 1, NULL), SL_ERR_SOURCE_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_body_gets_its_error),
		cmocka_unit_test(a_source_is_split_raw),
		cmocka_unit_test(a_key_may_have_1024_bytes_and_no_more),
		cmocka_unit_test(an_upload_goes_below_its_own_prefix),
		cmocka_unit_test(sizes_have_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
