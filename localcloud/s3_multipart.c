/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's multipart uploads: create, upload and copy parts, abort, list (s3_complete.c completes).
 * Entry points: the s3_operations. HTTP threads.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "s3_internal.h"
#include "text.h"
#include "uuid.h"

void s3_no_such_upload(struct s3_op *op, const char *id)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf extra = SL_BUF_INIT;
	s3_element(&extra, "UploadId", id);
	s3_error(op, 404, "NoSuchUpload", sl_buf_str(&extra),
		"The specified upload does not exist. The upload ID may be invalid, or the upload "
		"may "
		"have been aborted or completed.");
}

char *s3_find_upload(struct s3_op *op, char **ret_headers)
{
	SL_AUTO(sl_freep)
	char *id = lc_request_query(op->request, "uploadId");
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return NULL;
	}
	SL_AUTO(sl_freep)
	char *headers = s3_upload_headers(id, op->bucket, op->key);
	if (!headers) {
		s3_no_such_upload(op, id);
		return NULL;
	}
	if (ret_headers) {
		*ret_headers = sl_take(&headers);
	}
	return sl_take(&id);
}

void s3_create_upload(struct s3_op *op)
{
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	SL_AUTO(sl_freep)
	char *headers = s3_stored_headers(op);
	if (!headers) {
		return;
	}
	char id[SL_UUID_SIZE];
	sl_uuid_create(id);
	s3_upload_create(id, op->bucket, op->key, headers);
	struct sl_buf *xml = s3_xml(op, "InitiateMultipartUploadResult");
	s3_element(xml, "Bucket", op->bucket);
	s3_element(xml, "Key", op->key);
	s3_element(xml, "UploadId", id);
	sl_buf_puts(xml, "</InitiateMultipartUploadResult>");
}

/* --- parts ---------------------------------------------------------------------------------- */

static bool read_part_number(struct s3_op *op, int64_t *ret)
{
	SL_AUTO(sl_freep)
	char *text = lc_request_query(op->request, "partNumber");
	if (text && sl_text_parse_i64(text, 1, S3_MAX_PARTS, ret)) {
		return true;
	}
	s3_error(op, 400, "InvalidArgument", "<ArgumentName>partNumber</ArgumentName>",
		"Part number must be an integer between 1 and 10000, inclusive");
	return false;
}

/* Stores the part, whose file is gone when that fails. */
static bool put_part(struct s3_op *op, const char *id, const struct s3_part *part)
{
	if (!s3_upload_put_part(id, part)) {
		s3_store_remove_file(part->file);
		s3_no_such_upload(op, id);
		return false;
	}
	return true;
}

void s3_upload_part(struct s3_op *op)
{
	struct s3_part part = {.modified_ms = sl_clock_now_ms()};
	SL_AUTO(sl_freep)
	char *id = s3_find_upload(op, NULL);
	if (!id || !read_part_number(op, &part.number)) {
		return;
	}
	SL_AUTO(sl_freep)
	char *file = s3_body_to_file(op);
	if (!file) {
		return;
	}
	SL_AUTO(sl_freep)
	char *etag = sl_strdup(op->request->body_md5_hex);
	part.file = file;
	part.etag = etag;
	part.size = (int64_t)op->request->body_len;
	if (put_part(op, id, &part)) {
		s3_etag_header(op, etag);
	}
}

/* The bytes [from, from + len) of the source as a new file of the store; NULL on failure. */
static char *slice(int source_fd, int64_t from, int64_t len, char **ret_etag)
{
	SL_AUTO(sl_freep)
	char *file = s3_store_new_name();
	SL_AUTO(sl_freep)
	char *path = s3_store_path(file);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		return NULL;
	}
	bool ok = s3_append(fd, source_fd, from, len);
	*ret_etag = ok ? s3_file_md5(fd) : NULL;
	if (close(fd) != 0 || !*ret_etag) {
		s3_store_remove_file(file);
		return NULL;
	}
	return sl_take(&file);
}

