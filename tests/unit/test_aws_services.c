/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service files against a server of the test: what goes out on the wire, and what is made of
 * what comes back. Signatures, retries and error codes in general are test_aws' business.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws_stub.h"
#include "call_internal.h"
#include "dynamodb.h"
#include "json_spec.h"
#include "mediaconvert.h"
#include "mem.h"
#include "rekognition.h"
#include "s3.h"
#include "sns.h"
#include "sns_topic.h"
#include "sts.h"
#include "text.h"
#include "transcribe.h"

#define MAX_SEEN 64

/* What the stub answers, in order (the last one again and again), and what it has seen. */
struct script_step {
	int status;
	const char *headers;
	const char *body;
	int64_t length; /* of a HEAD */
};

struct script {
	const struct script_step *steps;
	size_t step_count;
	size_t at;
	stub_handler *handler; /* instead of steps */
	void *handler_context;
	char *seen[MAX_SEEN];   /* "METHOD target\nbody" */
	char *header[MAX_SEEN]; /* the one that `watched` names */
	const char *watched;
	size_t seen_count;
};

struct fixture {
	struct stub *stub;
	struct sl_aws *aws;
	struct sl_client *client;
	struct script script;
	struct sl_error error;
};

/* The client waits for each answer, so that requests come one after the other. */
static void play(void *context, const struct stub_request *request, struct stub_reply *reply)
{
	struct script *script = context;
	if (script->seen_count < MAX_SEEN) {
		script->seen[script->seen_count] =
			sl_asprintf("%s %s\n%s", request->method, request->target,
				request->body.len < 65536 ? sl_buf_str(&request->body) : "");
		script->header[script->seen_count] =
			script->watched != NULL ? stub_header(request, script->watched) : NULL;
		script->seen_count++;
	}
	if (script->handler != NULL) {
		script->handler(script->handler_context, request, reply);
		return;
	}
	const struct script_step *step = &script->steps[script->at];
	script->at += script->at + 1 < script->step_count ? 1 : 0;
	reply->status = step->status;
	reply->length = step->length;
	sl_buf_puts(&reply->headers, step->headers != NULL ? step->headers : "");
	sl_buf_puts(&reply->body, step->body != NULL ? step->body : "");
}

static void rewind_script(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->script.seen_count; i++) {
		free(fixture->script.seen[i]);
		free(fixture->script.header[i]);
	}
	fixture->script = (struct script){0};
	sl_error_finish(&fixture->error);
}

static void set_steps(
	struct fixture *fixture, const struct script_step *steps, size_t count, const char *watched)
{
	rewind_script(fixture);
	fixture->script.steps = steps;
	fixture->script.step_count = count;
	fixture->script.watched = watched;
}

#define answer_with(fixture, watched, ...) \
	static const struct script_step steps_[] = {__VA_ARGS__}; \
	set_steps((fixture), steps_, SL_ARRAY_SIZE(steps_), (watched))

static int setup(void **state)
{
	struct fixture *fixture = sl_calloc(1, sizeof *fixture);
	fixture->stub = stub_create(play, &fixture->script);
	fixture->aws = stub_aws(stub_url(fixture->stub), NULL);
	fixture->client = sl_client_create(fixture->aws);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	sl_client_destroy(fixture->client);
	sl_aws_destroy(fixture->aws);
	stub_destroy(fixture->stub);
	rewind_script(fixture);
	free(fixture);
	return 0;
}

/* Compares a request's JSON body, whatever the order of its keys. */
static void assert_body(const struct fixture *fixture, size_t which, const char *expected)
{
	assert_true(which < fixture->script.seen_count);
	const char *body = strchr(fixture->script.seen[which], '\n') + 1;
	json_auto_t *actual_json = json_loads(body, 0, NULL);
	json_auto_t *expected_json = json_loads(expected, 0, NULL);
	assert_non_null(expected_json);
	if (!json_equal(actual_json, expected_json)) {
		fail_msg("%s\nis not\n%s", body, expected);
	}
}

