/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an SNS signing certificate chains to a root that we trust: sl_sns_chain_check(). SNS
 * serves the leaf alone, so a missing intermediate is fetched from where the certificate says.
 * Any thread.
 */
#include "sns_chain.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "text.h"

#define MAX_ISSUER_BYTES  ((size_t)16 * 1024)
#define MAX_ISSUERS       3 /* to fetch */
#define MAX_GIVEN_ISSUERS 8

static void free_x509p(X509 **certificate)
{
	X509_free(*certificate);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void free_store(X509_STORE **store)
{
	X509_STORE_free(*store);
}

static void free_store_ctx(X509_STORE_CTX **context)
{
	X509_STORE_CTX_free(*context);
}

static void free_chain(STACK_OF(X509) * *chain)
{
	sk_X509_pop_free(*chain, X509_free);
}

/* Read anew for each certificate, of which there are few a year, so that a replaced bundle
 * counts without a restart. */
static X509_STORE *load_roots(const char *ca_bundle)
{
	X509_STORE *store = X509_STORE_new();
	if (store == NULL) {
		return NULL;
	}
	int ok = ca_bundle != NULL ? X509_STORE_load_file(store, ca_bundle)
				   : X509_STORE_set_default_paths(store);
	if (ok != 1) {
		X509_STORE_free(store);
		return NULL;
	}
	return store;
}

static int64_t asn1_time_ms(const ASN1_TIME *time, int64_t otherwise)
{
	struct tm tm;
	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : otherwise;
}

static void chain_validity(STACK_OF(X509) * chain, struct sl_sns_certificate *ret)
{
	ret->valid_from_ms = INT64_MIN;
	ret->valid_to_ms = INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *link = sk_X509_value(chain, i);
		int64_t from = asn1_time_ms(X509_get0_notBefore(link), INT64_MAX);
		int64_t to = asn1_time_ms(X509_get0_notAfter(link), INT64_MIN);
		ret->valid_from_ms = from > ret->valid_from_ms ? from : ret->valid_from_ms;
		ret->valid_to_ms = to < ret->valid_to_ms ? to : ret->valid_to_ms;
	}
}

/* One attempt with the issuers known so far. X509_V_OK, or why not; then `*ret_last` (a new
 * reference, may be NULL) is the certificate whose issuer is missing. */
