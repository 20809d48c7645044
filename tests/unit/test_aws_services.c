/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of services other than S3 against a server of the test: what goes out on the wire, and
 * what is made of what comes back. Signatures, retries and error codes in general are test_aws'
 * business.
 */
#include "aws_script.h"

#include <stdio.h>
#include <string.h>

#include "mediaconvert.h"
#include "mem.h"
#include "rekognition.h"
#include "sns.h"
#include "sns_topic.h"
#include "sts.h"
#include "text.h"
#include "transcribe.h"

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
	script_set_steps(f, steps_, SL_ARRAY_SIZE(steps_), NULL);
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
	script_set_steps(f, steps_, SL_ARRAY_SIZE(steps_), NULL);
	assert_int_equal(
		sl_mediaconvert_find_job(f->client, NULL, "videoId", "w", 9, &job, &f->error),
		SL_ERR_AWS_NOT_FOUND);
	assert_int_equal(f->script.seen_count, 4);
	script_set_steps(f, steps_, SL_ARRAY_SIZE(steps_), NULL);
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
		script_set_steps(f, &cases[i].step, 1, NULL);
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
	return cmocka_run_group_tests(tests, script_setup, script_teardown);
}
