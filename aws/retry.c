/* SPDX-License-Identifier: Apache-2.0 */
/* Delays and the shared retry quota of "standard" mode. Any thread. */

#include "retry.h"

#include <stdatomic.h>
#include <sys/random.h>

void sl_retry_quota_init(struct sl_retry_quota *quota)
{
	atomic_init(&quota->tokens, SL_RETRY_QUOTA);
}

bool sl_retry_quota_take(struct sl_retry_quota *quota, int cost)
{
	int tokens = atomic_load(&quota->tokens);
	do {
		if (tokens < cost) {
			return false;
		}
	} while (!atomic_compare_exchange_weak(&quota->tokens, &tokens, tokens - cost));
	return true;
}

void sl_retry_quota_give(struct sl_retry_quota *quota, int tokens)
{
	int old = atomic_load(&quota->tokens);
	int full;
	do {
		full = old + tokens > SL_RETRY_QUOTA ? SL_RETRY_QUOTA : old + tokens;
	} while (!atomic_compare_exchange_weak(&quota->tokens, &old, full));
}

int64_t sl_retry_delay_ms(int attempt, double random)
{
	int64_t ceiling_ms = SL_RETRY_BASE_MS;
	for (int i = 1; i < attempt && ceiling_ms < SL_RETRY_MAX_DELAY_MS; i++) {
		ceiling_ms *= 2;
	}
	if (ceiling_ms > SL_RETRY_MAX_DELAY_MS) {
		ceiling_ms = SL_RETRY_MAX_DELAY_MS;
	}
	return (int64_t)(random * (double)ceiling_ms);
}

double sl_retry_random(void)
{
	uint32_t bits = 0;
	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
		bits = UINT32_MAX / 2; /* never on Linux for so few bytes; the middle will do */
	}
	return (double)bits / ((double)UINT32_MAX + 1.0);
}