static void assert_line(const struct fixture *fixture, size_t which, const char *expected)
{
	assert_true(which < fixture->script.seen_count);
	SL_AUTO(sl_freep)
	char *line =
		sl_strndup(fixture->script.seen[which], strcspn(fixture->script.seen[which], "\n"));
	assert_string_equal(line, expected);
}

/* --- S3 ------------------------------------------------------------------------------------- */

static void s3_head_reads_length_and_etag(void **state)
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

static void s3_head_failures_have_their_errors(void **state)
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
		set_steps(f, &cases[i].step, 1, NULL);
		struct sl_s3_object object = {0, NULL};
		assert_int_equal(sl_s3_head_object(f->client, "b", "k", &object, &f->error),
			cases[i].expected);
		assert_int_equal(f->error.provider.http_status, cases[i].step.status);
		assert_null(object.etag);
	}
	set_steps(f, &cases[2].step, 1, NULL);
	struct sl_s3_object object = {0, NULL};
	(void)!sl_s3_head_object(f->client, "b", "k", &object, &f->error);
	assert_string_equal(f->error.provider.code, "PermanentRedirect");
}

static void s3_get_asks_for_ranges_and_keeps_the_cap(void **state)
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

static void s3_put_sends_type_and_bytes(void **state)
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

static void s3_lists_are_paged_and_decoded(void **state)
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

static void s3_lists_that_make_no_sense_are_refused(void **state)
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
		set_steps(f, &step, 1, NULL);
		struct sl_s3_listing page = {0};
		enum sl_err err =
			sl_s3_list_objects(f->client, "b", NULL, NULL, NULL, &page, &f->error);
		if (err != SL_ERR_AWS_PROTOCOL || page.entries != NULL) {
			fail_msg("%s: %s", bodies[i], sl_err_code(err));
		}
	}
}

static void s3_deletes_many_and_tells_what_stays(void **state)
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

static int64_t frozen_clock(void *context)
{
	(void)context;
	return 1795372800000; /* 2026-11-22T18:40:00Z */
}

/* The signatures are botocore 1.29's for the same keys, clock, bucket and key. */
static void s3_presigned_urls_are_botocores(void **state)
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
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_aws_destroyp)
		struct sl_aws *aws = stub_aws(cases[i].endpoint, NULL);
		sl_aws_set_clock(aws, frozen_clock, NULL);
		SL_AUTO(sl_freep)
		char *url = NULL;
		assert_int_equal(sl_s3_presign(aws, "PUT", "my-bucket", key, cases[i].content_type,
					 900, &url, NULL),
			SL_ERR_OK);
		SL_AUTO(sl_freep)
		char *signature = sl_asprintf("X-Amz-Signature=%s", cases[i].signature);
		assert_true(sl_text_starts_with(url, cases[i].start));
		if (strstr(url, signature) == NULL) {
			fail_msg("%s has not %s", url, signature);
		}
		assert_int_equal(sl_s3_presign(aws, "GET", "b", "k", NULL, 0, &url, NULL),
			SL_ERR_OUT_OF_RANGE);
		assert_int_equal(sl_s3_presign(aws, "GET", "b", "k", NULL, 604801, &url, NULL),
			SL_ERR_OUT_OF_RANGE);
	}
}

/* --- MediaConvert --------------------------------------------------------------------------- */

#define JOB(id, status, rest) "{\"id\":\"" id "\",\"status\":\"" status "\"" rest "}"

