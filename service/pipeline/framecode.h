/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_FRAMECODE_H
#define SL_FRAMECODE_H

/* SMPTE timecode "HH:MM:SS:FF": frames of a rate as editors count them. Pure, thread-safe. */

#include <stdbool.h>

#include "defs.h"

struct sl_frame_rate {
	const char *name;               /* as it is asked for: "29.97" */
	int64_t numerator, denominator; /* frames a second */
	int64_t base;                   /* frames that a second of the timecode has */
	bool can_drop;                  /* drop-frame timecode exists for it */
};

/* The rates that edit decision lists are made for, slowest first. */
#define SL_FRAME_RATES 8
extern const struct sl_frame_rate sl_frame_rates[SL_FRAME_RATES];

/** The names, NULL-terminated, for a table of parameters. */
extern const char *const sl_frame_rate_names[SL_FRAME_RATES + 1];

/** The index of the rate next to `per_second`; 25 when that is 0. */
size_t sl_frame_rate_near(double per_second);

/** The frame that begins next to a time. */
int64_t sl_framecode_frame(const struct sl_frame_rate *rate, int64_t ms);

#define SL_FRAMECODE_SIZE 16

/** Writes frame `frame` >= 0, counted from midnight; after 24 hours it begins again. Drop-frame
 *  timecode leaves out numbers so as to keep step with the clock, and has ";" before the frames. */
void sl_framecode_format(char ret[static SL_FRAMECODE_SIZE], const struct sl_frame_rate *rate,
	bool drop, int64_t frame);

/** Reads "HH:MM:SS:FF" (or ";FF") below 24 hours. False for anything else, and for numbers that
 *  drop-frame timecode leaves out. */
SL_MUST_CHECK bool sl_framecode_parse(
	const char *text, const struct sl_frame_rate *rate, bool drop, int64_t *ret_frame);

#endif
