/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of signing certificates. Entry points: sl_sns_signers_get(), _verify(), _put(). Any
 * thread. OpenSSL's contexts are kept as well: setting one up costs half as much as the RSA
 * operation that it is for.
 */
#include "sns_signers.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <string.h>

#include "mem.h"
#include "text.h"

#define MAX_CACHED     16
#define MAX_FETCHES    4 /* at once: forged messages must not occupy every HTTP thread */
#define MAX_SPARE      8 /* contexts kept of each kind; as many as threads verify at once */
#define RETRY_AFTER_MS 5000

/* What one verification works with; one thread's while it runs. */
struct context {
	EVP_MD_CTX *hash;
	EVP_PKEY_CTX *verify;
};

struct sl_sns_signer {
	int refs; /* the cache's, fetches' and callers'; guarded by the set's mutex, as what follows
		   */
	struct context spare[SL_SNS_DIGEST_COUNT_][MAX_SPARE];
	size_t spare_count[SL_SNS_DIGEST_COUNT_];
	struct sl_sns_certificate certificate; /* does not change */
};

struct cached {
	char *name; /* NULL: free */
	char *url;
	struct sl_sns_signer *signer;
	uint64_t used; /* when, on the cache's own count */
};

/* A fetch under way. Those who want the same certificate wait for it and share what comes. */
struct fetch {
	char *key; /* name and URL; NULL: free */
	int waiting;
	bool done;
	enum sl_err err;
	struct sl_sns_signer *signer;
};

struct sl_sns_signers {
	struct sl_sns_trust trust;
	char *endpoint;
	char *ca_bundle;
	char *given;
	EVP_MD *digests[SL_SNS_DIGEST_COUNT_];
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t fetched;
	struct cached cached[MAX_CACHED];
	struct fetch fetches[MAX_FETCHES];
	uint64_t count;
};

/* --- life ----------------------------------------------------------------------------------- */