static void copy_part(struct s3_op *op, const char *id, struct s3_part *part,
	const struct s3_object *source, int source_fd)
{
	const char *range = lc_request_header(op->request, "x-amz-copy-source-range");
	int64_t from = 0;
	int64_t len = source->size;

	if (range && s3_parse_range(range, source->size, &from, &len) != S3_RANGE_PART) {
		s3_error(op, 400, "InvalidArgument",
			"<ArgumentName>x-amz-copy-source-range</ArgumentName>",
			"The x-amz-copy-source-range value must be of the form bytes=first-last "
			"where "
			"first and last are the zero-based offsets of the first and last bytes to "
			"copy");
		return;
	}
	SL_AUTO(sl_freep)
	char *etag = NULL;
	SL_AUTO(sl_freep)
	char *file = slice(source_fd, from, len, &etag);
	if (!file) {
		s3_internal_error(op, "cannot join or copy parts");
		return;
	}
	part->file = file;
	part->etag = etag;
	part->size = len;
	if (!put_part(op, id, part)) {
		return;
	}
	struct sl_buf *xml = s3_xml(op, "CopyPartResult");
	s3_element_time(xml, "LastModified", part->modified_ms);
	sl_buf_printf(xml, "<ETag>&quot;%s&quot;</ETag></CopyPartResult>", etag);
}

void s3_upload_part_copy(struct s3_op *op)
{
	struct s3_part part = {.modified_ms = sl_clock_now_ms()};
	SL_AUTO(s3_object_finish)
	struct s3_object source = {NULL};
	SL_AUTO(sl_freep)
	char *id = s3_find_upload(op, NULL);
	int fd = -1;
	if (!id || !read_part_number(op, &part.number) || !s3_copy_source(op, &source, &fd)) {
		return;
	}
	copy_part(op, id, &part, &source, fd);
	close(fd);
}

void s3_abort_upload(struct s3_op *op)
{
	SL_AUTO(sl_freep)
	char *id = s3_find_upload(op, NULL);
	if (!id) {
		return;
	}
	if (!s3_upload_remove(id)) {
		s3_no_such_upload(op, id);
		return;
	}
	op->reply->status = 204;
}

/* --- lists ----------------------------------------------------------------------------------- */

static int64_t query_number(const struct lc_request *request, const char *name, int64_t fallback)
{
	SL_AUTO(sl_freep)
	char *text = lc_request_query(request, name);
	int64_t number;
	return text && sl_text_parse_i64(text, 0, INT32_MAX, &number) ? number : fallback;
}

static void add_part(struct sl_buf *xml, const struct s3_part *part)
{
	sl_buf_puts(xml, "<Part>");
	s3_element_i64(xml, "PartNumber", part->number);
	s3_element_time(xml, "LastModified", part->modified_ms);
	sl_buf_printf(xml, "<ETag>&quot;%s&quot;</ETag>", part->etag);
	s3_element_i64(xml, "Size", part->size);
	sl_buf_puts(xml, "</Part>");
}

void s3_list_parts(struct s3_op *op)
{
	SL_AUTO(s3_parts_finish)
	struct s3_parts parts = {NULL};
	SL_AUTO(sl_freep)
	char *id = s3_find_upload(op, NULL);
	if (!id) {
		return;
	}
	int64_t marker = query_number(op->request, "part-number-marker", 0);
	int64_t asked = query_number(op->request, "max-parts", 1000);
	int64_t max = asked < 1000 ? asked : 1000;
	s3_upload_parts(id, &parts);

	struct sl_buf *xml = s3_xml(op, "ListPartsResult");
	s3_element(xml, "Bucket", op->bucket);
	s3_element(xml, "Key", op->key);
	s3_element(xml, "UploadId", id);
	s3_element_i64(xml, "PartNumberMarker", marker);
	s3_element_i64(xml, "MaxParts", max);
	s3_element(xml, "StorageClass", "STANDARD");
	size_t at = 0;
	while (at < parts.count && parts.items[at].number <= marker) {
		at++;
	}
	for (; at < parts.count && max > 0; at++, max--) {
		add_part(xml, &parts.items[at]);
		marker = parts.items[at].number;
	}
	s3_element_i64(xml, "NextPartNumberMarker", marker);
	s3_element(xml, "IsTruncated", at < parts.count ? "true" : "false");
	sl_buf_puts(xml, "</ListPartsResult>");
}

void s3_list_uploads(struct s3_op *op)
{
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	SL_AUTO(sl_freep)
	char *prefix = lc_request_query(op->request, "prefix");
	struct sl_buf *xml = s3_xml(op, "ListMultipartUploadsResult");
	s3_element(xml, "Bucket", op->bucket);
	s3_element(xml, "Prefix", prefix ? prefix : "");
	s3_element(xml, "IsTruncated", "false");
	s3_upload_list(op->bucket, prefix ? prefix : "", xml);
	sl_buf_puts(xml, "</ListMultipartUploadsResult>");
}
