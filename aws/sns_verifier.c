/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an SNS message is what it says: topic allow-list, certificate, signature, age. Entry
 * points: sl_sns_verifier_create(), _check(), _explain(), _destroy(). One verifier serves all
 * threads; certificates are kept in sns_signers.c.
 */
#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "diagnose.h"
#include "mem.h"
#include "sns_certificate.h"
#include "sns_signers.h"
#include "text.h"

#define FETCH_TIMEOUT_MS 5000

/* An allowed topic, and what follows from its ARN. */
struct topic {
	char *arn;
	char *signer; /* name in the certificate; NULL: the ARN is of no partition that is known */
	char *origin; /* where certificates are: "https://sns.eu-west-1.amazonaws.com" */
};

struct sl_sns_verifier {
	struct topic *topics;
	size_t topic_count;
	int64_t max_age_ms;
	struct sl_sns_signers *signers;
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
	const struct sl_aws *aws = context;
	struct sl_buf body = SL_BUF_INIT;
	struct download download = {&body, max_bytes, false};
	char text[CURL_ERROR_SIZE] = "";
	SL_AUTO(free_easy)
	CURL *easy = curl_easy_init();
	if (easy == NULL) {
		return sl_error_set(
			reterr, SL_ERR_SNS_CERT_UNAVAILABLE, "curl has no memory for a handle");
	}
	sl_curl_defaults(easy, aws, FETCH_TIMEOUT_MS);
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
		SL_AUTO(sl_buf_finish)
		struct sl_buf why = SL_BUF_INIT;
		sl_diagnose_transfer(&why, easy, code, url, text);
		err = sl_error_set(
			reterr, SL_ERR_SNS_CERT_UNAVAILABLE, "%s: %s", url, sl_buf_str(&why));
	} else {
		err = sl_error_set(reterr, SL_ERR_SNS_CERT_UNAVAILABLE,
			"%s answered with HTTP status %ld", url, status);
	}
	sl_buf_finish(&body);
	return err;
}

/* --- life ----------------------------------------------------------------------------------- */

static void topic_init(struct topic *topic, const struct sl_sns_trust *trust, const char *arn)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf signer = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf origin = SL_BUF_INIT;
	topic->arn = sl_strdup(arn);
	if (sl_sns_certificate_name(arn, &signer) &&
		sl_sns_certificate_origin(trust, arn, &origin)) {
		topic->signer = sl_buf_steal(&signer);
		topic->origin = sl_buf_steal(&origin);
	}
}

struct sl_sns_verifier *sl_sns_verifier_create_with(
	const struct sl_sns_trust *trust, const struct sl_sns_verifier_options *options)
{
	struct sl_sns_verifier *verifier = sl_calloc(1, sizeof *verifier);
	verifier->topics = sl_calloc(options->topic_count, sizeof *verifier->topics);
	verifier->topic_count = options->topic_count;
	for (size_t i = 0; i < options->topic_count; i++) {
		topic_init(&verifier->topics[i], trust, options->topic_arns[i]);
	}
	verifier->max_age_ms = options->max_age_ms;
	verifier->signers = sl_sns_signers_create(trust);
	return verifier;
}

struct sl_sns_verifier *sl_sns_verifier_create(
	struct sl_aws *aws, const struct sl_sns_verifier_options *options)
{
	const struct sl_sns_trust trust = {
		.endpoint = sl_aws_endpoints(aws)->urls[SL_SERVICE_SNS],
		.ca_bundle = sl_aws_ca_bundle(aws),
		.given = options->certificate,
		.fetch = download_url,
		.fetch_context = aws,
	};
	return sl_sns_verifier_create_with(&trust, options);
}

void sl_sns_verifier_destroy(struct sl_sns_verifier *verifier)
{
	if (verifier == NULL) {
		return;
	}
	for (size_t i = 0; i < verifier->topic_count; i++) {
		free(verifier->topics[i].arn);
		free(verifier->topics[i].signer);
		free(verifier->topics[i].origin);
	}
	free(verifier->topics);
	sl_sns_signers_destroy(verifier->signers);
	free(verifier);
}

void sl_sns_verified_finish(struct sl_sns_verified *verified)
{
	free(verified->subject);
	free(verified->issuer);
	*verified = (struct sl_sns_verified){NULL, NULL, 0, 0};
}

/* --- one message ---------------------------------------------------------------------------- */

static const struct topic *find_topic(const struct sl_sns_verifier *verifier, const char *arn)
{
	for (size_t i = 0; i < verifier->topic_count; i++) {
		if (strcmp(verifier->topics[i].arn, arn) == 0) {
			return &verifier->topics[i];
		}
	}
	return NULL;
}

