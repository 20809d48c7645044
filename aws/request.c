/* SPDX-License-Identifier: Apache-2.0 */
/* From a call to a curl handle: sl_operation_prepare() resolves the endpoint, puts headers and body
 * together, signs, and sets the options, in the one place that does. One thread an operation. */

#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "mem.h"
#include "text.h"

#define CONNECT_TIMEOUT_MS   5000
#define LOW_SPEED_BYTES      1  /* a second … */
#define LOW_SPEED_S          20 /* … over so many of them ends the attempt */
#define MAX_HEADER_BYTES     65536
#define MAX_ERROR_BYTES      65536 /* of an error answer; the rest is left out */
#define IMPLIED_HEADER_COUNT 3     /* Host, Content-Type, X-Amz-Target */

static const struct {
	const char *content_type;
	const char *target;  /* prefix of X-Amz-Target */
	const char *version; /* of the query protocol */
} wire[SL_SERVICE_COUNT_] = {
	[SL_SERVICE_S3] = {NULL, NULL, NULL},
	[SL_SERVICE_MEDIACONVERT] = {"application/json", NULL, NULL},
	[SL_SERVICE_REKOGNITION] = {"application/x-amz-json-1.1", "RekognitionService", NULL},
	[SL_SERVICE_TRANSCRIBE] = {"application/x-amz-json-1.1", "Transcribe", NULL},
	[SL_SERVICE_DYNAMODB] = {"application/x-amz-json-1.0", "DynamoDB_20120810", NULL},
	[SL_SERVICE_SNS] = {"application/x-www-form-urlencoded; charset=utf-8", NULL, "2010-03-31"},
	[SL_SERVICE_STS] = {"application/x-www-form-urlencoded; charset=utf-8", NULL, "2011-06-15"},
	[SL_SERVICE_IAM] = {"application/x-www-form-urlencoded; charset=utf-8", NULL, "2010-05-08"},
	[SL_SERVICE_SQS] = {"application/x-amz-json-1.0", "AmazonSQS", NULL},
	[SL_SERVICE_EVENTS] = {"application/x-amz-json-1.1", "AWSEvents", NULL},
};

/* What is put on the wire, besides the URL; lives while a request is prepared. */
struct request {
	const void *body;
	size_t body_len;
	struct sl_pair *headers; /* Host first */
	size_t header_count;
	const struct sl_pair *query;
	size_t query_count;
};

void sl_operation_init(struct sl_operation *op, struct sl_aws *aws, const struct sl_call *call,
	int64_t deadline_ms)
{
	memset(op, 0, sizeof(*op));
	op->aws = aws;
	op->call = call;
	op->deadline_ms = deadline_ms;
}

/* Everything of the last attempt goes; what spans attempts stays. */
static void forget_attempt(struct sl_operation *op)
{
	sl_answer_finish(&op->answer);
	sl_endpoint_finish(&op->endpoint);
	sl_buf_clear(&op->url);
	sl_buf_clear(&op->form);
	curl_slist_free_all(op->headers);
	op->headers = NULL;
	op->too_large = false;
	op->cut = false;
	op->curl_error[0] = '\0';
}

void sl_operation_finish(struct sl_operation *op)
{
	forget_attempt(op);
	free(op->failure);
	op->failure = NULL;
	sl_buf_finish(&op->url);
	sl_buf_finish(&op->form);
}

void sl_endpoint_url(const struct sl_endpoint *endpoint, const char *path, struct sl_buf *out)
{
	sl_buf_printf(out, "http%s://%s", endpoint->https ? "s" : "", endpoint->host);
	sl_text_percent_encode(out, endpoint->base_path, strlen(endpoint->base_path), "/");
	sl_text_percent_encode(out, path, strlen(path), "/");
}

