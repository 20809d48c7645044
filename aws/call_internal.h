/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CALL_INTERNAL_H
#define SL_CALL_INTERNAL_H

/*
 * One operation over all its attempts, without waiting: for whoever drives curl himself
 * (s3_preflight.c with many at once; call.c with one). A driver does
 *
 *     sl_operation_init(&op, aws, &call, deadline);
 *     again: err = sl_operation_prepare(&op, easy, &error);   // signs with a fresh clock
 *            … perform `easy` …
 *            switch (sl_operation_judge(&op, easy, curl_code, &delay_ms, &error)) {
 *            case SL_VERDICT_DONE:   op.answer is a 2xx answer
 *            case SL_VERDICT_RETRY:  wait delay_ms, then `again`
 *            case SL_VERDICT_FAILED: error tells why
 *            }
 *     sl_operation_finish(&op);
 *
 * One thread per operation. Between prepare and judge `op` must not move, and `call` with all it
 * points to must stay. CURLOPT_PRIVATE is the driver's, to be set after prepare.
 */

#include <curl/curl.h>

#include "call.h"
#include "credentials.h"
#include "endpoints.h"
#include "retry.h"
#include "settings.h"

#define SL_CALL_DEADLINE_MS 60000      /* default over all attempts */
#define SL_CALL_MAX_ANSWER  (8u << 20) /* default of sl_call.max_answer, in bytes */

/* Shared by all threads. Read-only but for what has a lock or is atomic. */
struct sl_aws {
	struct sl_settings settings;
	struct sl_credentials_chain *credentials; /* has its own mutex */
	struct sl_retry_quota quota;
	_Atomic int64_t clock_offset_ms; /* AWS's clock minus ours */
	int64_t (*clock)(void *context);
	void *clock_context;
};

/* One thread's, but for `interrupted`. */
struct sl_client {
	struct sl_aws *aws;
	CURLM *multi;
	CURL *easy;
	int64_t deadline_ms; /* of each operation, from its start */
	_Atomic bool interrupted;
};

enum sl_verdict {
	SL_VERDICT_DONE,
	SL_VERDICT_RETRY,
	SL_VERDICT_FAILED,
};

struct sl_operation {
	struct sl_aws *aws;
	const struct sl_call *call;
	int64_t deadline_ms; /* on the monotonic clock */
	int attempt;         /* that was prepared last, from 1 */
	int quota_taken;     /* by the last retry */
	bool clock_corrected;
	bool credentials_renewed;
	struct sl_answer answer; /* of the last attempt */
	struct sl_endpoint endpoint;
	struct sl_buf url;
	struct sl_buf form; /* body of the query protocol */
	CURL *easy;         /* while an attempt runs */
	struct curl_slist *headers;
	bool too_large; /* the answer went beyond its cap */
	bool cut;       /* an error answer did, and its end was left out */
	char curl_error[CURL_ERROR_SIZE];
	char *failure; /* what the attempt before came to, in words; or NULL */
};

/** `deadline_ms` on sl_clock_monotonic_ms(). */
void sl_operation_init(struct sl_operation *op, struct sl_aws *aws, const struct sl_call *call,
	int64_t deadline_ms);
void sl_operation_finish(struct sl_operation *op);

/** Sets up `easy` for the next attempt (all its options are reset first). Fails with CONFIG or
 *  AWS_CREDENTIALS, which end the operation. */
SL_MUST_CHECK enum sl_err sl_operation_prepare(
	struct sl_operation *op, CURL *easy, struct sl_error *reterr);

/** What the attempt came to. `*ret_delay_ms` is set on RETRY, `reterr` on FAILED. */
SL_MUST_CHECK enum sl_verdict sl_operation_judge(struct sl_operation *op, CURL *easy, CURLcode code,
	int64_t *ret_delay_ms, struct sl_error *reterr);

/** Fills `reterr` with an error of ours about this operation: its service and operation, and what
 *  is known of the answer. Returns `code`. */
enum sl_err sl_operation_error(
	const struct sl_operation *op, enum sl_err code, const char *what, struct sl_error *reterr);

/** Options that every transfer of this process has, requests to AWS or not: no signals, no
 *  redirects, http(s) only, CA bundle, connect and low-speed limits, user agent. Resets the
 *  handle. `timeout_ms` bounds the whole transfer. */
void sl_curl_defaults(CURL *easy, const struct sl_aws *aws, int64_t timeout_ms);

/** Wall clock in milliseconds, corrected by what AWS's Date headers told. */
int64_t sl_aws_now_ms(struct sl_aws *aws);

/** For tests: a clock instead of the system's. Before the first use of `aws`. */
void sl_aws_set_clock(struct sl_aws *aws, int64_t (*now_ms)(void *context), void *context);

/** AWS_CA_BUNDLE, or NULL for the system's roots. Borrowed. */
const char *sl_aws_ca_bundle(const struct sl_aws *aws);

const struct sl_endpoint_settings *sl_aws_endpoints(const struct sl_aws *aws);

SL_MUST_CHECK enum sl_err sl_aws_credentials(
	struct sl_aws *aws, struct sl_credentials *ret, struct sl_error *reterr);

/** Waits, e.g. before UnprocessedItems are sent again; false when interrupted meanwhile. */
bool sl_client_wait(struct sl_client *client, int64_t wait_ms);
bool sl_client_interrupted(struct sl_client *client);
struct sl_aws *sl_client_aws(struct sl_client *client);

/** What sl_client_set_deadline() left, in milliseconds. */
int64_t sl_client_deadline_ms(const struct sl_client *client);

/** "https://host/path" of a request, percent-encoded once, without query; appended. */
void sl_endpoint_url(const struct sl_endpoint *endpoint, const char *path, struct sl_buf *out);

#endif
