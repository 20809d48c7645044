/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificate may sign SNS messages of a topic: its address is built from the topic's ARN
 * (never trusted from the message: a host like sns.s3-us-west-2.amazonaws.com is anybody's
 * bucket), it is one PEM block, carries the name of the region's signer and chains to a root.
 * Entry points: sl_sns_certificate_check_url(), _name(), _load(). Any thread.
 */
#include "sns_certificate.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "text.h"

#define MAX_PEM_BYTES    ((size_t)16 * 1024)
#define MAX_ISSUER_BYTES ((size_t)16 * 1024)
#define MAX_ISSUERS      3
#define MIN_RSA_BITS     2048

static const char path_start[] = "/SimpleNotificationService-";
static const char path_end[] = ".pem";
#define PATH_HEX_DIGITS 32

static const char pem_begin[] = "-----BEGIN CERTIFICATE-----";
static const char pem_end[] = "-----END CERTIFICATE-----";

/* Signer names: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 * and the table in the AWS SDK for Java's message manager. `%s` is the region. */
struct partition {
	const char *name;
	const char *suffix;
	const char *signer;
};
static const struct partition partitions[] = {
	{"aws", "amazonaws.com", "sns.amazonaws.com"},
	{"aws-cn", "amazonaws.com.cn", "sns-%s.amazonaws.com.cn"},
	{"aws-us-gov", "amazonaws.com", "sns-us-gov-west-1.amazonaws.com"},
	{"aws-eusc", "amazonaws.eu", "sns-signing.%s.amazonaws.eu"},
};

/* Regions of partition "aws" with a signer of their own. */
static const char *const own_signer_regions[] = {
	"af-south-1",
	"ap-east-1",
	"ap-east-2",
	"ap-south-2",
	"ap-southeast-3",
	"ap-southeast-4",
	"ap-southeast-5",
	"ap-southeast-6",
	"ap-southeast-7",
	"ca-west-1",
	"eu-central-2",
	"eu-south-1",
	"eu-south-2",
	"il-central-1",
	"me-central-1",
	"me-south-1",
	"mx-central-1",
};

void sl_sns_certificate_finish(struct sl_sns_certificate *certificate)
{
	EVP_PKEY_free(certificate->key);
	memset(certificate, 0, sizeof *certificate);
}

static bool is_region(const char *region, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = region[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
			return false;
		}
	}
	return len > 0;
}

/* arn:<partition>:sns:<region>:… The caller owns `*ret_region`. NULL: not such an ARN. */
static const struct partition *parse_arn(const char *arn, char **ret_region)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(partitions); i++) {
		SL_AUTO(sl_freep)
		char *start = sl_asprintf("arn:%s:sns:", partitions[i].name);
		if (!sl_text_starts_with(arn, start)) {
			continue;
		}
		const char *region = arn + strlen(start);
		const char *end = strchr(region, ':');
		if (end == NULL || !is_region(region, (size_t)(end - region))) {
			return NULL;
		}
		*ret_region = sl_strndup(region, (size_t)(end - region));
		return &partitions[i];
	}
	return NULL;
}

bool sl_sns_certificate_name(const char *topic_arn, struct sl_buf *out)
{
	SL_AUTO(sl_freep)
	char *region = NULL;
	const struct partition *partition = parse_arn(topic_arn, &region);
	if (partition == NULL) {
		return false;
	}
	const char *signer = partition->signer;
	for (size_t i = 0; i < SL_ARRAY_SIZE(own_signer_regions); i++) {
		if (partition == &partitions[0] && strcmp(region, own_signer_regions[i]) == 0) {
			signer = "sns-signing.%s.amazonaws.com";
		}
	}
	const char *hole = strstr(signer, "%s");
	if (hole == NULL) {
		sl_buf_puts(out, signer);
	} else {
		sl_buf_add(out, signer, (size_t)(hole - signer));
		sl_buf_puts(out, region);
		sl_buf_puts(out, hole + 2);
	}
	return true;
}

/* scheme://authority of a URL, without what follows. */
static size_t origin_len(const char *url)
{
	const char *authority = strstr(url, "://");
	if (authority == NULL) {
		return 0;
	}
	authority += 3;
	return (size_t)(authority - url) + strcspn(authority, "/?#");
}

static bool is_certificate_path(const char *path)
{
	size_t start_len = sizeof path_start - 1;
	if (strlen(path) != start_len + PATH_HEX_DIGITS + sizeof path_end - 1 ||
		!sl_text_starts_with(path, path_start) || !sl_text_ends_with(path, path_end)) {
		return false;
	}
	return strspn(path + start_len, "0123456789abcdef") == PATH_HEX_DIGITS;
}

