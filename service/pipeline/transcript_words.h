/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TRANSCRIPT_WORDS_H
#define SL_TRANSCRIPT_WORDS_H

/* Words as captions need them, out of what is stored: segments, whose text has the punctuation and
 * who speaks, and words, which have the times. */

#include "buf.h"
#include "captions.h"

/* Rows of transcript_segments or of transcript_words, in order. */
struct sl_spoken {
	const char *text;
	const char *speaker; /* of a segment */
	int64_t from_ms, to_ms;
};

struct sl_transcript_words {
	struct sl_buf text;
	struct sl_caption_word *items; /* point into `text` and to the segments' speakers */
	size_t count;
};

/** Each word of the segments' text once, in order. Where a segment's text is not made of the stored
 *  words, its own words share its time. */
void sl_transcript_words_make(const struct sl_spoken *segments, size_t segment_count,
	const struct sl_spoken *words, size_t word_count, struct sl_transcript_words *ret);

void sl_transcript_words_finish(struct sl_transcript_words *words);

#endif