static void mediaconvert_creates_and_reads_jobs(void **state)
{
	struct fixture *f = *state;
	answer_with(f, "Content-Type", {201, NULL, "{\"job\":" JOB("1-a", "SUBMITTED", "") "}", 0},
		{200, NULL,
			"{\"job\":" JOB("1-a", "PROGRESSING",
				",\"jobPercentComplete\":42,\"unknown\":null,\"errorCode\":null") "}",
			0},
		{200, NULL,
			"{\"job\":" JOB("1-a", "COMPLETE",
				",\"outputGroupDetails\":[{\"outputDetails\":[{\"durationInMs\":7}]"
				"}],"
				"\"userMetadata\":{\"videoId\":\"v\"}") "}",
			0},
		{200, NULL,
			"{\"job\":" JOB("1-a", "ERROR",
				",\"errorCode\":1404,\"errorMessage\":\"HTTP error\"") "}",
			0},
		{200, NULL, "{\"job\":" JOB("1-a", "PAUSED", "") "}", 0}, {200, NULL, "{}", 0},
		{202, NULL, "{}", 0});
	json_auto_t *body = json_loads("{\"role\":\"r\",\"settings\":{\"inputs\":[]}}", 0, NULL);
	struct sl_mediaconvert_job job = {0};
	assert_int_equal(sl_mediaconvert_create_job(f->client, body, &job, &f->error), SL_ERR_OK);
	assert_string_equal(job.id, "1-a");
	assert_int_equal(job.status, SL_MEDIACONVERT_SUBMITTED);
	assert_line(f, 0, "POST /2017-08-29/jobs");
	assert_body(f, 0, "{\"role\":\"r\",\"settings\":{\"inputs\":[]}}");
	assert_string_equal(f->script.header[0], "application/json");
	sl_mediaconvert_job_finish(&job);

	assert_int_equal(sl_mediaconvert_get_job(f->client, "1-a", &job, &f->error), SL_ERR_OK);
	assert_line(f, 1, "GET /2017-08-29/jobs/1-a");
	assert_int_equal(job.status, SL_MEDIACONVERT_PROGRESSING);
	assert_int_equal(job.percent, 42);
	assert_int_equal(job.error_code, 0);
	sl_mediaconvert_job_finish(&job);

	assert_int_equal(sl_mediaconvert_get_job(f->client, "1-a", &job, &f->error), SL_ERR_OK);
	assert_int_equal(job.status, SL_MEDIACONVERT_COMPLETE);
	assert_int_equal(job.percent, 100);
	assert_int_equal(json_array_size(job.output_group_details), 1);
	assert_string_equal(json_string_value(json_object_get(job.user_metadata, "videoId")), "v");
	sl_mediaconvert_job_finish(&job);

	assert_int_equal(sl_mediaconvert_get_job(f->client, "1-a", &job, &f->error), SL_ERR_OK);
	assert_int_equal(job.status, SL_MEDIACONVERT_ERROR);
	assert_int_equal(job.error_code, 1404);
	assert_string_equal(job.error_message, "HTTP error");
	sl_mediaconvert_job_finish(&job);

	for (int i = 0; i < 2; i++) { /* a status that is not known, no job at all */
		assert_int_equal(sl_mediaconvert_get_job(f->client, "1-a", &job, &f->error),
			SL_ERR_AWS_PROTOCOL);
		assert_null(job.id);
	}
	assert_int_equal(sl_mediaconvert_cancel_job(f->client, "1-a", &f->error), SL_ERR_OK);
	assert_line(f, 6, "DELETE /2017-08-29/jobs/1-a");
	assert_int_equal(sl_mediaconvert_get_job(f->client, "../presets", &job, &f->error),
		SL_ERR_AWS_NOT_FOUND);
	assert_int_equal(f->script.seen_count, 7);
}

static void mediaconvert_creates_again_only_with_a_token(void **state)
{
	struct fixture *f = *state;
	answer_with(f, NULL, {500, NULL, "{\"message\":\"x\"}", 0},
		{201, NULL, "{\"job\":" JOB("1-a", "SUBMITTED", "") "}", 0});
	json_auto_t *without = json_pack("{s:s}", "role", "r");
	json_auto_t *with = json_pack("{s:s, s:s}", "role", "r", "clientRequestToken", "t");
	struct sl_mediaconvert_job job = {0};
	assert_int_equal(sl_mediaconvert_create_job(f->client, without, &job, &f->error),
		SL_ERR_AWS_UNAVAILABLE);
	assert_int_equal(f->script.seen_count, 1);
	set_steps(f, steps_, SL_ARRAY_SIZE(steps_), NULL);
	assert_int_equal(sl_mediaconvert_create_job(f->client, with, &job, &f->error), SL_ERR_OK);
	assert_int_equal(f->script.seen_count, 2);
	sl_mediaconvert_job_finish(&job);
}

