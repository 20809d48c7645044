/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's ListObjectsV2, ListObjects (version 1) and DeleteObjects.
 * Entry points: s3_list_objects, s3_delete_objects. HTTP threads.
 */
#include <string.h>

#include "lc_session.h"
#include "s3_internal.h"
#include "text.h"

#define MAX_KEYS        1000
#define MAX_DELETE_KEYS 1000

struct list_query {
	bool v2;
	char *prefix, *delimiter, *marker, *start_after, *token, *encoding;
	char *after; /* where to go on: from the token, start-after or marker; or NULL */
	int64_t max_keys;
	bool fetch_owner;
};

static void list_query_finish(struct list_query *query)
{
	free(query->prefix);
	free(query->delimiter);
	free(query->marker);
	free(query->start_after);
	free(query->token);
	free(query->encoding);
	free(query->after);
}

static bool decode_token(const char *token, char **ret)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf decoded = SL_BUF_INIT;
	if (!sl_text_base64_decode(&decoded, token, strlen(token)) || decoded.len == 0 ||
		strlen(sl_buf_str(&decoded)) != decoded.len ||
		!sl_text_is_utf8(sl_buf_str(&decoded), decoded.len)) {
		return false;
	}
	*ret = sl_buf_steal(&decoded);
	return true;
}

static void invalid_argument(struct s3_op *op, const char *name, const char *message)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf extra = SL_BUF_INIT;
	s3_element(&extra, "ArgumentName", name);
	s3_error(op, 400, "InvalidArgument", sl_buf_str(&extra), "%s", message);
}

/* False after an error reply. */
static bool read_list_query(struct s3_op *op, struct list_query *ret)
{
	const struct lc_request *request = op->request;
	SL_AUTO(sl_freep)
	char *type = lc_request_query(request, "list-type");
	SL_AUTO(sl_freep)
	char *max = lc_request_query(request, "max-keys");
	SL_AUTO(sl_freep)
	char *owner = lc_request_query(request, "fetch-owner");

	ret->v2 = sl_text_equal(type, "2");
	ret->prefix = lc_request_query(request, "prefix");
	ret->delimiter = lc_request_query(request, "delimiter");
	ret->encoding = lc_request_query(request, "encoding-type");
	ret->fetch_owner = !ret->v2 || sl_text_equal(owner, "true");
	ret->max_keys = MAX_KEYS;
	if (max && *max && !sl_text_parse_i64(max, 0, INT32_MAX, &ret->max_keys)) {
		invalid_argument(
			op, "max-keys", "Provided max-keys not an integer or within integer range");
		return false;
	}
	if (ret->encoding && strcmp(ret->encoding, "url") != 0) {
		invalid_argument(
			op, "encoding-type", "Invalid Encoding Method specified in Request");
		return false;
	}
	if (!ret->v2) {
		ret->marker = lc_request_query(request, "marker");
		ret->after = sl_strdup(ret->marker);
		return true;
	}
	ret->start_after = lc_request_query(request, "start-after");
	ret->token = lc_request_query(request, "continuation-token");
	if (ret->token && !decode_token(ret->token, &ret->after)) {
		invalid_argument(
			op, "continuation-token", "The continuation token provided is incorrect");
		return false;
	}
	if (!ret->token) {
		ret->after = sl_strdup(ret->start_after);
	}
	return true;
}

/* A key or prefix as the client asked to have it: S3's url form has + for space and keeps /. */
static void add_name(
	struct sl_buf *xml, const struct list_query *query, const char *element, const char *text)
{
	if (!query->encoding) {
		s3_element(xml, element, text);
		return;
	}
	sl_buf_printf(xml, "<%s>", element);
	for (const char *c = text; *c; c++) {
		if (*c == ' ') {
			sl_buf_putc(xml, '+');
		} else {
			sl_text_percent_encode(xml, c, 1, "/*");
		}
	}
	sl_buf_printf(xml, "</%s>", element);
}

static void add_contents(
	struct sl_buf *xml, const struct list_query *query, const struct s3_listed *item)
{
	sl_buf_puts(xml, "<Contents>");
	add_name(xml, query, "Key", item->key);
	s3_element_time(xml, "LastModified", item->modified_ms);
	sl_buf_printf(xml, "<ETag>&quot;%s&quot;</ETag>", item->etag);
	s3_element_i64(xml, "Size", item->size);
	s3_element(xml, "StorageClass", "STANDARD");
	if (query->fetch_owner) {
		sl_buf_puts(xml,
			"<Owner><ID>" LC_ACCOUNT "</ID><DisplayName>localcloud</DisplayName>"
			"</Owner>");
	}
	sl_buf_puts(xml, "</Contents>");
}

static void add_page_v2(
	struct sl_buf *xml, const struct list_query *query, const struct s3_listing *listing)
{
	s3_element_i64(xml, "KeyCount", (int64_t)listing->count);
	if (query->token) {
		s3_element(xml, "ContinuationToken", query->token);
	}
	if (query->start_after) {
		add_name(xml, query, "StartAfter", query->start_after);
	}
	if (listing->truncated) {
		const char *last = listing->items[listing->count - 1].key;
		sl_buf_puts(xml, "<NextContinuationToken>");
		sl_text_base64(xml, last, strlen(last));
		sl_buf_puts(xml, "</NextContinuationToken>");
	}
}

