/* SPDX-License-Identifier: Apache-2.0 */
/* What error answers mean, and when to try again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fault.h"
#include "retry.h"

static const struct {
	enum sl_service service;
	int status;
	const char *headers;
	const char *body;
	enum sl_fault fault;
	const char *code;
	const char *message;
} answers[] = {
	/* JSON protocols */
	{SL_SERVICE_REKOGNITION, 400, "",
		"{\"__type\":\"InvalidS3ObjectException\",\"Code\":\"x\",\"Message\":\"gone\"}",
		SL_FAULT_REJECTED, "InvalidS3ObjectException", "gone"},
	{SL_SERVICE_REKOGNITION, 400, "", "{\"__type\":\"LimitExceededException\"}", SL_FAULT_LIMIT,
		"LimitExceededException", NULL},
	{SL_SERVICE_REKOGNITION, 400, "",
		"{\"__type\":\"IdempotentParameterMismatchException\",\"message\":\"m\"}",
		SL_FAULT_CONFLICT, "IdempotentParameterMismatchException", "m"},
	{SL_SERVICE_DYNAMODB, 400, "",
		"{\"__type\":\"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException\","
		"\"message\":\"no table\"}",
		SL_FAULT_NOT_FOUND, "ResourceNotFoundException", "no table"},
	{SL_SERVICE_DYNAMODB, 400, "",
		"{\"__type\":\"com.amazon.coral.service#UnrecognizedClientException\"}",
		SL_FAULT_CREDENTIALS, "UnrecognizedClientException", NULL},
	{SL_SERVICE_DYNAMODB, 400, "", "{\"__type\":\"x#ProvisionedThroughputExceededException\"}",
		SL_FAULT_THROTTLED, "ProvisionedThroughputExceededException", NULL},
	{SL_SERVICE_DYNAMODB, 400, "", "{\"__type\":\"x#ResourceInUseException\"}",
		SL_FAULT_CONFLICT, "ResourceInUseException", NULL},
	{SL_SERVICE_DYNAMODB, 400, "",
		"{\"__type\":\"com.amazon.coral.service#InvalidSignatureException\","
		"\"message\":\"Signature expired: 20150830T123600Z is now earlier than …\"}",
		SL_FAULT_SKEW, "InvalidSignatureException",
		"Signature expired: 20150830T123600Z is now earlier than …"},
	{SL_SERVICE_TRANSCRIBE, 400, "",
		"{\"__type\":\"BadRequestException\",\"Message\":\"The requested job couldn't be "
		"found. Check the job name and try your request again.\"}",
		SL_FAULT_NOT_FOUND, "BadRequestException",
		"The requested job couldn't be found. Check the job name and try your request "
		"again."},
	{SL_SERVICE_TRANSCRIBE, 400, "", "{\"__type\":\"ConflictException\"}", SL_FAULT_CONFLICT,
		"ConflictException", NULL},
	{SL_SERVICE_TRANSCRIBE, 500, "", "not json", SL_FAULT_TRANSIENT, NULL, NULL},
	/* rest-json: the header counts first */
	{SL_SERVICE_MEDIACONVERT, 404,
		"x-amzn-ErrorType: NotFoundException:http://internal.amazon.com/\r\n",
		"{\"message\":\"no job\"}", SL_FAULT_NOT_FOUND, "NotFoundException", "no job"},
	{SL_SERVICE_MEDIACONVERT, 429, "x-amzn-errortype: TooManyRequestsException\r\n", "{}",
		SL_FAULT_THROTTLED, "TooManyRequestsException", NULL},
	{SL_SERVICE_MEDIACONVERT, 403, "x-amzn-errortype: ForbiddenException\r\n", "",
		SL_FAULT_FORBIDDEN, "ForbiddenException", NULL},
	{SL_SERVICE_MEDIACONVERT, 403, "",
		"{\"message\":\"The security token included in the request is expired\","
		"\"code\":\"ExpiredTokenException\"}",
		SL_FAULT_EXPIRED, "ExpiredTokenException",
		"The security token included in the request is expired"},
	/* query */
	{SL_SERVICE_SNS, 400, "",
		"<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error>"
		"<Type>Sender</Type><Code>InvalidParameter</Code>"
		"<Message>Invalid parameter: Token</Message></Error>"
		"<RequestId>r-1</RequestId></ErrorResponse>",
		SL_FAULT_REJECTED, "InvalidParameter", "Invalid parameter: Token"},
	{SL_SERVICE_STS, 403, "",
		"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature not "
		"yet current: …</Message></Error></ErrorResponse>",
		SL_FAULT_SKEW, "SignatureDoesNotMatch", "Signature not yet current: …"},
	{SL_SERVICE_STS, 403, "",
		"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>",
		SL_FAULT_CREDENTIALS, "InvalidClientTokenId", NULL},
	/* S3 */
	{SL_SERVICE_S3, 404, "",
		"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>No &amp; "
		"never</Message><RequestId>r-2</RequestId></Error>",
		SL_FAULT_NOT_FOUND, "NoSuchKey", "No & never"},
	{SL_SERVICE_S3, 503, "", "<Error><Code>SlowDown</Code></Error>", SL_FAULT_THROTTLED,
		"SlowDown", NULL},
	{SL_SERVICE_S3, 403, "", "<Error><Code>RequestTimeTooSkewed</Code></Error>", SL_FAULT_SKEW,
		"RequestTimeTooSkewed", NULL},
	{SL_SERVICE_S3, 400, "", "<Error><Code>RequestTimeout</Code></Error>", SL_FAULT_TRANSIENT,
		"RequestTimeout", NULL},
	{SL_SERVICE_S3, 404, "", "", SL_FAULT_NOT_FOUND, "NotFound", NULL},
	{SL_SERVICE_S3, 403, "", "", SL_FAULT_FORBIDDEN, "Forbidden", NULL},
	{SL_SERVICE_S3, 301, "", "", SL_FAULT_REJECTED, "PermanentRedirect", NULL},
	{SL_SERVICE_S3, 501, "", "<html>", SL_FAULT_UNAVAILABLE, NULL, NULL},
};

