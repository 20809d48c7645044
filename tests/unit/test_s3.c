/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 against a server of the test: what goes out on the wire, what is made of what comes back, and
 * presigned URLs. Signatures, retries and error codes in general are test_aws' business.
 */
#include "aws_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call_internal.h"
#include "mem.h"
#include "s3.h"
#include "text.h"

static void head_reads_length_and_etag(void **state)
{
	struct fixture *f = *state;
	answer_with(f, NULL, {200, "ETag: \"abc-1\"\r\n", NULL, 5368709121});
	struct sl_s3_object object = {0, NULL};
	assert_int_equal(
		sl_s3_head_object(f->client, "my-bucket", "a b+c%d#?.mp4", &object, &f->error),
		SL_ERR_OK);
	assert_int_equal(object.size_bytes, 5368709121);
	assert_string_equal(object.etag, "abc-1");
	assert_line(f, 0, "HEAD /my-bucket/a%20b%2Bc%25d%23%3F.mp4");
	sl_s3_object_finish(&object);
}

static void head_failures_have_their_errors(void **state)
{
	struct fixture *f = *state;
	static const struct {
		struct script_step step;
		enum sl_err expected;
	} cases[] = {
		{{404, NULL, NULL, 0}, SL_ERR_AWS_NOT_FOUND},
		{{403, NULL, NULL, 0}, SL_ERR_AWS_FORBIDDEN},
		{{301, "x-amz-bucket-region: us-east-1\r\n", NULL, 0}, SL_ERR_AWS_REJECTED},
		{{400, NULL, NULL, 0}, SL_ERR_AWS_REJECTED},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		script_set_steps(f, &cases[i].step, 1, NULL);
		struct sl_s3_object object = {0, NULL};
		assert_int_equal(sl_s3_head_object(f->client, "b", "k", &object, &f->error),
			cases[i].expected);
		assert_int_equal(f->error.provider.http_status, cases[i].step.status);
		assert_null(object.etag);
	}
	script_set_steps(f, &cases[2].step, 1, NULL);
	struct sl_s3_object object = {0, NULL};
	(void)!sl_s3_head_object(f->client, "b", "k", &object, &f->error);
	assert_string_equal(f->error.provider.code, "PermanentRedirect");
}

static void get_asks_for_ranges_and_keeps_the_cap(void **state)
{
	struct fixture *f = *state;
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	answer_with(f, "Range", {200, NULL, "0123456789", 0}, {206, NULL, "234", 0},
		{206, NULL, "89", 0}, {200, NULL, "0123456789", 0}, {200, NULL, "0123456789", 0},
		{200, NULL, "", 0});
	assert_int_equal(
		sl_s3_get_object(f->client, "b", "k", 0, -1, 10, &out, &f->error), SL_ERR_OK);
	assert_int_equal(
		sl_s3_get_object(f->client, "b", "k", 2, 4, 3, &out, &f->error), SL_ERR_OK);
	assert_int_equal(
		sl_s3_get_object(f->client, "b", "k", 8, -1, 9, &out, &f->error), SL_ERR_OK);
	assert_string_equal(out.data, "012345678923489");
	assert_null(f->script.header[0]);
	assert_string_equal(f->script.header[1], "bytes=2-4");
	assert_string_equal(f->script.header[2], "bytes=8-");
	assert_int_equal(sl_s3_get_object(f->client, "b", "k", 2, 4, 99, &out, &f->error),
		SL_ERR_AWS_PROTOCOL); /* the whole object, and not what was asked for */
	assert_int_equal(sl_s3_get_object(f->client, "b", "k", 0, -1, 9, &out, &f->error),
		SL_ERR_AWS_TOO_LARGE);
	assert_int_equal(
		sl_s3_get_object(f->client, "b", "k", 0, -1, 0, &out, &f->error), SL_ERR_OK);
	assert_int_equal(out.len, 15);
}

static void put_sends_type_and_bytes(void **state)
{
	struct fixture *f = *state;
	answer_with(f, "Content-Type", {200, NULL, NULL, 0});
	assert_int_equal(sl_s3_put_object(f->client, "b", "k/\xed\x95\x9c.json", "application/json",
				 "{\"a\":1}", 7, &f->error),
		SL_ERR_OK);
	assert_int_equal(
		sl_s3_put_object(f->client, "b", "empty", NULL, NULL, 0, &f->error), SL_ERR_OK);
	assert_string_equal(f->script.seen[0], "PUT /b/k/%ED%95%9C.json\n{\"a\":1}");
	assert_string_equal(f->script.header[0], "application/json");
	assert_string_equal(f->script.seen[1], "PUT /b/empty\n");
}

