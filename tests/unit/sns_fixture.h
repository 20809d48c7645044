/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_FIXTURE_H
#define SL_SNS_FIXTURE_H

/* For tests of SNS messages: a PKI, messages of every type, and a web of certificates. */

#include <pthread.h>

#include "sns_certificate.h"
#include "sns_pki.h"

#define TOPIC          "arn:aws:sns:us-west-2:123456789012:spotlist-events"
#define CERT           "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
#define ORIGIN         "https://sns.us-west-2.amazonaws.com"
#define CERT_URL       ORIGIN "/" CERT
#define SENT           "2026-11-22T18:40:00.000Z"
#define HOUR_MS        3600000
#define DAY_MS         (24 * (int64_t)HOUR_MS)

#define SNS_TYPE_COUNT 3

struct sns_fixture {
	struct sns_pki pki;
	char *good_pem; /* the right certificate for TOPIC */
	int64_t now_ms; /* SENT */
};
extern struct sns_fixture sns;
extern const char *const sns_types[SNS_TYPE_COUNT];

int sns_setup(void **state);
int sns_teardown(void **state);

struct sns_page {
	const char *url;   /* NULL: any */
	const char *bytes; /* NULL: cannot be fetched */
	size_t len;
};

struct sns_web {
	const struct sns_page *pages;
	size_t page_count;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int fetches;
	bool closed; /* fetches wait until it opens */
};

void sns_web_init(struct sns_web *web, const struct sns_page *pages, size_t count);

/** A verifier whose certificates come from `web`; it allows TOPIC and some others. */
struct sl_sns_verifier *sns_make_verifier(struct sns_web *web, const char *endpoint);

/** A message of this type, not signed; the caller owns it. */
json_t *sns_make_message(const char *type, const char *version);

/** `text` with the first `from` replaced; the caller owns it. */
char *sns_replace(const char *text, const char *from, const char *to);

enum sl_err sns_parse_text(const char *text, struct sl_sns_message *ret);

/** What `verifier` says of a message. */
enum sl_err sns_check_json(struct sl_sns_verifier *verifier, const json_t *message, int64_t at_ms);

/** The same of a fresh one each time, so that no case sees another's certificate. */
enum sl_err sns_check_with_pem(const json_t *message, const char *pem, size_t len, int64_t at_ms);
enum sl_err sns_check_good(const json_t *message);

#define expect_err(actual, expected, what) \
	do { \
		enum sl_err actual_ = (actual); \
		enum sl_err expected_ = (expected); \
		if (actual_ != expected_) { \
			fail_msg("%s: %s, not %s", (what), sl_err_code(actual_), \
				sl_err_code(expected_)); \
		} \
	} while (0)

#endif