void sl_curl_defaults(CURL *easy, const struct sl_aws *aws, int64_t timeout_ms)
{
	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Keys may be "a/../b": without this curl would resolve the dots after we signed them. */
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "spotlist/" SL_VERSION);
	if (aws->settings.ca_bundle) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, aws->settings.ca_bundle);
	}
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct sl_operation *op = context;
	struct sl_buf *headers = &op->answer.headers;
	size_t len = size * count;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		sl_buf_clear(headers); /* "100 Continue" came before */
	}
	if (headers->len + len > MAX_HEADER_BYTES) {
		op->too_large = true;
		return 0;
	}
	sl_buf_add(headers, line, len);
	return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct sl_operation *op = context;
	struct sl_buf *body = &op->answer.body;
	size_t len = size * count;
	long status = 0;
	curl_easy_getinfo(op->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 != 2) {
		if (body->len + len > MAX_ERROR_BYTES) {
			op->cut = true;
			return 0;
		}
		sl_buf_add(body, bytes, len);
		return len;
	}
	curl_off_t announced = -1;
	curl_easy_getinfo(op->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	size_t cap = op->call->max_answer ? op->call->max_answer : SL_CALL_MAX_ANSWER;
	if (body->len + len > cap || (announced > 0 && (uint64_t)announced > cap)) {
		op->too_large = true;
		return 0;
	}
	sl_buf_add(body, bytes, len);
	return len;
}

/* A line break in a value would make a header of its own. */
static bool header_is_safe(const struct sl_pair *header)
{
	for (const char *at = header->value; *at; at++) {
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) {
			return false;
		}
	}
	return true;
}

/* `ret_target` owns the value of X-Amz-Target, when there is one. */
static void collect_headers(
	const struct sl_operation *op, struct request *request, char **ret_target)
{
	const struct sl_call *call = op->call;
	struct sl_pair *headers =
		sl_calloc(call->header_count + IMPLIED_HEADER_COUNT, sizeof(*headers));
	size_t count = 0;
	headers[count++] = (struct sl_pair){"Host", op->endpoint.host};
	if (wire[call->service].content_type && request->body_len > 0) {
		headers[count++] =
			(struct sl_pair){"Content-Type", wire[call->service].content_type};
	}
	if (wire[call->service].target) {
		*ret_target = sl_asprintf("%s.%s", wire[call->service].target, call->operation);
		headers[count++] = (struct sl_pair){"X-Amz-Target", *ret_target};
	}
	for (size_t i = 0; i < call->header_count; i++) {
		headers[count++] = call->headers[i];
	}
	request->headers = headers;
	request->header_count = count;
}

/* The query protocol puts the call's query into the form. */
static void collect_body(struct sl_operation *op, struct request *request)
{
	const struct sl_call *call = op->call;
	bool is_form = wire[call->service].version && !call->body;
	if (is_form) {
		const struct sl_pair first[] = {
			{"Action", call->operation}, {"Version", wire[call->service].version}};
		sl_sigv4_encode_query(&op->form, first, SL_ARRAY_SIZE(first));
		if (call->query_count > 0) {
			sl_buf_putc(&op->form, '&');
			sl_sigv4_encode_query(&op->form, call->query, call->query_count);
		}
	}
	request->body = is_form ? sl_buf_str(&op->form) : call->body;
	request->body_len = is_form ? op->form.len : call->body_len;
	request->query = is_form ? NULL : call->query;
	request->query_count = is_form ? 0 : call->query_count;
}

static void append_header(struct sl_operation *op, const char *line)
{
	struct curl_slist *longer = curl_slist_append(op->headers, line);
	if (!longer) {
		SL_BUG("out of memory");
	}
	op->headers = longer;
}

/* Signs, and adds the lines of the signature to the headers. */
static enum sl_err sign_request(
	struct sl_operation *op, const struct request *request, struct sl_error *reterr)
{
	SL_AUTO(sl_credentials_finish)
	struct sl_credentials credentials = {0};
	enum sl_err err = sl_aws_credentials(op->aws, &credentials, reterr);
	if (err) {
		return err;
	}
	char payload_hash[SL_SIGV4_HASH_SIZE];
	sl_sigv4_hash(request->body, request->body_len, payload_hash);
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("%s%s", op->endpoint.base_path, op->call->path);
	bool is_s3 = op->call->service == SL_SERVICE_S3;
	const struct sl_sigv4_request to_sign = {
		.method = op->call->method,
		.path = path,
		.query = request->query,
		.query_count = request->query_count,
		.headers = request->headers,
		.header_count = request->header_count,
		.payload_hash = payload_hash,
	};
	const struct sl_sigv4_config config = {
		.mode = SL_SIGV4_HEADER,
		.access_key_id = credentials.access_key_id,
		.secret_access_key = credentials.secret_access_key,
		.session_token = credentials.session_token,
		.region = op->endpoint.signing_region,
		.service = op->endpoint.signing_name,
		.time_ms = sl_aws_now_ms(op->aws),
		.normalize = !is_s3,
		.encode_twice = !is_s3,
		.sign_body = is_s3,
	};
	SL_AUTO(sl_sigv4_signed_finish)
	struct sl_sigv4_signed signed_ = {0};
	sl_sigv4_sign(&to_sign, &config, &signed_);
	char *rest = signed_.headers.data;
	for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
		append_header(op, line);
	}
	return SL_ERR_OK;
}

