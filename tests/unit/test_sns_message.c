/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNS messages: what is an envelope, what was signed, and every rule by which one is refused. The
 * certificates come from a function of the test, so nothing here touches the network.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws_stub.h"
#include "clock.h"
#include "json_spec.h"
#include "mem.h"
#include "sns_certificate.h"
#include "sns_pki.h"
#include "text.h"

#define TOPIC    "arn:aws:sns:us-west-2:123456789012:spotlist-events"
#define CERT     "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
#define ORIGIN   "https://sns.us-west-2.amazonaws.com"
#define CERT_URL ORIGIN "/" CERT
#define SENT     "2026-11-22T18:40:00.000Z"
#define HOUR_MS  3600000
#define DAY_MS   (24 * (int64_t)HOUR_MS)

static struct sns_pki pki;
static char *good_pem;
static int64_t now_ms;

/* --- where certificates come from ----------------------------------------------------------- */

struct page {
	const char *url;   /* NULL: any */
	const char *bytes; /* NULL: cannot be fetched */
	size_t len;
};

struct web {
	const struct page *pages;
	size_t page_count;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int fetches;
	bool closed; /* fetches wait until it opens */
};

static void web_init(struct web *web, const struct page *pages, size_t count)
{
	memset(web, 0, sizeof *web);
	web->pages = pages;
	web->page_count = count;
	pthread_mutex_init(&web->mutex, NULL);
	pthread_cond_init(&web->changed, NULL);
}

static enum sl_err web_fetch(void *context, const char *url, size_t max_bytes, struct sl_buf *out,
	struct sl_error *reterr)
{
	struct web *web = context;
	pthread_mutex_lock(&web->mutex);
	web->fetches++;
	pthread_cond_broadcast(&web->changed);
	while (web->closed) {
		pthread_cond_wait(&web->changed, &web->mutex);
	}
	pthread_mutex_unlock(&web->mutex);
	for (size_t i = 0; i < web->page_count; i++) {
		const struct page *page = &web->pages[i];
		if ((page->url == NULL || strcmp(page->url, url) == 0) && page->bytes != NULL &&
			page->len <= max_bytes) {
			sl_buf_add(out, page->bytes, page->len);
			return SL_ERR_OK;
		}
	}
	return sl_error_set(reterr, SL_ERR_SNS_CERT_UNAVAILABLE, "%s: no answer", url);
}

static struct sl_sns_verifier *make_verifier(struct web *web, const char *endpoint)
{
	static const char *const topics[] = {"arn:aws:sns:eu-west-1:1:other", TOPIC,
		"arn:aws:sns:af-south-1:1:own-signer", "arn:aws-x:sns:us-west-2:1:partition"};
	const struct sl_sns_verifier_options options = {
		.topic_arns = topics,
		.topic_count = SL_ARRAY_SIZE(topics),
		.max_age_ms = HOUR_MS,
	};
	const struct sl_sns_trust trust = {
		.endpoint = endpoint,
		.ca_bundle = pki.bundle_path,
		.fetch = web_fetch,
		.fetch_context = web,
	};
	return sl_sns_verifier_create_with(&trust, &options);
}

/* --- messages ------------------------------------------------------------------------------- */

static json_t *make_message(const char *type, const char *version)
{
	json_t *message = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Type", type,
		"MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn", TOPIC, "Message",
		"{\"JobId\": \"한국어 🎬\"}\n", "Timestamp", SENT, "SignatureVersion", version,
		"SigningCertURL", CERT_URL);
	if (strcmp(type, "Notification") == 0) {
		json_object_set_new(message, "Subject", json_string("Amazon S3 Notification"));
		json_object_set_new(message, "UnsubscribeURL", json_string("https://x/"));
	} else {
		json_object_set_new(message, "Token", json_string("2336412f37"));
		json_object_set_new(message, "SubscribeURL",
			json_string(ORIGIN "/?Action=ConfirmSubscription&Token=2336412f37"));
	}
	return message;
}

