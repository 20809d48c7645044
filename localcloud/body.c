/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes request bodies in: hashing and decoding while they stream, memory for the small, a file
 * below data_dir/tmp for S3's large. Entry points: lc_body_*. The request's HTTP thread only.
 */
#include "body.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"
#include "text.h"
#include "uuid.h"

static const char *const checksum_headers[LC_CHECKSUM_COUNT_] = {
	[LC_CRC32] = "x-amz-checksum-crc32",
	[LC_CRC32C] = "x-amz-checksum-crc32c",
	[LC_SHA1] = "x-amz-checksum-sha1",
	[LC_SHA256] = "x-amz-checksum-sha256",
};

static EVP_MD_CTX *digest_start(const EVP_MD *type)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	if (!digest || !EVP_DigestInit_ex(digest, type, NULL)) {
		SL_BUG("a digest cannot be started");
	}
	return digest;
}

/* The hex digest of what was added; the context starts anew with `type`. */
static void digest_hex(EVP_MD_CTX *digest, const EVP_MD *type, struct sl_buf *ret)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (!EVP_DigestFinal_ex(digest, bytes, &len) || !EVP_DigestInit_ex(digest, type, NULL)) {
		SL_BUG("a digest cannot be finished");
	}
	sl_buf_clear(ret);
	sl_text_hex(ret, bytes, len);
}

/* --- what comes out of the coding --------------------------------------------------------- */

static void fail(struct lc_body *body, enum lc_body_fault fault)
{
	if (body->fault == LC_BODY_OK) {
		body->fault = fault;
	}
}

