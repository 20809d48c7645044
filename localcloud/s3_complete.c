/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's CompleteMultipartUpload: chooses the parts that the client lists and joins their files.
 * Entry point: s3_complete_upload. HTTP threads.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "s3_internal.h"
#include "text.h"

#define MIN_PART_BYTES ((int64_t)5 * 1024 * 1024)

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

/* One <Part> of the list, borrowed from `stored`; NULL after an error reply. */
static const struct s3_part *chosen_part(struct s3_op *op, const struct lc_xml *element,
	const struct s3_parts *stored, int64_t previous)
{
	const char *number_text = lc_xml_value(element, "PartNumber");
	const char *etag = lc_xml_value(element, "ETag");
	int64_t number;

	if (strcmp(element->name, "Part") != 0 || !number_text || !etag ||
		!sl_text_parse_i64(number_text, 1, S3_MAX_PARTS, &number)) {
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
static bool check_sizes(struct s3_op *op, const struct s3_part *parts, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++) {
		if (parts[i].size < MIN_PART_BYTES) {
			SL_AUTO(sl_buf_finish)
			struct sl_buf extra = SL_BUF_INIT;
			s3_element_i64(&extra, "ProposedSize", parts[i].size);
			s3_element_i64(&extra, "MinSizeAllowed", MIN_PART_BYTES);
			s3_element_i64(&extra, "PartNumber", parts[i].number);
			s3_error(op, 400, "EntityTooSmall", sl_buf_str(&extra),
				"Your proposed upload is smaller than the minimum allowed size");
			return false;
		}
	}
	return true;
}

/* The parts to join, in order: an array of the caller's, its strings borrowed from `stored`. NULL
 * after an error reply. */
static struct s3_part *choose_parts(
	struct s3_op *op, const struct s3_parts *stored, size_t *ret_count)
{
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *root = s3_body_xml(op, "CompleteMultipartUpload");
	if (!root || !root->child) {
		s3_malformed_xml(op);
		return NULL;
	}
	struct s3_part *chosen = sl_calloc(S3_MAX_PARTS, sizeof *chosen);
	size_t count = 0;
	for (const struct lc_xml *at = root->child; at; at = at->next) {
		const struct s3_part *part =
			chosen_part(op, at, stored, count ? chosen[count - 1].number : 0);
		if (!part) {
			free(chosen);
			return NULL;
		}
		chosen[count++] = *part;
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
static char *joined_etag(const struct s3_part *parts, size_t count)
{
	EVP_MD_CTX *md5 = EVP_MD_CTX_new();
	if (!md5 || !EVP_DigestInit_ex(md5, EVP_md5(), NULL)) {
		SL_BUG("MD5 cannot be started");
	}
	for (size_t i = 0; i < count; i++) {
		for (const char *c = parts[i].etag; c[0] && c[1]; c += 2) {
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
static char *join(const struct s3_part *parts, size_t count, int64_t *ret_size)
{
	SL_AUTO(sl_freep)
	char *file = s3_store_new_name();
	SL_AUTO(sl_freep)
	char *path = s3_store_path(file);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0;
	*ret_size = 0;
	for (size_t i = 0; ok && i < count; i++) {
		ok = append_part(fd, &parts[i]);
		*ret_size += parts[i].size;
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
	char *id = s3_find_upload(op, &object.headers);
	if (!id) {
		return;
	}
	s3_upload_parts(id, &stored);
	size_t count = 0;
	SL_AUTO(sl_freep)
	struct s3_part *parts = choose_parts(op, &stored, &count);
	if (!parts) {
		return;
	}
	object.etag = joined_etag(parts, count);
	object.file = join(parts, count, &object.size);
	if (!object.file) {
		s3_internal_error(op, "cannot join or copy parts");
		return;
	}
	/* Two completions at once: the one that removes the upload has won. */
	if (!s3_upload_remove(id)) {
		s3_store_remove_file(object.file);
		s3_no_such_upload(op, id);
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