static void add_page_v1(
	struct sl_buf *xml, const struct list_query *query, const struct s3_listing *listing)
{
	add_name(xml, query, "Marker", query->marker ? query->marker : "");
	if (listing->truncated && query->delimiter) {
		add_name(xml, query, "NextMarker", listing->items[listing->count - 1].key);
	}
}

static void add_listing(
	struct s3_op *op, const struct list_query *query, const struct s3_listing *listing)
{
	struct sl_buf *xml = s3_xml(op, "ListBucketResult");

	s3_element(xml, "Name", op->bucket);
	add_name(xml, query, "Prefix", query->prefix ? query->prefix : "");
	if (query->delimiter) {
		add_name(xml, query, "Delimiter", query->delimiter);
	}
	if (query->encoding) {
		s3_element(xml, "EncodingType", query->encoding);
	}
	s3_element_i64(xml, "MaxKeys", query->max_keys);
	s3_element(xml, "IsTruncated", listing->truncated ? "true" : "false");
	if (query->v2) {
		add_page_v2(xml, query, listing);
	} else {
		add_page_v1(xml, query, listing);
	}
	for (size_t i = 0; i < listing->count; i++) {
		if (listing->items[i].is_prefix) {
			sl_buf_puts(xml, "<CommonPrefixes>");
			add_name(xml, query, "Prefix", listing->items[i].key);
			sl_buf_puts(xml, "</CommonPrefixes>");
		} else {
			add_contents(xml, query, &listing->items[i]);
		}
	}
	sl_buf_puts(xml, "</ListBucketResult>");
}

void s3_list_objects(struct s3_op *op)
{
	if (sl_text_starts_with(op->bucket, "forbidden-")) {
		s3_error(op, 403, "AccessDenied", NULL, "Access Denied");
		return;
	}
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	SL_AUTO(list_query_finish)
	struct list_query query = {.v2 = false};
	if (!read_list_query(op, &query)) {
		return;
	}
	size_t max = query.max_keys < MAX_KEYS ? (size_t)query.max_keys : MAX_KEYS;
	SL_AUTO(s3_listing_finish)
	struct s3_listing listing = {NULL};
	s3_store_list(op->bucket, query.prefix ? query.prefix : "", query.delimiter, query.after,
		max, &listing);
	add_listing(op, &query, &listing);
}

/* --- DeleteObjects -------------------------------------------------------------------------- */

/* S3 wants this body protected: a damaged list would delete the wrong objects. */
static bool has_body_digest(const struct lc_request *request)
{
	static const char *const accepted[] = {"content-md5", "x-amz-checksum-crc32",
		"x-amz-checksum-crc32c", "x-amz-checksum-sha1", "x-amz-checksum-sha256"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(accepted); i++) {
		if (lc_request_header(request, accepted[i])) {
			return true;
		}
	}
	return false;
}

static void delete_one(struct s3_op *op, const char *key, bool quiet, struct sl_buf *xml)
{
	SL_AUTO(sl_freep)
	char *sequencer = NULL;

	SL_AUTO(sl_freep)
	char *arn = sl_asprintf("arn:aws:s3:::%s/%s", op->bucket, key);
	if (strlen(key) > S3_MAX_KEY || sl_text_starts_with(op->bucket, "forbidden-") ||
		!lc_session_may("s3:DeleteObject", arn)) {
		bool too_long = strlen(key) > S3_MAX_KEY;
		sl_buf_puts(xml, "<Error>");
		s3_element(xml, "Key", key);
		s3_element(xml, "Code", too_long ? "KeyTooLongError" : "AccessDenied");
		s3_element(xml, "Message", too_long ? "Your key is too long" : "Access Denied");
		sl_buf_puts(xml, "</Error>");
		return;
	}
	if (s3_store_delete(op->bucket, key, &sequencer)) {
		s3_notify("ObjectRemoved:Delete", op->bucket, key, NULL, sequencer,
			op->request->request_id);
	}
	if (!quiet) {
		sl_buf_puts(xml, "<Deleted>");
		s3_element(xml, "Key", key);
		sl_buf_puts(xml, "</Deleted>");
	}
}

void s3_delete_objects(struct s3_op *op)
{
	if (!has_body_digest(op->request)) {
		s3_error(op, 400, "InvalidRequest", NULL,
			"Missing required header for this request: Content-MD5 OR "
			"x-amz-checksum-*");
		return;
	}
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *root = s3_body_xml(op, "Delete");
	size_t count = 0;
	for (const struct lc_xml *at = root ? root->child : NULL; at; at = at->next) {
		if (strcmp(at->name, "Object") == 0) {
			const char *key = lc_xml_value(at, "Key");
			count = key && *key ? count + 1 : MAX_DELETE_KEYS + 1;
		}
	}
	if (count == 0 || count > MAX_DELETE_KEYS) {
		s3_malformed_xml(op);
		return;
	}
	bool quiet = sl_text_equal(lc_xml_value(root, "Quiet"), "true");
	struct sl_buf *xml = s3_xml(op, "DeleteResult");
	for (const struct lc_xml *at = root->child; at; at = at->next) {
		if (strcmp(at->name, "Object") == 0) {
			delete_one(op, lc_xml_value(at, "Key"), quiet, xml);
		}
	}
	sl_buf_puts(xml, "</DeleteResult>");
}
