/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificate may sign SNS messages of a topic: its address is built from the topic's ARN
 * (never trusted from the message: a host like sns.s3-us-west-2.amazonaws.com is anybody's
 * bucket), it is one PEM block, carries the name of the region's signer and chains to a root
 * (sns_chain.c). Entry points: sl_sns_certificate_check_url(), _name(), _load(). Any thread.
 */
#include "sns_certificate.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "endpoints.h"
#include "mem.h"
#include "sns_chain.h"
#include "text.h"

#define MAX_PEM_BYTES ((size_t)16 * 1024)
#define MIN_RSA_BITS  2048

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
	free(certificate->subject);
	free(certificate->issuer);
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
		SL_AUTO(sl_freep)
		char *name = sl_strndup(region, (size_t)(end - region));
		if (strcmp(sl_partition_of(name)->name, partitions[i].name) != 0) {
			return NULL; /* "arn:aws:sns:cn-north-1:…" is no topic */
		}
		*ret_region = sl_take(&name);
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

bool sl_sns_certificate_origin(
	const struct sl_sns_trust *trust, const char *topic_arn, struct sl_buf *out)
{
	SL_AUTO(sl_freep)
	char *region = NULL;
	const struct partition *partition = parse_arn(topic_arn, &region);
	if (partition == NULL) {
		return false;
	}
	if (trust->endpoint == NULL) {
		sl_buf_printf(out, "https://sns.%s.%s", region, partition->suffix);
		return true;
	}
	size_t len = origin_len(trust->endpoint);
	sl_buf_add(out, trust->endpoint, len);
	return len > 0;
}

enum sl_err sl_sns_certificate_match_url(
	const char *origin, const char *url, struct sl_error *reterr)
{
	/* Comparing the text leaves no room for ports, user information or a parser's opinion. */
	if (!sl_text_starts_with(url, origin) || !is_certificate_path(url + strlen(origin))) {
		return sl_error_set_at(reterr, SL_ERR_SNS_CERT_URL, "/SigningCertURL",
			"SigningCertURL is not %s%s<32 hex digits>%s", origin, path_start,
			path_end);
	}
	return SL_ERR_OK;
}

enum sl_err sl_sns_certificate_check_url(const struct sl_sns_trust *trust, const char *topic_arn,
	const char *url, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf origin = SL_BUF_INIT;
	if (!sl_sns_certificate_origin(trust, topic_arn, &origin)) {
		return sl_error_set_at(reterr, SL_ERR_SNS_CERT_URL, "/TopicArn",
			"The topic is not an SNS topic in a partition that is known");
	}
	return sl_sns_certificate_match_url(origin.data, url, reterr);
}

static void free_x509p(X509 **certificate)
{
	X509_free(*certificate);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
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

static const char *behind_first(const char *pem)
{
	const char *end = strstr(pem, pem_end);
	return end != NULL ? end + sizeof pem_end - 1 : pem + strlen(pem);
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

/* "CN=sns.amazonaws.com", owned by the caller; what is not printable is escaped. */
static char *name_text(const X509_NAME *name)
{
	SL_AUTO(free_bio)
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	if (bio == NULL ||
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_UTF8_CONVERT) <
			0) {
		return sl_strdup("?");
	}
	long len = BIO_get_mem_data(bio, &bytes);
	return sl_strndup(bytes, (size_t)len);
}

static enum sl_err check_file(const struct sl_sns_trust *trust, const char *name,
	const struct sl_buf *file, int64_t now_ms, struct sl_sns_certificate *ret,
	struct sl_error *reterr)
{
	SL_AUTO(free_x509p)
	X509 *leaf = parse_pem(file);
	if (leaf == NULL) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNTRUSTED,
			trust->given != NULL
				? "The file does not begin with a PEM certificate"
				: "The file at SigningCertURL is not exactly one PEM certificate");
	}
	enum sl_err err = check_leaf(leaf, name, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	struct sl_sns_certificate certificate = {NULL, 0, 0, NULL, NULL};
	const char *issuers = trust->given != NULL ? behind_first(trust->given) : NULL;
	err = sl_sns_chain_check(trust, leaf, issuers, now_ms, &certificate, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	certificate.key = X509_get_pubkey(leaf);
	certificate.subject = name_text(X509_get_subject_name(leaf));
	certificate.issuer = name_text(X509_get_issuer_name(leaf));
	*ret = certificate;
	return SL_ERR_OK;
}

enum sl_err sl_sns_certificate_load(const struct sl_sns_trust *trust, const char *name,
	const char *url, int64_t now_ms, struct sl_sns_certificate *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf file = SL_BUF_INIT;
	enum sl_err err = SL_ERR_OK;
	if (trust->given != NULL) {
		const char *end = behind_first(trust->given);
		sl_buf_add(&file, trust->given, (size_t)(end - trust->given));
	} else {
		err = trust->fetch(trust->fetch_context, url, MAX_PEM_BYTES, &file, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	err = check_file(trust, name, &file, now_ms, ret, reterr);
	/* OpenSSL's queue belongs to the thread and would confuse its next user. */
	ERR_clear_error();
	return err;
}
