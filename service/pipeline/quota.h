/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_QUOTA_H
#define SL_QUOTA_H

/*
 * How often a second each API of a provider is called, over all processes: token buckets in
 * PostgreSQL. AWS's own limits per account and region:
 * https://docs.aws.amazon.com/general/latest/gr/rekognition.html and …/transcribe.html.
 */

#include "steps.h"

enum sl_quota {
	SL_QUOTA_CREATE_JOB,
	SL_QUOTA_GET_JOB,
	SL_QUOTA_RECOGNIZE_CELEBRITIES,
	SL_QUOTA_START_LABEL_DETECTION,
	SL_QUOTA_GET_LABEL_DETECTION,
	SL_QUOTA_START_TRANSCRIPTION_JOB,
	SL_QUOTA_GET_TRANSCRIPTION_JOB,
	SL_QUOTAS_
};

/** Takes a token. QUOTA_WAIT when there is none, with retry_after_ms; the step is then put back,
 *  which is no failure. */
SL_MUST_CHECK enum sl_err sl_quota_take(
	struct sl_worker *worker, enum sl_quota quota, struct sl_error *reterr);

/** The same, but waits for the token: for calls in the middle of a step, whose earlier ones were
 *  paid for. SHUTTING_DOWN ends the wait. */
SL_MUST_CHECK enum sl_err sl_quota_wait(
	struct sl_worker *worker, enum sl_quota quota, struct sl_error *reterr);

#endif
