/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_SIGNERS_H
#define SL_SNS_SIGNERS_H

/*
 * Inside aws/: the certificates that were found good, kept with what verifying by them needs. One
 * set serves all threads; its mutex is not held while a certificate is fetched or a signature
 * verified.
 */

#include "sns_certificate.h"

struct sl_sns_signers;
struct sl_sns_signer;

enum sl_sns_digest {
	SL_SNS_SHA1,   /* SignatureVersion 1 */
	SL_SNS_SHA256, /* SignatureVersion 2 */
	SL_SNS_DIGEST_COUNT_
};

/** Copies `trust` and its strings. */
struct sl_sns_signers *sl_sns_signers_create(const struct sl_sns_trust *trust);
void sl_sns_signers_destroy(struct sl_sns_signers *signers);

/** The certificate of `name` at `url`: kept, or fetched and checked on the calling thread. Many who
 *  want the same wait for one fetch. Give it back with sl_sns_signers_put(). SNS_CERT_UNAVAILABLE,
 *  SNS_CERT_UNTRUSTED. */
SL_MUST_CHECK enum sl_err sl_sns_signers_get(struct sl_sns_signers *signers, const char *name,
	const char *url, int64_t now_ms, struct sl_sns_signer **ret, struct sl_error *reterr);
void sl_sns_signers_put(struct sl_sns_signers *signers, struct sl_sns_signer *signer);

/** Borrowed until it is given back. */
const struct sl_sns_certificate *sl_sns_signer_certificate(const struct sl_sns_signer *signer);

/** Whether `signature` is this signer's over the message. */
SL_MUST_CHECK bool sl_sns_signers_verify(struct sl_sns_signers *signers,
	struct sl_sns_signer *signer, enum sl_sns_digest digest,
	const struct sl_sns_message *message, const struct sl_buf *signature);

#endif