static void mediaconvert_finds_a_job_by_its_metadata(void **state)
{
	struct fixture *f = *state;
	answer_with(f, NULL,
		{200, NULL,
			"{\"jobs\":[" JOB("1", "ERROR", "") "," JOB("2", "COMPLETE",
				",\"userMetadata\":{\"videoId\":\"x\"}") "],\"nextToken\":\"a+/"
									 "b\"}",
			0},
		{200, NULL,
			"{\"jobs\":[" JOB("3", "PROGRESSING",
				",\"userMetadata\":{\"videoId\":\"v\"}") "],\"nextToken\":\"c\"}",
			0},
		{200, NULL, "{\"jobs\":[],\"nextToken\":\"d\"}", 0},
		{200, NULL, "{\"jobs\":[]}", 0});
	struct sl_mediaconvert_job job = {0};
	assert_int_equal(
		sl_mediaconvert_find_job(f->client, "Default", "videoId", "v", 5, &job, &f->error),
		SL_ERR_OK);
	assert_string_equal(job.id, "3");
	assert_non_null(strstr(f->script.seen[0], "order=DESCENDING"));
	assert_non_null(strstr(f->script.seen[0], "maxResults=20"));
	assert_non_null(strstr(f->script.seen[0], "queue=Default"));
	assert_null(strstr(f->script.seen[0], "nextToken"));
	assert_non_null(strstr(f->script.seen[1], "nextToken=a%2B%2Fb"));
	sl_mediaconvert_job_finish(&job);
	set_steps(f, steps_, SL_ARRAY_SIZE(steps_), NULL);
	assert_int_equal(
		sl_mediaconvert_find_job(f->client, NULL, "videoId", "w", 9, &job, &f->error),
		SL_ERR_AWS_NOT_FOUND);
	assert_int_equal(f->script.seen_count, 4);
	set_steps(f, steps_, SL_ARRAY_SIZE(steps_), NULL);
	assert_int_equal(
		sl_mediaconvert_find_job(f->client, NULL, "videoId", "w", 2, &job, &f->error),
		SL_ERR_AWS_NOT_FOUND);
	assert_int_equal(f->script.seen_count, 2);
}

/* --- Rekognition ---------------------------------------------------------------------------- */

static void rekognition_recognizes_celebrities(void **state)
{
	struct fixture *f = *state;
	answer_with(f, "X-Amz-Target",
		{200, NULL, "{\"CelebrityFaces\":[{\"Name\":\"A\"}],\"UnrecognizedFaces\":[]}", 0},
		{200, NULL, "{}", 0});
	json_t *answer = NULL;
	assert_int_equal(sl_rekognition_recognize_celebrities(
				 f->client, "b", "t/0 \xed\x95\x9c.jpg", &answer, &f->error),
		SL_ERR_OK);
	assert_body(f, 0,
		"{\"Image\":{\"S3Object\":{\"Bucket\":\"b\",\"Name\":\"t/0 \xed\x95\x9c.jpg\"}}}");
	assert_string_equal(f->script.header[0], "RekognitionService.RecognizeCelebrities");
	assert_int_equal(json_array_size(json_object_get(answer, "CelebrityFaces")), 1);
	json_decref(answer);
	assert_int_equal(
		sl_rekognition_recognize_celebrities(f->client, "b", "k", &answer, &f->error),
		SL_ERR_AWS_PROTOCOL);
	assert_int_equal(
		sl_rekognition_recognize_celebrities(f->client, "b", "\xff", &answer, &f->error),
		SL_ERR_BAD_VALUE);
}

