/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an SNS message is what it says: topic allow-list, certificate, signature, age. Entry
 * points: sl_sns_verifier_create(), _check(), _destroy(). One verifier serves all threads; its
 * cache of certificates has a mutex, which is not held while one is fetched.
 */
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "mem.h"
#include "sns_certificate.h"
#include "text.h"

#define MAX_CACHED       16
#define MAX_FETCHES      4 /* at once: forged messages must not occupy every HTTP thread */
#define FETCH_TIMEOUT_MS 5000
#define RETRY_AFTER_MS   5000

struct cached {
	char *key; /* name and URL; NULL: free */
	struct sl_sns_certificate certificate;
	uint64_t used; /* when, on the cache's own count */
};

/* A fetch under way. Those who want the same certificate wait for it and share what comes. */
struct fetch {
	char *key; /* NULL: free */
	int waiting;
	bool done;
	enum sl_err err;
	struct sl_sns_certificate certificate;
};

struct sl_sns_verifier {
	char **topic_arns;
	size_t topic_count;
	int64_t max_age_ms;
	struct sl_aws *aws; /* borrowed; NULL with a trust that was given */
	struct sl_sns_trust trust;
	char *endpoint;
	char *ca_bundle;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t fetched;
	struct cached cached[MAX_CACHED];
	struct fetch fetches[MAX_FETCHES];
	uint64_t count;
};

/* --- the network ---------------------------------------------------------------------------- */

struct download {
	struct sl_buf *out;
	size_t max_bytes;
	bool too_large;
};

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct download *download = context;
	size_t len = size * count;
	if (len > download->max_bytes - download->out->len) {
		download->too_large = true;
		return 0;
	}
	sl_buf_add(download->out, bytes, len);
	return len;
}

static void free_easy(CURL **easy)
{
	curl_easy_cleanup(*easy);
}

static enum sl_err download_url(void *context, const char *url, size_t max_bytes,
	struct sl_buf *out, struct sl_error *reterr)
{
	const struct sl_sns_verifier *verifier = context;
	struct sl_buf body = SL_BUF_INIT;
	struct download download = {&body, max_bytes, false};
	char text[CURL_ERROR_SIZE] = "";
	SL_AUTO(free_easy)
	CURL *easy = curl_easy_init();
	if (easy == NULL) {
		return sl_error_set(
			reterr, SL_ERR_SNS_CERT_UNAVAILABLE, "curl has no memory for a handle");
	}
	sl_curl_defaults(easy, verifier->aws, FETCH_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &download);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, text);
	CURLcode code = curl_easy_perform(easy);
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	enum sl_err err = SL_ERR_OK;
	if (code == CURLE_OK && status == 200) {
		sl_buf_add(out, sl_buf_str(&body), body.len);
	} else if (download.too_large) {
		err = sl_error_set(reterr, SL_ERR_SNS_CERT_UNAVAILABLE,
			"%s has more than %zu bytes", url, max_bytes);
	} else if (code != CURLE_OK) {
		err = sl_error_set(reterr, SL_ERR_SNS_CERT_UNAVAILABLE, "%s: %s", url,
			text[0] != '\0' ? text : curl_easy_strerror(code));
	} else {
		err = sl_error_set(reterr, SL_ERR_SNS_CERT_UNAVAILABLE,
			"%s answered with HTTP status %ld", url, status);
	}
	sl_buf_finish(&body);
	return err;
}

/* --- life ----------------------------------------------------------------------------------- */

struct sl_sns_verifier *sl_sns_verifier_create_with(
	const struct sl_sns_trust *trust, const struct sl_sns_verifier_options *options)
{
	struct sl_sns_verifier *verifier = sl_calloc(1, sizeof *verifier);
	verifier->topic_arns = sl_calloc(options->topic_count, sizeof *verifier->topic_arns);
	verifier->topic_count = options->topic_count;
	for (size_t i = 0; i < options->topic_count; i++) {
		verifier->topic_arns[i] = sl_strdup(options->topic_arns[i]);
	}
	verifier->max_age_ms = options->max_age_ms;
	verifier->endpoint = sl_strdup(trust->endpoint);
	verifier->ca_bundle = sl_strdup(trust->ca_bundle);
	verifier->trust = *trust;
	verifier->trust.endpoint = verifier->endpoint;
	verifier->trust.ca_bundle = verifier->ca_bundle;
	pthread_mutex_init(&verifier->mutex, NULL);
	pthread_cond_init(&verifier->fetched, NULL);
	return verifier;
}

struct sl_sns_verifier *sl_sns_verifier_create(
	struct sl_aws *aws, const struct sl_sns_verifier_options *options)
{
	struct sl_sns_trust trust = {
		.endpoint = sl_aws_endpoints(aws)->urls[SL_SERVICE_SNS],
		.ca_bundle = sl_aws_ca_bundle(aws),
		.fetch = download_url,
	};
	struct sl_sns_verifier *verifier = sl_sns_verifier_create_with(&trust, options);
	verifier->aws = aws;
	verifier->trust.fetch_context = verifier;
	return verifier;
}

