/* SPDX-License-Identifier: Apache-2.0 */
/* By which rules an SNS message is refused: signature, topic, age, and the addresses from which its
 * certificate may come. */
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

/* --- signatures ----------------------------------------------------------------------------- */

static void both_signature_versions_verify(void **state)
{
	(void)state;
	static const char *const versions[] = {"1", "2"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(sns_types); i++) {
		for (size_t v = 0; v < SL_ARRAY_SIZE(versions); v++) {
			SL_AUTO(sl_json_decrefp)
			json_t *message = sns_make_message(sns_types[i], versions[v]);
			sns_pki_sign(message, sns.pki.leaf_key);
			expect_err(sns_check_good(message), SL_ERR_OK, sns_types[i]);
		}
	}
	SL_AUTO(sl_json_decrefp)
	json_t *message = sns_make_message("Notification", "1");
	json_object_set_new(message, "Subject", json_null());
	sns_pki_sign(message, sns.pki.leaf_key);
	expect_err(sns_check_good(message), SL_ERR_OK, "a null Subject is not signed");
}

static void a_change_of_anything_signed_is_noticed(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		const char *key;
		const char *value;
	} changes[] = {
		{"Notification", "Message", "other"},
		{"Notification", "MessageId", "other"},
		{"Notification", "Subject", "other"},
		{"Notification", "Timestamp", "2026-11-22T18:40:00Z"}, /* the same instant */
		{"Notification", "TopicArn", "arn:aws:sns:eu-west-1:1:other"},
		{"SubscriptionConfirmation", "Type", "UnsubscribeConfirmation"},
		{"SubscriptionConfirmation", "Token", "other"},
		{"SubscriptionConfirmation", "SubscribeURL", "https://example.com/"},
		{"UnsubscribeConfirmation", "Token", "other"},
		{"UnsubscribeConfirmation", "Message", "other"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(changes); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = sns_make_message(changes[i].type, "2");
		sns_pki_sign(message, sns.pki.leaf_key);
		json_object_set_new(message, changes[i].key, json_string(changes[i].value));
		bool topic = strcmp(changes[i].key, "TopicArn") == 0;
		if (topic) { /* allowed too, and its certificate is elsewhere */
			json_object_set_new(message, "SigningCertURL",
				json_string("https://sns.eu-west-1.amazonaws.com/" CERT));
		}
		struct sns_page page = {NULL, sns.good_pem, strlen(sns.good_pem)};
		struct sns_web web;
		sns_web_init(&web, &page, 1);
		struct sl_sns_verifier *verifier = sns_make_verifier(&web, NULL);
		expect_err(sns_check_json(verifier, message, sns.now_ms), SL_ERR_SNS_SIGNATURE,
			changes[i].key);
		sl_sns_verifier_destroy(verifier);
	}
	SL_AUTO(sl_json_decrefp)
	json_t *message = sns_make_message("Notification", "1");
	sns_pki_sign(message, sns.pki.leaf_key);
	json_object_set_new(message, "UnsubscribeURL", json_string("changed"));
	json_object_set_new(message, "MessageAttributes", json_object());
	expect_err(sns_check_good(message), SL_ERR_OK, "what is not signed may change");
	json_object_del(message, "Subject");
	expect_err(sns_check_good(message), SL_ERR_SNS_SIGNATURE, "a Subject taken away");
}

static void a_signature_that_is_none_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		const char *value;
	} cases[] = {
		{"SignatureVersion", "3"},
		{"SignatureVersion", ""},
		{"SignatureVersion", "01"},
		{"SignatureVersion", "2"}, /* signed as version 1 */
		{"Signature", ""},
		{"Signature", "AAAA"},
		{"Signature", "not base64!"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = sns_make_message("Notification", "1");
		sns_pki_sign(message, sns.pki.leaf_key);
		json_object_set_new(message, cases[i].key, json_string(cases[i].value));
		expect_err(sns_check_good(message), SL_ERR_SNS_SIGNATURE, cases[i].value);
	}
	SL_AUTO(sl_json_decrefp)
	json_t *message = sns_make_message("Notification", "1");
	sns_pki_sign(message, sns.pki.other_key);
	expect_err(sns_check_good(message), SL_ERR_SNS_SIGNATURE, "another key");
}