static void rekognition_starts_label_detection(void **state)
{
	struct fixture *f = *state;
	answer_with(
		f, NULL, {200, NULL, "{\"JobId\":\"j1\"}", 0}, {200, NULL, "{\"JobId\":\"\"}", 0});
	struct sl_rekognition_label_request request = {.bucket = "b",
		.key = "k",
		.min_confidence = 85,
		.token = "t-1",
		.job_tag = "v:1",
		.topic_arn = "arn:t",
		.role_arn = "arn:r"};
	SL_AUTO(sl_freep)
	char *id = NULL;
	assert_int_equal(sl_rekognition_start_label_detection(f->client, &request, &id, &f->error),
		SL_ERR_OK);
	assert_string_equal(id, "j1");
	assert_body(f, 0,
		"{\"Video\":{\"S3Object\":{\"Bucket\":\"b\",\"Name\":\"k\"}},\"MinConfidence\":85."
		"0,"
		"\"ClientRequestToken\":\"t-1\",\"JobTag\":\"v:1\","
		"\"NotificationChannel\":{\"SNSTopicArn\":\"arn:t\",\"RoleArn\":\"arn:r\"}}");
	request.job_tag = NULL;
	request.topic_arn = NULL;
	char *none = NULL;
	assert_int_equal(
		sl_rekognition_start_label_detection(f->client, &request, &none, &f->error),
		SL_ERR_AWS_PROTOCOL);
	assert_null(none);
	assert_body(f, 1,
		"{\"Video\":{\"S3Object\":{\"Bucket\":\"b\",\"Name\":\"k\"}},\"MinConfidence\":85."
		"0,"
		"\"ClientRequestToken\":\"t-1\"}");
}

static void rekognition_too_many_jobs_is_a_limit(void **state)
{
	struct fixture *f = *state;
	answer_with(f, NULL,
		{400, NULL, "{\"__type\":\"LimitExceededException\",\"Message\":\"22 open Jobs\"}",
			0});
	struct sl_rekognition_label_request request = {
		.bucket = "b", .key = "k", .min_confidence = 85, .token = "t"};
	char *id = NULL;
	assert_int_equal(sl_rekognition_start_label_detection(f->client, &request, &id, &f->error),
		SL_ERR_AWS_LIMIT);
	assert_string_equal(f->error.provider.message, "22 open Jobs");
	assert_int_equal(f->script.seen_count, 1);
}

