/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNS's signature: a root certificate and a leaf for sns.amazonaws.com, made at the first start
 * and kept in the data directory, and the signing itself. The root (ca.pem) is what a verifier
 * is told to trust. Keys are read-only after the start; any thread may sign.
 */

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lc_sns.h"
#include "text.h"

enum { KEY_BITS = 2048, CA_DAYS = 3650, LEAF_DAYS = 825 };

static struct {
	EVP_PKEY *key;       /* of the leaf */
	char *pem;           /* the leaf's certificate */
	char *path;          /* where it is served */
	EVP_PKEY *wrong_key; /* for forgeries; made when the first one is wanted */
	pthread_mutex_t wrong_lock;
} sign = {.wrong_lock = PTHREAD_MUTEX_INITIALIZER};

SL_NORETURN static void give_up(const char *what)
{
	sl_log(SL_LOG_ERROR, "cannot make the signing certificates", SL_F("step", what),
		SL_F("reason", strerror(errno)), SL_F_END);
	_exit(EXIT_FAILURE);
}

static void bio_free(BIO **bio)
{
	BIO_free(*bio);
}

static void key_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void certificate_free(X509 **certificate)
{
	X509_free(*certificate);
}

static char *file_path(const struct lc_cloud *cloud, const char *name)
{
	return sl_asprintf("%s/%s", cloud->data_dir, name);
}

/* --- reading and writing PEM ------------------------------------------------------------- */

static void pem_write(const struct lc_cloud *cloud, const char *name, mode_t mode, EVP_PKEY *key,
	X509 *certificate)
{
	SL_AUTO(sl_freep)
	char *path = file_path(cloud, name);
	SL_AUTO(sl_freep)
	char *fresh = sl_asprintf("%s.new", path);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file == NULL) {
		give_up(name);
	}
	int ok = key != NULL ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)
			     : PEM_write_X509(file, certificate);
	/* Renamed when complete: a crash leaves either nothing or the whole file. */
	if (ok != 1 || fflush(file) != 0 || fsync(fd) != 0 || fclose(file) != 0 ||
		rename(fresh, path) != 0) {
		give_up(name);
	}
}

static EVP_PKEY *key_read(const struct lc_cloud *cloud, const char *name)
{
	SL_AUTO(sl_freep)
	char *path = file_path(cloud, name);
	SL_AUTO(bio_free)
	BIO *bio = BIO_new_file(path, "r");
	return bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
}

static X509 *certificate_read(const struct lc_cloud *cloud, const char *name)
{
	SL_AUTO(sl_freep)
	char *path = file_path(cloud, name);
	SL_AUTO(bio_free)
	BIO *bio = BIO_new_file(path, "r");
	return bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

/* --- making certificates ----------------------------------------------------------------- */

static void extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1) {
		give_up("extension");
	}
	X509_EXTENSION_free(extension);
}

static void serial_set(X509 *certificate)
{
	unsigned char bytes[8];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
		give_up("random");
	}
	uint64_t serial = 0;
	memcpy(&serial, bytes, sizeof(serial));
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
}

/* A certificate without extensions, not yet signed. `issuer` NULL: its own issuer. */
static X509 *certificate_create(EVP_PKEY *key, const char *common_name, X509 *issuer, int days)
{
	X509 *certificate = X509_new();
	X509_set_version(certificate, 2); /* v3 */
	serial_set(certificate);
	/* A day back: a verifier's clock may be behind. */
	X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * 86400);
	X509_set_pubkey(certificate, key);
	X509_NAME *subject = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
	X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : subject);
	return certificate;
}

