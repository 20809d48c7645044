/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an export: memory, then a spool, and SHA-256 over all. HTTP threads. */

#include "export_body.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "log.h"
#include "mem.h"
#include "text.h"

#define PIECE_BYTES     ((size_t)64 * 1024)
#define IN_MEMORY_BYTES ((size_t)512 * 1024)
#define ETAG_BYTES      16

struct sl_export_body {
	struct sl_buf memory;
	struct sl_spool *spool; /* has everything, once there is one */
	uint64_t size;
	EVP_MD_CTX *hash;
	struct sl_buf etag;
};

struct sl_export_body *sl_export_body_create(void)
{
	struct sl_export_body *body = sl_calloc(1, sizeof(*body));
	body->hash = EVP_MD_CTX_new();
	if (body->hash == NULL || EVP_DigestInit_ex(body->hash, EVP_sha256(), NULL) != 1) {
		SL_BUG("OpenSSL has no SHA-256");
	}
	return body;
}

void sl_export_body_destroy(struct sl_export_body *body)
{
	if (body != NULL) {
		EVP_MD_CTX_free(body->hash);
		sl_spool_destroy(body->spool);
		sl_buf_finish(&body->memory);
		sl_buf_finish(&body->etag);
		free(body);
	}
}

void sl_export_body_destroyp(struct sl_export_body **body)
{
	sl_export_body_destroy(*body);
}

static enum sl_err begin_spool(struct sl_export_body *body, struct sl_error *reterr)
{
	enum sl_err err = sl_spool_create(&body->spool, reterr);
	if (err == SL_ERR_OK && body->memory.len > 0) {
		err = sl_spool_add(body->spool, body->memory.data, body->memory.len, reterr);
	}
	sl_buf_finish(&body->memory);
	return err;
}

static enum sl_err keep(
	struct sl_export_body *body, struct sl_buf *pending, struct sl_error *reterr)
{
	if (pending->len == 0) {
		return SL_ERR_OK;
	}
	if (EVP_DigestUpdate(body->hash, pending->data, pending->len) != 1) {
		SL_BUG("SHA-256 stops");
	}
	body->size += pending->len;
	enum sl_err err = SL_ERR_OK;
	if (body->spool == NULL && body->size > IN_MEMORY_BYTES) {
		err = begin_spool(body, reterr);
	}
	if (err == SL_ERR_OK && body->spool != NULL) {
		err = sl_spool_add(body->spool, pending->data, pending->len, reterr);
	} else if (err == SL_ERR_OK) {
		sl_buf_add(&body->memory, pending->data, pending->len);
	}
	sl_buf_clear(pending);
	return err;
}

enum sl_err sl_export_body_add(
	struct sl_export_body *body, struct sl_buf *pending, struct sl_error *reterr)
{
	return pending->len >= PIECE_BYTES ? keep(body, pending, reterr) : SL_ERR_OK;
}

enum sl_err sl_export_body_end(
	struct sl_export_body *body, struct sl_buf *pending, struct sl_error *reterr)
{
	enum sl_err err = keep(body, pending, reterr);
	unsigned char digest[EVP_MAX_MD_SIZE];
	if (EVP_DigestFinal_ex(body->hash, digest, NULL) != 1) {
		SL_BUG("SHA-256 has no end");
	}
	sl_text_hex(&body->etag, digest, ETAG_BYTES);
	return err;
}

bool sl_export_body_take(struct sl_export_body *body, struct sl_buf *out)
{
	if (body->spool != NULL) {
		return false;
	}
	*out = body->memory;
	body->memory = (struct sl_buf)SL_BUF_INIT;
	return true;
}

uint64_t sl_export_body_size(const struct sl_export_body *body)
{
	return body->size;
}

const char *sl_export_body_etag(const struct sl_export_body *body)
{
	return sl_buf_str(&body->etag);
}

ssize_t sl_export_body_read(struct sl_export_body *body, uint64_t offset, char *out, size_t max)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	size_t len = 0;
	if (sl_spool_read_at(body->spool, offset, out, max, &len, &error) != SL_ERR_OK) {
		sl_log(SL_LOG_ERROR, "an export cannot be read", SL_F("err", error.detail),
			SL_F_END);
		return -1;
	}
	return (ssize_t)len;
}