static void rekognition_pages_end_with_an_empty_token_too(void **state)
{
	struct fixture *f = *state;
	answer_with(f, NULL, {200, NULL, "{\"JobStatus\":\"IN_PROGRESS\"}", 0},
		{200, NULL,
			"{\"JobStatus\":\"SUCCEEDED\",\"NextToken\":\"n\",\"LabelModelVersion\":"
			"\"3.0\","
			"\"VideoMetadata\":{\"DurationMillis\":1000},\"Labels\":[{\"Timestamp\":0}]"
			"}",
			0},
		{200, NULL, "{\"JobStatus\":\"SUCCEEDED\",\"NextToken\":\"\",\"Labels\":[]}", 0},
		{200, NULL, "{\"JobStatus\":\"SUCCEEDED\",\"NextToken\":null,\"Labels\":[]}", 0},
		{200, NULL, "{\"JobStatus\":\"FAILED\",\"StatusMessage\":\"bad codec\"}", 0},
		{200, NULL, "{\"JobStatus\":\"SUCCEEDED\",\"Labels\":{}}", 0},
		{200, NULL, "{\"Labels\":[]}", 0});
	struct sl_rekognition_labels page = {0};
	assert_int_equal(
		sl_rekognition_get_label_detection(f->client, "j", NULL, 1000, &page, &f->error),
		SL_ERR_OK);
	assert_int_equal(page.status, SL_REKOGNITION_IN_PROGRESS);
	assert_body(f, 0, "{\"JobId\":\"j\",\"MaxResults\":1000,\"SortBy\":\"TIMESTAMP\"}");
	assert_null(page.labels);
	sl_rekognition_labels_finish(&page);
	assert_int_equal(
		sl_rekognition_get_label_detection(f->client, "j", NULL, 1000, &page, &f->error),
		SL_ERR_OK);
	assert_string_equal(page.next_token, "n");
	assert_string_equal(page.model_version, "3.0");
	assert_int_equal(json_array_size(page.labels), 1);
	assert_non_null(page.video);
	sl_rekognition_labels_finish(&page);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sl_rekognition_get_label_detection(
					 f->client, "j", "n", 1000, &page, &f->error),
			SL_ERR_OK);
		assert_null(page.next_token);
		sl_rekognition_labels_finish(&page);
	}
	assert_body(f, 2,
		"{\"JobId\":\"j\",\"MaxResults\":1000,\"SortBy\":\"TIMESTAMP\",\"NextToken\":"
		"\"n\"}");
	assert_int_equal(
		sl_rekognition_get_label_detection(f->client, "j", NULL, 1000, &page, &f->error),
		SL_ERR_OK);
	assert_int_equal(page.status, SL_REKOGNITION_FAILED);
	assert_string_equal(page.status_message, "bad codec");
	sl_rekognition_labels_finish(&page);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sl_rekognition_get_label_detection(
					 f->client, "j", NULL, 1000, &page, &f->error),
			SL_ERR_AWS_PROTOCOL);
	}
}

/* --- Transcribe ----------------------------------------------------------------------------- */

static void transcribe_starts_and_reads_jobs(void **state)
{
	struct fixture *f = *state;
	answer_with(f, "X-Amz-Target",
		{200, NULL,
			"{\"TranscriptionJob\":{\"TranscriptionJobName\":\"n\","
			"\"TranscriptionJobStatus\":\"QUEUED\"}}",
			0},
		{200, NULL,
			"{\"TranscriptionJob\":{\"TranscriptionJobName\":\"n\",\"LanguageCode\":"
			"\"ko-KR\","
			"\"TranscriptionJobStatus\":\"COMPLETED\",\"Transcript\":{"
			"\"TranscriptFileUri\":"
			"\"https://x\"}}}",
			0},
		{200, NULL,
			"{\"TranscriptionJob\":{\"TranscriptionJobName\":\"n\","
			"\"TranscriptionJobStatus\":\"FAILED\",\"FailureReason\":\"no audio\"}}",
			0},
		{200, NULL, "{\"TranscriptionJob\":{\"TranscriptionJobName\":\"n\"}}", 0});
	struct sl_transcribe_request request = {.name = "n",
		.media_uri = "s3://b/a.m4a",
		.media_format = "m4a",
		.language_code = "en-US",
		.output_bucket = "b",
		.output_key = "t/n.json",
		.max_speakers = 4};
	struct sl_transcribe_job job = {0};
	assert_int_equal(sl_transcribe_start_job(f->client, &request, &job, &f->error), SL_ERR_OK);
	assert_int_equal(job.status, SL_TRANSCRIBE_QUEUED);
	assert_string_equal(f->script.header[0], "Transcribe.StartTranscriptionJob");
	assert_body(f, 0,
		"{\"TranscriptionJobName\":\"n\",\"Media\":{\"MediaFileUri\":\"s3://b/a.m4a\"},"
		"\"MediaFormat\":\"m4a\",\"LanguageCode\":\"en-US\",\"OutputBucketName\":\"b\","
		"\"OutputKey\":\"t/n.json\","
		"\"Settings\":{\"ShowSpeakerLabels\":true,\"MaxSpeakerLabels\":4}}");
	sl_transcribe_job_finish(&job);
	request.language_code = NULL;
	request.max_speakers = 0;
	assert_int_equal(sl_transcribe_start_job(f->client, &request, &job, &f->error), SL_ERR_OK);
	assert_int_equal(job.status, SL_TRANSCRIBE_COMPLETED);
	assert_string_equal(job.language_code, "ko-KR");
	assert_body(f, 1,
		"{\"TranscriptionJobName\":\"n\",\"Media\":{\"MediaFileUri\":\"s3://b/a.m4a\"},"
		"\"MediaFormat\":\"m4a\",\"OutputBucketName\":\"b\",\"OutputKey\":\"t/n.json\","
		"\"IdentifyLanguage\":true}");
	sl_transcribe_job_finish(&job);
	assert_int_equal(sl_transcribe_get_job(f->client, "n", &job, &f->error), SL_ERR_OK);
	assert_int_equal(job.status, SL_TRANSCRIBE_FAILED);
	assert_string_equal(job.failure_reason, "no audio");
	sl_transcribe_job_finish(&job);
	assert_int_equal(
		sl_transcribe_get_job(f->client, "n", &job, &f->error), SL_ERR_AWS_PROTOCOL);
	assert_null(job.name);
}

