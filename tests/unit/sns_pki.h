/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_PKI_H
#define SL_SNS_PKI_H

/* For tests: keys and certificates made on the spot, and SNS messages signed with them. */

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "defs.h"

/* What to put into a certificate. Times are relative to `now_ms` of sns_pki_create(). */
struct sns_pki_cert {
	const char *common_name;
	const char *san;      /* "DNS:…", or NULL */
	const char *aia;      /* "caIssuers;URI:http://…", or NULL */
	EVP_PKEY *key;        /* its key */
	EVP_PKEY *issuer_key; /* who signs; NULL: itself */
	X509 *issuer;         /* NULL: itself */
	bool ca;
	int64_t from_days;
	int64_t to_days;
	const char *usage; /* extended key usage, or NULL */
};

struct sns_pki {
	int64_t now_ms;
	EVP_PKEY *root_key;
	EVP_PKEY *leaf_key;
	EVP_PKEY *other_key;
	X509 *root;
	char bundle_path[64]; /* PEM file with the root */
	int serial;
};

void sns_pki_create(struct sns_pki *pki, int64_t now_ms);
void sns_pki_destroy(struct sns_pki *pki);

X509 *sns_pki_issue(struct sns_pki *pki, const struct sns_pki_cert *what);

/** A leaf for `common_name`, signed by the root, valid now, as PEM; the caller frees it. */
char *sns_pki_leaf_pem(struct sns_pki *pki, const char *common_name);

/** PEM or DER of a certificate; the caller frees it. */
char *sns_pki_pem(X509 *certificate);
char *sns_pki_der(X509 *certificate, size_t *ret_len);

/** Sets Signature of `message` to the signature by its Type and SignatureVersion ("1" unless "2"),
 *  over a string to sign that is put together here, independently of the code under test. */
void sns_pki_sign(json_t *message, EVP_PKEY *key);

#endif
