/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults in the shapes and codes that each service gives them. Entry point: lc_faults_answer. Any
 * thread.
 */
#include <string.h>

#include "faults.h"
#include "rekognition.h"
#include "text.h"

struct answer {
	int status;
	const char *code, *message;
};

struct answers {
	const char *service;
	struct answer throttle, server_error, expired_token, limit;
};

#define DYNAMODB    "com.amazonaws.dynamodb.v20120810#"
#define CORAL       "com.amazon.coral.service#"
#define EXPIRED     "The security token included in the request is expired"
#define TRY_AGAIN   "We encountered an internal error. Please try again."
#define RATE        "Rate exceeded"
#define REDUCE_RATE "Please reduce your request rate."

/* clang-format off */
static const struct answers all[] = {
	{"s3",
		{503, "SlowDown", REDUCE_RATE},
		{500, "InternalError", TRY_AGAIN},
		{400, "ExpiredToken", "The provided token has expired."},
		{503, "SlowDown", REDUCE_RATE}},
	{"sns",
		{400, "Throttling", RATE},
		{500, "InternalFailure", TRY_AGAIN},
		{403, "ExpiredToken", EXPIRED},
		{403, "TopicLimitExceeded", "The limit of topics is reached"}},
	{"events",
		{400, "ThrottlingException", RATE},
		{500, "InternalException", TRY_AGAIN},
		{400, "ExpiredTokenException", EXPIRED},
		{400, "LimitExceededException", "The requested resource exceeds the maximum number allowed."}},
	{"sts",
		{400, "Throttling", RATE},
		{500, "InternalFailure", TRY_AGAIN},
		{403, "ExpiredToken", EXPIRED},
		{400, "Throttling", RATE}},
	{"dynamodb",
		{400, DYNAMODB "ProvisionedThroughputExceededException",
			"The level of configured provisioned throughput for the table was exceeded. "
			"Consider increasing your provisioning level with the UpdateTable API."},
		{500, DYNAMODB "InternalServerError", "Internal server error"},
		{400, CORAL "ExpiredTokenException", EXPIRED},
		{400, DYNAMODB "LimitExceededException", "Subscriber limit exceeded"}},
	{"mediaconvert",
		{429, "TooManyRequestsException", "Too Many Requests"},
		{500, "InternalServerErrorException", "Internal server error"},
		{403, "ExpiredTokenException", EXPIRED},
		{429, "TooManyRequestsException", "The number of jobs in your queues is at its limit"}},
	{"rekognition",
		{400, "ThrottlingException", RATE},
		{500, "InternalServerError", "Internal server error"},
		{400, "ExpiredTokenException", EXPIRED},
		{400, "LimitExceededException",
			"20 open Jobs for User " LC_ACCOUNT ". Maximum limit: 20"}},
	{"transcribe",
		{400, "ThrottlingException", RATE},
		{500, "InternalFailureException", "Internal failure"},
		{400, "ExpiredTokenException", EXPIRED},
		{400, "LimitExceededException",
			"You have reached the maximum number of concurrent transcription jobs."}},
};
/* clang-format on */

static const struct answer rekognition_image_throttle = {
	400, "ProvisionedThroughputExceededException", "Provisioned rate exceeded"};

static const struct answer *find(
	enum lc_fault_kind kind, const char *service, const char *operation)
{
	const struct answers *answers = &all[0];
	for (size_t i = 0; i < SL_ARRAY_SIZE(all); i++) {
		if (strcmp(all[i].service, service) == 0) {
			answers = &all[i];
		}
	}
	/* Its single-image operations have a rate of their own, its jobs share the API's. */
	if (kind == LC_FAULT_THROTTLE && strcmp(service, "rekognition") == 0 &&
		!sl_text_starts_with(operation, "Start") &&
		!sl_text_starts_with(operation, "Get")) {
		return &rekognition_image_throttle;
	}
	return kind == LC_FAULT_THROTTLE         ? &answers->throttle
		: kind == LC_FAULT_SERVER_ERROR  ? &answers->server_error
		: kind == LC_FAULT_EXPIRED_TOKEN ? &answers->expired_token
						 : &answers->limit;
}

static void refuse(const struct answer *answer, enum lc_protocol protocol,
	const struct lc_request *request, struct lc_reply *reply)
{
	switch (protocol) {
	case LC_PROTOCOL_JSON:
		if (sl_text_equal(request->service, "rekognition")) {
			lc_rekognition_refuse(reply, request, answer->code, "%s", answer->message);
			reply->status = answer->status;
		} else {
			lc_reply_json_refusal(
				reply, request, answer->status, answer->code, answer->message);
		}
		break;
	case LC_PROTOCOL_REST_JSON:
		lc_reply_header(reply, "x-amzn-ErrorType", answer->code);
		reply->status = answer->status;
		lc_reply_json(
			reply, "application/json", json_pack("{s:s}", "message", answer->message));
		break;
	default:
		lc_reply_xml_error(reply, request, protocol == LC_PROTOCOL_QUERY, answer->status,
			answer->code, "%s", answer->message);
	}
}

void lc_faults_answer(enum lc_fault_kind kind, enum lc_protocol protocol, const char *operation,
	const struct lc_request *request, struct lc_reply *reply)
{
	if (kind == LC_FAULT_GARBAGE) {
		reply->content_type = protocol == LC_PROTOCOL_JSON ? "application/x-amz-json-1.1"
			: protocol == LC_PROTOCOL_REST_JSON        ? "application/json"
								   : "application/xml";
		sl_buf_puts(&reply->body, "<{\"garbage\": \x01[tru");
		return;
	}
	refuse(find(kind, request->service, operation), protocol, request, reply);
}
