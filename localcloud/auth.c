/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4, the verifying side: reads what a request claims, judges the claims, and
 * compares signatures in constant time. Entry points: lc_auth_parse, lc_auth_check_*. Any thread.
 */
#include "auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "canonical.h"
#include "clock.h"
#include "text.h"

#define ALGORITHM          "AWS4-HMAC-SHA256"
#define MAX_EXPIRES_S      604800
#define SKEW_S3_MS         ((int64_t)15 * 60 * 1000)
#define SKEW_MS            ((int64_t)5 * 60 * 1000)
#define MAX_SIGNED_HEADERS 4096 /* bytes of the list */
#define SHA256_HEX_LENGTH  64
#define UNSUPPORTED \
	"The authorization mechanism you have provided is not supported. Please use " ALGORITHM "."
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

SL_PRINTF(3, 4)
static enum lc_auth_fault refuse(
	struct lc_auth_problem *problem, enum lc_auth_fault fault, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	lc_auth_problem_finish(problem);
	problem->fault = fault;
	problem->message = sl_vasprintf(format, arguments);
	va_end(arguments);
	return fault;
}

/* --- reading ------------------------------------------------------------------------------ */

/* "AKID/20261122/us-east-1/s3/aws4_request"; the key itself may contain slashes. */
static bool parse_credential(const char *credential, struct lc_auth *ret)
{
	const char *field[4]; /* where date, region, service and "aws4_request" begin */
	size_t end = strlen(credential);

	for (int i = 3; i >= 0; i--) {
		size_t at = end;
		while (at > 0 && credential[at - 1] != '/') {
			at--;
		}
		if (at == 0 || at == end) {
			return false;
		}
		field[i] = credential + at;
		end = at - 1;
	}
	if (end == 0 || strcmp(field[3], "aws4_request") != 0) {
		return false;
	}
	ret->access_key = sl_strndup(credential, end);
	ret->scope = sl_strdup(field[0]);
	ret->date = sl_strndup(field[0], (size_t)(field[1] - field[0] - 1));
	ret->region = sl_strndup(field[1], (size_t)(field[2] - field[1] - 1));
	ret->service = sl_strndup(field[2], (size_t)(field[3] - field[2] - 1));
	return strlen(ret->date) == 8 && strspn(ret->date, "0123456789") == 8;
}

static bool valid_signature(const char *signature)
{
	return strlen(signature) == SHA256_HEX_LENGTH &&
		strspn(signature, "0123456789abcdef") == SHA256_HEX_LENGTH;
}

/* The value of `name=` in "Credential=…, SignedHeaders=…, Signature=…", owned by the caller. */
static char *authorization_part(const char *parameters, const char *name)
{
	size_t name_len = strlen(name);
	const char *at = parameters;

	while (*at) {
		at += strspn(at, " ,\t");
		size_t len = strcspn(at, ",");
		if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=') {
			const char *value = at + name_len + 1;
			len -= name_len + 1;
			while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) {
				len--;
			}
			return sl_strndup(value, len);
		}
		at += len;
	}
	return NULL;
}