static void only_allowed_topics_count(void **state)
{
	(void)state;
	static const char *const foreign[] = {
		"arn:aws:sns:us-west-2:999999999999:spotlist-events",
		TOPIC "2",
		"arn:aws:sns:us-west-2:123456789012:spotlist-event",
		"",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(foreign); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = sns_make_message("Notification", "1");
		json_object_set_new(message, "TopicArn", json_string(foreign[i]));
		sns_pki_sign(message, sns.pki.leaf_key);
		expect_err(sns_check_good(message), SL_ERR_SNS_TOPIC_FOREIGN, foreign[i]);
	}
}

static void old_and_future_messages_are_stale(void **state)
{
	(void)state;
	SL_AUTO(sl_json_decrefp)
	json_t *message = sns_make_message("Notification", "1");
	sns_pki_sign(message, sns.pki.leaf_key);
	static const struct {
		int64_t later_ms;
		enum sl_err expected;
	} cases[] = {
		{0, SL_ERR_OK},
		{HOUR_MS, SL_ERR_OK},
		{HOUR_MS + 1, SL_ERR_SNS_STALE},
		{-HOUR_MS, SL_ERR_OK},
		{-HOUR_MS - 1, SL_ERR_SNS_STALE},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		expect_err(sns_check_with_pem(message, sns.good_pem, strlen(sns.good_pem),
				   sns.now_ms + cases[i].later_ms),
			cases[i].expected, "age");
	}
}

/* --- addresses ------------------------------------------------------------------------------ */

static void certificates_come_from_the_topics_region_only(void **state)
{
	(void)state;
	static const char *const urls[] = {
		"http://sns.us-west-2.amazonaws.com/" CERT,
		"HTTPS://sns.us-west-2.amazonaws.com/" CERT,
		"https://sns.s3-us-west-2.amazonaws.com/" CERT,
		"https://sns.s3.us-west-2.amazonaws.com/" CERT,
		"https://sns.eu-west-1.amazonaws.com/" CERT,
		"https://sns.us-west-2.amazonaws.com.cn/" CERT,
		"https://sns.us-west-2.amazonaws.com.example.com/" CERT,
		"https://example.com/" CERT,
		"https://s3.amazonaws.com/bucket/" CERT,
		"https://sns.us-west-2.amazonaws.com:443/" CERT,
		"https://sns.us-west-2.amazonaws.com:8443/" CERT,
		"https://user@sns.us-west-2.amazonaws.com/" CERT,
		"https://sns.us-west-2.amazonaws.com@example.com/" CERT,
		CERT_URL "?x=.pem",
		CERT_URL "#.pem",
		CERT_URL "/",
		CERT_URL "x",
		ORIGIN "//" CERT,
		ORIGIN "/../" CERT,
		ORIGIN "/x/" CERT,
		ORIGIN "/other.pem",
		ORIGIN "/SimpleNotificationService-0123456789abcdef0123456789abcdef",
		ORIGIN "/SimpleNotificationService-0123456789abcdef0123456789abcdef.cer",
		ORIGIN "/SimpleNotificationService-0123456789abcdef0123456789abcde.pem",
		ORIGIN "/SimpleNotificationService-0123456789abcdef0123456789abcdef0.pem",
		ORIGIN "/SimpleNotificationService-0123456789ABCDEF0123456789ABCDEF.pem",
		ORIGIN "/SimpleNotificationService-0123456789abcdef0123456789abcd%2f.pem",
		ORIGIN,
		"",
		"/",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(urls); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = sns_make_message("Notification", "1");
		json_object_set_new(message, "SigningCertURL", json_string(urls[i]));
		sns_pki_sign(message, sns.pki.leaf_key);
		struct sns_page page = {NULL, sns.good_pem, strlen(sns.good_pem)};
		struct sns_web web;
		sns_web_init(&web, &page, 1);
		struct sl_sns_verifier *verifier = sns_make_verifier(&web, NULL);
		expect_err(sns_check_json(verifier, message, sns.now_ms), SL_ERR_SNS_CERT_URL,
			urls[i]);
		assert_int_equal(web.fetches, 0);
		sl_sns_verifier_destroy(verifier);
	}
}

