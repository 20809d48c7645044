/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TIMECODE_H
#define SL_TIMECODE_H

/* Places in a video, as people and editors write them. Pure functions, thread-safe. */

#include <stdbool.h>

#include "defs.h"

/* No video is longer; a time beyond is a mistake and not a place. */
#define SL_TIMECODE_MAX_MS (INT64_C(3650) * 24 * 3600 * 1000)

#define SL_TIMECODE_SIZE   26 /* any int64_t, its sign and NUL */

/**
 * Reads seconds ("12", "12.5"), milliseconds ("12500ms") or a timecode ("MM:SS", "HH:MM:SS", each
 * perhaps with a fraction). What stands first in a timecode may be large ("90:00"), the other
 * fields have two digits below 60. A fraction has 1 to 9 digits and is rounded to milliseconds.
 * False, and `*ret_ms` untouched, for everything else: signs, exponents, "NaN", spaces, times
 * beyond SL_TIMECODE_MAX_MS.
 */
SL_MUST_CHECK bool sl_timecode_parse(const char *text, int64_t *ret_ms);

/** Writes "HH:MM:SS.mmm"; hours have more digits when they need them. What SQL's
 *  spotlist_data.timecode() writes. */
void sl_timecode_format(char ret[static SL_TIMECODE_SIZE], int64_t ms);

#endif
