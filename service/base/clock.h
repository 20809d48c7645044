/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CLOCK_H
#define SL_CLOCK_H

/* Time, in milliseconds. Thread-safe. */

#include <stdbool.h>

#include "defs.h"

/** Wall clock: milliseconds since 1970-01-01T00:00:00Z. */
int64_t sl_clock_now_ms(void);

/** Monotonic clock in milliseconds, for durations and deadlines. */
int64_t sl_clock_monotonic_ms(void);

/** The same in microseconds, for what is measured. */
int64_t sl_clock_monotonic_us(void);

/** Sleeps for so long, whatever signals come. */
void sl_clock_sleep(int64_t ms);

#define SL_CLOCK_RFC3339_SIZE 25 /* "2026-11-22T18:40:00.000Z" and NUL */

/** Writes RFC 3339 UTC with milliseconds, e.g. "2026-11-22T18:40:00.000Z". Times outside of the
 *  years 0000 to 9999 are written as the nearest one inside. */
void sl_clock_rfc3339(int64_t time_ms, char ret[static SL_CLOCK_RFC3339_SIZE]);

/** Parses "2026-11-22T18:40:00[.fraction](Z|±hh:mm)"; false when it is not that. */
SL_MUST_CHECK bool sl_clock_parse_rfc3339(const char *text, int64_t *ret_time_ms);

#define SL_CLOCK_AMZ_SIZE 17 /* "20261122T184000Z" and NUL */

/** Writes the basic ISO 8601 form that SigV4 uses, e.g. "20261122T184000Z". */
void sl_clock_amz(int64_t time_ms, char ret[static SL_CLOCK_AMZ_SIZE]);

/** Parses "20261122T184000Z"; false when it is not that. */
SL_MUST_CHECK bool sl_clock_parse_amz(const char *text, int64_t *ret_time_ms);

#endif