static bool open_spool(struct lc_body *body)
{
	char id[SL_UUID_SIZE];
	sl_uuid_create(id);
	body->path = sl_asprintf("%s/tmp/body-%s", body->cloud->data_dir, id);
	body->fd = open(body->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return body->fd >= 0;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return false;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static void keep(struct lc_body *body, const void *bytes, size_t len)
{
	if (body->fd < 0 && (!body->spool || body->memory.len + len <= LC_BODY_MEMORY_S3)) {
		sl_buf_add(&body->memory, bytes, len);
		return;
	}
	if (body->fd < 0) {
		if (!open_spool(body) ||
			!write_all(body->fd, sl_buf_str(&body->memory), body->memory.len)) {
			fail(body, LC_BODY_IO);
			return;
		}
		sl_buf_finish(&body->memory);
	}
	if (!write_all(body->fd, bytes, len)) {
		fail(body, LC_BODY_IO);
	}
}

static void decoded(void *context, const void *bytes, size_t len)
{
	struct lc_body *body = context;

	if (body->fault != LC_BODY_OK || len == 0) {
		return;
	}
	body->size += len;
	EVP_MD_CTX *const digests[] = {body->md5, body->sha1, body->sha256,
		body->chunks_signed ? body->chunk_sha256 : NULL};
	for (size_t i = 0; i < SL_ARRAY_SIZE(digests); i++) {
		if (digests[i]) {
			(void)EVP_DigestUpdate(digests[i], bytes, len);
		}
	}
	/* A trailer's algorithm is announced in x-amz-trailer, but the CRCs cost next to nothing.
	 */
	if (body->chunked || body->checksums[LC_CRC32]) {
		body->crc32 = lc_crc32(body->crc32, bytes, len);
	}
	if (body->chunked || body->checksums[LC_CRC32C]) {
		body->crc32c = lc_crc32c(body->crc32c, bytes, len);
	}
	keep(body, bytes, len);
}

static void chunk_end(void *context, const char *signature)
{
	struct lc_body *body = context;

	if (!body->chunks_signed || body->fault != LC_BODY_OK) {
		return;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf sha256 = SL_BUF_INIT;
	digest_hex(body->chunk_sha256, EVP_sha256(), &sha256);
	if (!lc_auth_chunk_ok(body->cloud, body->auth, body->previous_signature,
		    sl_buf_str(&sha256), signature)) {
		fail(body, LC_BODY_BAD_CHUNK);
		return;
	}
	memcpy(body->previous_signature, signature, sizeof body->previous_signature);
}

static void trailer(void *context, const char *name, const char *value)
{
	struct lc_body *body = context;

	if (strcmp(name, "x-amz-trailer-signature") == 0) {
		free(body->trailer_signature);
		body->trailer_signature = sl_strdup(value);
		return;
	}
	sl_buf_printf(&body->trailer_text, "%s:%s\n", name, value);
	for (int i = 0; i < LC_CHECKSUM_COUNT_; i++) {
		if (strcmp(name, checksum_headers[i]) == 0) {
			free(body->checksums[i]);
			body->checksums[i] = sl_strdup(value);
		}
	}
}

/* --- start -------------------------------------------------------------------------------- */

static void expect_checksums(struct lc_body *body, const struct lc_request *request)
{
	const char *announced = lc_request_header(request, "x-amz-trailer");

	body->content_md5 = sl_strdup(lc_request_header(request, "content-md5"));
	for (int i = 0; i < LC_CHECKSUM_COUNT_; i++) {
		body->checksums[i] = sl_strdup(lc_request_header(request, checksum_headers[i]));
	}
	if (body->checksums[LC_SHA1] || sl_text_equal(announced, checksum_headers[LC_SHA1])) {
		body->sha1 = digest_start(EVP_sha1());
	}
	if (body->checksums[LC_SHA256] || sl_text_equal(announced, checksum_headers[LC_SHA256])) {
		body->sha256 = digest_start(EVP_sha256());
	}
}

static void expect_chunks(struct lc_body *body, const struct lc_auth *auth)
{
	const struct lc_chunked_sink sink = {
		.context = body, .data = decoded, .chunk_end = chunk_end, .trailer = trailer};

	body->chunked = sl_calloc(1, sizeof *body->chunked);
	lc_chunked_init(body->chunked, &sink);
	if (sl_text_starts_with(auth->payload_hash, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")) {
		body->chunks_signed = true;
		body->chunk_sha256 = digest_start(EVP_sha256());
		(void)snprintf(body->previous_signature, sizeof body->previous_signature, "%s",
			auth->signature);
	}
}

void lc_body_init(struct lc_body *body, const struct lc_cloud *cloud,
	const struct lc_request *request, const struct lc_auth *auth)
{
	bool s3 = sl_text_equal(request->service, "s3");

	*body = (struct lc_body){
		.cloud = cloud,
		.auth = auth,
		.fd = -1,
		.spool = s3 && strcmp(request->method, "PUT") == 0,
		.received_sha256 = digest_start(EVP_sha256()),
	};
	body->cap = body->spool ? LC_BODY_CAP_S3 : LC_BODY_CAP;
	if (!s3) {
		return;
	}
	body->md5 = digest_start(EVP_md5());
	expect_checksums(body, request);
	if (auth->payload_hash && sl_text_starts_with(auth->payload_hash, "STREAMING-")) {
		body->cap += body->cap / 100; /* the coding's own bytes */
		expect_chunks(body, auth);
	}
}

void lc_body_feed(struct lc_body *body, const char *bytes, size_t len)
{
	body->received += len;
	if (body->received > body->cap) {
		fail(body, LC_BODY_TOO_LARGE);
	}
	if (body->fault != LC_BODY_OK) {
		return;
	}
	(void)EVP_DigestUpdate(body->received_sha256, bytes, len);
	if (!body->chunked) {
		decoded(body, bytes, len);
	} else if (!lc_chunked_feed(body->chunked, bytes, len)) {
		fail(body, LC_BODY_BAD_CODING);
	}
	if (body->size > LC_BODY_CAP_S3) {
		fail(body, LC_BODY_TOO_LARGE);
	}
}

/* --- end ---------------------------------------------------------------------------------- */

static void check_coding(struct lc_body *body, const struct lc_request *request)
{
	const char *text = lc_request_header(request, "x-amz-decoded-content-length");
	int64_t announced;
	if (!lc_chunked_done(body->chunked) ||
		(text &&
			(!sl_text_parse_i64(text, 0, INT64_MAX, &announced) ||
				(uint64_t)announced != body->size))) {
		fail(body, LC_BODY_BAD_CODING);
		return;
	}
	if (body->chunks_signed && sl_text_ends_with(body->auth->payload_hash, "-TRAILER")) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf sha256 = SL_BUF_INIT;
		(void)EVP_DigestUpdate(body->chunk_sha256, sl_buf_str(&body->trailer_text),
			body->trailer_text.len);
		digest_hex(body->chunk_sha256, EVP_sha256(), &sha256);
		if (!body->trailer_signature ||
			!lc_auth_trailer_ok(body->cloud, body->auth, body->previous_signature,
				sl_buf_str(&sha256), body->trailer_signature)) {
			fail(body, LC_BODY_BAD_CHUNK);
		}
	}
}

static bool same_base64(const void *bytes, size_t len, const char *expected)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_text_base64(&text, bytes, len);
	return strcmp(sl_buf_str(&text), expected) == 0;
}

static bool same_crc(uint32_t crc, const char *expected)
{
	const unsigned char bytes[] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
		(unsigned char)(crc >> 8), (unsigned char)crc};
	return same_base64(bytes, sizeof bytes, expected);
}

static bool same_digest(EVP_MD_CTX *digest, const char *expected)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	return digest && EVP_DigestFinal_ex(digest, bytes, &len) &&
		same_base64(bytes, len, expected);
}