static void transcribe_errors_are_told_apart(void **state)
{
	struct fixture *f = *state;
	static const struct {
		struct script_step step;
		enum sl_err expected;
	} cases[] = {
		{{400, NULL,
			 "{\"__type\":\"BadRequestException\",\"Message\":\"The requested job "
			 "couldn't "
			 "be found. Check the job name and try your request again.\"}",
			 0},
			SL_ERR_AWS_NOT_FOUND},
		{{400, NULL,
			 "{\"__type\":\"BadRequestException\",\"Message\":\"1 validation error\"}",
			 0},
			SL_ERR_AWS_REJECTED},
		{{400, NULL, "{\"__type\":\"ConflictException\",\"Message\":\"exists\"}", 0},
			SL_ERR_AWS_CONFLICT},
		{{400, NULL, "{\"__type\":\"LimitExceededException\",\"Message\":\"250\"}", 0},
			SL_ERR_AWS_LIMIT},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		set_steps(f, &cases[i].step, 1, NULL);
		struct sl_transcribe_job job = {0};
		assert_int_equal(
			sl_transcribe_get_job(f->client, "n", &job, &f->error), cases[i].expected);
	}
}

static void transcribe_deletes_what_may_be_gone(void **state)
{
	struct fixture *f = *state;
	answer_with(f, "X-Amz-Target", {200, NULL, NULL, 0},
		{400, NULL,
			"{\"__type\":\"BadRequestException\",\"Message\":\"The requested job "
			"couldn't "
			"be found. Check the job name and try your request again.\"}",
			0},
		{400, NULL, "{\"__type\":\"LimitExceededException\",\"Message\":\"250\"}", 0});
	assert_int_equal(sl_transcribe_delete_job(f->client, "n", &f->error), SL_ERR_OK);
	assert_string_equal(f->script.header[0], "Transcribe.DeleteTranscriptionJob");
	assert_body(f, 0, "{\"TranscriptionJobName\":\"n\"}");
	assert_int_equal(sl_transcribe_delete_job(f->client, "n", &f->error), SL_ERR_OK);
	assert_int_equal(f->error.code, SL_ERR_OK);
	assert_int_equal(sl_transcribe_delete_job(f->client, "n", &f->error), SL_ERR_AWS_LIMIT);
}

/* --- SNS, STS ------------------------------------------------------------------------------- */

