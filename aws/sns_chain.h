/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_CHAIN_H
#define SL_SNS_CHAIN_H

/* Inside aws/: the way from a signing certificate up to a trusted root. Thread-safe. */

#include <openssl/x509.h>

#include "sns_certificate.h"

/** Checks `leaf` up to the roots of `trust` at `now_ms` and sets the validity of the whole chain in
 *  `ret`. Issuers come from `issuers_pem`, or where it is NULL are fetched. SNS_CERT_UNTRUSTED,
 *  SNS_CERT_UNAVAILABLE. */
SL_MUST_CHECK enum sl_err sl_sns_chain_check(const struct sl_sns_trust *trust, X509 *leaf,
	const char *issuers_pem, int64_t now_ms, struct sl_sns_certificate *ret,
	struct sl_error *reterr);

#endif
