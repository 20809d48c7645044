/* SPDX-License-Identifier: Apache-2.0 */
/* What an error answer means: sl_fault_read() takes code, message and request id out of any of the
 * four protocols, and one table says what a code asks for. Pure; any thread. */

#include "fault.h"

#include <curl/curl.h>
#include <string.h>

#include "diagnose.h"
#include "mem.h"
#include "text.h"
#include "xml.h"

#define SKEW_MS (INT64_C(5) * 60 * 1000) /* AWS tolerates no more */

/* Codes whose meaning the HTTP status alone does not give. */
static const struct {
	const char *code;
	enum sl_fault fault;
} known_codes[] = {
	/* throttling, as in "standard" mode */
	{"Throttling", SL_FAULT_THROTTLED},
	{"ThrottlingException", SL_FAULT_THROTTLED},
	{"ThrottledException", SL_FAULT_THROTTLED},
	{"RequestThrottledException", SL_FAULT_THROTTLED},
	{"RequestThrottled", SL_FAULT_THROTTLED},
	{"TooManyRequestsException", SL_FAULT_THROTTLED},
	{"ProvisionedThroughputExceededException", SL_FAULT_THROTTLED},
	{"TransactionInProgressException", SL_FAULT_THROTTLED},
	{"RequestLimitExceeded", SL_FAULT_THROTTLED},
	{"BandwidthLimitExceeded", SL_FAULT_THROTTLED},
	{"SlowDown", SL_FAULT_THROTTLED},
	{"PriorRequestNotComplete", SL_FAULT_THROTTLED},
	{"EC2ThrottledException", SL_FAULT_THROTTLED},
	/* quick retries are useless against these, unlike what "standard" mode does */
	{"LimitExceededException", SL_FAULT_LIMIT},
	{"LimitExceeded", SL_FAULT_LIMIT},
	/* transient */
	{"RequestTimeout", SL_FAULT_TRANSIENT},
	{"RequestTimeoutException", SL_FAULT_TRANSIENT},
	{"InternalError", SL_FAULT_TRANSIENT},
	{"InternalServerError", SL_FAULT_TRANSIENT},
	{"ReplicatedWriteConflictException", SL_FAULT_TRANSIENT},
	{"IDPCommunicationError", SL_FAULT_TRANSIENT},
	/* the clock */
	{"RequestTimeTooSkewed", SL_FAULT_SKEW},
	{"RequestExpired", SL_FAULT_SKEW},
	{"RequestInTheFuture", SL_FAULT_SKEW},
	/* the credentials */
	{"ExpiredToken", SL_FAULT_EXPIRED},
	{"ExpiredTokenException", SL_FAULT_EXPIRED},
	{"TokenRefreshRequired", SL_FAULT_EXPIRED},
	{"InvalidAccessKeyId", SL_FAULT_CREDENTIALS},
	{"InvalidClientTokenId", SL_FAULT_CREDENTIALS},
	{"InvalidToken", SL_FAULT_CREDENTIALS},
	{"UnrecognizedClientException", SL_FAULT_CREDENTIALS},
	{"SignatureDoesNotMatch", SL_FAULT_CREDENTIALS},
	{"InvalidSignatureException", SL_FAULT_CREDENTIALS},
	{"InvalidSignature", SL_FAULT_CREDENTIALS},
	{"IncompleteSignature", SL_FAULT_CREDENTIALS},
	{"IncompleteSignatureException", SL_FAULT_CREDENTIALS},
	{"MissingAuthenticationToken", SL_FAULT_CREDENTIALS},
	{"MissingAuthenticationTokenException", SL_FAULT_CREDENTIALS},
	{"AuthFailure", SL_FAULT_CREDENTIALS},
	/* the resource */
	{"AccessDenied", SL_FAULT_FORBIDDEN},
	{"AccessDeniedException", SL_FAULT_FORBIDDEN},
	{"AuthorizationError", SL_FAULT_FORBIDDEN},
	{"AuthorizationErrorException", SL_FAULT_FORBIDDEN},
	{"ForbiddenException", SL_FAULT_FORBIDDEN},
	{"ResourceNotFoundException", SL_FAULT_NOT_FOUND},
	{"TableNotFoundException", SL_FAULT_NOT_FOUND}, /* of a table's backups */
	{"NotFoundException", SL_FAULT_NOT_FOUND},
	{"NoSuchKey", SL_FAULT_NOT_FOUND},
	{"NoSuchBucket", SL_FAULT_NOT_FOUND},
	{"QueueDoesNotExist", SL_FAULT_NOT_FOUND},
	{"AWS.SimpleQueueService.NonExistentQueue", SL_FAULT_NOT_FOUND},
	{"ConflictException", SL_FAULT_CONFLICT},
	{"ResourceInUseException", SL_FAULT_CONFLICT},
	{"IdempotentParameterMismatchException", SL_FAULT_CONFLICT},
	{"BucketAlreadyOwnedByYou", SL_FAULT_CONFLICT},
	{"BucketAlreadyExists", SL_FAULT_CONFLICT},
};

