/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_FAULT_H
#define SL_FAULT_H

/* What an error answer means, in all four protocols. Pure functions, thread-safe. */

#include "call.h"
#include "endpoints.h"

enum sl_fault {
	SL_FAULT_REJECTED,
	SL_FAULT_NOT_FOUND,
	SL_FAULT_FORBIDDEN,
	SL_FAULT_CREDENTIALS,
	SL_FAULT_EXPIRED,   /* credentials that were good once: fresh ones may help */
	SL_FAULT_SKEW,      /* our clock is wrong */
	SL_FAULT_THROTTLED, /* not processed; slow down */
	SL_FAULT_LIMIT,     /* too many open jobs */
	SL_FAULT_CONFLICT,
	SL_FAULT_TRANSIENT,   /* whether it was processed is not known */
	SL_FAULT_UNAVAILABLE, /* a 5xx that is not tried again */
};

/** The error of client.h that goes with a fault. */
enum sl_err sl_fault_err(enum sl_fault fault);

/** Reads an answer that is not 2xx: fills `error` (code, detail, provider, retry_after_ms). */
enum sl_fault sl_fault_read(
	const struct sl_call *call, const struct sl_answer *answer, struct sl_error *error);

/** How many milliseconds the clock of the sender of `answer` is ahead of `now_ms`, from its Date
 *  header; false when it has none. */
bool sl_fault_clock_offset(const struct sl_answer *answer, int64_t now_ms, int64_t *ret_offset_ms);

/** Whether that is more than AWS tolerates: a HEAD answer has no body that would say so. */
bool sl_fault_clock_is_off(const struct sl_answer *answer, int64_t now_ms);

#endif
