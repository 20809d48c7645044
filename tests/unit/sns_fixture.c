/* SPDX-License-Identifier: Apache-2.0 */
/* SNS messages, and where their certificates come from: a function of the test, so that nothing
 * here touches the network. sns_fixture.h. */
#include "sns_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "json_spec.h"
#include "mem.h"

struct sns_fixture sns;

const char *const sns_types[SNS_TYPE_COUNT] = {
	"Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"};

void sns_web_init(struct sns_web *web, const struct sns_page *pages, size_t count)
{
	memset(web, 0, sizeof *web);
	web->pages = pages;
	web->page_count = count;
	pthread_mutex_init(&web->mutex, NULL);
	pthread_cond_init(&web->changed, NULL);
}

static enum sl_err sns_web_fetch(void *context, const char *url, size_t max_bytes,
	struct sl_buf *out, struct sl_error *reterr)
{
	struct sns_web *web = context;
	pthread_mutex_lock(&web->mutex);
	web->fetches++;
	pthread_cond_broadcast(&web->changed);
	while (web->closed) {
		pthread_cond_wait(&web->changed, &web->mutex);
	}
	pthread_mutex_unlock(&web->mutex);
	for (size_t i = 0; i < web->page_count; i++) {
		const struct sns_page *page = &web->pages[i];
		if ((page->url == NULL || strcmp(page->url, url) == 0) && page->bytes != NULL &&
			page->len <= max_bytes) {
			sl_buf_add(out, page->bytes, page->len);
			return SL_ERR_OK;
		}
	}
	return sl_error_set(reterr, SL_ERR_SNS_CERT_UNAVAILABLE, "%s: no answer", url);
}

struct sl_sns_verifier *sns_make_verifier(struct sns_web *web, const char *endpoint)
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
		.ca_bundle = sns.pki.bundle_path,
		.fetch = sns_web_fetch,
		.fetch_context = web,
	};
	return sl_sns_verifier_create_with(&trust, &options);
}

/* --- messages ------------------------------------------------------------------------------- */

json_t *sns_make_message(const char *type, const char *version)
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

enum sl_err sns_parse_text(const char *text, struct sl_sns_message *ret)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_sns_message_parse(text, strlen(text), ret, &error);
	assert_int_equal(err, error.code);
	return err;
}

enum sl_err sns_check_json(struct sl_sns_verifier *verifier, const json_t *message, int64_t at_ms)
{
	SL_AUTO(sl_freep)
	char *text = sl_json_text(message);
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message parsed = {0};
	enum sl_err err = sns_parse_text(text, &parsed);
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
enum sl_err sns_check_with_pem(const json_t *message, const char *pem, size_t len, int64_t at_ms)
{
	struct sns_page page = {CERT_URL, pem, len};
	struct sns_web web;
	sns_web_init(&web, &page, 1);
	struct sl_sns_verifier *verifier = sns_make_verifier(&web, NULL);
	enum sl_err err = sns_check_json(verifier, message, at_ms);
	sl_sns_verifier_destroy(verifier);
	return err;
}

enum sl_err sns_check_good(const json_t *message)
{
	return sns_check_with_pem(message, sns.good_pem, strlen(sns.good_pem), sns.now_ms);
}

char *sns_replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	assert_non_null(at);
	return sl_asprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

int sns_setup(void **state)
{
	(void)state;
	if (!sl_clock_parse_rfc3339(SENT, &sns.now_ms)) {
		return -1;
	}
	sns_pki_create(&sns.pki, sns.now_ms);
	sns.good_pem = sns_pki_leaf_pem(&sns.pki, "sns.amazonaws.com");
	return 0;
}

int sns_teardown(void **state)
{
	(void)state;
	free(sns.good_pem);
	sns_pki_destroy(&sns.pki);
	return 0;
}