struct sl_sns_signers *sl_sns_signers_create(const struct sl_sns_trust *trust)
{
	struct sl_sns_signers *signers = sl_calloc(1, sizeof *signers);
	signers->endpoint = sl_strdup(trust->endpoint);
	signers->ca_bundle = sl_strdup(trust->ca_bundle);
	signers->given = sl_strdup(trust->given);
	signers->trust = *trust;
	signers->trust.endpoint = signers->endpoint;
	signers->trust.ca_bundle = signers->ca_bundle;
	signers->trust.given = signers->given;
	/* NULL where a policy forbids it, SHA-1 above all: then no such signature matches. */
	signers->digests[SL_SNS_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
	signers->digests[SL_SNS_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
	ERR_clear_error();
	pthread_mutex_init(&signers->mutex, NULL);
	pthread_cond_init(&signers->fetched, NULL);
	return signers;
}

static void free_context(struct context *context)
{
	EVP_MD_CTX_free(context->hash);
	EVP_PKEY_CTX_free(context->verify);
}

/* Mutex held, or nobody else there. */
static void drop_signer(struct sl_sns_signer *signer)
{
	if (signer == NULL || --signer->refs > 0) {
		return;
	}
	for (size_t kind = 0; kind < SL_SNS_DIGEST_COUNT_; kind++) {
		for (size_t i = 0; i < signer->spare_count[kind]; i++) {
			free_context(&signer->spare[kind][i]);
		}
	}
	sl_sns_certificate_finish(&signer->certificate);
	free(signer);
}

static void clear_cached(struct cached *cached)
{
	free(cached->name);
	free(cached->url);
	drop_signer(cached->signer);
	memset(cached, 0, sizeof *cached);
}

void sl_sns_signers_destroy(struct sl_sns_signers *signers)
{
	if (signers == NULL) {
		return;
	}
	for (size_t i = 0; i < MAX_CACHED; i++) {
		clear_cached(&signers->cached[i]);
	}
	for (size_t kind = 0; kind < SL_SNS_DIGEST_COUNT_; kind++) {
		EVP_MD_free(signers->digests[kind]);
	}
	pthread_cond_destroy(&signers->fetched);
	pthread_mutex_destroy(&signers->mutex);
	free(signers->endpoint);
	free(signers->ca_bundle);
	free(signers->given);
	free(signers);
}

/* --- finding and fetching ------------------------------------------------------------------- */

/* Mutex held. With a reference of the caller's, or NULL. */
static struct sl_sns_signer *find_cached(
	struct sl_sns_signers *signers, const char *name, const char *url)
{
	for (size_t i = 0; i < MAX_CACHED; i++) {
		struct cached *cached = &signers->cached[i];
		if (sl_text_equal(cached->url, url) && sl_text_equal(cached->name, name)) {
			cached->used = ++signers->count;
			cached->signer->refs++;
			return cached->signer;
		}
	}
	return NULL;
}

/* Mutex held. Takes the place that is free or was not used for the longest time. */
static void keep(struct sl_sns_signers *signers, const char *name, const char *url,
	struct sl_sns_signer *signer)
{
	struct cached *place = &signers->cached[0];
	for (size_t i = 1; i < MAX_CACHED && place->name != NULL; i++) {
		struct cached *cached = &signers->cached[i];
		if (cached->name == NULL || cached->used < place->used) {
			place = cached;
		}
	}
	clear_cached(place);
	signer->refs++;
	*place = (struct cached){sl_strdup(name), sl_strdup(url), signer, ++signers->count};
}

/* Mutex held. Joins the fetch of this key, else takes a place for one (`*ret_mine`), else NULL. */
static struct fetch *find_fetch(struct sl_sns_signers *signers, const char *key, bool *ret_mine)
{
	struct fetch *vacant = NULL;
	for (size_t i = 0; i < MAX_FETCHES; i++) {
		struct fetch *fetch = &signers->fetches[i];
		if (fetch->key == NULL) {
			vacant = fetch;
		} else if (strcmp(fetch->key, key) == 0) {
			*ret_mine = false;
			return fetch;
		}
	}
	*ret_mine = true;
	if (vacant != NULL) {
		vacant->key = sl_strdup(key);
	}
	return vacant;
}

/* Mutex held. The last one to leave clears the place. */
static enum sl_err leave_fetch(struct fetch *fetch, struct sl_sns_signer **ret)
{
	enum sl_err err = fetch->err;
	if (err == SL_ERR_OK) {
		fetch->signer->refs++;
		*ret = fetch->signer;
	}
	if (--fetch->waiting == 0) {
		free(fetch->key);
		drop_signer(fetch->signer);
		memset(fetch, 0, sizeof *fetch);
	}
	return err;
}

/* Mutex held, and released while the certificate is fetched. */
static void run_fetch(struct sl_sns_signers *signers, struct fetch *fetch, const char *name,
	const char *url, int64_t now_ms, struct sl_error *reterr)
{
	pthread_mutex_unlock(&signers->mutex);
	struct sl_sns_certificate certificate = {NULL, 0, 0, NULL, NULL};
	enum sl_err err =
		sl_sns_certificate_load(&signers->trust, name, url, now_ms, &certificate, reterr);
	pthread_mutex_lock(&signers->mutex);
	if (err == SL_ERR_OK) {
		fetch->signer = sl_calloc(1, sizeof *fetch->signer);
		fetch->signer->refs = 1;
		fetch->signer->certificate = certificate;
		keep(signers, name, url, fetch->signer);
	}
	fetch->err = err;
	fetch->done = true;
	pthread_cond_broadcast(&signers->fetched);
}

/* Mutex held. */
static enum sl_err fetch_signer(struct sl_sns_signers *signers, const char *name, const char *url,
	int64_t now_ms, struct sl_sns_signer **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *key = sl_asprintf("%s %s", name, url);
	bool mine = false;
	struct fetch *fetch = find_fetch(signers, key, &mine);
	if (fetch == NULL) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNAVAILABLE,
			"Too many signing certificates are being fetched");
	}
	fetch->waiting++;
	if (mine) {
		run_fetch(signers, fetch, name, url, now_ms, reterr);
	}
	while (!fetch->done) {
		pthread_cond_wait(&signers->fetched, &signers->mutex);
	}
	enum sl_err err = leave_fetch(fetch, ret);
	if (err != SL_ERR_OK && !mine) {
		sl_error_set(
			reterr, err, "%s was asked for by another message at the same time", url);
	}
	return err;
}