static void lists_are_paged_and_decoded(void **state)
{
	struct fixture *f = *state;
	answer_with(f, NULL,
		{200, NULL,
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
			"<Name>b</Name><Prefix>thumbs/</Prefix><EncodingType>url</EncodingType>"
			"<IsTruncated>true</IsTruncated><NextContinuationToken>1/+==</"
			"NextContinuationToken>"
			"<Contents><Key>thumbs/a+b%2Bc%25%23</Key><LastModified>x</LastModified>"
			"<Size>7</Size></Contents>"
			"<Contents><Key>thumbs/%ED%95%9C%22%26</Key><Size>0</Size></Contents>"
			"<CommonPrefixes><Prefix>x</Prefix></CommonPrefixes></ListBucketResult>",
			0},
		{200, NULL,
			"<ListBucketResult><IsTruncated>false</IsTruncated>"
			"<Contents><Size>1</Size><Key>plain+%20&amp;</Key></Contents>"
			"</ListBucketResult>",
			0});
	struct sl_s3_listing page = {0};
	assert_int_equal(
		sl_s3_list_objects(f->client, "b", "thumbs/", "thumbs/0 ", NULL, &page, &f->error),
		SL_ERR_OK);
	assert_int_equal(page.count, 2);
	assert_string_equal(page.entries[0].key, "thumbs/a b+c%#");
	assert_int_equal(page.entries[0].size_bytes, 7);
	assert_string_equal(page.entries[1].key, "thumbs/\xed\x95\x9c\"&");
	assert_string_equal(page.next_token, "1/+==");
	assert_non_null(strstr(f->script.seen[0], "list-type=2"));
	assert_non_null(strstr(f->script.seen[0], "encoding-type=url"));
	assert_non_null(strstr(f->script.seen[0], "prefix=thumbs%2F"));
	assert_non_null(strstr(f->script.seen[0], "start-after=thumbs%2F0%20"));
	sl_s3_listing_finish(&page);
	assert_int_equal(sl_s3_list_objects(f->client, "b", NULL, NULL, "1/+==", &page, &f->error),
		SL_ERR_OK);
	assert_non_null(strstr(f->script.seen[1], "continuation-token=1%2F%2B%3D%3D"));
	assert_int_equal(page.count, 1);
	assert_string_equal(page.entries[0].key, "plain+%20&"); /* no EncodingType: as it is */
	assert_null(page.next_token);
	sl_s3_listing_finish(&page);
}

static void lists_that_make_no_sense_are_refused(void **state)
{
	struct fixture *f = *state;
#define ITEM(text) "<ListBucketResult><Contents>" text "</Contents></ListBucketResult>"
	static const char *const bodies[] = {
		"",
		"{}",
		"<ListBucketResult>",
		"<html></html>",
		"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		ITEM("<Key>a</Key>"),
		ITEM("<Size>1</Size>"),
		ITEM("<Key>a</Key><Size>-1</Size>"),
		ITEM("<Key>a</Key><Size>x</Size>"),
		"<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%zz</Key>"
		"<Size>1</Size></Contents></ListBucketResult>",
		"<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%00b</Key>"
		"<Size>1</Size></Contents></ListBucketResult>",
	};
#undef ITEM
	for (size_t i = 0; i < SL_ARRAY_SIZE(bodies); i++) {
		const struct script_step step = {200, NULL, bodies[i], 0};
		script_set_steps(f, &step, 1, NULL);
		struct sl_s3_listing page = {0};
		enum sl_err err =
			sl_s3_list_objects(f->client, "b", NULL, NULL, NULL, &page, &f->error);
		if (err != SL_ERR_AWS_PROTOCOL || page.entries != NULL) {
			fail_msg("%s: %s", bodies[i], sl_err_code(err));
		}
	}
}