static enum lc_auth_fault parse_header_form(const struct lc_request *request,
	const char *authorization, struct lc_auth *ret, struct lc_auth_problem *problem)
{
	ret->form = LC_AUTH_HEADER;
	size_t algorithm_len = strcspn(authorization, " ");
	if (algorithm_len != strlen(ALGORITHM) ||
		strncmp(authorization, ALGORITHM, algorithm_len) != 0) {
		return refuse(problem, LC_AUTH_UNSUPPORTED, UNSUPPORTED);
	}
	const char *parameters = authorization + algorithm_len;
	SL_AUTO(sl_freep)
	char *credential = authorization_part(parameters, "Credential");
	ret->signed_headers = authorization_part(parameters, "SignedHeaders");
	ret->signature = authorization_part(parameters, "Signature");
	if (!credential || !ret->signed_headers || !ret->signature) {
		return refuse(problem, LC_AUTH_MALFORMED,
			"Authorization header requires '%s' parameter.",
			!credential                    ? "Credential"
				: !ret->signed_headers ? "SignedHeaders"
						       : "Signature");
	}
	if (strlen(ret->signed_headers) > MAX_SIGNED_HEADERS) {
		return refuse(problem, LC_AUTH_MALFORMED, "SignedHeaders is too long.");
	}
	if (!parse_credential(credential, ret)) {
		return refuse(problem, LC_AUTH_MALFORMED,
			"The Credential is mal-formed; expecting "
			"\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
	}
	if (!valid_signature(ret->signature)) {
		return refuse(problem, LC_AUTH_MALFORMED, "Signature is mal-formed.");
	}
	ret->amz_date = sl_strdup(lc_request_header(request, "x-amz-date"));
	if (!ret->amz_date) {
		return refuse(problem, LC_AUTH_MALFORMED,
			"Authorization header requires existence of either a 'X-Amz-Date' or a "
			"'Date' "
			"header.");
	}
	ret->payload_hash = sl_strdup(lc_request_header(request, "x-amz-content-sha256"));
	ret->token = sl_strdup(lc_request_header(request, "x-amz-security-token"));
	return LC_AUTH_OK;
}

static enum lc_auth_fault parse_query_form(
	const struct lc_request *request, struct lc_auth *ret, struct lc_auth_problem *problem)
{
	SL_AUTO(sl_freep)
	char *algorithm = lc_request_query(request, "X-Amz-Algorithm");
	SL_AUTO(sl_freep)
	char *credential = lc_request_query(request, "X-Amz-Credential");
	SL_AUTO(sl_freep)
	char *expires = lc_request_query(request, "X-Amz-Expires");
	ret->form = LC_AUTH_QUERY;
	ret->signature = lc_request_query(request, "X-Amz-Signature");
	ret->amz_date = lc_request_query(request, "X-Amz-Date");
	ret->signed_headers = lc_request_query(request, "X-Amz-SignedHeaders");
	ret->payload_hash = lc_request_query(request, "X-Amz-Content-Sha256");
	ret->token = lc_request_query(request, "X-Amz-Security-Token");

	if (!algorithm || !credential || !expires || !ret->signature || !ret->amz_date ||
		!ret->signed_headers) {
		return refuse(problem, LC_AUTH_QUERY_MALFORMED,
			"Query-string authentication version 4 requires the X-Amz-Algorithm, "
			"X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
			"X-Amz-Expires parameters.");
	}
	if (strlen(ret->signed_headers) > MAX_SIGNED_HEADERS) {
		return refuse(problem, LC_AUTH_QUERY_MALFORMED, "X-Amz-SignedHeaders is too long.");
	}
	if (strcmp(algorithm, ALGORITHM) != 0) {
		return refuse(problem, LC_AUTH_QUERY_MALFORMED,
			"X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\".");
	}
	if (!parse_credential(credential, ret)) {
		return refuse(problem, LC_AUTH_QUERY_MALFORMED,
			"Error parsing the X-Amz-Credential parameter; the Credential is "
			"mal-formed; "
			"expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
	}
	if (!sl_text_parse_i64(expires, 0, INT64_MAX, &ret->expires_s)) {
		return refuse(problem, LC_AUTH_QUERY_MALFORMED, "X-Amz-Expires should be a number");
	}
	if (ret->expires_s > MAX_EXPIRES_S) {
		return refuse(problem, LC_AUTH_QUERY_MALFORMED,
			"X-Amz-Expires must be less than a week (in seconds); that is, the given "
			"X-Amz-Expires must be less than 604800 seconds");
	}
	return LC_AUTH_OK;
}

enum lc_auth_fault lc_auth_parse(
	const struct lc_request *request, struct lc_auth *ret, struct lc_auth_problem *problem)
{
	*ret = (struct lc_auth){.form = LC_AUTH_NONE};

	const char *authorization = lc_request_header(request, "authorization");
	SL_AUTO(sl_freep)
	char *credential = lc_request_query(request, "X-Amz-Credential");
	SL_AUTO(sl_freep)
	char *signature = lc_request_query(request, "X-Amz-Signature");
	if (authorization && (credential || signature)) {
		return refuse(problem, LC_AUTH_QUERY_MALFORMED,
			"Only one auth mechanism allowed; only the X-Amz-Algorithm query "
			"parameter, "
			"Signature query string parameter or the Authorization header should be "
			"specified");
	}
	if (authorization) {
		return parse_header_form(request, authorization, ret, problem);
	}
	if (credential || signature) {
		return parse_query_form(request, ret, problem);
	}
	SL_AUTO(sl_freep)
	char *version_2 = lc_request_query(request, "AWSAccessKeyId");
	if (version_2) {
		return refuse(problem, LC_AUTH_UNSUPPORTED, UNSUPPORTED);
	}
	return LC_AUTH_OK;
}

/* --- judging ------------------------------------------------------------------------------ */

static bool is_s3(const struct lc_auth *auth)
{
	return strcmp(auth->service, "s3") == 0;
}

static enum lc_auth_fault check_clock(
	const struct lc_auth *auth, int64_t now_ms, struct lc_auth_problem *problem)
{
	int64_t signed_ms;
	if (!sl_clock_parse_amz(auth->amz_date, &signed_ms)) {
		return refuse(problem,
			auth->form == LC_AUTH_QUERY ? LC_AUTH_QUERY_MALFORMED : LC_AUTH_MALFORMED,
			"X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
	}
	if (strncmp(auth->amz_date, auth->date, 8) != 0) {
		return refuse(problem,
			auth->form == LC_AUTH_QUERY ? LC_AUTH_QUERY_MALFORMED : LC_AUTH_MALFORMED,
			"Invalid credential date \"%s\". This date is not the same as X-Amz-Date: "
			"\"%.8s\".",
			auth->date, auth->amz_date);
	}
	int64_t limit_ms = is_s3(auth) ? SKEW_S3_MS : SKEW_MS;
	char now[SL_CLOCK_AMZ_SIZE];
	char server_time[SL_CLOCK_RFC3339_SIZE];
	sl_clock_amz(now_ms, now);
	sl_clock_rfc3339(now_ms, server_time);

	if (auth->form == LC_AUTH_QUERY) {
		if (signed_ms + auth->expires_s * 1000 < now_ms) {
			char expires[SL_CLOCK_RFC3339_SIZE];
			sl_clock_rfc3339(signed_ms + auth->expires_s * 1000, expires);
			enum lc_auth_fault fault =
				refuse(problem, LC_AUTH_EXPIRED, "Request has expired");
			problem->detail =
				sl_asprintf("<X-Amz-Expires>%lld</X-Amz-Expires><Expires>%s"
					    "</Expires><ServerTime>%s</ServerTime>",
					(long long)auth->expires_s, expires, server_time);
			return fault;
		}
		return signed_ms > now_ms + limit_ms
			? refuse(problem, LC_AUTH_NOT_YET, "Request is not valid yet")
			: LC_AUTH_OK;
	}
	if (signed_ms >= now_ms - limit_ms && signed_ms <= now_ms + limit_ms) {
		return LC_AUTH_OK;
	}
	if (is_s3(auth)) {
		enum lc_auth_fault fault = refuse(problem, LC_AUTH_SKEWED,
			"The difference between the request time and the current time is too "
			"large.");
		problem->detail =
			sl_asprintf("<RequestTime>%s</RequestTime><ServerTime>%s</ServerTime>"
				    "<MaxAllowedSkewMilliseconds>%lld"
				    "</MaxAllowedSkewMilliseconds>",
				auth->amz_date, server_time, (long long)limit_ms);
		return fault;
	}
	char bound[SL_CLOCK_AMZ_SIZE];
	bool late = signed_ms < now_ms;
	sl_clock_amz(late ? now_ms - limit_ms : now_ms + limit_ms, bound);
	return late ? refuse(problem, LC_AUTH_SKEWED,
			      "Signature expired: %s is now earlier than %s (%s - 5 min.)",
			      auth->amz_date, bound, now)
		    : refuse(problem, LC_AUTH_SKEWED,
			      "Signature not yet current: %s is still later than %s (%s + 5 min.)",
			      auth->amz_date, bound, now);
}

/* host always; on S3 every x-amz- header that came, because an unsigned one could be anybody's. */
static enum lc_auth_fault check_signed_headers(const struct lc_request *request,
	const struct lc_auth *auth, struct lc_auth_problem *problem)
{
	if (!lc_canonical_lists(auth->signed_headers, "host")) {
		return refuse(problem, LC_AUTH_HEADERS_UNSIGNED,
			"'Host' or ':authority' must be a 'SignedHeader' in the AWS "
			"Authorization.");
	}
	if (!is_s3(auth)) {
		return LC_AUTH_OK;
	}
	for (size_t i = 0; i < request->header_count; i++) {
		const char *name = request->headers[i].name;
		if (!sl_text_starts_with(name, "x-amz-") ||
			lc_canonical_lists(auth->signed_headers, name) ||
			(auth->form == LC_AUTH_QUERY &&
				strcmp(name, "x-amz-content-sha256") == 0)) {
			continue;
		}
		enum lc_auth_fault fault = refuse(problem, LC_AUTH_HEADERS_UNSIGNED,
			"There were headers present in the request which were not signed");
		SL_AUTO(sl_buf_finish)
		struct sl_buf detail = SL_BUF_INIT;
		sl_buf_puts(&detail, "<HeadersNotSigned>");
		lc_xml_escape(&detail, name);
		sl_buf_puts(&detail, "</HeadersNotSigned>");
		problem->detail = sl_buf_steal(&detail);
		return fault;
	}
	return LC_AUTH_OK;
}

/* IAM is one for all regions and signed for us-east-1 (botocore does so at AWS, but not where an
 * endpoint is given to it); STS also has such an endpoint. */
static bool is_region(const struct lc_cloud *cloud, const struct lc_auth *auth)
{
	bool global = strcmp(auth->service, "iam") == 0 || strcmp(auth->service, "sts") == 0;
	return strcmp(auth->region, cloud->region) == 0 ||
		(global && strcmp(auth->region, "us-east-1") == 0);
}

enum lc_auth_fault lc_auth_check_claims(const struct lc_cloud *cloud,
	const struct lc_request *request, const struct lc_auth *auth, int64_t now_ms,
	struct lc_auth_problem *problem)
{
	if (!auth->secret && strcmp(auth->access_key, cloud->access_key) != 0) {
		return refuse(problem, LC_AUTH_UNKNOWN_KEY,
			is_s3(auth) ? "The AWS Access Key Id you provided does not exist in our "
				      "records."
				    : "The security token included in the request is invalid.");
	}
	if (!is_region(cloud, auth)) {
		if (is_s3(auth)) {
			enum lc_auth_fault fault = refuse(problem, LC_AUTH_REGION,
				"The authorization header is malformed; the region '%s' is wrong; "
				"expecting '%s'",
				auth->region, cloud->region);
			problem->detail = sl_asprintf("<Region>%s</Region>", cloud->region);
			return fault;
		}
		return refuse(
			problem, LC_AUTH_REGION, "Credential should be scoped to a valid region. ");
	}
	enum lc_auth_fault fault = check_clock(auth, now_ms, problem);
	if (fault == LC_AUTH_OK) {
		fault = check_signed_headers(request, auth, problem);
	}
	if (fault == LC_AUTH_OK && is_s3(auth) && auth->form == LC_AUTH_HEADER &&
		!auth->payload_hash) {
		fault = refuse(problem, LC_AUTH_PAYLOAD_UNDECLARED,
			"Missing required header for this request: x-amz-content-sha256");
	}
	return fault;
}

/* --- the signature ------------------------------------------------------------------------ */

static void hmac(const void *key, size_t key_len, const char *text, unsigned char ret[static 32])
{
	unsigned len = 32;
	if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), ret,
		    &len)) {
		SL_BUG("HMAC failed");
	}
}

