/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's multipart uploads: create, upload and copy parts, complete, abort, list.
 * Entry points: the s3_operations. HTTP threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "s3_internal.h"
#include "text.h"
#include "uuid.h"

#define MAX_PARTS      10000
#define MIN_PART_BYTES ((int64_t)5 * 1024 * 1024)

static void no_such_upload(struct s3_op *op, const char *id)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf extra = SL_BUF_INIT;
	s3_element(&extra, "UploadId", id);
	s3_error(op, 404, "NoSuchUpload", sl_buf_str(&extra),
		"The specified upload does not exist. The upload ID may be invalid, or the upload "
		"may "
		"have been aborted or completed.");
}

static void internal_error(struct s3_op *op)
{
	sl_log(SL_LOG_ERROR, "cannot join or copy parts", SL_F("reason", strerror(errno)),
		SL_F("request_id", op->request->request_id), SL_F_END);
	s3_error(op, 500, "InternalError", NULL,
		"We encountered an internal error. Please try again.");
}

/* The upload's id if bucket and upload exist, owned by the caller; NULL after an error reply. */
static char *find_upload(struct s3_op *op, char **ret_headers)
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
		no_such_upload(op, id);
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
	if (text && sl_text_parse_i64(text, 1, MAX_PARTS, ret)) {
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
		no_such_upload(op, id);
		return false;
	}
	return true;
}

void s3_upload_part(struct s3_op *op)
{
	struct s3_part part = {.modified_ms = sl_clock_now_ms()};
	SL_AUTO(sl_freep)
	char *id = find_upload(op, NULL);
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
		internal_error(op);
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
	char *id = find_upload(op, NULL);
	int fd = -1;
	if (!id || !read_part_number(op, &part.number) || !s3_copy_source(op, &source, &fd)) {
		return;
	}
	copy_part(op, id, &part, &source, fd);
	close(fd);
}

/* --- completion ----------------------------------------------------------------------------- */

static void invalid_part(struct s3_op *op, int64_t number)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf extra = SL_BUF_INIT;
	s3_element_i64(&extra, "PartNumber", number);
	s3_error(op, 400, "InvalidPart", sl_buf_str(&extra),
		"One or more of the specified parts could not be found.  The part may not have "
		"been "
		"uploaded, or the specified entity tag may not match the part's entity tag.");
}

static const struct s3_part *part_of(const struct s3_parts *parts, int64_t number)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (parts->items[i].number == number) {
			return &parts->items[i];
		}
	}
	return NULL;
}

static bool same_etag(const char *etag, const char *sent)
{
	size_t len = strlen(sent);
	if (len >= 2 && sent[0] == '"' && sent[len - 1] == '"') {
		sent++;
		len -= 2;
	}
	return len == strlen(etag) && strncmp(etag, sent, len) == 0;
}

/* One <Part> of the list; NULL after an error reply. */
static const struct s3_part *chosen_part(struct s3_op *op, const struct lc_xml *element,
	const struct s3_parts *stored, int64_t previous)
{
	const char *number_text = lc_xml_value(element, "PartNumber");
	const char *etag = lc_xml_value(element, "ETag");
	int64_t number;

	if (strcmp(element->name, "Part") != 0 || !number_text || !etag ||
		!sl_text_parse_i64(number_text, 1, MAX_PARTS, &number)) {
		s3_malformed_xml(op);
		return NULL;
	}
	if (number <= previous) {
		s3_error(op, 400, "InvalidPartOrder", NULL,
			"The list of parts was not in ascending order. Parts must be ordered by "
			"part "
			"number.");
		return NULL;
	}
	const struct s3_part *part = part_of(stored, number);
	if (!part || !same_etag(part->etag, etag)) {
		invalid_part(op, number);
		return NULL;
	}
	return part;
}

/* Only the last may be small. */
static bool check_sizes(struct s3_op *op, const struct s3_part *const *parts, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++) {
		if (parts[i]->size < MIN_PART_BYTES) {
			SL_AUTO(sl_buf_finish)
			struct sl_buf extra = SL_BUF_INIT;
			s3_element_i64(&extra, "ProposedSize", parts[i]->size);
			s3_element_i64(&extra, "MinSizeAllowed", MIN_PART_BYTES);
			s3_element_i64(&extra, "PartNumber", parts[i]->number);
			s3_error(op, 400, "EntityTooSmall", sl_buf_str(&extra),
				"Your proposed upload is smaller than the minimum allowed size");
			return false;
		}
	}
	return true;
}

/* The parts to join, in order; borrowed from `stored`, the array is the caller's. NULL after an
 * error reply. */