static void deletes_many_and_tells_what_stays(void **state)
{
	struct fixture *f = *state;
	answer_with(f, "Content-MD5",
		{200, NULL,
			"<DeleteResult "
			"xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></DeleteResult>",
			0},
		{200, NULL,
			"<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</"
			"Message>"
			"</Error><Error><Key>c</Key><Code>InternalError</Code></Error></"
			"DeleteResult>",
			0},
		{200, NULL,
			"<DeleteResult><Error><Key>c</Key><Code>InternalError</Code></Error>"
			"</DeleteResult>",
			0},
		{200, NULL, "<ListBucketResult/>", 0}, {200, NULL, "<DeleteResult>", 0});
	static const char *const keys[] = {"a&<b>\r\n.jpg", "\xed\x95\x9c \"'"};
	static const char *const control[] = {"a\001"};
	assert_int_equal(sl_s3_delete_objects(f->client, "b", keys, SL_ARRAY_SIZE(keys), &f->error),
		SL_ERR_OK);
	assert_string_equal(f->script.seen[0],
		"POST /b/?delete=\n"
		"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<Object><Key>a&#38;&#60;b&#62;&#13;&#10;.jpg</Key></Object>"
		"<Object><Key>\xed\x95\x9c \"'</Key></Object><Quiet>true</Quiet></Delete>");
	assert_string_equal(f->script.header[0], "AFNMoErHBnOBDYL2SMSurQ==");
	static const enum sl_err expected[] = {SL_ERR_AWS_FORBIDDEN, SL_ERR_AWS_UNAVAILABLE,
		SL_ERR_AWS_PROTOCOL, SL_ERR_AWS_PROTOCOL};
	for (size_t i = 0; i < SL_ARRAY_SIZE(expected); i++) {
		sl_error_finish(&f->error);
		assert_int_equal(
			sl_s3_delete_objects(f->client, "b", keys, 1, &f->error), expected[i]);
		if (i == 0) {
			assert_string_equal(f->error.provider.code, "AccessDenied");
		}
	}
	assert_int_equal(
		sl_s3_delete_objects(f->client, "b", control, 1, &f->error), SL_ERR_BAD_VALUE);
	assert_int_equal(
		sl_s3_delete_objects(f->client, "b", keys, 1001, &f->error), SL_ERR_OUT_OF_RANGE);
	size_t sent = f->script.seen_count;
	assert_int_equal(sl_s3_delete_objects(f->client, "b", NULL, 0, &f->error), SL_ERR_OK);
	assert_int_equal(f->script.seen_count, sent);
}

#define NOON INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */

static int64_t clock_at(void *context)
{
	return *(const int64_t *)context;
}

/* The signatures are botocore 1.29's for the same keys, clock, bucket and key. */
static void presigned_urls_are_botocores(void **state)
{
	(void)state;
	static const char key[] = "uploads/\xed\x95\x9c \xea\xb5\xad+%#'\"\xc3\xa9.mp4";
	static const struct {
		const char *endpoint;
		const char *content_type;
		const char *start;
		const char *signature;
	} cases[] = {
		{NULL, NULL,
			"https://my-bucket.s3.eu-west-1.amazonaws.com/uploads/%ED%95%9C%20%EA%B5%AD"
			"%2B%25%23%27%22%C3%A9.mp4?",
			"521bf0c7eca0bb0c01aab0a813b492cbf5a738964e1ca42fa1c7fa741038e52e"},
		{"http://127.0.0.1:4566", "video/mp4",
			"http://127.0.0.1:4566/my-bucket/uploads/%ED%95%9C%20%EA%B5%AD"
			"%2B%25%23%27%22%C3%A9.mp4?",
			"204aaceb87a0949b862911c8ae9df68104c0eaa4bc1a8e1ecd7ff83fdcb24817"},
	};
	int64_t now_ms = 1795372800000; /* 2026-11-22T18:40:00Z */
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_aws_destroyp)
		struct sl_aws *aws = stub_aws(cases[i].endpoint, NULL);
		sl_aws_set_clock(aws, clock_at, &now_ms);
		const struct sl_s3_grant grant = {.method = "PUT",
			.bucket = "my-bucket",
			.key = key,
			.content_type = cases[i].content_type,
			.expires_s = 900};
		SL_AUTO(sl_freep)
		char *url = NULL;
		int64_t end_ms;
		assert_int_equal(sl_s3_presign(aws, &grant, &url, &end_ms, NULL), SL_ERR_OK);
		assert_int_equal(end_ms, now_ms + 900000);
		SL_AUTO(sl_freep)
		char *signature = sl_asprintf("X-Amz-Signature=%s", cases[i].signature);
		assert_true(sl_text_starts_with(url, cases[i].start));
		if (strstr(url, signature) == NULL) {
			fail_msg("%s has not %s", url, signature);
		}
	}
}