static void sns_confirms_without_credentials(void **state)
{
	struct fixture *f = *state;
	answer_with(f, "Authorization",
		{200, NULL,
			"<ConfirmSubscriptionResponse "
			"xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">"
			"<ConfirmSubscriptionResult><SubscriptionArn>arn:s</SubscriptionArn>"
			"</ConfirmSubscriptionResult></ConfirmSubscriptionResponse>",
			0},
		{200, NULL,
			"<SubscribeResponse><SubscribeResult><SubscriptionArn>pending "
			"confirmation</SubscriptionArn></SubscribeResult></SubscribeResponse>",
			0},
		{200, NULL, "<SubscribeResponse/>", 0});
	SL_AUTO(sl_freep)
	char *arn = NULL;
	assert_int_equal(sl_sns_confirm_subscription(f->client, "arn:t:1", "a+/=", &arn, &f->error),
		SL_ERR_OK);
	assert_string_equal(arn, "arn:s");
	assert_null(f->script.header[0]);
	assert_string_equal(f->script.seen[0],
		"POST /\nAction=ConfirmSubscription&Version=2010-03-31&TopicArn=arn%3At%3A1"
		"&Token=a%2B%2F%3D");
	SL_AUTO(sl_freep)
	char *pending = NULL;
	assert_int_equal(sl_sns_subscribe(f->client, "arn:t", "https", "https://h/sns?a=b&c", NULL,
				 &pending, &f->error),
		SL_ERR_OK);
	assert_string_equal(pending, "pending confirmation");
	assert_non_null(f->script.header[1]);
	assert_non_null(strstr(f->script.seen[1], "Endpoint=https%3A%2F%2Fh%2Fsns%3Fa%3Db%26c"));
	char *none = NULL;
	assert_int_equal(sl_sns_subscribe(f->client, "arn:t", "https", "x", NULL, &none, &f->error),
		SL_ERR_AWS_PROTOCOL);
	assert_null(none);
}

static void sts_says_who_we_are(void **state)
{
	struct fixture *f = *state;
	answer_with(f, NULL,
		{200, NULL,
			"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:u</"
			"Arn><UserId>U"
			"</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
			"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
			"</GetCallerIdentityResponse>",
			0},
		{200, NULL,
			"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:u</Arn>"
			"</GetCallerIdentityResult></GetCallerIdentityResponse>",
			0});
	struct sl_sts_identity identity = {NULL, NULL, NULL};
	assert_int_equal(sl_sts_get_caller_identity(f->client, &identity, &f->error), SL_ERR_OK);
	assert_string_equal(identity.account, "123456789012");
	assert_string_equal(identity.arn, "arn:u");
	assert_string_equal(identity.user_id, "U");
	sl_sts_identity_finish(&identity);
	assert_int_equal(
		sl_sts_get_caller_identity(f->client, &identity, &f->error), SL_ERR_AWS_PROTOCOL);
	assert_null(identity.account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s3_head_reads_length_and_etag),
		cmocka_unit_test(s3_head_failures_have_their_errors),
		cmocka_unit_test(s3_get_asks_for_ranges_and_keeps_the_cap),
		cmocka_unit_test(s3_put_sends_type_and_bytes),
		cmocka_unit_test(s3_lists_are_paged_and_decoded),
		cmocka_unit_test(s3_lists_that_make_no_sense_are_refused),
		cmocka_unit_test(s3_deletes_many_and_tells_what_stays),
		cmocka_unit_test(s3_presigned_urls_are_botocores),
		cmocka_unit_test(mediaconvert_creates_and_reads_jobs),
		cmocka_unit_test(mediaconvert_creates_again_only_with_a_token),
		cmocka_unit_test(mediaconvert_finds_a_job_by_its_metadata),
		cmocka_unit_test(rekognition_recognizes_celebrities),
		cmocka_unit_test(rekognition_starts_label_detection),
		cmocka_unit_test(rekognition_too_many_jobs_is_a_limit),
		cmocka_unit_test(rekognition_pages_end_with_an_empty_token_too),
		cmocka_unit_test(transcribe_starts_and_reads_jobs),
		cmocka_unit_test(transcribe_errors_are_told_apart),
		cmocka_unit_test(transcribe_deletes_what_may_be_gone),
		cmocka_unit_test(sns_confirms_without_credentials),
		cmocka_unit_test(sts_says_who_we_are),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