static enum sl_err parse_text(const char *text, struct sl_sns_message *ret)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_sns_message_parse(text, strlen(text), ret, &error);
	assert_int_equal(err, error.code);
	return err;
}

static enum sl_err check_json(
	struct sl_sns_verifier *verifier, const json_t *message, int64_t at_ms)
{
	SL_AUTO(sl_freep)
	char *text = sl_json_text(message);
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message parsed = {0};
	enum sl_err err = parse_text(text, &parsed);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	err = sl_sns_verifier_check(verifier, &parsed, at_ms, &error);
	assert_int_equal(err, error.code);
	assert_true(err == SL_ERR_OK || error.detail != NULL);
	return err;
}

/* A fresh verifier each time, so that no case sees another's certificate. */
static enum sl_err check_with_pem(const json_t *message, const char *pem, size_t len, int64_t at_ms)
{
	struct page page = {CERT_URL, pem, len};
	struct web web;
	web_init(&web, &page, 1);
	struct sl_sns_verifier *verifier = make_verifier(&web, NULL);
	enum sl_err err = check_json(verifier, message, at_ms);
	sl_sns_verifier_destroy(verifier);
	return err;
}

static enum sl_err check_good(const json_t *message)
{
	return check_with_pem(message, good_pem, strlen(good_pem), now_ms);
}

#define expect_err(actual, expected, what) \
	do { \
		enum sl_err actual_ = (actual); \
		enum sl_err expected_ = (expected); \
		if (actual_ != expected_) { \
			fail_msg("%s: %s, not %s", (what), sl_err_code(actual_), \
				sl_err_code(expected_)); \
		} \
	} while (0)

static const char *const types[] = {
	"Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"};

/* --- the envelope --------------------------------------------------------------------------- */

static void every_type_parses(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(types); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = make_message(types[i], "1");
		json_object_set_new(message, "Signature", json_string("AA=="));
		SL_AUTO(sl_freep)
		char *text = sl_json_text(message);
		SL_AUTO(sl_sns_message_finish)
		struct sl_sns_message parsed = {0};
		expect_err(parse_text(text, &parsed), SL_ERR_OK, types[i]);
		assert_int_equal(parsed.type, (int)i);
		assert_string_equal(parsed.topic_arn, TOPIC);
		assert_string_equal(parsed.timestamp, SENT);
		assert_int_equal(parsed.token != NULL, i != SL_SNS_NOTIFICATION);
		assert_int_equal(parsed.subject != NULL, i == SL_SNS_NOTIFICATION);
	}
}

static void an_envelope_without_a_required_key_is_refused(void **state)
{
	(void)state;
	static const char *const keys[] = {"Type", "MessageId", "TopicArn", "Message", "Timestamp",
		"SignatureVersion", "Signature", "SigningCertURL", "Token", "SubscribeURL"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(keys); i++) {
		for (int how = 0; how < 3; how++) {
			SL_AUTO(sl_json_decrefp)
			json_t *message = make_message("SubscriptionConfirmation", "1");
			json_object_set_new(message, "Signature", json_string("AA=="));
			if (how == 0) {
				json_object_del(message, keys[i]);
			} else {
				json_object_set_new(
					message, keys[i], how == 1 ? json_null() : json_integer(1));
			}
			SL_AUTO(sl_freep)
			char *text = sl_json_text(message);
			struct sl_sns_message parsed = {0};
			expect_err(parse_text(text, &parsed), SL_ERR_SNS_NOT_A_MESSAGE, keys[i]);
			assert_null(parsed.root);
		}
	}
}

static void what_is_no_envelope_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"not JSON",
		"[]",
		"\"Notification\"",
		"{}",
		"{\"Records\": []}",
		"{\"Type\": \"Notification\"",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		struct sl_sns_message parsed = {0};
		expect_err(parse_text(texts[i], &parsed), SL_ERR_SNS_NOT_A_MESSAGE, texts[i]);
	}
}

