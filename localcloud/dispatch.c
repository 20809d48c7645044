/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticates a request and hands it to its service, which the credential scope names.
 * Entry points: lc_dispatch_begin, lc_dispatch_complete. The request's HTTP thread.
 */
#include "dispatch.h"

#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "faults.h"
#include "text.h"

#define UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

static void refuse_auth(struct lc_call *call)
{
	lc_auth_refuse(&call->reply, &call->request, call->protocol, &call->problem);
	call->refused = true;
}

SL_PRINTF(4, 5)
static void refuse(struct lc_call *call, int status, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *message = sl_vasprintf(format, arguments);
	va_end(arguments);

	if (call->protocol == LC_PROTOCOL_JSON || call->protocol == LC_PROTOCOL_REST_JSON) {
		lc_reply_json_error(&call->reply, status, code, "%s", message);
	} else {
		lc_reply_xml_error(&call->reply, &call->request,
			call->protocol == LC_PROTOCOL_QUERY, status, code, "%s", message);
	}
	call->refused = true;
}

/* --- before the body ---------------------------------------------------------------------- */

static bool is_control_path(const char *path)
{
	return strcmp(path, "/_localcloud/faults") == 0 ||
		strcmp(path, "/_localcloud/journal") == 0;
}

/* An unsigned or misaddressed request still gets an error that its client can read. */
static enum lc_protocol guess_protocol(const struct lc_request *request)
{
	const char *type = lc_request_header(request, "content-type");

	if (lc_request_header(request, "x-amz-target")) {
		return LC_PROTOCOL_JSON;
	}
	if (sl_text_starts_with(request->raw_path, "/2017-08-29/") ||
		is_control_path(request->raw_path)) {
		return LC_PROTOCOL_REST_JSON;
	}
	SL_AUTO(sl_freep)
	char *action = lc_request_query(request, "Action");
	if (action || (type && sl_text_starts_with(type, "application/x-www-form-urlencoded"))) {
		return LC_PROTOCOL_QUERY;
	}
	return LC_PROTOCOL_S3;
}

static void find_service(struct lc_call *call)
{
	call->request.service = call->auth.service;
	call->request.region = call->auth.region;
	call->service = call->auth.service ? lc_service_find(call->auth.service) : NULL;
	call->protocol = call->service ? call->service->protocol : guess_protocol(&call->request);
	if (sl_text_equal(call->auth.service, "sqs") &&
		!lc_request_header(&call->request, "x-amz-target")) {
		call->protocol = LC_PROTOCOL_QUERY; /* it speaks both */
	}
}

