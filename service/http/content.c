/* SPDX-License-Identifier: Apache-2.0 */
/* See content.h. The gzip form is made once, under a lock, by whoever needs it first. */

#include "content.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "content_internal.h"
#include "encoding.h"
#include "mem.h"
#include "text.h"

#define WORTH_PACKING 1024 /* bytes; what is smaller goes in one packet anyhow */
#define HASH_BYTES    16

struct sl_content {
	atomic_uint references;
	struct sl_buf body;
	char etag[SL_ETAG_SIZE];
	char gzip_etag[SL_ETAG_SIZE];
	pthread_mutex_t lock; /* while gzip is made */
	atomic_bool packed;   /* gzip is as it stays; empty: it would not be smaller */
	struct sl_buf gzip;
};

void sl_content_etag(char out[static SL_ETAG_SIZE], const char *opaque, bool gzip)
{
	snprintf(out, SL_ETAG_SIZE, "\"%.64s%s\"", opaque, gzip ? "-gzip" : "");
}

static void hash(const struct sl_buf *body, struct sl_buf *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	if (EVP_Digest(sl_buf_str(body), body->len, digest, NULL, EVP_sha256(), NULL) != 1) {
		SL_BUG("OpenSSL has no SHA-256");
	}
	sl_text_hex(out, digest, HASH_BYTES);
}

struct sl_content *sl_content_create(struct sl_buf *body, const char *etag)
{
	struct sl_content *content = sl_calloc(1, sizeof(*content));
	atomic_init(&content->references, 1);
	atomic_init(&content->packed, body->len < WORTH_PACKING);
	pthread_mutex_init(&content->lock, NULL);
	SL_AUTO(sl_buf_finish)
	struct sl_buf opaque = SL_BUF_INIT;
	if (etag == NULL) {
		hash(body, &opaque);
	} else {
		sl_buf_puts(&opaque, etag);
	}
	sl_content_etag(content->etag, sl_buf_str(&opaque), false);
	sl_content_etag(content->gzip_etag, sl_buf_str(&opaque), true);
	content->body = *body;
	*body = (struct sl_buf)SL_BUF_INIT;
	return content;
}

struct sl_content *sl_content_ref(struct sl_content *content)
{
	atomic_fetch_add_explicit(&content->references, 1, memory_order_relaxed);
	return content;
}

void sl_content_unref(struct sl_content *content)
{
	if (content == NULL ||
		atomic_fetch_sub_explicit(&content->references, 1, memory_order_acq_rel) > 1) {
		return;
	}
	pthread_mutex_destroy(&content->lock);
	sl_buf_finish(&content->body);
	sl_buf_finish(&content->gzip);
	free(content);
}

size_t sl_content_cost(const struct sl_content *content)
{
	/* The gzip form may come later, and is never larger than the other. */
	size_t forms = content->body.len < WORTH_PACKING ? 1 : 2;
	return sizeof(*content) + forms * content->body.len;
}

static void pack(struct sl_content *content)
{
	pthread_mutex_lock(&content->lock);
	if (!atomic_load_explicit(&content->packed, memory_order_relaxed)) {
		sl_encoding_gzip(content->body.data, content->body.len, &content->gzip);
		if (content->gzip.len >= content->body.len) {
			sl_buf_finish(&content->gzip);
		}
		atomic_store_explicit(&content->packed, true, memory_order_release);
	}
	pthread_mutex_unlock(&content->lock);
}

struct sl_content_form sl_content_form(struct sl_content *content, bool gzip)
{
	if (gzip && !atomic_load_explicit(&content->packed, memory_order_acquire)) {
		pack(content);
	}
	if (gzip && content->gzip.len > 0) {
		return (struct sl_content_form){
			content->gzip.data, content->gzip.len, content->gzip_etag, true};
	}
	return (struct sl_content_form){
		sl_buf_str(&content->body), content->body.len, content->etag, false};
}