struct edit {
	const char *name;
	const char *from; /* text to replace in a good message */
	const char *to;
	enum sl_err expected;
};

static char *replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	assert_non_null(at);
	return sl_asprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void envelopes_are_read_strictly(void **state)
{
	(void)state;
	static const struct edit edits[] = {
		{"a type that is not known", "\"Notification\"", "\"Raw\"",
			SL_ERR_SNS_NOT_A_MESSAGE},
		{"the casing that Lambda gets", "SigningCertURL", "SigningCertUrl",
			SL_ERR_SNS_NOT_A_MESSAGE},
		{"a key twice", "{\"Type\"", "{\"Message\":\"forged\",\"Type\"",
			SL_ERR_SNS_NOT_A_MESSAGE},
		{"a NUL inside", "Amazon S3", "Amazon\\u0000S3", SL_ERR_SNS_NOT_A_MESSAGE},
		{"a time that is none", SENT, "yesterday", SL_ERR_SNS_NOT_A_MESSAGE},
		{"bytes behind", "{\"Type\"", "{}{\"Type\"", SL_ERR_SNS_NOT_A_MESSAGE},
		{"a null Subject", "\"Amazon S3 Notification\"", "null", SL_ERR_OK},
		{"a key that is not known", "{\"Type\"", "{\"X\":[1],\"Type\"", SL_ERR_OK},
	};
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_message("Notification", "1");
	json_object_set_new(message, "Signature", json_string("AA=="));
	SL_AUTO(sl_freep)
	char *text = sl_json_text(message);
	for (size_t i = 0; i < SL_ARRAY_SIZE(edits); i++) {
		SL_AUTO(sl_freep)
		char *edited = replace(text, edits[i].from, edits[i].to);
		SL_AUTO(sl_sns_message_finish)
		struct sl_sns_message parsed = {0};
		expect_err(parse_text(edited, &parsed), edits[i].expected, edits[i].name);
	}
}

static void the_string_to_sign_is_that_of_the_documentation(void **state)
{
	(void)state;
	static const struct {
		const char *message;
		const char *expected;
	} cases[] = {
		{"{\"Type\":\"Notification\",\"MessageId\":\"i\",\"TopicArn\":\"t\",\"Subject\":"
		 "\"s\","
		 "\"Message\":\"a\\nb\\u00e9\",\"Timestamp\":\"" SENT
		 "\",\"SignatureVersion\":\"1\","
		 "\"Signature\":\"x\",\"SigningCertURL\":\"u\",\"Token\":\"no\"}",
			"Message\na\nb\xc3\xa9\nMessageId\ni\nSubject\ns\nTimestamp\n" SENT
			"\nTopicArn\nt\nType\nNotification\n"},
		{"{\"Type\":\"Notification\",\"MessageId\":\"i\",\"TopicArn\":\"t\",\"Subject\":"
		 "null,"
		 "\"Message\":\"\",\"Timestamp\":\"" SENT "\",\"SignatureVersion\":\"1\","
		 "\"Signature\":\"x\",\"SigningCertURL\":\"u\"}",
			"Message\n\nMessageId\ni\nTimestamp\n" SENT
			"\nTopicArn\nt\nType\nNotification\n"},
		{"{\"Type\":\"UnsubscribeConfirmation\",\"MessageId\":\"i\",\"TopicArn\":\"t\","
		 "\"Message\":\"m\",\"Timestamp\":\"" SENT "\",\"SignatureVersion\":\"1\","
		 "\"Signature\":\"x\",\"SigningCertURL\":\"u\",\"Token\":\"k\",\"SubscribeURL\":"
		 "\"v\","
		 "\"Subject\":\"not signed here\"}",
			"Message\nm\nMessageId\ni\nSubscribeURL\nv\nTimestamp\n" SENT
			"\nToken\nk\nTopicArn\nt\nType\nUnsubscribeConfirmation\n"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_sns_message_finish)
		struct sl_sns_message parsed = {0};
		SL_AUTO(sl_buf_finish)
		struct sl_buf text = SL_BUF_INIT;
		expect_err(parse_text(cases[i].message, &parsed), SL_ERR_OK, cases[i].message);
		sl_sns_message_canonical(&parsed, &text);
		assert_string_equal(sl_buf_str(&text), cases[i].expected);
	}
}