static void root_create(const struct lc_cloud *cloud)
{
	SL_AUTO(key_free)
	EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
	if (key == NULL) {
		give_up("root key");
	}
	SL_AUTO(certificate_free)
	X509 *root = certificate_create(key, "localcloud root", NULL, CA_DAYS);
	extension_add(root, root, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	extension_add(root, root, NID_key_usage, "critical,keyCertSign,cRLSign");
	extension_add(root, root, NID_subject_key_identifier, "hash");
	if (X509_sign(root, key, EVP_sha256()) == 0) {
		give_up("root signature");
	}
	pem_write(cloud, "ca-key.pem", 0600, key, NULL);
	pem_write(cloud, "ca.pem", 0644, NULL, root);
}

static void leaf_create(const struct lc_cloud *cloud)
{
	SL_AUTO(key_free)
	EVP_PKEY *root_key = key_read(cloud, "ca-key.pem");
	SL_AUTO(certificate_free)
	X509 *root = certificate_read(cloud, "ca.pem");
	SL_AUTO(key_free)
	EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
	if (root_key == NULL || root == NULL || key == NULL) {
		give_up("leaf key");
	}
	SL_AUTO(certificate_free)
	X509 *leaf = certificate_create(key, "sns.amazonaws.com", root, LEAF_DAYS);
	extension_add(leaf, root, NID_basic_constraints, "critical,CA:FALSE");
	extension_add(leaf, root, NID_key_usage, "critical,digitalSignature,keyEncipherment");
	extension_add(leaf, root, NID_ext_key_usage, "serverAuth,clientAuth");
	extension_add(leaf, root, NID_subject_alt_name, "DNS:sns.amazonaws.com");
	extension_add(leaf, root, NID_subject_key_identifier, "hash");
	extension_add(leaf, root, NID_authority_key_identifier, "keyid:always");
	if (X509_sign(leaf, root_key, EVP_sha256()) == 0) {
		give_up("leaf signature");
	}
	pem_write(cloud, "sns-key.pem", 0600, key, NULL);
	pem_write(cloud, "sns-leaf.pem", 0644, NULL, leaf);
}

/* Made anew when missing, expired, or not by this root (a start that was cut short). */
static bool leaf_usable(const struct lc_cloud *cloud)
{
	SL_AUTO(certificate_free)
	X509 *root = certificate_read(cloud, "ca.pem");
	SL_AUTO(certificate_free)
	X509 *leaf = certificate_read(cloud, "sns-leaf.pem");
	SL_AUTO(key_free)
	EVP_PKEY *key = key_read(cloud, "sns-key.pem");
	return root != NULL && leaf != NULL && key != NULL &&
		X509_verify(leaf, X509_get0_pubkey(root)) == 1 &&
		X509_check_private_key(leaf, key) == 1 &&
		X509_cmp_current_time(X509_get0_notAfter(leaf)) > 0;
}

static bool root_usable(const struct lc_cloud *cloud)
{
	SL_AUTO(certificate_free)
	X509 *root = certificate_read(cloud, "ca.pem");
	SL_AUTO(key_free)
	EVP_PKEY *key = key_read(cloud, "ca-key.pem");
	return root != NULL && key != NULL && X509_check_private_key(root, key) == 1 &&
		X509_cmp_current_time(X509_get0_notAfter(root)) > 0;
}

/* --- what others use --------------------------------------------------------------------- */

static void leaf_load(const struct lc_cloud *cloud)
{
	SL_AUTO(certificate_free)
	X509 *leaf = certificate_read(cloud, "sns-leaf.pem");
	SL_AUTO(bio_free)
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	sign.key = key_read(cloud, "sns-key.pem");
	if (leaf == NULL || sign.key == NULL || PEM_write_bio_X509(bio, leaf) != 1 ||
		X509_digest(leaf, EVP_sha256(), digest, &digest_len) != 1) {
		give_up("leaf");
	}
	char *pem = NULL;
	long length = BIO_get_mem_data(bio, &pem);
	sign.pem = sl_strndup(pem, (size_t)length);
	SL_AUTO(sl_buf_finish)
	struct sl_buf hex = SL_BUF_INIT;
	sl_text_hex(&hex, digest, 16);
	sign.path = sl_asprintf("/SimpleNotificationService-%s.pem", sl_buf_str(&hex));
}

void lc_sns_sign_start(struct lc_cloud *cloud)
{
	if (!root_usable(cloud)) {
		root_create(cloud);
	}
	if (!leaf_usable(cloud)) {
		leaf_create(cloud);
	}
	leaf_load(cloud);
}

void lc_sns_sign_stop(void)
{
	EVP_PKEY_free(sign.key);
	free(sign.pem);
	free(sign.path);
	EVP_PKEY_free(sign.wrong_key);
	sign.key = sign.wrong_key = NULL;
	sign.pem = sign.path = NULL;
}

const char *lc_sns_certificate_path(void)
{
	return sign.path;
}

static char *sign_with(EVP_PKEY *key, const char *text, size_t len, const char *version)
{
	unsigned char signature[KEY_BITS / 8];
	size_t signature_len = sizeof(signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *digest = strcmp(version, "2") == 0 ? EVP_sha256() : EVP_sha1();
	bool ok = EVP_DigestSignInit(context, NULL, digest, NULL, key) == 1 &&
		EVP_DigestSign(
			context, signature, &signature_len, (const unsigned char *)text, len) == 1;
	EVP_MD_CTX_free(context);
	if (!ok) {
		SL_BUG("an RSA signature failed");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf base64 = SL_BUF_INIT;
	sl_text_base64(&base64, signature, signature_len);
	return sl_buf_steal(&base64);
}

char *lc_sns_sign(const char *text, size_t len, const char *version)
{
	return sign_with(sign.key, text, len, version);
}

char *lc_sns_sign_forged(const char *text, size_t len, const char *version)
{
	pthread_mutex_lock(&sign.wrong_lock);
	if (!sign.wrong_key) {
		sign.wrong_key = EVP_RSA_gen(KEY_BITS);
	}
	pthread_mutex_unlock(&sign.wrong_lock);
	return sign_with(sign.wrong_key, text, len, version);
}

void lc_sns_certificate(
	struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	(void)cloud;
	if (strcmp(request->raw_path, sign.path) != 0) {
		lc_reply_xml_error(
			reply, request, true, 404, "NotFound", "There is no such certificate");
		return;
	}
	reply->content_type = "application/x-x509-ca-cert";
	sl_buf_puts(&reply->body, sign.pem);
}
