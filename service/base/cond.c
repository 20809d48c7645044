/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on the monotonic clock. Any thread. */

#include "cond.h"

#include "clock.h"

void sl_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	if (pthread_condattr_init(&attributes) != 0 ||
		pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
		pthread_cond_init(cond, &attributes) != 0) {
		SL_BUG("a condition could not be made");
	}
	(void)pthread_condattr_destroy(&attributes);
}

struct timespec sl_cond_deadline(int64_t in_ms)
{
	int64_t at_ms = sl_clock_monotonic_ms() + in_ms;
	return (struct timespec){.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};
}
