/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate may sign SNS messages, and how its chain is completed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "json_spec.h"
#include "mem.h"
#include "sns_fixture.h"
#include "text.h"

/* --- certificates --------------------------------------------------------------------------- */

static void a_file_that_is_not_one_certificate_is_refused(void **state)
{
	(void)state;
	SL_AUTO(sl_json_decrefp)
	json_t *message = sns_make_message("Notification", "1");
	sns_pki_sign(message, sns.pki.leaf_key);
	SL_AUTO(sl_freep)
	char *crlf = sl_asprintf("%s\r\n", sns.good_pem);
	SL_AUTO(sl_freep)
	char *twice = sl_asprintf("%s%s", sns.good_pem, sns.good_pem);
	SL_AUTO(sl_freep)
	char *before = sl_asprintf("subject=x\n%s", sns.good_pem);
	SL_AUTO(sl_freep)
	char *blank = sl_asprintf("\n%s", sns.good_pem);
	SL_AUTO(sl_freep)
	char *behind = sl_asprintf("%sjunk", sns.good_pem);
	SL_AUTO(sl_freep)
	char *half = sl_strndup(sns.good_pem, strlen(sns.good_pem) / 2);
	SL_AUTO(sl_freep)
	char *odd = sns_replace(sns.good_pem, "MII", "MI!");
	SL_AUTO(sl_freep)
	char *wrong = sns_replace(sns.good_pem, "MII", "AAA");
	const struct {
		const char *name;
		const char *pem;
		enum sl_err expected;
	} cases[] = {
		{"as it is", sns.good_pem, SL_ERR_OK},
		{"with a final line end", crlf, SL_ERR_OK},
		{"two blocks", twice, SL_ERR_SNS_CERT_UNTRUSTED},
		{"text before", before, SL_ERR_SNS_CERT_UNTRUSTED},
		{"an empty line before", blank, SL_ERR_SNS_CERT_UNTRUSTED},
		{"text behind", behind, SL_ERR_SNS_CERT_UNTRUSTED},
		{"half of it", half, SL_ERR_SNS_CERT_UNTRUSTED},
		{"a character that is not base64", odd, SL_ERR_SNS_CERT_UNTRUSTED},
		{"not DER", wrong, SL_ERR_SNS_CERT_UNTRUSTED},
		{"empty", "", SL_ERR_SNS_CERT_UNTRUSTED},
		{"a page", "<html>not found</html>", SL_ERR_SNS_CERT_UNTRUSTED},
		{"no content", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"cannot be fetched", NULL, SL_ERR_SNS_CERT_UNAVAILABLE},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		size_t len = cases[i].pem != NULL ? strlen(cases[i].pem) : 0;
		expect_err(sns_check_with_pem(message, cases[i].pem, len, sns.now_ms),
			cases[i].expected, cases[i].name);
	}
}

struct leaf_case {
	const char *name;
	struct sns_pki_cert what; /* what differs from a good leaf */
	bool self_signed;
	enum sl_err expected;
};

static X509 *issue_leaf(const struct leaf_case *leaf)
{
	struct sns_pki_cert what = leaf->what;
	what.common_name = what.common_name != NULL ? what.common_name : "sns.amazonaws.com";
	what.key = what.key != NULL ? what.key : sns.pki.leaf_key;
	if (what.issuer == NULL && !leaf->self_signed) {
		what.issuer = sns.pki.root;
		what.issuer_key = sns.pki.root_key;
	}
	if (what.to_days == 0) {
		what.from_days = -30;
		what.to_days = 30;
	}
	return sns_pki_issue(&sns.pki, &what);
}

