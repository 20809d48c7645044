/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon S3: HeadObject, GetObject, PutObject, ListObjectsV2 on the thread of the client, and
 * presigned URLs from any thread. Keys are raw here; call.c and sigv4.c encode them.
 */
#include "s3.h"

#include <stdio.h>
#include <string.h>

#include "call_internal.h"
#include "mem.h"
#include "s3_internal.h"
#include "sigv4.h"
#include "text.h"
#include "xml.h"

#define MAX_WHY    65536 /* bytes of an error */
#define RANGE_SIZE 64
#define LIST_QUERY 6
#define MAX_LIST_ANSWER \
	(16u << 20) /* 1,000 keys of 1,024 bytes, percent-encoded, and their XML \
		     */
#define MAX_EXPIRES_S 604800

void sl_s3_object_finish(struct sl_s3_object *object)
{
	free(object->etag);
	memset(object, 0, sizeof *object);
}

char *sl_s3_object_path(const char *key)
{
	return sl_asprintf("/%s", key);
}

/* --- objects -------------------------------------------------------------------------------- */

struct sl_call sl_s3_head_call(const char *bucket, const char *path)
{
	return (struct sl_call){
		.service = SL_SERVICE_S3,
		.operation = "HeadObject",
		.method = "HEAD",
		.bucket = bucket,
		.path = path,
		.idempotent = true,
	};
}

enum sl_err sl_s3_read_head(
	const struct sl_answer *answer, struct sl_s3_object *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *length = sl_answer_header(answer, "Content-Length");
	SL_AUTO(sl_freep)
	char *etag = sl_answer_header(answer, "ETag");
	int64_t size_bytes;
	if (length == NULL || !sl_text_parse_i64(length, 0, INT64_MAX, &size_bytes)) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "S3's HeadObject has no Content-Length");
	}
	const char *bare = etag != NULL ? etag : "";
	size_t len = strlen(bare);
	if (len >= 2 && bare[0] == '"' && bare[len - 1] == '"') {
		bare++;
		len -= 2;
	}
	ret->size_bytes = size_bytes;
	ret->etag = sl_strndup(bare, len);
	return SL_ERR_OK;
}

bool sl_s3_head_is_unclear(const struct sl_error *error)
{
	return error->provider.http_status == 400 || error->provider.http_status == 403;
}

struct sl_call sl_s3_why_call(const char *bucket, const char *path)
{
	static const struct sl_pair headers[] = {{"Range", "bytes=0-0"}};
	return (struct sl_call){
		.service = SL_SERVICE_S3,
		.operation = "GetObject",
		.method = "GET",
		.bucket = bucket,
		.path = path,
		.headers = headers,
		.header_count = SL_ARRAY_SIZE(headers),
		.idempotent = true,
		.max_answer = MAX_WHY,
	};
}

bool sl_s3_why_is_past(enum sl_err err, const struct sl_error *error)
{
	return err == SL_ERR_OK || err == SL_ERR_AWS_TOO_LARGE ||
		error->provider.http_status == 416;
}

static enum sl_err head_once(struct sl_client *client, const char *bucket, const char *path,
	struct sl_s3_object *ret, struct sl_error *reterr)
{
	const struct sl_call call = sl_s3_head_call(bucket, path);
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	enum sl_err err = sl_call(client, &call, &answer, reterr);
	return err != SL_ERR_OK ? err : sl_s3_read_head(&answer, ret, reterr);
}

enum sl_err sl_s3_head_object(struct sl_client *client, const char *bucket, const char *key,
	struct sl_s3_object *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *path = sl_s3_object_path(key);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = head_once(client, bucket, path, ret, &error);
	if (err != SL_ERR_OK && sl_s3_head_is_unclear(&error)) {
		const struct sl_call why = sl_s3_why_call(bucket, path);
		SL_AUTO(sl_answer_finish)
		struct sl_answer answer = {0};
		err = sl_call(client, &why, &answer, &error);
		if (sl_s3_why_is_past(err, &error)) {
			return head_once(client, bucket, path, ret, reterr);
		}
	}
	if (err != SL_ERR_OK) {
		sl_error_move(reterr, &error);
	}
	return err;
}