/* HMAC chain date, region, service, "aws4_request", then the text, in hex. */
static void sign(const struct lc_cloud *cloud, const struct lc_auth *auth, const char *text,
	struct sl_buf *ret)
{
	SL_AUTO(sl_freep)
	char *seed = sl_asprintf("AWS4%s", auth->secret ? auth->secret : cloud->secret_key);
	unsigned char key[32];
	unsigned char next[32];

	hmac(seed, strlen(seed), auth->date, key);
	hmac(key, sizeof key, auth->region, next);
	hmac(next, sizeof next, auth->service, key);
	hmac(key, sizeof key, "aws4_request", next);
	hmac(next, sizeof next, text, key);
	sl_buf_clear(ret);
	sl_text_hex(ret, key, sizeof key);
	OPENSSL_cleanse(key, sizeof key);
	OPENSSL_cleanse(next, sizeof next);
	OPENSSL_cleanse(seed, strlen(seed));
}

static bool same_signature(const char *expected, const char *got)
{
	return strlen(got) == SHA256_HEX_LENGTH &&
		CRYPTO_memcmp(expected, got, SHA256_HEX_LENGTH) == 0;
}

enum lc_auth_fault lc_auth_check_signature(const struct lc_cloud *cloud,
	const struct lc_request *request, const struct lc_auth *auth, const char *payload_hash,
	struct lc_auth_problem *problem)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf canonical = SL_BUF_INIT;
	struct lc_canonical_options options = {
		.signed_headers = auth->signed_headers,
		.payload_hash = payload_hash,
		.s3 = is_s3(auth),
		.presigned = auth->form == LC_AUTH_QUERY,
	};
	lc_canonical_request(request, &options, &canonical);

	unsigned char digest[32];
	if (!EVP_Digest(sl_buf_str(&canonical), canonical.len, digest, NULL, EVP_sha256(), NULL)) {
		SL_BUG("SHA-256 failed");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf to_sign = SL_BUF_INIT;
	sl_buf_printf(&to_sign, ALGORITHM "\n%s\n%s\n", auth->amz_date, auth->scope);
	sl_text_hex(&to_sign, digest, sizeof digest);

	SL_AUTO(sl_buf_finish)
	struct sl_buf expected = SL_BUF_INIT;
	sign(cloud, auth, sl_buf_str(&to_sign), &expected);
	if (same_signature(sl_buf_str(&expected), auth->signature)) {
		return LC_AUTH_OK;
	}
	if (!is_s3(auth)) {
		return refuse(problem, LC_AUTH_MISMATCH,
			"The request signature we calculated does not match the signature you "
			"provided. "
			"Check your AWS Secret Access Key and signing method. Consult the service "
			"documentation for details.");
	}
	/* Like S3, show what was signed here: the way to find one's mistake. */
	refuse(problem, LC_AUTH_MISMATCH,
		"The request signature we calculated does not match the signature you provided. "
		"Check "
		"your key and signing method.");
	SL_AUTO(sl_buf_finish)
	struct sl_buf detail = SL_BUF_INIT;
	sl_buf_puts(&detail, "<StringToSign>");
	lc_xml_escape(&detail, sl_buf_str(&to_sign));
	sl_buf_puts(&detail, "</StringToSign><CanonicalRequest>");
	lc_xml_escape(&detail, sl_buf_str(&canonical));
	sl_buf_puts(&detail, "</CanonicalRequest>");
	problem->detail = sl_buf_steal(&detail);
	return LC_AUTH_MISMATCH;
}

