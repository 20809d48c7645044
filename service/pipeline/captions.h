/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CAPTIONS_H
#define SL_CAPTIONS_H

/*
 * Words with their times -> cues that can be read: short lines, few of them, long enough on screen,
 * one speaker each, ended where a sentence or a clause ends if that can be. Pure; every word is in
 * exactly one place. What is kept without exception: lines, columns, min_ms, max_ms, gap_ms, the
 * order, and that no cue begins before its first word. The reading speed is kept where the speech
 * leaves the time: a cue that is too fast lasts until the next one.
 */

#include "defs.h"
#include "err.h"

struct sl_caption_word {
	const char *text;    /* with its punctuation; UTF-8 */
	const char *speaker; /* NULL: not known */
	int64_t from_ms, to_ms;
};

enum sl_caption_speakers {
	SL_CAPTION_NAMES,  /* "NAME: " where the speaker changes */
	SL_CAPTION_DASHES, /* "- " where the speaker changes */
	SL_CAPTION_NONE, /* nothing in the text: whoever writes the cue may have a way of its own */
};

struct sl_caption_options {
	unsigned columns;       /* of a line, 10 or more; East Asian characters take two */
	unsigned lines;         /* of a cue: 1 or 2 */
	unsigned per_second;    /* columns that can be read in a second */
	int64_t min_ms, max_ms; /* how long a cue stays; max_ms is not less */
	int64_t gap_ms;         /* between two cues, at least */
	enum sl_caption_speakers speakers;
};

#define SL_CAPTION_LINES_MAX 2

struct sl_cue {
	int64_t from_ms, to_ms;
	const char *speaker;                     /* NULL: not known */
	const char *lines[SL_CAPTION_LINES_MAX]; /* without control characters, never empty */
	size_t line_count;                       /* at least 1 */
};

/** Calls `each` for every cue in order, until it returns an error. What a cue points to lives until
 *  `each` returns. Words are in order; times that go backwards are put right. */
typedef enum sl_err sl_caption_each(
	void *context, const struct sl_cue *cue, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_captions_make(const struct sl_caption_word *words, size_t count,
	const struct sl_caption_options *options, sl_caption_each *each, void *context,
	struct sl_error *reterr);

#endif
