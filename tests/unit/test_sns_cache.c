/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that are kept, fetched once by many threads, and over HTTP. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws_stub.h"
#include "clock.h"
#include "json_spec.h"
#include "mem.h"
#include "sns_fixture.h"
#include "text.h"

/* --- the cache ------------------------------------------------------------------------------ */

static json_t *make_numbered(int number)
{
	json_t *message = sns_make_message("Notification", "1");
	SL_AUTO(sl_freep)
	char *url = sl_asprintf(ORIGIN "/SimpleNotificationService-%032x.pem", (unsigned)number);
	json_object_set_new(message, "SigningCertURL", json_string(url));
	sns_pki_sign(message, sns.pki.leaf_key);
	return message;
}

static void certificates_are_fetched_once_and_not_kept_without_end(void **state)
{
	(void)state;
	struct sns_page page = {NULL, sns.good_pem, strlen(sns.good_pem)};
	struct sns_web web;
	sns_web_init(&web, &page, 1);
	struct sl_sns_verifier *verifier = sns_make_verifier(&web, NULL);
	SL_AUTO(sl_json_decrefp)
	json_t *first = make_numbered(0);
	for (int i = 0; i < 3; i++) {
		expect_err(sns_check_json(verifier, first, sns.now_ms), SL_ERR_OK, "the first");
	}
	assert_int_equal(web.fetches, 1);
	for (int i = 1; i <= 40; i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = make_numbered(i);
		expect_err(sns_check_json(verifier, message, sns.now_ms), SL_ERR_OK, "another");
		expect_err(sns_check_json(verifier, first, sns.now_ms), SL_ERR_OK,
			"used all the time");
	}
	assert_int_equal(web.fetches, 41);
	SL_AUTO(sl_json_decrefp)
	json_t *evicted = make_numbered(1);
	expect_err(sns_check_json(verifier, evicted, sns.now_ms), SL_ERR_OK, "not used for long");
	assert_int_equal(web.fetches, 42);
	expect_err(sns_check_json(verifier, first, sns.now_ms + 31 * DAY_MS),
		SL_ERR_SNS_CERT_UNTRUSTED, "a cached certificate that has run out");
	assert_int_equal(web.fetches, 42);
	sl_sns_verifier_destroy(verifier);
}

static void a_failed_fetch_is_tried_again(void **state)
{
	(void)state;
	struct sns_page page = {NULL, NULL, 0};
	struct sns_web web;
	sns_web_init(&web, &page, 1);
	struct sl_sns_verifier *verifier = sns_make_verifier(&web, NULL);
	SL_AUTO(sl_json_decrefp)
	json_t *message = make_numbered(0);
	expect_err(
		sns_check_json(verifier, message, sns.now_ms), SL_ERR_SNS_CERT_UNAVAILABLE, "away");
	page = (struct sns_page){NULL, sns.good_pem, strlen(sns.good_pem)};
	expect_err(sns_check_json(verifier, message, sns.now_ms), SL_ERR_OK, "back");
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
	checker->err = sns_check_json(checker->verifier, checker->message, sns.now_ms);
	return NULL;
}

static void wait_for_fetches(struct sns_web *web, int count)
{
	pthread_mutex_lock(&web->mutex);
	while (web->fetches < count) {
		pthread_cond_wait(&web->changed, &web->mutex);
	}
	pthread_mutex_unlock(&web->mutex);
}

static void open_web(struct sns_web *web)
{
	pthread_mutex_lock(&web->mutex);
	web->closed = false;
	pthread_cond_broadcast(&web->changed);
	pthread_mutex_unlock(&web->mutex);
}

static void many_threads_share_one_fetch(void **state)
{
	(void)state;
	struct sns_page page = {NULL, sns.good_pem, strlen(sns.good_pem)};
	struct sns_web web;
	sns_web_init(&web, &page, 1);
	web.closed = true;
	struct sl_sns_verifier *verifier = sns_make_verifier(&web, NULL);
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
	struct sns_page page = {NULL, sns.good_pem, strlen(sns.good_pem)};
	struct sns_web web;
	sns_web_init(&web, &page, 1);
	struct sl_sns_verifier *verifier = sns_make_verifier(&web, NULL);
	SL_AUTO(sl_json_decrefp)
	json_t *known = make_numbered(99);
	expect_err(sns_check_json(verifier, known, sns.now_ms), SL_ERR_OK, "before");
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
	expect_err(sns_check_json(verifier, fifth, sns.now_ms), SL_ERR_SNS_CERT_UNAVAILABLE,
		"one too many");
	expect_err(sns_check_json(verifier, known, sns.now_ms), SL_ERR_OK, "a known one meanwhile");
	open_web(&web);
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkers); i++) {
		pthread_join(checkers[i].thread, NULL);
		expect_err(checkers[i].err, SL_ERR_OK, "one of four");
		json_decref(checkers[i].message);
	}
	expect_err(sns_check_json(verifier, fifth, sns.now_ms), SL_ERR_OK, "the fifth, afterwards");
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
		{"as it is", {200, NULL, sns.good_pem, 0}, SL_ERR_OK},
		{"missing", {404, NULL, "<Error/>", 0}, SL_ERR_SNS_CERT_UNAVAILABLE},
		{"failing", {500, NULL, sns.good_pem, 0}, SL_ERR_SNS_CERT_UNAVAILABLE},
		{"a redirect to itself", {302, "Location: /" CERT "\r\n", sns.good_pem, 0},
			SL_ERR_SNS_CERT_UNAVAILABLE},
		{"too large", {200, NULL, large, 0}, SL_ERR_SNS_CERT_UNAVAILABLE},
		{"no certificate", {200, NULL, "<html/>", 0}, SL_ERR_SNS_CERT_UNTRUSTED},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		struct site site = cases[i].site;
		struct stub *stub = stub_create(serve_site, &site);
		struct sl_aws *aws = stub_aws(stub_url(stub), sns.pki.bundle_path);
		static const char *const topics[] = {TOPIC};
		const struct sl_sns_verifier_options options = {topics, 1, HOUR_MS};
		struct sl_sns_verifier *verifier = sl_sns_verifier_create(aws, &options);
		SL_AUTO(sl_json_decrefp)
		json_t *message = sns_make_message("Notification", "2");
		SL_AUTO(sl_freep)
		char *url = sl_asprintf("%s/" CERT, stub_url(stub));
		json_object_set_new(message, "SigningCertURL", json_string(url));
		sns_pki_sign(message, sns.pki.leaf_key);
		expect_err(sns_check_json(verifier, message, sns.now_ms), cases[i].expected,
			cases[i].name);
		sl_sns_verifier_destroy(verifier);
		sl_aws_destroy(aws);
		stub_destroy(stub);
		assert_int_equal(site.requests, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_fetched_once_and_not_kept_without_end),
		cmocka_unit_test(a_failed_fetch_is_tried_again),
		cmocka_unit_test(many_threads_share_one_fetch),
		cmocka_unit_test(slow_certificates_do_not_hold_every_thread),
		cmocka_unit_test(certificates_are_fetched_over_http),
	};
	return cmocka_run_group_tests(tests, sns_setup, sns_teardown);
}
