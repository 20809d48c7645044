/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's PutObject, CopyObject and DeleteObject, and what of a request is stored with an object.
 * Entry points: the s3_operations, s3_stored_headers, s3_copy_source. HTTP threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "clock.h"
#include "s3_internal.h"
#include "text.h"

#define MAX_METADATA_BYTES 2048
#define MAX_METADATA_COUNT 40
#define MAX_COPY_BYTES     ((int64_t)5 * 1024 * 1024 * 1024)

/* --- what is stored with an object ---------------------------------------------------------- */

static const char *const plain_headers[] = {"content-type", "cache-control", "content-disposition",
	"content-encoding", "content-language", "expires", "x-amz-website-redirect-location"};

/* Content-Encoding without "aws-chunked", which is about the request only. Owned by the caller;
 * NULL when nothing is left. */
static char *without_aws_chunked(const char *value)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf kept = SL_BUF_INIT;
	while (*value) {
		value += strspn(value, " \t,");
		size_t len = strcspn(value, ",");
		size_t trimmed = len;
		while (trimmed > 0 && (value[trimmed - 1] == ' ' || value[trimmed - 1] == '\t')) {
			trimmed--;
		}
		if (trimmed > 0 &&
			!(trimmed == strlen("aws-chunked") &&
				strncasecmp(value, "aws-chunked", trimmed) == 0)) {
			sl_buf_puts(&kept, kept.len ? "," : "");
			sl_buf_add(&kept, value, trimmed);
		}
		value += len;
	}
	return kept.len ? sl_buf_steal(&kept) : NULL;
}

static bool add_metadata(struct s3_op *op, json_t *headers)
{
	size_t bytes = 0;
	size_t count = 0;

	for (size_t i = 0; i < op->request->header_count; i++) {
		const struct lc_header *header = &op->request->headers[i];
		if (!sl_text_starts_with(header->name, "x-amz-meta-")) {
			continue;
		}
		bytes += strlen(header->name) - strlen("x-amz-meta-") + strlen(header->value);
		count++;
		if (bytes > MAX_METADATA_BYTES || count > MAX_METADATA_COUNT) {
			SL_AUTO(sl_buf_finish)
			struct sl_buf extra = SL_BUF_INIT;
			s3_element_i64(&extra, "MaxSizeAllowed", MAX_METADATA_BYTES);
			s3_error(op, 400, "MetadataTooLarge", sl_buf_str(&extra),
				"Your metadata headers exceed the maximum allowed metadata size");
			return false;
		}
		if (json_object_set_new(headers, header->name, json_string(header->value)) != 0) {
			s3_error(op, 400, "InvalidArgument", NULL,
				"The metadata header %s is not valid UTF-8", header->name);
			return false;
		}
	}
	return true;
}

char *s3_stored_headers(struct s3_op *op)
{
	json_auto_t *headers = json_object();

	for (size_t i = 0; i < SL_ARRAY_SIZE(plain_headers); i++) {
		const char *name = plain_headers[i];
		SL_AUTO(sl_freep)
		char *value = sl_strdup(lc_request_header(op->request, name));
		if (value && strcmp(name, "content-encoding") == 0) {
			char *kept = without_aws_chunked(value);
			free(value);
			value = kept;
		}
		if (value && json_object_set_new(headers, name, json_string(value)) != 0) {
			s3_error(op, 400, "InvalidArgument", NULL,
				"The header %s is not valid UTF-8", name);
			return NULL;
		}
	}
	if (!json_object_get(headers, "content-type")) {
		(void)json_object_set_new(
			headers, "content-type", json_string("binary/octet-stream"));
	}
	if (!add_metadata(op, headers)) {
		return NULL;
	}
	return json_dumps(headers, JSON_COMPACT);
}

/* --- PutObject ------------------------------------------------------------------------------ */

/* Puts a file of the store in place and tells the world; the file is gone when it fails. */
static bool put_file(
	struct s3_op *op, const struct s3_object *object, bool if_absent, const char *event)
{
	SL_AUTO(sl_freep)
	char *sequencer = NULL;