enum sl_err sl_s3_get_object(struct sl_client *client, const char *bucket, const char *key,
	int64_t from, int64_t to, size_t max_bytes, struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *path = sl_s3_object_path(key);
	/* No range for the whole object: an empty one has no first byte to ask for. */
	bool whole = from == 0 && to < 0;
	char range[RANGE_SIZE];
	snprintf(range, sizeof range, "bytes=%lld-", (long long)from);
	if (to >= 0) {
		snprintf(range, sizeof range, "bytes=%lld-%lld", (long long)from, (long long)to);
	}
	const struct sl_pair headers[] = {{"Range", range}};
	const struct sl_call call = {
		.service = SL_SERVICE_S3,
		.operation = "GetObject",
		.method = "GET",
		.bucket = bucket,
		.path = path,
		.headers = headers,
		.header_count = whole ? 0 : 1,
		.idempotent = true,
		.max_answer = max_bytes > 0 ? max_bytes : 1,
	};
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	enum sl_err err = sl_call(client, &call, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (!whole && answer.status != 206) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"S3's GetObject answered a range with HTTP status %d", answer.status);
	}
	if (answer.body.len > max_bytes) {
		return sl_error_set(reterr, SL_ERR_AWS_TOO_LARGE,
			"s3://%s/%s has more than %zu bytes", bucket, key, max_bytes);
	}
	if (out->len == 0) { /* as a rule: an object may be large, so it is not copied */
		sl_buf_finish(out);
		*out = answer.body;
		answer.body = (struct sl_buf)SL_BUF_INIT;
	} else {
		sl_buf_add(out, sl_buf_str(&answer.body), answer.body.len);
	}
	return SL_ERR_OK;
}

enum sl_err sl_s3_put_object(struct sl_client *client, const char *bucket, const char *key,
	const char *content_type, const void *bytes, size_t len, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *path = sl_s3_object_path(key);
	const struct sl_pair headers[] = {{"Content-Type", content_type}};
	const struct sl_call call = {
		.service = SL_SERVICE_S3,
		.operation = "PutObject",
		.method = "PUT",
		.bucket = bucket,
		.path = path,
		.headers = headers,
		.header_count = content_type != NULL ? 1 : 0,
		.body = bytes != NULL ? bytes : "",
		.body_len = len,
		.idempotent = true,
	};
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	return sl_call(client, &call, &answer, reterr);
}

/* --- listing -------------------------------------------------------------------------------- */

void sl_s3_listing_finish(struct sl_s3_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		free(listing->entries[i].key);
	}
	free(listing->entries);
	free(listing->next_token);
	memset(listing, 0, sizeof *listing);
}

struct list_reader {
	struct sl_s3_listing listing;
	struct sl_s3_entry entry; /* the <Contents> that is open */
	bool url_encoded;
	bool truncated;
	bool is_listing; /* the root was right */
	bool broken;
};

static void list_reader_finish(struct list_reader *reader)
{
	sl_s3_listing_finish(&reader->listing);
	free(reader->entry.key);
}

static void add_entry(struct list_reader *reader)
{
	struct sl_s3_listing *listing = &reader->listing;
	if (reader->entry.key == NULL || reader->entry.size_bytes < 0) {
		reader->broken = true;
		return;
	}
	if ((listing->count & (listing->count - 1)) == 0) {
		size_t capacity = listing->count == 0 ? 1 : listing->count * 2;
		listing->entries =
			sl_reallocarray(listing->entries, capacity, sizeof *listing->entries);
	}
	listing->entries[listing->count++] = reader->entry;
	reader->entry = (struct sl_s3_entry){NULL, -1};
}