/* --- signatures ----------------------------------------------------------------------------- */

static void both_signature_versions_verify(void **state)
{
	(void)state;
	static const char *const versions[] = {"1", "2"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(types); i++) {
		for (size_t v = 0; v < SL_ARRAY_SIZE(versions); v++) {
			SL_AUTO(sl_json_decrefp)
			json_t *message = make_message(types[i], versions[v]);
			sns_pki_sign(message, pki.leaf_key);
			expect_err(check_good(message), SL_ERR_OK, types[i]);
		}
	}
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_message("Notification", "1");
	json_object_set_new(message, "Subject", json_null());
	sns_pki_sign(message, pki.leaf_key);
	expect_err(check_good(message), SL_ERR_OK, "a null Subject is not signed");
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
		json_t *message = make_message(changes[i].type, "2");
		sns_pki_sign(message, pki.leaf_key);
		json_object_set_new(message, changes[i].key, json_string(changes[i].value));
		bool topic = strcmp(changes[i].key, "TopicArn") == 0;
		if (topic) { /* allowed too, and its certificate is elsewhere */
			json_object_set_new(message, "SigningCertURL",
				json_string("https://sns.eu-west-1.amazonaws.com/" CERT));
		}
		struct page page = {NULL, good_pem, strlen(good_pem)};
		struct web web;
		web_init(&web, &page, 1);
		struct sl_sns_verifier *verifier = make_verifier(&web, NULL);
		expect_err(check_json(verifier, message, now_ms), SL_ERR_SNS_SIGNATURE,
			changes[i].key);
		sl_sns_verifier_destroy(verifier);
	}
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_message("Notification", "1");
	sns_pki_sign(message, pki.leaf_key);
	json_object_set_new(message, "UnsubscribeURL", json_string("changed"));
	json_object_set_new(message, "MessageAttributes", json_object());
	expect_err(check_good(message), SL_ERR_OK, "what is not signed may change");
	json_object_del(message, "Subject");
	expect_err(check_good(message), SL_ERR_SNS_SIGNATURE, "a Subject taken away");
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
		json_t *message = make_message("Notification", "1");
		sns_pki_sign(message, pki.leaf_key);
		json_object_set_new(message, cases[i].key, json_string(cases[i].value));
		expect_err(check_good(message), SL_ERR_SNS_SIGNATURE, cases[i].value);
	}
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_message("Notification", "1");
	sns_pki_sign(message, pki.other_key);
	expect_err(check_good(message), SL_ERR_SNS_SIGNATURE, "another key");
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
		json_t *message = make_message("Notification", "1");
		json_object_set_new(message, "TopicArn", json_string(foreign[i]));
		sns_pki_sign(message, pki.leaf_key);
		expect_err(check_good(message), SL_ERR_SNS_TOPIC_FOREIGN, foreign[i]);
	}
}

