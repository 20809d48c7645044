/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each protocol says that a request is not let in: one table, faults by protocols.
 * Entry point: lc_auth_refuse. Any thread.
 */
#include <string.h>

#include "auth.h"

struct refusal {
	int status;
	const char *code;
};

/* clang-format off */
static const struct refusal refusals[LC_AUTH_FAULT_COUNT_][LC_PROTOCOL_COUNT_] = {
	/*                       JSON  REST_JSON  QUERY  S3 */
	[LC_AUTH_MISSING] = {
		{400, "MissingAuthenticationTokenException"}, {403, "MissingAuthenticationTokenException"},
		{403, "MissingAuthenticationToken"}, {403, "AccessDenied"}},
	[LC_AUTH_MALFORMED] = {
		{400, "IncompleteSignatureException"}, {403, "IncompleteSignatureException"},
		{400, "IncompleteSignature"}, {400, "AuthorizationHeaderMalformed"}},
	[LC_AUTH_QUERY_MALFORMED] = {
		{400, "IncompleteSignatureException"}, {403, "IncompleteSignatureException"},
		{400, "IncompleteSignature"}, {400, "AuthorizationQueryParametersError"}},
	[LC_AUTH_UNSUPPORTED] = {
		{400, "IncompleteSignatureException"}, {403, "IncompleteSignatureException"},
		{400, "IncompleteSignature"}, {400, "InvalidRequest"}},
	[LC_AUTH_UNKNOWN_KEY] = {
		{400, "UnrecognizedClientException"}, {403, "UnrecognizedClientException"},
		{403, "InvalidClientTokenId"}, {403, "InvalidAccessKeyId"}},
	[LC_AUTH_TOKEN] = {
		{400, "UnrecognizedClientException"}, {403, "UnrecognizedClientException"},
		{403, "InvalidClientTokenId"}, {400, "InvalidToken"}},
	[LC_AUTH_TOKEN_EXPIRED] = {
		{400, "ExpiredTokenException"}, {403, "ExpiredTokenException"},
		{403, "ExpiredToken"}, {400, "ExpiredToken"}},
	[LC_AUTH_REGION] = {
		{400, "InvalidSignatureException"}, {403, "InvalidSignatureException"},
		{403, "SignatureDoesNotMatch"}, {400, "AuthorizationHeaderMalformed"}},
	[LC_AUTH_SKEWED] = {
		{400, "InvalidSignatureException"}, {403, "InvalidSignatureException"},
		{403, "SignatureDoesNotMatch"}, {403, "RequestTimeTooSkewed"}},
	[LC_AUTH_EXPIRED] = {
		{400, "InvalidSignatureException"}, {403, "InvalidSignatureException"},
		{403, "SignatureDoesNotMatch"}, {403, "AccessDenied"}},
	[LC_AUTH_NOT_YET] = {
		{400, "InvalidSignatureException"}, {403, "InvalidSignatureException"},
		{403, "SignatureDoesNotMatch"}, {403, "AccessDenied"}},
	[LC_AUTH_HEADERS_UNSIGNED] = {
		{400, "InvalidSignatureException"}, {403, "InvalidSignatureException"},
		{403, "SignatureDoesNotMatch"}, {403, "AccessDenied"}},
	[LC_AUTH_PAYLOAD_UNDECLARED] = {
		{400, "InvalidSignatureException"}, {403, "InvalidSignatureException"},
		{403, "SignatureDoesNotMatch"}, {400, "InvalidRequest"}},
	[LC_AUTH_PAYLOAD_MISMATCH] = {
		{400, "InvalidSignatureException"}, {403, "InvalidSignatureException"},
		{403, "SignatureDoesNotMatch"}, {400, "XAmzContentSHA256Mismatch"}},
	[LC_AUTH_MISMATCH] = {
		{400, "InvalidSignatureException"}, {403, "InvalidSignatureException"},
		{403, "SignatureDoesNotMatch"}, {403, "SignatureDoesNotMatch"}},
};
/* clang-format on */

/* Puts `detail` in front of the Resource element of S3's error document. */
static void insert_detail(struct sl_buf *body, const char *detail)
{
	static const char mark[] = "<Resource>";
	const char *at = strstr(sl_buf_str(body), mark);
	SL_AUTO(sl_freep)
	char *tail = sl_strdup(at);

	body->len = (size_t)(at - body->data);
	sl_buf_puts(body, detail);
	sl_buf_puts(body, tail);
}

void lc_auth_refuse(struct lc_reply *reply, const struct lc_request *request,
	enum lc_protocol protocol, const struct lc_auth_problem *problem)
{
	const struct refusal *refusal = &refusals[problem->fault][protocol];
	const char *message = problem->message ? problem->message : refusal->code;

	switch (protocol) {
	case LC_PROTOCOL_JSON:
		lc_reply_json_refusal(reply, request, refusal->status, refusal->code, message);
		break;
	case LC_PROTOCOL_REST_JSON:
		lc_reply_header(reply, "x-amzn-ErrorType", refusal->code);
		reply->status = refusal->status;
		lc_reply_json(reply, "application/json",
			json_pack("{s:o}", "message", json_string_nocheck(message)));
		break;
	case LC_PROTOCOL_QUERY:
		lc_reply_xml_error(
			reply, request, true, refusal->status, refusal->code, "%s", message);
		break;
	default:
		lc_reply_xml_error(
			reply, request, false, refusal->status, refusal->code, "%s", message);
		if (problem->detail) {
			insert_detail(&reply->body, problem->detail);
		}
	}
}