static void a_custom_endpoint_is_the_only_origin(void **state)
{
	(void)state;
	static const struct {
		const char *endpoint;
		const char *url;
		enum sl_err expected;
	} cases[] = {
		{"http://127.0.0.1:4566", "http://127.0.0.1:4566/" CERT, SL_ERR_OK},
		{"http://127.0.0.1:4566/", "http://127.0.0.1:4566/" CERT, SL_ERR_OK},
		{"http://127.0.0.1:4566/sns?x#y", "http://127.0.0.1:4566/" CERT, SL_ERR_OK},
		{"http://127.0.0.1:4566", "http://127.0.0.1:45660/" CERT, SL_ERR_SNS_CERT_URL},
		{"http://127.0.0.1:4566", "http://127.0.0.1/" CERT, SL_ERR_SNS_CERT_URL},
		{"http://127.0.0.1:4566", "https://127.0.0.1:4566/" CERT, SL_ERR_SNS_CERT_URL},
		{"http://127.0.0.1:4566", CERT_URL, SL_ERR_SNS_CERT_URL},
		{"nonsense", "nonsense/" CERT, SL_ERR_SNS_CERT_URL},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = sns_make_message("Notification", "1");
		json_object_set_new(message, "SigningCertURL", json_string(cases[i].url));
		sns_pki_sign(message, sns.pki.leaf_key);
		struct sns_page page = {NULL, sns.good_pem, strlen(sns.good_pem)};
		struct sns_web web;
		sns_web_init(&web, &page, 1);
		struct sl_sns_verifier *verifier = sns_make_verifier(&web, cases[i].endpoint);
		expect_err(sns_check_json(verifier, message, sns.now_ms), cases[i].expected,
			cases[i].url);
		sl_sns_verifier_destroy(verifier);
	}
}

static void each_region_has_its_signer(void **state)
{
	(void)state;
	static const struct {
		const char *arn;
		const char *name; /* NULL: none */
		const char *origin;
	} cases[] = {
		{"arn:aws:sns:us-east-1:1:t", "sns.amazonaws.com",
			"https://sns.us-east-1.amazonaws.com"},
		{"arn:aws:sns:ap-northeast-2:1:t", "sns.amazonaws.com",
			"https://sns.ap-northeast-2.amazonaws.com"},
		{"arn:aws:sns:ap-southeast-7:1:t", "sns-signing.ap-southeast-7.amazonaws.com",
			"https://sns.ap-southeast-7.amazonaws.com"},
		{"arn:aws:sns:mx-central-1:1:t", "sns-signing.mx-central-1.amazonaws.com",
			"https://sns.mx-central-1.amazonaws.com"},
		{"arn:aws-cn:sns:cn-north-1:1:t", "sns-cn-north-1.amazonaws.com.cn",
			"https://sns.cn-north-1.amazonaws.com.cn"},
		{"arn:aws-us-gov:sns:us-gov-east-1:1:t", "sns-us-gov-west-1.amazonaws.com",
			"https://sns.us-gov-east-1.amazonaws.com"},
		{"arn:aws-eusc:sns:eusc-de-east-1:1:t", "sns-signing.eusc-de-east-1.amazonaws.eu",
			"https://sns.eusc-de-east-1.amazonaws.eu"},
		{"arn:aws:sqs:us-east-1:1:t", NULL, NULL},
		{"arn:aws:sns::1:t", NULL, NULL},
		{"arn:aws:sns:us-east-1", NULL, NULL},
		{"arn:aws:sns:evil.example.com/:1:t", NULL, NULL},
		{"arn:aws-iso:sns:us-iso-east-1:1:t", NULL, NULL},
	};
	const struct sl_sns_trust trust = {0};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf name = SL_BUF_INIT;
		assert_int_equal(
			sl_sns_certificate_name(cases[i].arn, &name), cases[i].name != NULL);
		assert_string_equal(sl_buf_str(&name), cases[i].name != NULL ? cases[i].name : "");
		SL_AUTO(sl_freep)
		char *url = sl_asprintf("%s/" CERT, cases[i].origin != NULL ? cases[i].origin : "");
		expect_err(sl_sns_certificate_check_url(&trust, cases[i].arn, url, NULL),
			cases[i].name != NULL ? SL_ERR_OK : SL_ERR_SNS_CERT_URL, cases[i].arn);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_signature_versions_verify),
		cmocka_unit_test(a_change_of_anything_signed_is_noticed),
		cmocka_unit_test(a_signature_that_is_none_is_refused),
		cmocka_unit_test(only_allowed_topics_count),
		cmocka_unit_test(old_and_future_messages_are_stale),
		cmocka_unit_test(certificates_come_from_the_topics_region_only),
		cmocka_unit_test(a_custom_endpoint_is_the_only_origin),
		cmocka_unit_test(each_region_has_its_signer),
	};
	return cmocka_run_group_tests(tests, sns_setup, sns_teardown);
}