static void old_and_future_messages_are_stale(void **state)
{
	(void)state;
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_message("Notification", "1");
	sns_pki_sign(message, pki.leaf_key);
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
		expect_err(check_with_pem(
				   message, good_pem, strlen(good_pem), now_ms + cases[i].later_ms),
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
		json_t *message = make_message("Notification", "1");
		json_object_set_new(message, "SigningCertURL", json_string(urls[i]));
		sns_pki_sign(message, pki.leaf_key);
		struct page page = {NULL, good_pem, strlen(good_pem)};
		struct web web;
		web_init(&web, &page, 1);
		struct sl_sns_verifier *verifier = make_verifier(&web, NULL);
		expect_err(check_json(verifier, message, now_ms), SL_ERR_SNS_CERT_URL, urls[i]);
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
		json_t *message = make_message("Notification", "1");
		json_object_set_new(message, "SigningCertURL", json_string(cases[i].url));
		sns_pki_sign(message, pki.leaf_key);
		struct page page = {NULL, good_pem, strlen(good_pem)};
		struct web web;
		web_init(&web, &page, 1);
		struct sl_sns_verifier *verifier = make_verifier(&web, cases[i].endpoint);
		expect_err(check_json(verifier, message, now_ms), cases[i].expected, cases[i].url);
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

/* --- certificates --------------------------------------------------------------------------- */

static void a_file_that_is_not_one_certificate_is_refused(void **state)
{
	(void)state;
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_message("Notification", "1");
	sns_pki_sign(message, pki.leaf_key);
	SL_AUTO(sl_freep)
	char *crlf = sl_asprintf("%s\r\n", good_pem);
	SL_AUTO(sl_freep)
	char *twice = sl_asprintf("%s%s", good_pem, good_pem);
	SL_AUTO(sl_freep)
	char *before = sl_asprintf("subject=x\n%s", good_pem);
	SL_AUTO(sl_freep)
	char *blank = sl_asprintf("\n%s", good_pem);
	SL_AUTO(sl_freep)
	char *behind = sl_asprintf("%sjunk", good_pem);
	SL_AUTO(sl_freep)
	char *half = sl_strndup(good_pem, strlen(good_pem) / 2);
	SL_AUTO(sl_freep)
	char *odd = replace(good_pem, "MII", "MI!");
	SL_AUTO(sl_freep)
	char *wrong = replace(good_pem, "MII", "AAA");
	const struct {
		const char *name;
		const char *pem;
		enum sl_err expected;
	} cases[] = {
		{"as it is", good_pem, SL_ERR_OK},
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
		expect_err(check_with_pem(message, cases[i].pem, len, now_ms), cases[i].expected,
			cases[i].name);
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
	what.key = what.key != NULL ? what.key : pki.leaf_key;
	if (what.issuer == NULL && !leaf->self_signed) {
		what.issuer = pki.root;
		what.issuer_key = pki.root_key;
	}
	if (what.to_days == 0) {
		what.from_days = -30;
		what.to_days = 30;
	}
	return sns_pki_issue(&pki, &what);
}

static void a_certificate_must_be_the_signers(void **state)
{
	(void)state;
	EVP_PKEY *small_key = EVP_RSA_gen(1024);
	EVP_PKEY *ec_key = EVP_EC_gen("P-256");
	struct sns_pki_cert ca = {.common_name = "Stranger",
		.key = pki.other_key,
		.ca = true,
		.from_days = -1,
		.to_days = 1};
	X509 *stranger = sns_pki_issue(&pki, &ca);
	ca.common_name = "Test Root"; /* our root's name, and another key */
	X509 *impostor = sns_pki_issue(&pki, &ca);
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
		{"a stranger's", {.issuer = stranger, .issuer_key = pki.other_key}, false,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"an impostor's", {.issuer = impostor, .issuer_key = pki.other_key}, false,
			SL_ERR_SNS_CERT_UNTRUSTED},
		{"a short key", {.key = small_key}, false, SL_ERR_SNS_CERT_UNTRUSTED},
		{"no RSA key", {.key = ec_key}, false, SL_ERR_SNS_CERT_UNTRUSTED},
	};
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_message("Notification", "1");
	sns_pki_sign(message, pki.leaf_key);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		X509 *leaf = issue_leaf(&cases[i]);
		char *pem = sns_pki_pem(leaf);
		expect_err(check_with_pem(message, pem, strlen(pem), now_ms), cases[i].expected,
			cases[i].name);
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
	X509 *middle = sns_pki_issue(&pki,
		&(struct sns_pki_cert){.common_name = "Test Intermediate",
			.key = pki.other_key,
			.issuer = pki.root,
			.issuer_key = pki.root_key,
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
	char *root_der = sns_pki_der(pki.root, &root_len);
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_message("Notification", "1");
	sns_pki_sign(message, pki.leaf_key);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		X509 *leaf = sns_pki_issue(&pki,
			&(struct sns_pki_cert){.common_name = "sns.amazonaws.com",
				.aia = cases[i].aia,
				.key = pki.leaf_key,
				.issuer = middle,
				.issuer_key = pki.other_key,
				.from_days = -30,
				.to_days = 30});
		char *pem = sns_pki_pem(leaf);
		const struct page pages[] = {
			{CERT_URL, pem, strlen(pem)},
			{ISSUER_URL, middle_der, middle_len},
			{"http://crt.example.com/root.cer", root_der, root_len},
			{"http://crt.example.com/junk.cer", "junk", 4},
		};
		struct web web;
		web_init(&web, pages, SL_ARRAY_SIZE(pages));
		struct sl_sns_verifier *verifier = make_verifier(&web, cases[i].endpoint);
		expect_err(check_json(verifier, message, now_ms), cases[i].expected, cases[i].name);
		sl_sns_verifier_destroy(verifier);
		free(pem);
		X509_free(leaf);
	}
	free(middle_der);
	free(root_der);
	X509_free(middle);
}

/* --- the cache ------------------------------------------------------------------------------ */

static json_t *make_numbered(int number)
{
	json_t *message = make_message("Notification", "1");
	SL_AUTO(sl_freep)
	char *url = sl_asprintf(ORIGIN "/SimpleNotificationService-%032x.pem", (unsigned)number);
	json_object_set_new(message, "SigningCertURL", json_string(url));
	sns_pki_sign(message, pki.leaf_key);
	return message;
}

static void certificates_are_fetched_once_and_not_kept_without_end(void **state)
{
	(void)state;
	struct page page = {NULL, good_pem, strlen(good_pem)};
	struct web web;
	web_init(&web, &page, 1);
	struct sl_sns_verifier *verifier = make_verifier(&web, NULL);
	SL_AUTO(sl_json_decrefp)
	json_t *first = make_numbered(0);
	for (int i = 0; i < 3; i++) {
		expect_err(check_json(verifier, first, now_ms), SL_ERR_OK, "the first");
	}
	assert_int_equal(web.fetches, 1);
	for (int i = 1; i <= 40; i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = make_numbered(i);
		expect_err(check_json(verifier, message, now_ms), SL_ERR_OK, "another");
		expect_err(check_json(verifier, first, now_ms), SL_ERR_OK, "used all the time");
	}
	assert_int_equal(web.fetches, 41);
	SL_AUTO(sl_json_decrefp)
	json_t *evicted = make_numbered(1);
	expect_err(check_json(verifier, evicted, now_ms), SL_ERR_OK, "not used for long");
	assert_int_equal(web.fetches, 42);
	expect_err(check_json(verifier, first, now_ms + 31 * DAY_MS), SL_ERR_SNS_CERT_UNTRUSTED,
		"a cached certificate that has run out");
	assert_int_equal(web.fetches, 42);
	sl_sns_verifier_destroy(verifier);
}

static void a_failed_fetch_is_tried_again(void **state)
{
	(void)state;
	struct page page = {NULL, NULL, 0};
	struct web web;
	web_init(&web, &page, 1);
	struct sl_sns_verifier *verifier = make_verifier(&web, NULL);
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_numbered(0);
	expect_err(check_json(verifier, message, now_ms), SL_ERR_SNS_CERT_UNAVAILABLE, "away");
	page = (struct page){NULL, good_pem, strlen(good_pem)};
	expect_err(check_json(verifier, message, now_ms), SL_ERR_OK, "back");
	sl_sns_verifier_destroy(verifier);
}

struct checker {
	pthread_t thread;
	struct sl_sns_verifier *verifier;
	json_t *message; /* its own: jansson has no locks */
	enum sl_err err;
};

static void *run_checker(void *context)
{
	struct checker *checker = context;
	checker->err = check_json(checker->verifier, checker->message, now_ms);
	return NULL;
}

static void wait_for_fetches(struct web *web, int count)
{
	pthread_mutex_lock(&web->mutex);
	while (web->fetches < count) {
		pthread_cond_wait(&web->changed, &web->mutex);
	}
	pthread_mutex_unlock(&web->mutex);
}

static void open_web(struct web *web)
{
	pthread_mutex_lock(&web->mutex);
	web->closed = false;
	pthread_cond_broadcast(&web->changed);
	pthread_mutex_unlock(&web->mutex);
}

static void many_threads_share_one_fetch(void **state)
{
	(void)state;
	struct page page = {NULL, good_pem, strlen(good_pem)};
	struct web web;
	web_init(&web, &page, 1);
	web.closed = true;
	struct sl_sns_verifier *verifier = make_verifier(&web, NULL);
	struct checker checkers[8];
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkers); i++) {
		checkers[i] = (struct checker){
			.verifier = verifier, .message = make_numbered(0), .err = SL_ERR_INTERNAL};
		pthread_create(&checkers[i].thread, NULL, run_checker, &checkers[i]);
	}
	wait_for_fetches(&web, 1);
	open_web(&web);
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkers); i++) {
		pthread_join(checkers[i].thread, NULL);
		expect_err(checkers[i].err, SL_ERR_OK, "one of eight");
		json_decref(checkers[i].message);
	}
	assert_int_equal(web.fetches, 1);
	sl_sns_verifier_destroy(verifier);
}