enum sl_err sl_fault_err(enum sl_fault fault)
{
	static const enum sl_err errs[] = {
		[SL_FAULT_REJECTED] = SL_ERR_AWS_REJECTED,
		[SL_FAULT_NOT_FOUND] = SL_ERR_AWS_NOT_FOUND,
		[SL_FAULT_FORBIDDEN] = SL_ERR_AWS_FORBIDDEN,
		[SL_FAULT_CREDENTIALS] = SL_ERR_AWS_CREDENTIALS,
		[SL_FAULT_EXPIRED] = SL_ERR_AWS_CREDENTIALS,
		[SL_FAULT_SKEW] = SL_ERR_AWS_CREDENTIALS,
		[SL_FAULT_THROTTLED] = SL_ERR_AWS_THROTTLED,
		[SL_FAULT_LIMIT] = SL_ERR_AWS_LIMIT,
		[SL_FAULT_CONFLICT] = SL_ERR_AWS_CONFLICT,
		[SL_FAULT_TRANSIENT] = SL_ERR_AWS_UNAVAILABLE,
		[SL_FAULT_UNAVAILABLE] = SL_ERR_AWS_UNAVAILABLE,
	};
	return errs[fault];
}

/* "com.amazonaws.dynamodb.v20120810#Code:http://…" → "Code"; NULL when nothing is left. */
static char *bare_code(const char *text)
{
	if (!text) {
		return NULL;
	}
	size_t len = strcspn(text, ":");
	const char *hash = memchr(text, '#', len);
	const char *start = hash ? hash + 1 : text;
	len -= (size_t)(start - text);
	return len > 0 ? sl_strndup(start, len) : NULL;
}

static const char *string_member(const json_t *root, const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		const char *value = json_string_value(json_object_get(root, names[i]));
		if (value && *value) {
			return value;
		}
	}
	return NULL;
}

static void read_json(const struct sl_answer *answer, struct sl_provider_error *provider)
{
	static const char *const code_names[] = {"__type", "code", "Code", NULL};
	static const char *const message_names[] = {"message", "Message", "errorMessage", NULL};
	SL_AUTO(sl_freep)
	char *type = sl_answer_header(answer, "x-amzn-errortype");
	json_auto_t *root = json_loadb(
		sl_buf_str(&answer->body), answer->body.len, JSON_REJECT_DUPLICATES, NULL);
	provider->code = bare_code(type ? type : string_member(root, code_names));
	provider->message = sl_strdup(string_member(root, message_names));
}

static void read_xml(const struct sl_answer *answer, struct sl_provider_error *provider)
{
	const char *body = sl_buf_str(&answer->body);
	provider->code = sl_xml_find(body, answer->body.len, "Error/Code");
	provider->message = sl_xml_find(body, answer->body.len, "Error/Message");
	if (!provider->request_id) {
		provider->request_id = sl_xml_find(body, answer->body.len, "RequestId");
	}
}

/* A HEAD answer has no body, so its status has to do. */
static const char *code_of_status(int status)
{
	switch (status) {
	case 301:
	case 307:
	case 308:
		return "PermanentRedirect";
	case 400:
		return "BadRequest";
	case 403:
		return "Forbidden";
	case 404:
		return "NotFound";
	case 412:
		return "PreconditionFailed";
	case 429:
		return "TooManyRequests";
	case 503:
		return "ServiceUnavailable";
	default:
		return NULL;
	}
}