enum sl_err sl_sns_signers_get(struct sl_sns_signers *signers, const char *name, const char *url,
	int64_t now_ms, struct sl_sns_signer **ret, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	pthread_mutex_lock(&signers->mutex);
	struct sl_sns_signer *signer = find_cached(signers, name, url);
	if (signer == NULL) {
		err = fetch_signer(signers, name, url, now_ms, &signer, reterr);
	}
	pthread_mutex_unlock(&signers->mutex);
	if (err == SL_ERR_SNS_CERT_UNAVAILABLE && reterr != NULL) {
		reterr->retry_after_ms = RETRY_AFTER_MS;
	}
	if (err == SL_ERR_OK) {
		*ret = signer;
	}
	return err;
}

void sl_sns_signers_put(struct sl_sns_signers *signers, struct sl_sns_signer *signer)
{
	pthread_mutex_lock(&signers->mutex);
	drop_signer(signer);
	pthread_mutex_unlock(&signers->mutex);
}

const struct sl_sns_certificate *sl_sns_signer_certificate(const struct sl_sns_signer *signer)
{
	return &signer->certificate;
}

/* --- verifying ------------------------------------------------------------------------------ */

/* All NULL when there is no memory, or a policy forbids it. */
static struct context make_context(EVP_PKEY *key, const EVP_MD *digest)
{
	struct context context = {EVP_MD_CTX_new(), EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)};
	if (context.hash != NULL && context.verify != NULL && digest != NULL &&
		EVP_PKEY_verify_init(context.verify) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(context.verify, RSA_PKCS1_PADDING) == 1 &&
		EVP_PKEY_CTX_set_signature_md(context.verify, digest) == 1) {
		return context;
	}
	free_context(&context);
	return (struct context){NULL, NULL};
}

static struct context take_context(
	struct sl_sns_signers *signers, struct sl_sns_signer *signer, enum sl_sns_digest kind)
{
	struct context context = {NULL, NULL};
	pthread_mutex_lock(&signers->mutex);
	if (signer->spare_count[kind] > 0) {
		context = signer->spare[kind][--signer->spare_count[kind]];
	}
	pthread_mutex_unlock(&signers->mutex);
	return context.verify != NULL
		? context
		: make_context(signer->certificate.key, signers->digests[kind]);
}

static void give_context(struct sl_sns_signers *signers, struct sl_sns_signer *signer,
	enum sl_sns_digest kind, struct context context)
{
	pthread_mutex_lock(&signers->mutex);
	bool room = signer->spare_count[kind] < MAX_SPARE;
	if (room) {
		signer->spare[kind][signer->spare_count[kind]++] = context;
	}
	pthread_mutex_unlock(&signers->mutex);
	if (!room) {
		free_context(&context);
	}
}

bool sl_sns_signers_verify(struct sl_sns_signers *signers, struct sl_sns_signer *signer,
	enum sl_sns_digest digest, const struct sl_sns_message *message,
	const struct sl_buf *signature)
{
	struct context context = take_context(signers, signer, digest);
	if (context.verify == NULL) {
		ERR_clear_error();
		return false;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_sns_message_canonical(message, &text);
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned hash_len = 0;
	bool ok = EVP_DigestInit_ex2(context.hash, signers->digests[digest], NULL) == 1 &&
		EVP_DigestUpdate(context.hash, sl_buf_str(&text), text.len) == 1 &&
		EVP_DigestFinal_ex(context.hash, hash, &hash_len) == 1 &&
		EVP_PKEY_verify(context.verify, (const unsigned char *)sl_buf_str(signature),
			signature->len, hash, hash_len) == 1;
	if (!ok) {
		/* OpenSSL's queue belongs to the thread and would confuse its next user. */
		ERR_clear_error();
	}
	give_context(signers, signer, digest, context);
	return ok;
}
