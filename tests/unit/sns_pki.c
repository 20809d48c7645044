/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, certificates and signed SNS messages for tests: sns_pki.h. One thread. */
#include "sns_pki.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_S    86400
#define RSA_BITS 2048

static void require(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "sns_pki: %s failed\n", what);
		abort();
	}
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	if (value == NULL) {
		return;
	}
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	require(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

X509 *sns_pki_issue(struct sns_pki *pki, const struct sns_pki_cert *what)
{
	X509 *certificate = X509_new();
	require(certificate != NULL, "X509_new");
	X509 *issuer = what->issuer != NULL ? what->issuer : certificate;
	EVP_PKEY *signer = what->issuer_key != NULL ? what->issuer_key : what->key;
	time_t now = (time_t)(pki->now_ms / 1000);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++pki->serial);
	ASN1_TIME_set(X509_getm_notBefore(certificate), now + what->from_days * DAY_S);
	ASN1_TIME_set(X509_getm_notAfter(certificate), now + what->to_days * DAY_S);
	X509_set_pubkey(certificate, what->key);
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_UTF8, (const unsigned char *)what->common_name, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	add_extension(certificate, issuer, NID_basic_constraints,
		what->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
	add_extension(certificate, issuer, NID_subject_alt_name, what->san);
	add_extension(certificate, issuer, NID_info_access, what->aia);
	add_extension(certificate, issuer, NID_ext_key_usage, what->usage);
	require(X509_sign(certificate, signer, EVP_sha256()) > 0, "X509_sign");
	return certificate;
}

char *sns_pki_pem(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	require(PEM_write_bio_X509(bio, certificate) == 1, "PEM_write_bio_X509");
	long len = BIO_get_mem_data(bio, &bytes);
	char *pem = strndup(bytes, (size_t)len);
	BIO_free(bio);
	return pem;
}

char *sns_pki_der(X509 *certificate, size_t *ret_len)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);
	require(len > 0, "i2d_X509");
	char *copy = malloc((size_t)len);
	memcpy(copy, der, (size_t)len);
	OPENSSL_free(der);
	*ret_len = (size_t)len;
	return copy;
}

char *sns_pki_leaf_pem(struct sns_pki *pki, const char *common_name)
{
	X509 *leaf = sns_pki_issue(pki,
		&(struct sns_pki_cert){
			.common_name = common_name,
			.key = pki->leaf_key,
			.issuer = pki->root,
			.issuer_key = pki->root_key,
			.from_days = -30,
			.to_days = 30,
			.usage = "serverAuth",
		});
	char *pem = sns_pki_pem(leaf);
	X509_free(leaf);
	return pem;
}

void sns_pki_create(struct sns_pki *pki, int64_t now_ms)
{
	memset(pki, 0, sizeof *pki);
	pki->now_ms = now_ms;
	pki->root_key = EVP_RSA_gen(RSA_BITS);
	pki->leaf_key = EVP_RSA_gen(RSA_BITS);
	pki->other_key = EVP_RSA_gen(RSA_BITS);
	require(pki->root_key != NULL && pki->leaf_key != NULL && pki->other_key != NULL,
		"EVP_RSA_gen");
	pki->root = sns_pki_issue(pki,
		&(struct sns_pki_cert){
			.common_name = "Test Root",
			.key = pki->root_key,
			.ca = true,
			.from_days = -3650,
			.to_days = 3650,
		});
	snprintf(pki->bundle_path, sizeof pki->bundle_path, "/tmp/sns_pki.XXXXXX");
	int fd = mkstemp(pki->bundle_path);
	char *pem = sns_pki_pem(pki->root);
	require(fd >= 0 && write(fd, pem, strlen(pem)) == (ssize_t)strlen(pem), "mkstemp");
	close(fd);
	free(pem);
}

void sns_pki_destroy(struct sns_pki *pki)
{
	unlink(pki->bundle_path);
	X509_free(pki->root);
	EVP_PKEY_free(pki->root_key);
	EVP_PKEY_free(pki->leaf_key);
	EVP_PKEY_free(pki->other_key);
}

static void append(char *text, size_t size, const char *key, const char *value)
{
	size_t len = strlen(text);
	int written = snprintf(text + len, size - len, "%s\n%s\n", key, value);
	require(written > 0 && (size_t)written < size - len, "the string to sign");
}

void sns_pki_sign(json_t *message, EVP_PKEY *key)
{
	static const char *const notification[] = {
		"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", NULL};
	static const char *const confirmation[] = {"Message", "MessageId", "SubscribeURL",
		"Timestamp", "Token", "TopicArn", "Type", NULL};
	const char *type = json_string_value(json_object_get(message, "Type"));
	const char *version = json_string_value(json_object_get(message, "SignatureVersion"));
	const char *const *keys =
		type != NULL && strcmp(type, "Notification") == 0 ? notification : confirmation;
	char text[8192] = "";
	for (; *keys != NULL; keys++) {
		const char *value = json_string_value(json_object_get(message, *keys));
		if (value != NULL) {
			append(text, sizeof text, *keys, value);
		}
	}
	bool v2 = version != NULL && strcmp(version, "2") == 0;
	unsigned char raw[RSA_BITS / 8];
	size_t raw_len = sizeof raw;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	require(EVP_DigestSignInit(context, NULL, v2 ? EVP_sha256() : EVP_sha1(), NULL, key) == 1 &&
			EVP_DigestSign(context, raw, &raw_len, (const unsigned char *)text,
				strlen(text)) == 1,
		"EVP_DigestSign");
	EVP_MD_CTX_free(context);
	char base64[sizeof raw * 2];
	EVP_EncodeBlock((unsigned char *)base64, raw, (int)raw_len);
	json_object_set_new(message, "Signature", json_string(base64));
}