void sl_sns_verifier_destroy(struct sl_sns_verifier *verifier)
{
	if (verifier == NULL) {
		return;
	}
	for (size_t i = 0; i < verifier->topic_count; i++) {
		free(verifier->topic_arns[i]);
	}
	for (size_t i = 0; i < MAX_CACHED; i++) {
		free(verifier->cached[i].key);
		sl_sns_certificate_finish(&verifier->cached[i].certificate);
	}
	pthread_cond_destroy(&verifier->fetched);
	pthread_mutex_destroy(&verifier->mutex);
	free(verifier->topic_arns);
	free(verifier->endpoint);
	free(verifier->ca_bundle);
	free(verifier);
}

/* --- certificates --------------------------------------------------------------------------- */

static void share(const struct sl_sns_certificate *from, struct sl_sns_certificate *ret)
{
	*ret = *from;
	EVP_PKEY_up_ref(ret->key);
}

static bool find_cached(
	struct sl_sns_verifier *verifier, const char *key, struct sl_sns_certificate *ret)
{
	for (size_t i = 0; i < MAX_CACHED; i++) {
		struct cached *cached = &verifier->cached[i];
		if (sl_text_equal(cached->key, key)) {
			cached->used = ++verifier->count;
			share(&cached->certificate, ret);
			return true;
		}
	}
	return false;
}

/* Takes the place that is free or was not used for the longest time. */
static void keep(struct sl_sns_verifier *verifier, const char *key,
	const struct sl_sns_certificate *certificate)
{
	struct cached *place = &verifier->cached[0];
	for (size_t i = 1; i < MAX_CACHED && place->key != NULL; i++) {
		struct cached *cached = &verifier->cached[i];
		if (cached->key == NULL || cached->used < place->used) {
			place = cached;
		}
	}
	free(place->key);
	sl_sns_certificate_finish(&place->certificate);
	place->key = sl_strdup(key);
	place->used = ++verifier->count;
	share(certificate, &place->certificate);
}