static enum sl_fault fault_of_status(int status)
{
	switch (status) {
	case 401:
		return SL_FAULT_CREDENTIALS;
	case 403:
		return SL_FAULT_FORBIDDEN;
	case 404:
		return SL_FAULT_NOT_FOUND;
	case 409:
		return SL_FAULT_CONFLICT;
	case 429:
		return SL_FAULT_THROTTLED;
	case 408:
	case 500:
	case 502:
	case 503:
	case 504:
		return SL_FAULT_TRANSIENT;
	default:
		return status >= 500 ? SL_FAULT_UNAVAILABLE : SL_FAULT_REJECTED;
	}
}

static bool mentions(const char *message, const char *words)
{
	return message && strcasestr(message, words);
}

static enum sl_fault classify(const struct sl_provider_error *provider)
{
	enum sl_fault fault = fault_of_status(provider->http_status);
	for (size_t i = 0; provider->code && i < SL_ARRAY_SIZE(known_codes); i++) {
		if (strcmp(provider->code, known_codes[i].code) == 0) {
			fault = known_codes[i].fault;
		}
	}
	bool late = mentions(provider->message, "Signature expired") ||
		mentions(provider->message, "Signature not yet current");
	if (fault == SL_FAULT_CREDENTIALS && late) {
		return SL_FAULT_SKEW;
	}
	/* Transcribe knows no NotFoundException for a job that it was never given. */
	bool transcribe = strcmp(provider->service, "transcribe") == 0;
	if (fault == SL_FAULT_REJECTED && transcribe &&
		mentions(provider->message, "couldn't be found")) {
		return SL_FAULT_NOT_FOUND;
	}
	return fault;
}

static int64_t retry_after_ms(const struct sl_answer *answer)
{
	int64_t value = 0;
	SL_AUTO(sl_freep)
	char *exact = sl_answer_header(answer, "x-amz-retry-after");
	if (exact && sl_text_parse_i64(exact, 0, 3600000, &value)) {
		return value;
	}
	SL_AUTO(sl_freep)
	char *seconds = sl_answer_header(answer, "retry-after");
	if (seconds && sl_text_parse_i64(seconds, 0, 3600, &value)) {
		return value * 1000;
	}
	return 0;
}

static void describe(const struct sl_call *call, const struct sl_answer *answer,
	const struct sl_provider_error *provider, enum sl_err code, struct sl_error *error)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf advice = SL_BUF_INIT;
	sl_diagnose_advice(&advice, call, answer, provider->code, provider->message, code);
	if (provider->code) {
		sl_error_set(error, code, "%s %s: %s%s%s (HTTP %d)%s", provider->service,
			provider->operation, provider->code, provider->message ? ": " : "",
			provider->message ? provider->message : "", provider->http_status,
			sl_buf_str(&advice));
	} else {
		sl_error_set(error, code, "%s %s: HTTP %d%s", provider->service,
			provider->operation, provider->http_status, sl_buf_str(&advice));
	}
}

enum sl_fault sl_fault_read(
	const struct sl_call *call, const struct sl_answer *answer, struct sl_error *error)
{
	struct sl_provider_error provider = {
		.service = sl_strdup(sl_service_name(call->service)),
		.operation = sl_strdup(call->operation),
		.request_id = sl_strdup(answer->request_id),
		.http_status = answer->status,
	};
	enum sl_protocol protocol = sl_service_protocol(call->service);
	if (protocol == SL_PROTOCOL_JSON || protocol == SL_PROTOCOL_REST_JSON) {
		read_json(answer, &provider);
	} else {
		read_xml(answer, &provider);
	}
	if (!provider.code) {
		provider.code = sl_strdup(code_of_status(answer->status));
	}
	enum sl_fault fault = classify(&provider);
	describe(call, answer, &provider, sl_fault_err(fault), error);
	error->provider = provider;
	error->retry_after_ms = retry_after_ms(answer);
	return fault;
}

bool sl_fault_clock_offset(const struct sl_answer *answer, int64_t now_ms, int64_t *ret_offset_ms)
{
	SL_AUTO(sl_freep)
	char *date = sl_answer_header(answer, "date");
	time_t seconds = date ? curl_getdate(date, NULL) : -1;
	if (seconds < 0) {
		return false;
	}
	*ret_offset_ms = (int64_t)seconds * 1000 - now_ms;
	return true;
}

bool sl_fault_clock_is_off(const struct sl_answer *answer, int64_t now_ms)
{
	int64_t offset_ms = 0;
	if (!sl_fault_clock_offset(answer, now_ms, &offset_ms)) {
		return false;
	}
	return offset_ms > SKEW_MS || offset_ms < -SKEW_MS;
}