static int verify_chain(X509_STORE *roots, X509 *leaf, STACK_OF(X509) * issuers, int64_t now_ms,
	struct sl_sns_certificate *ret, X509 **ret_last)
{
	SL_AUTO(free_store_ctx)
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	if (context == NULL || X509_STORE_CTX_init(context, roots, leaf, issuers) != 1) {
		return X509_V_ERR_OUT_OF_MEM;
	}
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(param, (time_t)(now_ms / 1000));
	/* Server certificates only: public roots check nothing about names in e-mail ones. */
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	/* A bundle may name an intermediate as its anchor. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(context) == 1) {
		chain_validity(X509_STORE_CTX_get0_chain(context), ret);
		return X509_V_OK;
	}
	X509 *last = X509_STORE_CTX_get_current_cert(context);
	if (last != NULL && X509_up_ref(last) == 1) {
		*ret_last = last;
	}
	int why = X509_STORE_CTX_get_error(context);
	return why != X509_V_OK ? why : X509_V_ERR_UNSPECIFIED;
}

/* http://<host name>/<file>: Amazon Trust Services publishes its intermediates that way. What
 * comes back proves itself by its signature, or does not count. */
static bool is_issuer_url(const char *url)
{
	static const char scheme[] = "http://";
	static const char host_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	if (!sl_text_starts_with(url, scheme)) {
		return false;
	}
	const char *host = url + sizeof scheme - 1;
	size_t host_len = strspn(host, host_chars);
	if (host_len < 4 || host[host_len] != '/' || isdigit((unsigned char)host[host_len - 1])) {
		return false;
	}
	const char *path = host + host_len;
	for (const char *c = path; *c != '\0'; c++) {
		if (!isalnum((unsigned char)*c) && strchr("/._-", *c) == NULL) {
			return false;
		}
	}
	return memchr(host, '.', host_len) != NULL;
}

/* The caller owns the result; NULL: the certificate names no usable address. */
static char *issuer_url(X509 *certificate)
{
	char *url = NULL;
	AUTHORITY_INFO_ACCESS *info = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
	for (int i = 0; info != NULL && url == NULL && i < sk_ACCESS_DESCRIPTION_num(info); i++) {
		const ACCESS_DESCRIPTION *access = sk_ACCESS_DESCRIPTION_value(info, i);
		if (OBJ_obj2nid(access->method) != NID_ad_ca_issuers ||
			access->location->type != GEN_URI) {
			continue;
		}
		const ASN1_IA5STRING *uri = access->location->d.uniformResourceIdentifier;
		char *text = sl_strndup(
			(const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
		if (strlen(text) == (size_t)ASN1_STRING_length(uri) && is_issuer_url(text)) {
			url = text;
		} else {
			free(text);
		}
	}
	AUTHORITY_INFO_ACCESS_free(info);
	return url;
}

/* SNS serves the leaf alone, and public roots sign through intermediates: fetch the missing one. */
static enum sl_err fetch_issuer(const struct sl_sns_trust *trust, X509 *certificate,
	STACK_OF(X509) * issuers, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *url = issuer_url(certificate);
	if (url == NULL) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
			"The signing certificate's issuer is unknown");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf der = SL_BUF_INIT;
	enum sl_err err = trust->fetch(trust->fetch_context, url, MAX_ISSUER_BYTES, &der, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const unsigned char *bytes = (const unsigned char *)sl_buf_str(&der);
	X509 *issuer = d2i_X509(NULL, &bytes, (long)der.len);
	if (issuer == NULL || sk_X509_push(issuers, issuer) == 0) {
		X509_free(issuer);
		return sl_error_set(
			reterr, SL_ERR_SNS_CERT_UNTRUSTED, "There is no certificate at %s", url);
	}
	return SL_ERR_OK;
}

static enum sl_err untrusted_chain(
	const struct sl_sns_trust *trust, int why, bool issuer_missing, struct sl_error *reterr)
{
	const char *remedy = "";
	if (issuer_missing && trust->given != NULL) {
		remedy = "; append its issuers to the file";
	} else if (issuer_missing && trust->endpoint != NULL) {
		remedy = "; AWS_CA_BUNDLE must name the roots of whoever stands for AWS";
	}
	return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
		"The signing certificate does not verify: %s%s", X509_verify_cert_error_string(why),
		remedy);
}

/* The certificates behind the first, which the operator gave. False: something else is there. */
static bool read_issuers(const char *pem, STACK_OF(X509) * issuers)
{
	SL_AUTO(free_bio)
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *issuer = NULL;
	while (bio != NULL && (issuer = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_num(issuers) == MAX_GIVEN_ISSUERS ||
			sk_X509_push(issuers, issuer) == 0) {
			X509_free(issuer);
			return false;
		}
	}
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

enum sl_err sl_sns_chain_check(const struct sl_sns_trust *trust, X509 *leaf,
	const char *issuers_pem, int64_t now_ms, struct sl_sns_certificate *ret,
	struct sl_error *reterr)
{
	SL_AUTO(free_store)
	X509_STORE *roots = load_roots(trust->ca_bundle);
	SL_AUTO(free_chain)
	STACK_OF(X509) *issuers = sk_X509_new_null();
	if (roots == NULL || issuers == NULL) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
			"The trusted roots (%s) cannot be read",
			trust->ca_bundle != NULL ? trust->ca_bundle : "the system's");
	}
	if (issuers_pem != NULL && !read_issuers(issuers_pem, issuers)) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
			"What follows the signing certificate is not PEM certificates");
	}
	for (int round = 0;; round++) {
		SL_AUTO(free_x509p)
		X509 *last = NULL;
		int why = verify_chain(roots, leaf, issuers, now_ms, ret, &last);
		if (why == X509_V_OK) {
			return SL_ERR_OK;
		}
		bool issuer_missing = why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
			why == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
		/* Elsewhere than on AWS the bundle is the operator's and has to be complete. */
		if (!issuer_missing || last == NULL || trust->endpoint != NULL ||
			trust->given != NULL || round == MAX_ISSUERS) {
			return untrusted_chain(trust, why, issuer_missing, reterr);
		}
		enum sl_err err = fetch_issuer(trust, last, issuers, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
}