static void a_certificate_must_be_the_signers(void **state)
{
	(void)state;
	EVP_PKEY *small_key = EVP_RSA_gen(1024);
	EVP_PKEY *ec_key = EVP_EC_gen("P-256");
	struct sns_pki_cert ca = {.common_name = "Stranger",
		.key = sns.pki.other_key,
		.ca = true,
		.from_days = -1,
		.to_days = 1};
	X509 *stranger = sns_pki_issue(&sns.pki, &ca);
	ca.common_name = "Test Root"; /* our root's name, and another key */
	X509 *impostor = sns_pki_issue(&sns.pki, &ca);
	const struct leaf_case cases[] = {
		{"as it should be", {.usage = "serverAuth"}, false, SL_ERR_OK},
		{"an alternative name", {.san = "DNS:sns.amazonaws.com"}, false, SL_ERR_OK},
		{"no extended usage at all", {.usage = NULL}, false, SL_ERR_OK},
		{"another name", {.common_name = "sns.example.com"}, false,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"another region's name", {.common_name = "sns-signing.af-south-1.amazonaws.com"},
			false, SL_ERR_SNS_CERT_UNTRUSTED},
		{"a wildcard", {.common_name = "*.amazonaws.com"}, false,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"alternative names without it", {.san = "DNS:example.com"}, false,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"expired", {.from_days = -60, .to_days = -1}, false, SL_ERR_SNS_CERT_UNTRUSTED},
		{"not valid yet", {.from_days = 1, .to_days = 60}, false,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"for e-mail", {.usage = "emailProtection"}, false, SL_ERR_SNS_CERT_UNTRUSTED},
		{"signed by itself", {.usage = NULL}, true, SL_ERR_SNS_CERT_UNTRUSTED},
		{"a stranger's", {.issuer = stranger, .issuer_key = sns.pki.other_key}, false,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"an impostor's", {.issuer = impostor, .issuer_key = sns.pki.other_key}, false,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"a short key", {.key = small_key}, false, SL_ERR_SNS_CERT_UNTRUSTED},
		{"no RSA key", {.key = ec_key}, false, SL_ERR_SNS_CERT_UNTRUSTED},
	};
	SL_AUTO(sl_json_decrefp)
	json_t *message = sns_make_message("Notification", "1");
	sns_pki_sign(message, sns.pki.leaf_key);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		X509 *leaf = issue_leaf(&cases[i]);
		char *pem = sns_pki_pem(leaf);
		expect_err(sns_check_with_pem(message, pem, strlen(pem), sns.now_ms),
			cases[i].expected, cases[i].name);
		free(pem);
		X509_free(leaf);
	}
	X509_free(stranger);
	X509_free(impostor);
	EVP_PKEY_free(small_key);
	EVP_PKEY_free(ec_key);
}

#define ISSUER_URL "http://crt.r2m01.amazontrust.com/r2m01.cer"

static void a_missing_intermediate_is_fetched(void **state)
{
	(void)state;
	X509 *middle = sns_pki_issue(&sns.pki,
		&(struct sns_pki_cert){.common_name = "Test Intermediate",
			.key = sns.pki.other_key,
			.issuer = sns.pki.root,
			.issuer_key = sns.pki.root_key,
			.ca = true,
			.from_days = -60,
			.to_days = 20});
	static const struct {
		const char *name;
		const char *aia;
		const char *endpoint;
		enum sl_err expected;
	} cases[] = {
		{"as Amazon Trust Services does it", "caIssuers;URI:" ISSUER_URL, NULL, SL_ERR_OK},
		{"nowhere to ask", NULL, NULL, SL_ERR_SNS_CERT_UNTRUSTED},
		{"no answer", "caIssuers;URI:http://crt.example.com/x.cer", NULL,
			SL_ERR_SNS_CERT_UNAVAILABLE},
		{"something else there", "caIssuers;URI:http://crt.example.com/root.cer", NULL,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"no certificate there", "caIssuers;URI:http://crt.example.com/junk.cer", NULL,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"a port", "caIssuers;URI:http://crt.example.com:8080/x.cer", NULL,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"an address", "caIssuers;URI:http://169.254.169.254/x.cer", NULL,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"a query", "caIssuers;URI:http://crt.example.com/x.cer?y", NULL,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"another scheme", "caIssuers;URI:ldap://crt.example.com/x.cer", NULL,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"not for a custom endpoint", "caIssuers;URI:" ISSUER_URL, ORIGIN,
			SL_ERR_SNS_CERT_UNTRUSTED},
	};
	size_t middle_len;
	size_t root_len;
	char *middle_der = sns_pki_der(middle, &middle_len);
	char *root_der = sns_pki_der(sns.pki.root, &root_len);
	SL_AUTO(sl_json_decrefp)
	json_t *message = sns_make_message("Notification", "1");
	sns_pki_sign(message, sns.pki.leaf_key);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		X509 *leaf = sns_pki_issue(&sns.pki,
			&(struct sns_pki_cert){.common_name = "sns.amazonaws.com",
				.aia = cases[i].aia,
				.key = sns.pki.leaf_key,
				.issuer = middle,
				.issuer_key = sns.pki.other_key,
				.from_days = -30,
				.to_days = 30});
		char *pem = sns_pki_pem(leaf);
		const struct sns_page pages[] = {
			{CERT_URL, pem, strlen(pem)},
			{ISSUER_URL, middle_der, middle_len},
			{"http://crt.example.com/root.cer", root_der, root_len},
			{"http://crt.example.com/junk.cer", "junk", 4},
		};
		struct sns_web web;
		sns_web_init(&web, pages, SL_ARRAY_SIZE(pages));
		struct sl_sns_verifier *verifier = sns_make_verifier(&web, cases[i].endpoint);
		expect_err(sns_check_json(verifier, message, sns.now_ms), cases[i].expected,
			cases[i].name);
		sl_sns_verifier_destroy(verifier);
		free(pem);
		X509_free(leaf);
	}
	free(middle_der);
	free(root_der);
	X509_free(middle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_is_not_one_certificate_is_refused),
		cmocka_unit_test(a_certificate_must_be_the_signers),
		cmocka_unit_test(a_missing_intermediate_is_fetched),
	};
	return cmocka_run_group_tests(tests, sns_setup, sns_teardown);
}