static bool digest_of(const char *signature_version, enum sl_sns_digest *ret)
{
	if (strcmp(signature_version, "1") == 0) {
		*ret = SL_SNS_SHA1;
		return true;
	}
	*ret = SL_SNS_SHA256;
	return strcmp(signature_version, "2") == 0;
}

/* Fetching checked the chain then; a certificate that was kept may have run out since. */
static enum sl_err check_validity(
	const struct sl_sns_certificate *certificate, int64_t now_ms, struct sl_error *reterr)
{
	if (now_ms >= certificate->valid_from_ms && now_ms <= certificate->valid_to_ms) {
		return SL_ERR_OK;
	}
	char from[SL_CLOCK_RFC3339_SIZE];
	char to[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(certificate->valid_from_ms, from);
	sl_clock_rfc3339(certificate->valid_to_ms, to);
	return sl_error_set_at(reterr, SL_ERR_SNS_CERT_UNTRUSTED, "/SigningCertURL",
		"The signing certificate is not valid now, but from %s to %s", from, to);
}

static void describe(const struct sl_sns_certificate *certificate, struct sl_sns_verified *ret)
{
	*ret = (struct sl_sns_verified){
		.subject = sl_strdup(certificate->subject),
		.issuer = sl_strdup(certificate->issuer),
		.valid_from_ms = certificate->valid_from_ms,
		.valid_to_ms = certificate->valid_to_ms,
	};
}

static enum sl_err check_signature(struct sl_sns_verifier *verifier, const struct topic *topic,
	const struct sl_sns_message *message, int64_t now_ms, struct sl_sns_verified *ret,
	struct sl_error *reterr)
{
	enum sl_sns_digest digest;
	if (!digest_of(message->signature_version, &digest)) {
		return sl_error_set_at(reterr, SL_ERR_SNS_SIGNATURE, "/SignatureVersion",
			"The signature version is neither 1 nor 2");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf signature = SL_BUF_INIT;
	if (!sl_text_base64_decode(&signature, message->signature, strlen(message->signature))) {
		return sl_error_set_at(
			reterr, SL_ERR_SNS_SIGNATURE, "/Signature", "The signature is not base64");
	}
	struct sl_sns_signer *signer = NULL;
	enum sl_err err = sl_sns_signers_get(verifier->signers, topic->signer,
		message->signing_cert_url, now_ms, &signer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_sns_certificate *certificate = sl_sns_signer_certificate(signer);
	err = check_validity(certificate, now_ms, reterr);
	if (err == SL_ERR_OK &&
		!sl_sns_signers_verify(verifier->signers, signer, digest, message, &signature)) {
		err = sl_error_set_at(reterr, SL_ERR_SNS_SIGNATURE, "/Signature",
			"The signature does not match the message");
	}
	if (err == SL_ERR_OK && ret != NULL) {
		describe(certificate, ret);
	}
	sl_sns_signers_put(verifier->signers, signer);
	return err;
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

enum sl_err sl_sns_verifier_explain(struct sl_sns_verifier *verifier,
	const struct sl_sns_message *message, int64_t now_ms, struct sl_sns_verified *ret,
	struct sl_error *reterr)
{
	const struct topic *topic = find_topic(verifier, message->topic_arn);
	if (topic == NULL) {
		return sl_error_set_at(reterr, SL_ERR_SNS_TOPIC_FOREIGN, "/TopicArn",
			"%s is none of the topics that are allowed (SPOTLIST_SNS_TOPIC_ARNS)",
			message->topic_arn);
	}
	if (topic->signer == NULL) {
		return sl_error_set_at(reterr, SL_ERR_SNS_CERT_URL, "/TopicArn",
			"The topic is not an SNS topic in a partition whose signer is known");
	}
	SL_AUTO(sl_sns_verified_finish)
	struct sl_sns_verified verified = {NULL, NULL, 0, 0};
	enum sl_err err =
		sl_sns_certificate_match_url(topic->origin, message->signing_cert_url, reterr);
	if (err == SL_ERR_OK) {
		err = check_signature(
			verifier, topic, message, now_ms, ret != NULL ? &verified : NULL, reterr);
	}
	if (err == SL_ERR_OK) {
		err = check_age(verifier, message, now_ms, reterr);
	}
	if (err == SL_ERR_OK && ret != NULL) {
		*ret = verified;
		verified = (struct sl_sns_verified){NULL, NULL, 0, 0};
	}
	return err;
}

enum sl_err sl_sns_verifier_check(struct sl_sns_verifier *verifier,
	const struct sl_sns_message *message, int64_t now_ms, struct sl_error *reterr)
{
	return sl_sns_verifier_explain(verifier, message, now_ms, NULL, reterr);
}