static void a_presigned_url_lives_for_a_second_to_a_week(void **state)
{
	(void)state;
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = stub_aws(NULL, NULL);
	static const struct {
		int64_t expires_s;
		enum sl_err err;
	} cases[] = {{0, SL_ERR_OUT_OF_RANGE}, {1, SL_ERR_OK}, {604800, SL_ERR_OK},
		{604801, SL_ERR_OUT_OF_RANGE}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		const struct sl_s3_grant grant = {.method = "GET",
			.bucket = "b",
			.key = "k",
			.expires_s = cases[i].expires_s};
		SL_AUTO(sl_freep)
		char *url = NULL;
		assert_int_equal(sl_s3_presign(aws, &grant, &url, NULL, NULL), cases[i].err);
	}
}

static void presigned_urls_stay_the_same_for_as_long_as_is_wanted(void **state)
{
	(void)state;
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = stub_aws(NULL, NULL);
	int64_t now_ms = NOON;
	sl_aws_set_clock(aws, clock_at, &now_ms);
	const struct sl_s3_grant grant = {
		.method = "GET", .bucket = "b", .key = "k", .expires_s = 3900, .same_for_s = 300};
	SL_AUTO(sl_freep)
	char *first = NULL;
	assert_int_equal(sl_s3_presign(aws, &grant, &first, NULL, NULL), SL_ERR_OK);
	static const struct {
		int64_t later_ms;
		bool same;
		int64_t end_ms;
	} cases[] = {{1, true, 3900000}, {299999, true, 3900000}, {300000, false, 4200000}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		now_ms = NOON + cases[i].later_ms;
		SL_AUTO(sl_freep)
		char *url = NULL;
		int64_t end_ms;
		assert_int_equal(sl_s3_presign(aws, &grant, &url, &end_ms, NULL), SL_ERR_OK);
		assert_int_equal(strcmp(url, first) == 0, cases[i].same);
		assert_int_equal(end_ms, NOON + cases[i].end_ms);
	}
}

/* Keys of a role end; a URL that says it lives longer would be a lie. */
static void presigned_urls_end_with_the_credentials(void **state)
{
	struct fixture *f = *state;
	answer_with(f, NULL,
		{200, NULL,
			"{\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
			"\"Expiration\":\"2026-11-22T12:30:00Z\"}",
			0});
	sl_aws_destroy(stub_aws(NULL, NULL)); /* for its environment */
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	unsetenv("AWS_SESSION_TOKEN");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", stub_url(f->stub), 1);
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = NULL;
	assert_int_equal(sl_aws_create(&aws, &f->error), SL_ERR_OK);
	int64_t now_ms = NOON + 100000;
	sl_aws_set_clock(aws, clock_at, &now_ms);
	static const struct {
		int64_t expires_s, same_for_s;
		const char *stated;
		int64_t end_ms;
	} cases[] = {
		{3600, 0, "X-Amz-Expires=1700&", 1800000},
		{3600, 300, "X-Amz-Expires=1800&", 1800000},
		{60, 0, "X-Amz-Expires=60&", 160000},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		const struct sl_s3_grant grant = {.method = "GET",
			.bucket = "b",
			.key = "k",
			.expires_s = cases[i].expires_s,
			.same_for_s = cases[i].same_for_s};
		SL_AUTO(sl_freep)
		char *url = NULL;
		int64_t end_ms = 0;
		assert_int_equal(sl_s3_presign(aws, &grant, &url, &end_ms, NULL), SL_ERR_OK);
		assert_non_null(strstr(url, cases[i].stated));
		assert_int_equal(end_ms, NOON + cases[i].end_ms);
	}
	unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_reads_length_and_etag),
		cmocka_unit_test(head_failures_have_their_errors),
		cmocka_unit_test(get_asks_for_ranges_and_keeps_the_cap),
		cmocka_unit_test(put_sends_type_and_bytes),
		cmocka_unit_test(lists_are_paged_and_decoded),
		cmocka_unit_test(lists_that_make_no_sense_are_refused),
		cmocka_unit_test(deletes_many_and_tells_what_stays),
		cmocka_unit_test(presigned_urls_are_botocores),
		cmocka_unit_test(a_presigned_url_lives_for_a_second_to_a_week),
		cmocka_unit_test(presigned_urls_stay_the_same_for_as_long_as_is_wanted),
		cmocka_unit_test(presigned_urls_end_with_the_credentials),
	};
	return cmocka_run_group_tests(tests, script_setup, script_teardown);
}