static void check_digests(struct lc_body *body, char ret_md5_hex[static 33])
{
	unsigned char md5[16];
	(void)EVP_DigestFinal_ex(body->md5, md5, NULL);
	SL_AUTO(sl_buf_finish)
	struct sl_buf hex = SL_BUF_INIT;
	sl_text_hex(&hex, md5, sizeof md5);
	memcpy(ret_md5_hex, sl_buf_str(&hex), 33);

	char *const *expected = body->checksums;
	if ((body->content_md5 && !same_base64(md5, sizeof md5, body->content_md5)) ||
		(expected[LC_CRC32] && !same_crc(body->crc32, expected[LC_CRC32])) ||
		(expected[LC_CRC32C] && !same_crc(body->crc32c, expected[LC_CRC32C])) ||
		(expected[LC_SHA1] && !same_digest(body->sha1, expected[LC_SHA1])) ||
		(expected[LC_SHA256] && !same_digest(body->sha256, expected[LC_SHA256]))) {
		fail(body, LC_BODY_BAD_DIGEST);
	}
}

enum lc_body_fault lc_body_complete(
	struct lc_body *body, struct lc_request *request, char ret_md5_hex[static 33])
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf sha256 = SL_BUF_INIT;
	digest_hex(body->received_sha256, EVP_sha256(), &sha256);
	memcpy(request->body_sha256, sl_buf_str(&sha256), sizeof request->body_sha256);

	if (body->fd >= 0) {
		if (close(body->fd) != 0) {
			fail(body, LC_BODY_IO);
		}
		body->fd = -1;
		request->body_path = body->path;
	} else {
		request->body = sl_buf_str(&body->memory);
	}
	request->body_len = (size_t)body->size;
	if (body->chunked && body->fault == LC_BODY_OK) {
		check_coding(body, request);
	}
	if (body->md5 && body->fault == LC_BODY_OK) {
		check_digests(body, ret_md5_hex);
		request->body_md5_hex = ret_md5_hex;
	}
	return body->fault;
}

void lc_body_finish(struct lc_body *body)
{
	if (body->fd >= 0) {
		close(body->fd);
	}
	if (body->path) {
		(void)unlink(body->path); /* gone already when the handler took it */
	}
	free(body->path);
	free(body->chunked);
	free(body->trailer_signature);
	free(body->content_md5);
	for (int i = 0; i < LC_CHECKSUM_COUNT_; i++) {
		free(body->checksums[i]);
	}
	EVP_MD_CTX *const digests[] = {
		body->received_sha256, body->md5, body->chunk_sha256, body->sha1, body->sha256};
	for (size_t i = 0; i < SL_ARRAY_SIZE(digests); i++) {
		EVP_MD_CTX_free(digests[i]);
	}
	sl_buf_finish(&body->memory);
	sl_buf_finish(&body->trailer_text);
	*body = (struct lc_body){.fd = -1};
}