	switch (s3_store_put(op->bucket, op->key, object, if_absent, &sequencer)) {
	case S3_PUT_NO_BUCKET:
		s3_store_remove_file(object->file);
		s3_no_such_bucket(op);
		return false;
	case S3_PUT_EXISTS:
		s3_store_remove_file(object->file);
		s3_error(op, 412, "PreconditionFailed", "<Condition>If-None-Match</Condition>",
			"At least one of the pre-conditions you specified did not hold");
		return false;
	case S3_PUT_OK:
		break;
	}
	s3_notify(event, op->bucket, op->key, object, sequencer, op->request->request_id);
	return true;
}

static void echo_checksums(struct s3_op *op)
{
	for (size_t i = 0; i < op->request->header_count; i++) {
		const struct lc_header *header = &op->request->headers[i];
		if (sl_text_starts_with(header->name, "x-amz-checksum-")) {
			lc_reply_header(op->reply, header->name, header->value);
			return;
		}
	}
}

void s3_put_object(struct s3_op *op)
{
	const struct lc_request *request = op->request;
	const char *none_match = lc_request_header(request, "if-none-match");

	if (!lc_request_header(request, "content-length") &&
		!lc_request_header(request, "transfer-encoding")) {
		s3_error(op, 411, "MissingContentLength", NULL,
			"You must provide the Content-Length HTTP header.");
		return;
	}
	if ((none_match && strcmp(none_match, "*") != 0) ||
		lc_request_header(request, "if-match")) {
		s3_error(op, 501, "NotImplemented", NULL,
			"A header you provided implies functionality that is not implemented");
		return;
	}
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	SL_AUTO(s3_object_finish)
	struct s3_object object = {.headers = s3_stored_headers(op)};
	if (!object.headers) {
		return;
	}
	object.file = s3_body_to_file(op);
	if (!object.file) {
		return;
	}
	object.size = (int64_t)request->body_len;
	object.etag = sl_strdup(request->body_md5_hex);
	object.modified_ms = sl_clock_now_ms();
	if (put_file(op, &object, none_match != NULL, "ObjectCreated:Put")) {
		s3_etag_header(op, object.etag);
		echo_checksums(op);
	}
}

void s3_delete_object(struct s3_op *op)
{
	SL_AUTO(sl_freep)
	char *sequencer = NULL;

	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	if (s3_store_delete(op->bucket, op->key, &sequencer)) {
		s3_notify("ObjectRemoved:Delete", op->bucket, op->key, NULL, sequencer,
			op->request->request_id);
	}
	op->reply->status = 204; /* whether or not there was one */
}

/* --- CopyObject ----------------------------------------------------------------------------- */