static void slow_certificates_do_not_hold_every_thread(void **state)
{
	(void)state;
	struct page page = {NULL, good_pem, strlen(good_pem)};
	struct web web;
	web_init(&web, &page, 1);
	struct sl_sns_verifier *verifier = make_verifier(&web, NULL);
	SL_AUTO(sl_json_decrefp)
	json_t *known = make_numbered(99);
	expect_err(check_json(verifier, known, now_ms), SL_ERR_OK, "before");
	web.closed = true;
	struct checker checkers[4];
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkers); i++) {
		checkers[i] = (struct checker){.verifier = verifier,
			.message = make_numbered((int)i),
			.err = SL_ERR_INTERNAL};
		pthread_create(&checkers[i].thread, NULL, run_checker, &checkers[i]);
	}
	wait_for_fetches(&web, 5);
	SL_AUTO(sl_json_decrefp)
	json_t *fifth = make_numbered(50);
	expect_err(
		check_json(verifier, fifth, now_ms), SL_ERR_SNS_CERT_UNAVAILABLE, "one too many");
	expect_err(check_json(verifier, known, now_ms), SL_ERR_OK, "a known one meanwhile");
	open_web(&web);
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkers); i++) {
		pthread_join(checkers[i].thread, NULL);
		expect_err(checkers[i].err, SL_ERR_OK, "one of four");
		json_decref(checkers[i].message);
	}
	expect_err(check_json(verifier, fifth, now_ms), SL_ERR_OK, "the fifth, afterwards");
	sl_sns_verifier_destroy(verifier);
}