static const struct s3_part **choose_parts(
	struct s3_op *op, const struct s3_parts *stored, size_t *ret_count)
{
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *root = s3_body_xml(op, "CompleteMultipartUpload");
	if (!root || !root->child) {
		s3_malformed_xml(op);
		return NULL;
	}
	const struct s3_part **chosen = sl_calloc(MAX_PARTS, sizeof *chosen);
	size_t count = 0;
	for (const struct lc_xml *at = root->child; at; at = at->next) {
		const struct s3_part *part =
			chosen_part(op, at, stored, count ? chosen[count - 1]->number : 0);
		if (!part) {
			free(chosen);
			return NULL;
		}
		chosen[count++] = part;
	}
	if (!check_sizes(op, chosen, count)) {
		free(chosen);
		return NULL;
	}
	*ret_count = count;
	return chosen;
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* S3's tag of a multipart object: the MD5 of the parts' binary MD5s, and their number. */
static char *joined_etag(const struct s3_part *const *parts, size_t count)
{
	EVP_MD_CTX *md5 = EVP_MD_CTX_new();
	if (!md5 || !EVP_DigestInit_ex(md5, EVP_md5(), NULL)) {
		SL_BUG("MD5 cannot be started");
	}
	for (size_t i = 0; i < count; i++) {
		for (const char *c = parts[i]->etag; c[0] && c[1]; c += 2) {
			unsigned char byte =
				(unsigned char)(hex_digit(c[0]) << 4 | hex_digit(c[1]));
			(void)EVP_DigestUpdate(md5, &byte, 1);
		}
	}
	unsigned char digest[16];
	(void)EVP_DigestFinal_ex(md5, digest, NULL);
	EVP_MD_CTX_free(md5);
	struct sl_buf etag = SL_BUF_INIT;
	sl_text_hex(&etag, digest, sizeof digest);
	sl_buf_printf(&etag, "-%zu", count);
	return sl_buf_steal(&etag);
}

static bool append_part(int fd, const struct s3_part *part)
{
	SL_AUTO(sl_freep)
	char *path = s3_store_path(part->file);
	int part_fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = part_fd >= 0 && s3_append(fd, part_fd, 0, part->size);
	if (part_fd >= 0) {
		close(part_fd);
	}
	return ok;
}

/* The joined file's name, owned by the caller; NULL when that fails. */
static char *join(const struct s3_part *const *parts, size_t count, int64_t *ret_size)
{
	SL_AUTO(sl_freep)
	char *file = s3_store_new_name();
	SL_AUTO(sl_freep)
	char *path = s3_store_path(file);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0;
	*ret_size = 0;
	for (size_t i = 0; ok && i < count; i++) {
		ok = append_part(fd, parts[i]);
		*ret_size += parts[i]->size;
	}
	if (fd >= 0 && close(fd) != 0) {
		ok = false;
	}
	if (!ok) {
		s3_store_remove_file(file);
		return NULL;
	}
	return sl_take(&file);
}

static void reply_completed(struct s3_op *op, const char *etag)
{
	struct sl_buf *xml = s3_xml(op, "CompleteMultipartUploadResult");
	sl_buf_puts(xml, "<Location>");
	lc_xml_escape(xml, op->cloud->base_url);
	lc_xml_escape(xml, op->request->raw_path);
	sl_buf_puts(xml, "</Location>");
	s3_element(xml, "Bucket", op->bucket);
	s3_element(xml, "Key", op->key);
	sl_buf_printf(xml, "<ETag>&quot;%s&quot;</ETag></CompleteMultipartUploadResult>", etag);
}

void s3_complete_upload(struct s3_op *op)
{
	SL_AUTO(s3_object_finish)
	struct s3_object object = {.modified_ms = sl_clock_now_ms()};
	SL_AUTO(s3_parts_finish)
	struct s3_parts stored = {NULL};
	SL_AUTO(sl_freep)
	char *sequencer = NULL;
	SL_AUTO(sl_freep)
	char *id = find_upload(op, &object.headers);
	if (!id) {
		return;
	}
	s3_upload_parts(id, &stored);
	size_t count = 0;
	SL_AUTO(sl_freep)
	const struct s3_part **parts = choose_parts(op, &stored, &count);
	if (!parts) {
		return;
	}
	object.etag = joined_etag(parts, count);
	object.file = join(parts, count, &object.size);
	if (!object.file) {
		internal_error(op);
		return;
	}
	/* Two completions at once: the one that removes the upload has won. */
	if (!s3_upload_remove(id)) {
		s3_store_remove_file(object.file);
		no_such_upload(op, id);
		return;
	}
	if (s3_store_put(op->bucket, op->key, &object, false, &sequencer) != S3_PUT_OK) {
		s3_store_remove_file(object.file);
		s3_no_such_bucket(op);
		return;
	}
	s3_notify("ObjectCreated:CompleteMultipartUpload", op->bucket, op->key, &object, sequencer,
		op->request->request_id);
	reply_completed(op, object.etag);
}

void s3_abort_upload(struct s3_op *op)
{
	SL_AUTO(sl_freep)
	char *id = find_upload(op, NULL);
	if (!id) {
		return;
	}
	if (!s3_upload_remove(id)) {
		no_such_upload(op, id);
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
	char *id = find_upload(op, NULL);
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