static void error_answers_are_understood_in_every_protocol(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(answers); i++) {
		struct sl_answer answer = {.status = answers[i].status};
		sl_buf_puts(&answer.headers, "HTTP/1.1 400 Bad\r\n");
		sl_buf_puts(&answer.headers, answers[i].headers);
		sl_buf_puts(&answer.body, answers[i].body);
		const struct sl_call call = {.service = answers[i].service, .operation = "Op"};
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_fault fault = sl_fault_read(&call, &answer, &error);
		assert_int_equal(fault, answers[i].fault);
		assert_int_equal(error.code, sl_fault_err(fault));
		assert_int_equal(error.provider.http_status, answers[i].status);
		assert_string_equal(error.provider.operation, "Op");
		if (answers[i].code) {
			assert_string_equal(error.provider.code, answers[i].code);
		} else {
			assert_null(error.provider.code);
		}
		if (answers[i].message) {
			assert_string_equal(error.provider.message, answers[i].message);
		} else {
			assert_null(error.provider.message);
		}
		sl_answer_finish(&answer);
	}
}

static void headers_are_found_whatever_their_case(void **state)
{
	(void)state;
	struct sl_answer answer = {0};
	sl_buf_puts(&answer.headers,
		"HTTP/1.1 200 OK\r\nETag:  \"x\" \r\nX-Amz-Retry-After: 1500\r\nRetry-After: 7\r\n"
		"Date: Fri, 24 May 2013 00:10:00 GMT\r\nEmpty:\r\n\r\n");
	static const char *const cases[][2] = {
		{"etag", "\"x\""}, {"retry-after", "7"}, {"empty", ""}, {"tag", NULL}, {"x", NULL}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		char *got = sl_answer_header(&answer, cases[i][0]);
		if (cases[i][1]) {
			assert_string_equal(got, cases[i][1]);
		} else {
			assert_null(got);
		}
		free(got);
	}
	int64_t offset_ms = 0;
	assert_true(sl_fault_clock_offset(&answer, INT64_C(1369353600000), &offset_ms));
	assert_int_equal(offset_ms, 600000);
	assert_true(sl_fault_clock_is_off(&answer, INT64_C(1369353600000)));
	assert_false(sl_fault_clock_is_off(&answer, INT64_C(1369354000000)));
	sl_answer_finish(&answer);
}

static void delays_grow_to_their_ceiling(void **state)
{
	(void)state;
	static const struct {
		int attempt;
		double random;
		int64_t delay_ms;
	} cases[] = {{1, 0.0, 0}, {1, 1.0, 1000}, {1, 0.5, 500}, {2, 1.0, 2000}, {3, 0.25, 1000},
		{5, 1.0, 16000}, {6, 1.0, 20000}, {1000, 1.0, 20000}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			sl_retry_delay_ms(cases[i].attempt, cases[i].random), cases[i].delay_ms);
	}
	for (int i = 0; i < 1000; i++) {
		double random = sl_retry_random();
		assert_true(random >= 0.0 && random < 1.0);
	}
}

static void the_quota_runs_out_and_fills_again(void **state)
{
	(void)state;
	struct sl_retry_quota quota;
	sl_retry_quota_init(&quota);
	for (int i = 0; i < SL_RETRY_QUOTA / SL_RETRY_COST; i++) {
		assert_true(sl_retry_quota_take(&quota, SL_RETRY_COST));
	}
	assert_false(sl_retry_quota_take(&quota, SL_RETRY_COST));
	sl_retry_quota_give(&quota, SL_RETRY_COST);
	assert_false(sl_retry_quota_take(&quota, SL_RETRY_TIMEOUT_COST));
	assert_true(sl_retry_quota_take(&quota, SL_RETRY_COST));
	sl_retry_quota_give(&quota, 10 * SL_RETRY_QUOTA);
	assert_true(sl_retry_quota_take(&quota, SL_RETRY_QUOTA));
	assert_false(sl_retry_quota_take(&quota, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_answers_are_understood_in_every_protocol),
		cmocka_unit_test(headers_are_found_whatever_their_case),
		cmocka_unit_test(delays_grow_to_their_ceiling),
		cmocka_unit_test(the_quota_runs_out_and_fills_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