static bool known_payload_literal(const char *payload_hash)
{
	static const char *const known[] = {
		UNSIGNED_PAYLOAD,
		"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(known); i++) {
		if (strcmp(payload_hash, known[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_hex_digest(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* S3's signature is over the hash that the client declares, so it is judged before a body of
 * gigabytes comes in; everyone else's is over the body itself. */
static enum lc_auth_fault check_s3_signature(struct lc_call *call)
{
	const char *hash = call->auth.payload_hash ? call->auth.payload_hash : UNSIGNED_PAYLOAD;

	if (!known_payload_literal(hash) && !is_hex_digest(hash)) {
		call->problem.fault = LC_AUTH_PAYLOAD_UNDECLARED;
		call->problem.message =
			sl_strdup("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
				  "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-"
				  "PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid "
				  "sha256 value.");
		return call->problem.fault;
	}
	return lc_auth_check_signature(
		call->cloud, &call->request, &call->auth, hash, &call->problem);
}

/* A temporary key is good with its own token and in its time. */
static enum lc_auth_fault check_session(struct lc_call *call)
{
	bool s3 = call->protocol == LC_PROTOCOL_S3;
	if (!call->session.arn) {
		return LC_AUTH_OK;
	}
	if (!sl_text_equal(call->auth.token, call->session.token)) {
		call->problem.fault = call->auth.token ? LC_AUTH_TOKEN : LC_AUTH_UNKNOWN_KEY;
		call->problem.message = sl_strdup(!s3
				? "The security token included in the request is invalid."
				: call->auth.token
				? "The provided token is malformed or otherwise invalid."
				: "The AWS Access Key Id you provided does not exist in our "
				  "records.");
	} else if (sl_clock_now_ms() >= call->session.expires_ms) {
		call->problem.fault = LC_AUTH_TOKEN_EXPIRED;
		call->problem.message =
			sl_strdup(s3 ? "The provided token has expired."
				     : "The security token included in the request is expired");
	}
	return call->problem.fault;
}

static void judge_claims(struct lc_call *call)
{
	if (lc_session_find(call->auth.access_key, &call->session)) {
		call->auth.secret = sl_strdup(call->session.secret_key);
	}
	enum lc_auth_fault fault = lc_auth_check_claims(
		call->cloud, &call->request, &call->auth, sl_clock_now_ms(), &call->problem);
	if (fault == LC_AUTH_OK) {
		fault = check_session(call);
	}
	if (fault == LC_AUTH_OK && !call->service) {
		call->problem.fault = fault = LC_AUTH_REGION;
		call->problem.message = sl_asprintf("Credential should be scoped to correct "
						    "service; '%s' is none of localcloud's.",
			call->auth.service);
	}
	if (fault == LC_AUTH_OK && call->protocol == LC_PROTOCOL_S3) {
		fault = check_s3_signature(call);
	}
	if (fault != LC_AUTH_OK) {
		refuse_auth(call);
	}
}

void lc_dispatch_begin(struct lc_call *call, int64_t content_length)
{
	call->reply.status = 200;
	call->reply.file_fd = -1;
	enum lc_auth_fault fault = lc_auth_parse(&call->request, &call->auth, &call->problem);
	find_service(call);
	if (fault != LC_AUTH_OK) {
		refuse_auth(call);
	} else if (call->auth.form != LC_AUTH_NONE) {
		judge_claims(call);
	}
	lc_body_init(&call->body, call->cloud, &call->request, &call->auth);
	if (!call->refused && content_length >= 0 && (uint64_t)content_length > call->body.cap) {
		call->body.fault = LC_BODY_TOO_LARGE;
	}
}

/* --- after the body ----------------------------------------------------------------------- */

static bool is_certificate_path(const char *path)
{
	static const char prefix[] = "/SimpleNotificationService-";
	if (!sl_text_starts_with(path, prefix)) {
		return false;
	}
	path += strlen(prefix);
	return strspn(path, "0123456789abcdef") == 32 && strcmp(path + 32, ".pem") == 0;
}

static void health(struct lc_call *call)
{
	lc_reply_json(&call->reply, "application/json",
		json_pack("{s:s, s:s}", "status", "ok", "version", SL_VERSION));
}

/* Who has a web identity's token has no keys yet. */
static bool is_web_identity(const struct lc_request *request)
{
	SL_AUTO(sl_freep)
	char *action = lc_request_query(request, "Action");
	if (!action && request->body) {
		action = lc_form_value(request->body, request->body_len, "Action");
	}
	return sl_text_equal(action, "AssumeRoleWithWebIdentity");
}

/* What anyone may ask of SNS with the token of the message, signed or not. */
static bool is_open_sns_action(const struct lc_request *request)
{
	SL_AUTO(sl_freep)
	char *action = lc_request_query(request, "Action");
	if (!action && request->body) {
		action = lc_form_value(request->body, request->body_len, "Action");
	}
	return sl_text_equal(action, "ConfirmSubscription") || sl_text_equal(action, "Unsubscribe");
}

static void handle_unsigned(struct lc_call *call)
{
	struct lc_request *request = &call->request;
	bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

	if (reads && strcmp(request->raw_path, "/_localcloud/health") == 0) {
		health(call);
	} else if (is_control_path(request->raw_path)) {
		lc_control_handle(request, &call->reply);
	} else if (reads && is_certificate_path(request->raw_path)) {
		lc_sns_certificate(call->cloud, request, &call->reply);
	} else if (strcmp(request->raw_path, "/") == 0 && is_open_sns_action(request)) {
		lc_sns_handle(call->cloud, request, &call->reply);
	} else if (strcmp(request->raw_path, "/") == 0 && is_web_identity(request)) {
		request->service = "sts";
		lc_sts_handle(call->cloud, request, &call->reply);
	} else {
		call->problem.fault = LC_AUTH_MISSING;
		call->problem.message = sl_strdup(call->protocol == LC_PROTOCOL_S3
				? "Access Denied"
				: "Missing Authentication Token");
		refuse_auth(call);
	}
}

static void refuse_body(struct lc_call *call, enum lc_body_fault fault)
{
	switch (fault) {
	case LC_BODY_TOO_LARGE:
		if (call->protocol == LC_PROTOCOL_S3) {
			refuse(call, 400, "EntityTooLarge",
				"Your proposed upload exceeds the maximum allowed size");
		} else {
			refuse(call, 413, "RequestEntityTooLargeException",
				"The request body is larger than %llu bytes",
				(unsigned long long)LC_BODY_CAP);
		}
		break;
	case LC_BODY_BAD_CODING:
		refuse(call, 400, "IncompleteBody",
			"The request body terminated unexpectedly or is not valid aws-chunked "
			"coding");
		break;
	case LC_BODY_BAD_CHUNK:
		refuse(call, 403, "SignatureDoesNotMatch",
			"The signature of a chunk of the body does not match");
		break;
	case LC_BODY_BAD_DIGEST:
		refuse(call, 400, "BadDigest",
			"The Content-MD5 or checksum value that you specified did not match what "
			"the "
			"server received");
		break;
	default:
		sl_log(SL_LOG_ERROR, "cannot store a request body",
			SL_F("request_id", call->request.request_id), SL_F_END);
		refuse(call, 500, "InternalError",
			"We encountered an internal error. Please try again.");
	}
}

/* What the signature says of the body, once the body is there. */
static enum lc_auth_fault check_payload(struct lc_call *call)
{
	const struct lc_auth *auth = &call->auth;
	const struct lc_request *request = &call->request;

	if (call->protocol != LC_PROTOCOL_S3) {
		return lc_auth_check_signature(
			call->cloud, request, auth, request->body_sha256, &call->problem);
	}
	if (!auth->payload_hash || known_payload_literal(auth->payload_hash) ||
		strcmp(auth->payload_hash, request->body_sha256) == 0) {
		return LC_AUTH_OK;
	}
	call->problem.fault = LC_AUTH_PAYLOAD_MISMATCH;
	call->problem.message = sl_strdup(
		"The provided 'x-amz-content-sha256' header does not match what was computed.");
	call->problem.detail =
		sl_asprintf("<ClientComputedContentSHA256>%s</ClientComputedContentSHA256>"
			    "<S3ComputedContentSHA256>%s</S3ComputedContentSHA256>",
			auth->payload_hash, request->body_sha256);
	return LC_AUTH_PAYLOAD_MISMATCH;
}

/* Lets the service answer, if who asks may have it. */
static void handle(struct lc_call *call, const char *operation)
{
	const struct lc_session *session = call->session.arn ? &call->session : NULL;
	lc_session_enter(session);
	if (!session ||
		lc_authorize(session, call->cloud, call->protocol, operation, &call->request,
			&call->reply)) {
		call->service->handle(call->cloud, &call->request, &call->reply);
	}
	if (session) {
		lc_authorize_answer(session, operation, &call->request, &call->reply);
	}
	lc_session_enter(NULL);
}

/* Lets the service answer, unless a fault was asked for. */
static void serve(struct lc_call *call)
{
	const char *service = call->service->name;
	SL_AUTO(sl_freep)
	char *operation = lc_operation_name(call->protocol, &call->request);
	bool slow = false;
	bool ok = false;
	enum lc_fault_kind kind = lc_faults_request(service, operation, &slow);

	switch (kind) {
	case LC_FAULT_CUT_BEFORE:
		call->cut = true;
		break;
	case LC_FAULT_THROTTLE:
	case LC_FAULT_SERVER_ERROR:
	case LC_FAULT_GARBAGE:
	case LC_FAULT_EXPIRED_TOKEN:
	case LC_FAULT_LIMIT:
		lc_faults_answer(kind, call->protocol, operation, &call->request, &call->reply);
		break;
	default:
		handle(call, operation);
		ok = call->reply.status < 400;
		call->cut = kind == LC_FAULT_CUT_AFTER;
	}
	lc_journal_call(
		service, operation, ok, slow || kind != LC_FAULT_NONE || call->reply.faulted);
}

void lc_dispatch_complete(struct lc_call *call)
{
	if (call->refused) {
		return;
	}
	char md5_hex[33];
	enum lc_body_fault fault = lc_body_complete(&call->body, &call->request, md5_hex);
	if (fault != LC_BODY_OK) {
		refuse_body(call, fault);
	} else if (call->auth.form == LC_AUTH_NONE) {
		handle_unsigned(call);
	} else if (check_payload(call) != LC_AUTH_OK) {
		refuse_auth(call);
	} else {
		serve(call);
	}
	call->request.body_md5_hex = NULL; /* it was in this frame */
}

void lc_dispatch_finish(struct lc_call *call)
{
	lc_body_finish(&call->body);
	lc_auth_finish(&call->auth);
	lc_session_finish(&call->session);
	lc_auth_problem_finish(&call->problem);
	for (size_t i = 0; i < call->reply.extra_count; i++) {
		free(call->reply.extra[i].name);
		free(call->reply.extra[i].value);
	}
	sl_buf_finish(&call->reply.body);
	free(call->reply.file_path);
	if (call->cut && call->reply.file_fd >= 0) {
		close(call->reply.file_fd); /* else sending it has closed it */
	}
}
