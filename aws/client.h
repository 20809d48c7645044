/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CLIENT_H
#define SL_CLIENT_H

/*
 * The one way to call AWS: endpoint, signature, retries and error mapping are the same for every
 * service. `struct sl_aws` is shared by all threads (credentials, configuration, retry quota);
 * a `struct sl_client` belongs to one thread (it holds a curl easy handle).
 */

#include <jansson.h>
#include <stdbool.h>

#include "buf.h"
#include "defs.h"
#include "err.h"

struct sl_aws;
struct sl_client;

/**
 * Reads region, endpoints, credentials settings, CA bundle and retry settings from the standard
 * SDK environment and shared files (facts: docs/aws.md). Thread-safe afterwards. curl_global_init
 * must have run. SL_ERR_CONFIG says which setting is wrong.
 */
SL_MUST_CHECK enum sl_err sl_aws_create(struct sl_aws **ret, struct sl_error *reterr);

/** For whoever explains: `note` hears of every setting and what is wrong with it, and what is wrong
 *  is left at its default. Without a region only credentials that need none can be had. `ret_good`:
 *  nothing was wrong. The caller destroys the result. */
struct sl_aws *sl_aws_survey(void (*note)(void *context, const char *name, const char *value,
				     const char *where, const char *problem),
	void *context, bool *ret_good);
void sl_aws_destroy(struct sl_aws *aws);
void sl_aws_destroyp(struct sl_aws **aws);

/** The region that requests go to, e.g. "eu-west-1". Borrowed for the life of `aws`. */
const char *sl_aws_region(const struct sl_aws *aws);

/** A client for the calling thread. `aws` must outlive it. */
struct sl_client *sl_client_create(struct sl_aws *aws);
void sl_client_destroy(struct sl_client *client);
void sl_client_destroyp(struct sl_client **client);

/**
 * Bounds each following operation of this client, retries included: 0 restores the default of
 * 60 s. A deadline that passes gives SL_ERR_AWS_UNAVAILABLE.
 */
void sl_client_set_deadline(struct sl_client *client, int64_t deadline_ms);

/**
 * Asks a running operation of this client, and every later one, to end at once with
 * SL_ERR_SHUTTING_DOWN. The one function that may be called from another thread.
 */
void sl_client_interrupt(struct sl_client *client);

/*
 * Errors of every operation below and in the service headers, besides SL_ERR_SHUTTING_DOWN:
 *   AWS_NOT_FOUND     the resource does not exist (404; Transcribe's "couldn't be found")
 *   AWS_FORBIDDEN     403 that is not about the credentials themselves
 *   AWS_CREDENTIALS   missing, expired or wrong credentials; clock skew that a retry did not cure
 *   AWS_THROTTLED     still throttled after the retries of "standard" mode
 *   AWS_LIMIT         too many open jobs (LimitExceededException): come back in minutes
 *   AWS_CONFLICT      name or token is taken (ConflictException, ResourceInUseException)
 *   AWS_REJECTED      any other 4xx
 *   AWS_UNAVAILABLE   no answer or 5xx after the retries, or the deadline passed
 *   AWS_PROTOCOL      an answer that does not parse or lacks what it must have
 *   AWS_TOO_LARGE     an answer beyond the cap of the operation
 * `reterr` keeps the provider's service, operation, code, message, request id and HTTP status.
 */

#endif