/* Mutex held. Joins the fetch of this key, else takes a place for one (`*ret_mine`), else NULL. */
static struct fetch *find_fetch(struct sl_sns_verifier *verifier, const char *key, bool *ret_mine)
{
	struct fetch *vacant = NULL;
	for (size_t i = 0; i < MAX_FETCHES; i++) {
		struct fetch *fetch = &verifier->fetches[i];
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
static enum sl_err leave_fetch(struct fetch *fetch, struct sl_sns_certificate *ret)
{
	enum sl_err err = fetch->err;
	if (err == SL_ERR_OK) {
		share(&fetch->certificate, ret);
	}
	if (--fetch->waiting == 0) {
		free(fetch->key);
		sl_sns_certificate_finish(&fetch->certificate);
		memset(fetch, 0, sizeof *fetch);
	}
	return err;
}

/* Mutex held, and released while the certificate is fetched. */
static void run_fetch(struct sl_sns_verifier *verifier, struct fetch *fetch, const char *name,
	const char *url, int64_t now_ms, struct sl_error *reterr)
{
	pthread_mutex_unlock(&verifier->mutex);
	struct sl_sns_certificate certificate = {NULL, 0, 0};
	enum sl_err err =
		sl_sns_certificate_load(&verifier->trust, name, url, now_ms, &certificate, reterr);
	pthread_mutex_lock(&verifier->mutex);
	if (err == SL_ERR_OK) {
		keep(verifier, fetch->key, &certificate);
	}
	fetch->certificate = certificate;
	fetch->err = err;
	fetch->done = true;
	pthread_cond_broadcast(&verifier->fetched);
}

static enum sl_err get_certificate(struct sl_sns_verifier *verifier, const char *name,
	const char *url, int64_t now_ms, struct sl_sns_certificate *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *key = sl_asprintf("%s %s", name, url);
	pthread_mutex_lock(&verifier->mutex);
	bool mine = false;
	struct fetch *fetch = NULL;
	enum sl_err err = SL_ERR_OK;
	if (!find_cached(verifier, key, ret)) {
		fetch = find_fetch(verifier, key, &mine);
		err = fetch == NULL ? SL_ERR_SNS_CERT_UNAVAILABLE : SL_ERR_OK;
	}
	if (fetch != NULL) {
		fetch->waiting++;
		if (mine) {
			run_fetch(verifier, fetch, name, url, now_ms, reterr);
		}
		while (!fetch->done) {
			pthread_cond_wait(&verifier->fetched, &verifier->mutex);
		}
		err = leave_fetch(fetch, ret);
	}
	pthread_mutex_unlock(&verifier->mutex);
	if (err != SL_ERR_OK && !mine) {
		sl_error_set(
			reterr, err, "%s was asked for by another message at the same time", url);
	} else if (err != SL_ERR_OK && fetch == NULL) {
		sl_error_set(reterr, err, "Too many signing certificates are being fetched");
	}
	if (err == SL_ERR_SNS_CERT_UNAVAILABLE && reterr != NULL) {
		reterr->retry_after_ms = RETRY_AFTER_MS;
	}
	return err;
}

/* --- one message ---------------------------------------------------------------------------- */

static bool is_allowed(const struct sl_sns_verifier *verifier, const char *topic_arn)
{
	for (size_t i = 0; i < verifier->topic_count; i++) {
		if (strcmp(verifier->topic_arns[i], topic_arn) == 0) {
			return true;
		}
	}
	return false;
}

static const EVP_MD *digest_of(const char *signature_version)
{
	if (strcmp(signature_version, "1") == 0) {
		return EVP_sha1();
	}
	return strcmp(signature_version, "2") == 0 ? EVP_sha256() : NULL;
}

static void free_md_ctx(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static bool signature_matches(const struct sl_sns_message *message, EVP_PKEY *key,
	const EVP_MD *digest, const struct sl_buf *signature)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_sns_message_canonical(message, &text);
	SL_AUTO(free_md_ctx)
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	/* RSA keys verify PKCS#1 v1.5 unless told otherwise. */
	bool ok = context != NULL && EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
		EVP_DigestVerify(context, (const unsigned char *)sl_buf_str(signature),
			signature->len, (const unsigned char *)sl_buf_str(&text), text.len) == 1;
	ERR_clear_error();
	return ok;
}

static enum sl_err check_signature(struct sl_sns_verifier *verifier,
	const struct sl_sns_message *message, int64_t now_ms, struct sl_error *reterr)
{
	const EVP_MD *digest = digest_of(message->signature_version);
	if (digest == NULL) {
		return sl_error_set_at(reterr, SL_ERR_SNS_SIGNATURE, "/SignatureVersion",
			"The signature version is neither 1 nor 2");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf signature = SL_BUF_INIT;
	if (!sl_text_base64_decode(&signature, message->signature, strlen(message->signature))) {
		return sl_error_set_at(
			reterr, SL_ERR_SNS_SIGNATURE, "/Signature", "The signature is not base64");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf name = SL_BUF_INIT;
	if (!sl_sns_certificate_name(message->topic_arn, &name)) {
		return sl_error_set_at(reterr, SL_ERR_SNS_CERT_URL, "/TopicArn",
			"The topic's region has no known signer");
	}
	SL_AUTO(sl_sns_certificate_finish)
	struct sl_sns_certificate certificate = {NULL, 0, 0};
	enum sl_err err = get_certificate(
		verifier, name.data, message->signing_cert_url, now_ms, &certificate, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	/* Fetching checked the chain then; a cached certificate may have run out since. */
	if (now_ms < certificate.valid_from_ms || now_ms > certificate.valid_to_ms) {
		return sl_error_set_at(reterr, SL_ERR_SNS_CERT_UNTRUSTED, "/SigningCertURL",
			"The signing certificate is not valid now");
	}
	if (!signature_matches(message, certificate.key, digest, &signature)) {
		return sl_error_set_at(reterr, SL_ERR_SNS_SIGNATURE, "/Signature",
			"The signature does not match the message");
	}
	return SL_ERR_OK;
}

static enum sl_err check_age(const struct sl_sns_verifier *verifier,
	const struct sl_sns_message *message, int64_t now_ms, struct sl_error *reterr)
{
	int64_t sent_ms;
	if (!sl_clock_parse_rfc3339(message->timestamp, &sent_ms)) {
		return sl_error_set_at(reterr, SL_ERR_SNS_NOT_A_MESSAGE, "/Timestamp",
			"Timestamp is not an RFC 3339 time");
	}
	if (sent_ms < now_ms - verifier->max_age_ms || sent_ms > now_ms + verifier->max_age_ms) {
		return sl_error_set_at(reterr, SL_ERR_SNS_STALE, "/Timestamp",
			"The message is of %s, which is more than %lld s away", message->timestamp,
			(long long)(verifier->max_age_ms / 1000));
	}
	return SL_ERR_OK;
}

enum sl_err sl_sns_verifier_check(struct sl_sns_verifier *verifier,
	const struct sl_sns_message *message, int64_t now_ms, struct sl_error *reterr)
{
	if (!is_allowed(verifier, message->topic_arn)) {
		return sl_error_set_at(reterr, SL_ERR_SNS_TOPIC_FOREIGN, "/TopicArn",
			"%s is not in SPOTLIST_SNS_TOPIC_ARNS", message->topic_arn);
	}
	enum sl_err err = sl_sns_certificate_check_url(
		&verifier->trust, message->topic_arn, message->signing_cert_url, reterr);
	if (err == SL_ERR_OK) {
		err = check_signature(verifier, message, now_ms, reterr);
	}
	if (err == SL_ERR_OK) {
		err = check_age(verifier, message, now_ms, reterr);
	}
	return err;
}
