/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RETRY_H
#define SL_RETRY_H

/*
 * "Standard" retry mode of the AWS SDKs: so many attempts, exponential delay with full jitter,
 * and a quota shared by all threads, so that an outage is not answered with a storm.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */

#include <stdbool.h>

#include "defs.h"

#define SL_RETRY_MAX_ATTEMPTS 3     /* default of AWS_MAX_ATTEMPTS */
#define SL_RETRY_BASE_MS      1000  /* ceiling of the first delay; doubles */
#define SL_RETRY_MAX_DELAY_MS 20000 /* ceiling of all delays */
#define SL_RETRY_QUOTA        500   /* tokens in a full bucket */
#define SL_RETRY_COST         5     /* of a retry */
#define SL_RETRY_TIMEOUT_COST 10    /* of a retry after a timeout */
#define SL_RETRY_FIRST_REFUND 1     /* for a success without a retry */

/* Tokens left; shared by all threads, changed atomically. */
struct sl_retry_quota {
	_Atomic int tokens;
};
void sl_retry_quota_init(struct sl_retry_quota *quota);

/** Takes `cost` tokens; false, and nothing taken, when there are fewer. */
bool sl_retry_quota_take(struct sl_retry_quota *quota, int cost);

/** Gives tokens back, up to a full bucket. */
void sl_retry_quota_give(struct sl_retry_quota *quota, int tokens);

/** The delay before attempt `attempt` + 1 (attempts count from 1), for a random number in
 *  [0, 1]: random * min(2^(attempt-1) s, 20 s). Pure. */
int64_t sl_retry_delay_ms(int attempt, double random);

/** A random number in [0, 1). */
double sl_retry_random(void);

#endif