/* "[/]bucket/key", percent-encoded, perhaps with "?versionId=null". False when it is not that. */
static bool parse_copy_source(const char *source, char **ret_bucket, char **ret_key)
{
	source += *source == '/';
	size_t len = strcspn(source, "?");
	if (source[len] && strcmp(source + len, "?versionId=null") != 0) {
		return false;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf decoded = SL_BUF_INIT;
	if (!sl_text_percent_decode(&decoded, source, len, false) ||
		strlen(sl_buf_str(&decoded)) != decoded.len) {
		return false;
	}
	const char *slash = strchr(sl_buf_str(&decoded), '/');
	if (!slash || slash == decoded.data || !slash[1]) {
		return false;
	}
	*ret_bucket = sl_strndup(decoded.data, (size_t)(slash - decoded.data));
	*ret_key = sl_strdup(slash + 1);
	return true;
}

bool s3_copy_source(struct s3_op *op, struct s3_object *ret, int *ret_fd)
{
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;

	if (!parse_copy_source(
		    lc_request_header(op->request, "x-amz-copy-source"), &bucket, &key)) {
		s3_error(op, 400, "InvalidArgument",
			"<ArgumentName>x-amz-copy-source</ArgumentName>",
			"Copy Source must mention the source bucket and key: "
			"sourcebucket/sourcekey");
		return false;
	}
	if (sl_text_starts_with(bucket, "forbidden-")) {
		s3_error(op, 403, "AccessDenied", NULL, "Access Denied");
		return false;
	}
	switch (s3_store_get(bucket, key, ret, ret_fd)) {
	case LC_OBJECT_NO_BUCKET:
		s3_error(op, 404, "NoSuchBucket", NULL, "The specified bucket does not exist");
		return false;
	case LC_OBJECT_NO_KEY:
		s3_no_such_key(op, key);
		return false;
	case LC_OBJECT_OK:
		break;
	}
	if (s3_check_conditions(op->request, "x-amz-copy-source-", ret) != S3_PASS) {
		close(*ret_fd);
		s3_error(op, 412, "PreconditionFailed", NULL,
			"At least one of the pre-conditions you specified did not hold");
		return false;
	}
	return true;
}

/* A second name for the same bytes where the file system can, which never change; else a copy. */
static char *duplicate_file(const struct s3_object *source, int fd)
{
	char *file = s3_store_new_name();
	SL_AUTO(sl_freep)
	char *from = s3_store_path(source->file);
	SL_AUTO(sl_freep)
	char *to = s3_store_path(file);
	if (link(from, to) == 0) {
		return file;
	}
	int to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = to_fd >= 0 && s3_append(to_fd, fd, 0, source->size);
	if (to_fd >= 0 && close(to_fd) != 0) {
		ok = false;
	}
	if (!ok) {
		s3_store_remove_file(file);
		free(file);
		return NULL;
	}
	return file;
}

static void copy_object(struct s3_op *op, const struct s3_object *source, int fd, bool replace)
{
	SL_AUTO(s3_object_finish)
	struct s3_object object = {
		.headers = replace ? s3_stored_headers(op) : sl_strdup(source->headers),
		.size = source->size,
		.modified_ms = sl_clock_now_ms(),
	};
	if (!object.headers) {
		return;
	}
	/* A copy is one part, however many its source had. */
	object.etag = strchr(source->etag, '-') ? s3_file_md5(fd) : sl_strdup(source->etag);
	object.file = object.etag ? duplicate_file(source, fd) : NULL;
	if (!object.file) {
		s3_internal_error(op, "cannot copy an object");
		return;
	}
	if (!put_file(op, &object, false, "ObjectCreated:Copy")) {
		return;
	}
	struct sl_buf *xml = s3_xml(op, "CopyObjectResult");
	s3_element_time(xml, "LastModified", object.modified_ms);
	sl_buf_printf(xml, "<ETag>&quot;%s&quot;</ETag></CopyObjectResult>", object.etag);
}

static bool is_onto_itself(struct s3_op *op)
{
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	return parse_copy_source(
		       lc_request_header(op->request, "x-amz-copy-source"), &bucket, &key) &&
		strcmp(bucket, op->bucket) == 0 && strcmp(key, op->key) == 0;
}

void s3_copy_object(struct s3_op *op)
{
	SL_AUTO(s3_object_finish)
	struct s3_object source = {NULL};
	const char *directive = lc_request_header(op->request, "x-amz-metadata-directive");
	bool replace = sl_text_equal(directive, "REPLACE");
	int fd = -1;

	if (directive && !replace && strcmp(directive, "COPY") != 0) {
		s3_error(op, 400, "InvalidArgument",
			"<ArgumentName>x-amz-metadata-directive</ArgumentName>",
			"Unknown metadata directive.");
		return;
	}
	if (!replace && is_onto_itself(op)) {
		s3_error(op, 400, "InvalidRequest", NULL,
			"This copy request is illegal because it is trying to copy an object to "
			"itself "
			"without changing the object's metadata, storage class, website redirect "
			"location or encryption attributes.");
		return;
	}
	if (!s3_copy_source(op, &source, &fd)) {
		return;
	}
	if (source.size > MAX_COPY_BYTES) {
		s3_error(op, 400, "InvalidRequest", NULL,
			"The specified copy source is larger than the maximum allowable size for a "
			"copy source: 5368709120");
	} else {
		copy_object(op, &source, fd, replace);
	}
	close(fd);
}