/* --- over HTTP ------------------------------------------------------------------------------ */

struct site {
	int status;
	const char *headers;
	const char *body;
	size_t requests;
};

static void serve_site(void *context, const struct stub_request *request, struct stub_reply *reply)
{
	struct site *site = context;
	site->requests++;
	reply->status = strcmp(request->target, "/" CERT) == 0 ? site->status : 404;
	sl_buf_puts(&reply->headers, site->headers != NULL ? site->headers : "");
	sl_buf_puts(&reply->body, site->body);
}

static void certificates_are_fetched_over_http(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *large = sl_calloc(1, 20000);
	memset(large, 'x', 19999);
	const struct {
		const char *name;
		struct site site;
		enum sl_err expected;
	} cases[] = {
		{"as it is", {200, NULL, good_pem, 0}, SL_ERR_OK},
		{"missing", {404, NULL, "<Error/>", 0}, SL_ERR_SNS_CERT_UNAVAILABLE},
		{"failing", {500, NULL, good_pem, 0}, SL_ERR_SNS_CERT_UNAVAILABLE},
		{"a redirect to itself", {302, "Location: /" CERT "\r\n", good_pem, 0},
			SL_ERR_SNS_CERT_UNAVAILABLE},
		{"too large", {200, NULL, large, 0}, SL_ERR_SNS_CERT_UNAVAILABLE},
		{"no certificate", {200, NULL, "<html/>", 0}, SL_ERR_SNS_CERT_UNTRUSTED},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		struct site site = cases[i].site;
		struct stub *stub = stub_create(serve_site, &site);
		struct sl_aws *aws = stub_aws(stub_url(stub), pki.bundle_path);
		static const char *const topics[] = {TOPIC};
		const struct sl_sns_verifier_options options = {topics, 1, HOUR_MS};
		struct sl_sns_verifier *verifier = sl_sns_verifier_create(aws, &options);
		SL_AUTO(sl_json_decrefp)
		json_t *message = make_message("Notification", "2");
		SL_AUTO(sl_freep)
		char *url = sl_asprintf("%s/" CERT, stub_url(stub));
		json_object_set_new(message, "SigningCertURL", json_string(url));
		sns_pki_sign(message, pki.leaf_key);
		expect_err(check_json(verifier, message, now_ms), cases[i].expected, cases[i].name);
		sl_sns_verifier_destroy(verifier);
		sl_aws_destroy(aws);
		stub_destroy(stub);
		assert_int_equal(site.requests, 1);
	}
}