static void set_method(CURL *easy, const struct sl_call *call, const struct request *request)
{
	if (strcmp(call->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	bool has_body = request->body_len > 0 || strcmp(call->method, "POST") == 0 ||
		strcmp(call->method, "PUT") == 0;
	if (has_body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
		curl_easy_setopt(
			easy, CURLOPT_POSTFIELDS, request->body ? (const char *)request->body : "");
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_transfer(
	struct sl_operation *op, CURL *easy, const struct request *request, int64_t timeout_ms)
{
	sl_endpoint_url(&op->endpoint, op->call->path, &op->url);
	if (request->query_count > 0) {
		sl_buf_putc(&op->url, '?');
		sl_sigv4_encode_query(&op->url, request->query, request->query_count);
	}
	bool has_type = false;
	for (size_t i = 1; i < request->header_count; i++) { /* curl makes Host of the URL */
		const struct sl_pair *header = &request->headers[i];
		SL_AUTO(sl_freep)
		char *line = sl_asprintf("%s: %s", header->name, header->value);
		append_header(op, line);
		has_type = has_type || strcasecmp(header->name, "Content-Type") == 0;
	}
	append_header(op, "Expect:"); /* removes what curl adds to larger bodies */
	if (!has_type) {
		append_header(op, "Content-Type:");
	}
	sl_curl_defaults(easy, op->aws, timeout_ms);
	set_method(easy, op->call, request);
	curl_easy_setopt(easy, CURLOPT_URL, sl_buf_str(&op->url));
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, op->headers);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, op);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, op);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, op->curl_error);
	/* On a kept-alive connection that turns out dead curl sends again by itself. What must not
	 * be done twice gets a connection of its own. */
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, op->call->idempotent ? 0L : 1L);
}

static void free_pairs(struct request *request)
{
	free(request->headers);
}

enum sl_err sl_operation_prepare(struct sl_operation *op, CURL *easy, struct sl_error *reterr)
{
	const struct sl_call *call = op->call;
	forget_attempt(op);
	op->attempt++;
	op->easy = easy;
	int64_t left_ms = op->deadline_ms - sl_clock_monotonic_ms();
	if (left_ms <= 0) {
		SL_AUTO(sl_freep)
		char *what = sl_asprintf("the deadline passed%s%s",
			op->failure ? "; the last attempt came to: " : "",
			op->failure ? op->failure : "");
		return sl_operation_error(op, SL_ERR_AWS_UNAVAILABLE, what, reterr);
	}
	for (size_t i = 0; i < call->header_count; i++) {
		if (!header_is_safe(&call->headers[i])) {
			return sl_operation_error(op, SL_ERR_AWS_REJECTED,
				"a header value holds control characters", reterr);
		}
	}
	enum sl_err err = sl_endpoint_resolve(
		&op->aws->settings.endpoints, call->service, call->bucket, &op->endpoint, reterr);
	if (err) {
		return err;
	}
	SL_AUTO(free_pairs)
	struct request request = {0};
	SL_AUTO(sl_freep)
	char *target = NULL;
	collect_body(op, &request);
	collect_headers(op, &request, &target);
	if (!call->unsigned_) {
		err = sign_request(op, &request, reterr);
	}
	if (!err) {
		set_transfer(op, easy, &request, left_ms);
	}
	return err;
}
