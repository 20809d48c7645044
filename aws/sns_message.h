/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_MESSAGE_H
#define SL_SNS_MESSAGE_H

/*
 * What arrives at POST /sns. Parsing is pure; verification may fetch a certificate, once per URL
 * (cached). https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */

#include "client.h"

enum sl_sns_type {
	SL_SNS_NOTIFICATION,
	SL_SNS_SUBSCRIPTION_CONFIRMATION,
	SL_SNS_UNSUBSCRIBE_CONFIRMATION,
};

/* Strings are borrowed from `root` or `arena`, whichever there is. */
struct sl_sns_message {
	json_t *root; /* owned */
	char *arena;  /* owned */
	enum sl_sns_type type;
	const char *message_id;
	const char *topic_arn;
	const char *message;
	const char *subject;       /* or NULL */
	const char *timestamp;     /* as sent: it is signed as sent */
	const char *token;         /* confirmations; else NULL */
	const char *subscribe_url; /* confirmations; never followed */
	const char *signature_version;
	const char *signature;
	const char *signing_cert_url;
};
void sl_sns_message_finish(struct sl_sns_message *message);

/** "Notification", … */
const char *sl_sns_type_name(enum sl_sns_type type);

/** Parses the envelope. Not an envelope: SNS_NOT_A_MESSAGE (duplicate keys included). */
SL_MUST_CHECK enum sl_err sl_sns_message_parse(
	const char *body, size_t len, struct sl_sns_message *ret, struct sl_error *reterr);

/** The same by the JSON parser alone, which the other only calls for envelopes that are not written
 *  as SNS writes them. For tests. */
SL_MUST_CHECK enum sl_err sl_sns_message_parse_json(
	const char *body, size_t len, struct sl_sns_message *ret, struct sl_error *reterr);

/** The string to sign, appended. Pure. */
void sl_sns_message_canonical(const struct sl_sns_message *message, struct sl_buf *out);

struct sl_sns_verifier;

struct sl_sns_verifier_options {
	const char *const *topic_arns; /* the allow-list: the real authentication */
	size_t topic_count;
	int64_t max_age_ms; /* older (or this far in the future) is SNS_STALE */
	/* PEM of the signing certificate, followed by its issuers if they are wanted, to be taken
	 * for what is at SigningCertURL. NULL: what is there is fetched. */
	const char *certificate;
};

/* Who signed a message, for people. Strings are owned. */
struct sl_sns_verified {
	char *subject; /* of the certificate: "CN=sns.amazonaws.com" */
	char *issuer;
	int64_t valid_from_ms; /* of the certificate and all up to the root */
	int64_t valid_to_ms;
};
void sl_sns_verified_finish(struct sl_sns_verified *verified);

/**
 * A verifier, shared by all threads. The certificate's host is derived from the topic's partition
 * and region (sns.<region>.<suffix>), or, where AWS_ENDPOINT_URL(_SNS) points elsewhere, it must
 * be that endpoint's origin. The certificate must chain to the trusted roots (AWS_CA_BUNDLE, else
 * the system's), be valid now and carry the CN that belongs to the region. Options are copied.
 */
struct sl_sns_verifier *sl_sns_verifier_create(
	struct sl_aws *aws, const struct sl_sns_verifier_options *options);
void sl_sns_verifier_destroy(struct sl_sns_verifier *verifier);

/** Topic first, then URL, certificate, signature, age. SNS_TOPIC_FOREIGN, SNS_CERT_URL,
 *  SNS_CERT_UNTRUSTED, SNS_CERT_UNAVAILABLE (retryable), SNS_SIGNATURE, SNS_STALE.
 *  Thread-safe; a certificate not yet cached is fetched on the calling thread, 5 s at most. */
SL_MUST_CHECK enum sl_err sl_sns_verifier_check(struct sl_sns_verifier *verifier,
	const struct sl_sns_message *message, int64_t now_ms, struct sl_error *reterr);

/** The same, and who signed it. `ret` may be NULL. */
SL_MUST_CHECK enum sl_err sl_sns_verifier_explain(struct sl_sns_verifier *verifier,
	const struct sl_sns_message *message, int64_t now_ms, struct sl_sns_verified *ret,
	struct sl_error *reterr);

#endif
