/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_CERTIFICATE_H
#define SL_SNS_CERTIFICATE_H

/*
 * Inside aws/: the certificate that signs SNS messages. Where it may come from, and what it must
 * be to count. Functions are thread-safe; nothing is cached here.
 */

#include <openssl/evp.h>

#include "sns_message.h"

/** Appends the body of a 200 answer to a GET of `url`, no redirect followed, at most `max_bytes`.
 *  Anything else is SNS_CERT_UNAVAILABLE. Called without locks, from any thread. */
typedef enum sl_err sl_sns_fetch(void *context, const char *url, size_t max_bytes,
	struct sl_buf *out, struct sl_error *reterr);

/* Whom we believe. Strings are borrowed. */
struct sl_sns_trust {
	const char *endpoint;  /* a URL that stands for SNS in place of AWS, or NULL */
	const char *ca_bundle; /* PEM file of roots; NULL: the system's */
	/* PEM text of a certificate and its issuers, taken for what would be fetched; or NULL */
	const char *given;
	sl_sns_fetch *fetch;
	void *fetch_context;
};

/* A signing certificate that has passed every check. */
struct sl_sns_certificate {
	EVP_PKEY *key;
	int64_t valid_from_ms; /* of the whole chain */
	int64_t valid_to_ms;
	char *subject; /* for people: "CN=sns.amazonaws.com" */
	char *issuer;
};
void sl_sns_certificate_finish(struct sl_sns_certificate *certificate);

/** Whether a certificate for messages of this topic may be at `url`: it is exactly
 *  <origin>/SimpleNotificationService-<32 hex digits>.pem. SNS_CERT_URL otherwise. Pure. */
SL_MUST_CHECK enum sl_err sl_sns_certificate_check_url(const struct sl_sns_trust *trust,
	const char *topic_arn, const char *url, struct sl_error *reterr);

/** Where certificates for messages of this topic are, appended: "https://sns.<region>.<suffix>", or
 *  the origin of `trust->endpoint`. False: the ARN is not one of SNS in a partition that is known,
 *  or its region is of another partition. Pure. */
SL_MUST_CHECK bool sl_sns_certificate_origin(
	const struct sl_sns_trust *trust, const char *topic_arn, struct sl_buf *out);

/** The second half of sl_sns_certificate_check_url(), for whoever has the origin. Pure. */
SL_MUST_CHECK enum sl_err sl_sns_certificate_match_url(
	const char *origin, const char *url, struct sl_error *reterr);

/** The name that the certificate for topics of this ARN's region carries, appended. False: the
 *  ARN is not one of SNS in a partition that is known. Pure. */
SL_MUST_CHECK bool sl_sns_certificate_name(const char *topic_arn, struct sl_buf *out);

/** Fetches the certificate, checks its name, its chain up to the roots and its validity at
 *  `now_ms`. SNS_CERT_UNAVAILABLE, SNS_CERT_UNTRUSTED. */
SL_MUST_CHECK enum sl_err sl_sns_certificate_load(const struct sl_sns_trust *trust,
	const char *name, const char *url, int64_t now_ms, struct sl_sns_certificate *ret,
	struct sl_error *reterr);

struct sl_sns_verifier;

/** sl_sns_verifier_create() with everything that it would take from `aws` given. Copies `trust`
 *  and its strings. */
struct sl_sns_verifier *sl_sns_verifier_create_with(
	const struct sl_sns_trust *trust, const struct sl_sns_verifier_options *options);

#endif