static void on_list_element(struct list_reader *reader, const struct sl_xml *xml)
{
	const char *text = sl_xml_text(xml);
	if (sl_xml_is(xml, "ListBucketResult/Contents/Key")) {
		free(reader->entry.key);
		reader->entry.key = sl_strdup(text);
	} else if (sl_xml_is(xml, "ListBucketResult/Contents/Size")) {
		if (!sl_text_parse_i64(text, 0, INT64_MAX, &reader->entry.size_bytes)) {
			reader->broken = true;
		}
	} else if (sl_xml_is(xml, "ListBucketResult/Contents")) {
		add_entry(reader);
	} else if (sl_xml_is(xml, "ListBucketResult/NextContinuationToken")) {
		free(reader->listing.next_token);
		reader->listing.next_token = sl_strdup(text);
	} else if (sl_xml_is(xml, "ListBucketResult/IsTruncated")) {
		reader->truncated = strcmp(text, "true") == 0;
	} else if (sl_xml_is(xml, "ListBucketResult/EncodingType")) {
		reader->url_encoded = strcmp(text, "url") == 0;
	} else if (sl_xml_is(xml, "ListBucketResult") && xml->depth == 1) {
		reader->is_listing = true;
	}
}

/* The encoding is that of forms: a space is '+'. */
static bool decode_keys(struct sl_s3_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		char *key = listing->entries[i].key;
		struct sl_buf decoded = SL_BUF_INIT;
		if (!sl_text_percent_decode(
			    &decoded, key, strlen(key), /* plus_is_space= */ true) ||
			memchr(sl_buf_str(&decoded), '\0', decoded.len) != NULL) {
			sl_buf_finish(&decoded);
			return false;
		}
		free(key);
		listing->entries[i].key = sl_buf_steal(&decoded);
	}
	return true;
}

static enum sl_err read_listing(
	const struct sl_buf *body, struct sl_s3_listing *ret, struct sl_error *reterr)
{
	SL_AUTO(list_reader_finish)
	struct list_reader reader = {.entry = {NULL, -1}};
	SL_AUTO(sl_xml_finish)
	struct sl_xml xml;
	sl_xml_init(&xml, sl_buf_str(body), body->len);
	enum sl_xml_event event;
	while ((event = sl_xml_next(&xml)) == SL_XML_START || event == SL_XML_END) {
		if (event == SL_XML_END) {
			on_list_element(&reader, &xml);
		}
	}
	if (event != SL_XML_DONE || !reader.is_listing || reader.broken ||
		(reader.truncated && reader.listing.next_token == NULL) ||
		(reader.url_encoded && !decode_keys(&reader.listing))) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "S3's ListObjectsV2 is not understood");
	}
	if (!reader.truncated) {
		free(sl_take(&reader.listing.next_token));
	}
	*ret = reader.listing;
	memset(&reader.listing, 0, sizeof reader.listing);
	return SL_ERR_OK;
}

enum sl_err sl_s3_list_objects(struct sl_client *client, const char *bucket, const char *prefix,
	const char *start_after, const char *token, struct sl_s3_listing *ret,
	struct sl_error *reterr)
{
	struct sl_pair query[LIST_QUERY] = {
		{"list-type", "2"},
		{"encoding-type", "url"},
		{"max-keys", "1000"},
	};
	size_t count = 3;
	if (prefix != NULL) {
		query[count++] = (struct sl_pair){"prefix", prefix};
	}
	if (start_after != NULL) {
		query[count++] = (struct sl_pair){"start-after", start_after};
	}
	if (token != NULL) {
		query[count++] = (struct sl_pair){"continuation-token", token};
	}
	const struct sl_call call = {
		.service = SL_SERVICE_S3,
		.operation = "ListObjectsV2",
		.method = "GET",
		.bucket = bucket,
		.path = "/",
		.query = query,
		.query_count = count,
		.idempotent = true,
		.max_answer = MAX_LIST_ANSWER,
	};
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	enum sl_err err = sl_call(client, &call, &answer, reterr);
	return err != SL_ERR_OK ? err : read_listing(&answer.body, ret, reterr);
}