enum sl_err sl_sns_certificate_check_url(const struct sl_sns_trust *trust, const char *topic_arn,
	const char *url, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *region = NULL;
	SL_AUTO(sl_buf_finish)
	struct sl_buf origin = SL_BUF_INIT;
	const struct partition *partition = parse_arn(topic_arn, &region);
	if (partition == NULL) {
		return sl_error_set_at(reterr, SL_ERR_SNS_CERT_URL, "/TopicArn",
			"The topic is not an SNS topic in a partition that is known");
	}
	if (trust->endpoint != NULL) {
		sl_buf_add(&origin, trust->endpoint, origin_len(trust->endpoint));
	} else {
		sl_buf_printf(&origin, "https://sns.%s.%s", region, partition->suffix);
	}
	/* Comparing the text leaves no room for ports, user information or a parser's opinion. */
	if (origin.len == 0 || !sl_text_starts_with(url, origin.data) ||
		!is_certificate_path(url + origin.len)) {
		return sl_error_set_at(reterr, SL_ERR_SNS_CERT_URL, "/SigningCertURL",
			"SigningCertURL is not %s%s<32 hex digits>%s", sl_buf_str(&origin),
			path_start, path_end);
	}
	return SL_ERR_OK;
}

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

/* Exactly one block and nothing around it but the final line end: what else the file says could
 * be read differently by somebody else. */
static X509 *parse_pem(const struct sl_buf *file)
{
	size_t len = file->len;
	while (len > 0 && (file->data[len - 1] == '\n' || file->data[len - 1] == '\r')) {
		len--;
	}
	size_t begin_len = sizeof pem_begin - 1;
	size_t end_len = sizeof pem_end - 1;
	if (len < begin_len + end_len || memcmp(file->data, pem_begin, begin_len) != 0 ||
		memcmp(file->data + len - end_len, pem_end, end_len) != 0) {
		return NULL;
	}
	for (size_t i = begin_len; i < len - end_len; i++) {
		unsigned char c = (unsigned char)file->data[i];
		if (!isalnum(c) && strchr("+/=\r\n", c) == NULL) {
			return NULL;
		}
	}
	SL_AUTO(free_bio)
	BIO *bio = BIO_new_mem_buf(file->data, (int)len);
	return bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
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

static enum sl_err check_chain(const struct sl_sns_trust *trust, X509 *leaf, int64_t now_ms,
	struct sl_sns_certificate *ret, struct sl_error *reterr)
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
			round == MAX_ISSUERS) {
			return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
				"The signing certificate does not verify: %s",
				X509_verify_cert_error_string(why));
		}
		enum sl_err err = fetch_issuer(trust, last, issuers, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
}

static enum sl_err check_leaf(X509 *leaf, const char *name, struct sl_error *reterr)
{
	/* The name must be spelt out: a wildcard for other hosts of AWS signs no messages. */
	if (X509_check_host(leaf, name, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) != 1) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
			"The signing certificate does not belong to %s", name);
	}
	const EVP_PKEY *key = X509_get0_pubkey(leaf);
	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
		EVP_PKEY_get_bits(key) < MIN_RSA_BITS) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
			"The signing certificate has no RSA key of at least %d bits", MIN_RSA_BITS);
	}
	return SL_ERR_OK;
}

static enum sl_err check_file(const struct sl_sns_trust *trust, const char *name,
	const struct sl_buf *file, int64_t now_ms, struct sl_sns_certificate *ret,
	struct sl_error *reterr)
{
	SL_AUTO(free_x509p)
	X509 *leaf = parse_pem(file);
	if (leaf == NULL) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
			"The file at SigningCertURL is not exactly one PEM certificate");
	}
	enum sl_err err = check_leaf(leaf, name, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	struct sl_sns_certificate certificate = {NULL, 0, 0};
	err = check_chain(trust, leaf, now_ms, &certificate, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	certificate.key = X509_get_pubkey(leaf);
	*ret = certificate;
	return SL_ERR_OK;
}

enum sl_err sl_sns_certificate_load(const struct sl_sns_trust *trust, const char *name,
	const char *url, int64_t now_ms, struct sl_sns_certificate *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf file = SL_BUF_INIT;
	enum sl_err err = trust->fetch(trust->fetch_context, url, MAX_PEM_BYTES, &file, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	err = check_file(trust, name, &file, now_ms, ret, reterr);
	/* OpenSSL's queue belongs to the thread and would confuse its next user. */
	ERR_clear_error();
	return err;
}
