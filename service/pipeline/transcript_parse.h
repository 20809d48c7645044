/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TRANSCRIPT_PARSE_H
#define SL_TRANSCRIPT_PARSE_H

/* Transcribe's transcript JSON into words and segments. Pure.
 * https://docs.aws.amazon.com/transcribe/latest/dg/how-input.html */

#include <jansson.h>

#include "buf.h"
#include "err.h"

struct sl_word {
	int64_t from_ms, to_ms;
	double confidence;   /* 0..1 */
	const char *text;    /* borrowed from the root */
	const char *speaker; /* or NULL; borrowed */
};

struct sl_segment {
	int64_t from_ms, to_ms;
	const char *speaker; /* or NULL; borrowed */
	char *text;
};

struct sl_transcript {
	const char *text;     /* results.transcripts[0].transcript */
	const char *language; /* results.language_code, or NULL */
	struct sl_word *words;
	size_t word_count;
	struct sl_segment *segments;
	size_t segment_count;
};

/** AWS_PROTOCOL says what is missing. `root` must outlive `ret`. */
SL_MUST_CHECK enum sl_err sl_transcript_parse(
	const json_t *root, struct sl_transcript *ret, struct sl_error *reterr);
void sl_transcript_finish(struct sl_transcript *transcript);

#endif