/* --- presigning ----------------------------------------------------------------------------- */

/* Seconds that a URL made at `made_ms` can live, given when the keys end. */
static enum sl_err find_lifetime(const struct sl_s3_grant *grant,
	const struct sl_credentials *credentials, int64_t made_ms, int64_t now_ms, int64_t *ret_s,
	struct sl_error *reterr)
{
	*ret_s = grant->expires_s;
	if (*ret_s < 1 || *ret_s > MAX_EXPIRES_S) {
		return sl_error_set(reterr, SL_ERR_OUT_OF_RANGE,
			"A presigned URL lives for 1 to %d s", MAX_EXPIRES_S);
	}
	if (credentials->expires_ms == 0) {
		return SL_ERR_OK;
	}
	if (credentials->expires_ms - now_ms < 1000) {
		return sl_error_set(
			reterr, SL_ERR_AWS_CREDENTIALS, "The credentials end before the URL could");
	}
	int64_t left_s = (credentials->expires_ms - made_ms) / 1000;
	*ret_s = left_s < *ret_s ? left_s : *ret_s;
	return SL_ERR_OK;
}

static char *sign_url(const struct sl_endpoint *endpoint, const struct sl_s3_grant *grant,
	const struct sl_credentials *credentials, int64_t made_ms, int64_t expires_s)
{
	SL_AUTO(sl_freep)
	char *path = sl_s3_object_path(grant->key);
	SL_AUTO(sl_freep)
	char *full_path = sl_asprintf("%s%s", endpoint->base_path, path);
	const struct sl_pair headers[] = {
		{"Host", endpoint->host}, {"Content-Type", grant->content_type}};
	const struct sl_sigv4_request request = {
		.method = grant->method,
		.path = full_path,
		.headers = headers,
		.header_count = grant->content_type != NULL ? 2 : 1,
		.payload_hash = SL_SIGV4_UNSIGNED_PAYLOAD,
	};
	const struct sl_sigv4_config config = {
		.mode = SL_SIGV4_QUERY,
		.access_key_id = credentials->access_key_id,
		.secret_access_key = credentials->secret_access_key,
		.session_token = credentials->session_token,
		.region = endpoint->signing_region,
		.service = endpoint->signing_name,
		.time_ms = made_ms,
		.expires_s = expires_s,
	};
	SL_AUTO(sl_sigv4_signed_finish)
	struct sl_sigv4_signed signed_ = {0};
	sl_sigv4_sign(&request, &config, &signed_);
	SL_AUTO(sl_buf_finish)
	struct sl_buf url = SL_BUF_INIT;
	sl_endpoint_url(endpoint, path, &url);
	sl_buf_printf(&url, "?%s", sl_buf_str(&signed_.query));
	return sl_buf_steal(&url);
}

enum sl_err sl_s3_presign(struct sl_aws *aws, const struct sl_s3_grant *grant, char **ret_url,
	int64_t *ret_expires_ms, struct sl_error *reterr)
{
	SL_AUTO(sl_endpoint_finish)
	struct sl_endpoint endpoint = {0};
	enum sl_err err = sl_endpoint_resolve(
		sl_aws_endpoints(aws), SL_SERVICE_S3, grant->bucket, &endpoint, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_credentials_finish)
	struct sl_credentials credentials = {0};
	err = sl_aws_credentials(aws, &credentials, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	int64_t now_ms = sl_aws_now_ms(aws);
	int64_t step_ms = grant->same_for_s > 0 ? grant->same_for_s * 1000 : 1000;
	int64_t made_ms = now_ms - now_ms % step_ms;
	int64_t expires_s;
	err = find_lifetime(grant, &credentials, made_ms, now_ms, &expires_s, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	*ret_url = sign_url(&endpoint, grant, &credentials, made_ms, expires_s);
	if (ret_expires_ms != NULL) {
		*ret_expires_ms = made_ms + expires_s * 1000;
	}
	return SL_ERR_OK;
}