bool lc_auth_chunk_ok(const struct lc_cloud *cloud, const struct lc_auth *auth,
	const char *previous, const char *sha256, const char *signature)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf expected = SL_BUF_INIT;
	SL_AUTO(sl_freep)
	char *text = sl_asprintf(ALGORITHM "-PAYLOAD\n%s\n%s\n%s\n" EMPTY_SHA256 "\n%s",
		auth->amz_date, auth->scope, previous, sha256);
	sign(cloud, auth, text, &expected);
	return same_signature(sl_buf_str(&expected), signature);
}

bool lc_auth_trailer_ok(const struct lc_cloud *cloud, const struct lc_auth *auth,
	const char *previous, const char *sha256, const char *signature)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf expected = SL_BUF_INIT;
	SL_AUTO(sl_freep)
	char *text = sl_asprintf(ALGORITHM "-TRAILER\n%s\n%s\n%s\n%s", auth->amz_date, auth->scope,
		previous, sha256);
	sign(cloud, auth, text, &expected);
	return same_signature(sl_buf_str(&expected), signature);
}

void lc_auth_finish(struct lc_auth *auth)
{
	char **const owned[] = {&auth->access_key, &auth->scope, &auth->date, &auth->region,
		&auth->service, &auth->amz_date, &auth->signed_headers, &auth->signature,
		&auth->payload_hash, &auth->token, &auth->secret};
	for (size_t i = 0; i < SL_ARRAY_SIZE(owned); i++) {
		free(*owned[i]);
		*owned[i] = NULL;
	}
	auth->form = LC_AUTH_NONE;
}

void lc_auth_problem_finish(struct lc_auth_problem *problem)
{
	free(problem->message);
	free(problem->detail);
	*problem = (struct lc_auth_problem){.fault = LC_AUTH_OK};
}