static int setup(void **state)
{
	(void)state;
	if (!sl_clock_parse_rfc3339(SENT, &now_ms)) {
		return -1;
	}
	sns_pki_create(&pki, now_ms);
	good_pem = sns_pki_leaf_pem(&pki, "sns.amazonaws.com");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(good_pem);
	sns_pki_destroy(&pki);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_parses),
		cmocka_unit_test(an_envelope_without_a_required_key_is_refused),
		cmocka_unit_test(what_is_no_envelope_is_refused),
		cmocka_unit_test(envelopes_are_read_strictly),
		cmocka_unit_test(the_string_to_sign_is_that_of_the_documentation),
		cmocka_unit_test(both_signature_versions_verify),
		cmocka_unit_test(a_change_of_anything_signed_is_noticed),
		cmocka_unit_test(a_signature_that_is_none_is_refused),
		cmocka_unit_test(only_allowed_topics_count),
		cmocka_unit_test(old_and_future_messages_are_stale),
		cmocka_unit_test(certificates_come_from_the_topics_region_only),
		cmocka_unit_test(a_custom_endpoint_is_the_only_origin),
		cmocka_unit_test(each_region_has_its_signer),
		cmocka_unit_test(a_file_that_is_not_one_certificate_is_refused),
		cmocka_unit_test(a_certificate_must_be_the_signers),
		cmocka_unit_test(a_missing_intermediate_is_fetched),
		cmocka_unit_test(certificates_are_fetched_once_and_not_kept_without_end),
		cmocka_unit_test(a_failed_fetch_is_tried_again),
		cmocka_unit_test(many_threads_share_one_fetch),
		cmocka_unit_test(slow_certificates_do_not_hold_every_thread),
		cmocka_unit_test(certificates_are_fetched_over_http),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
