/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_SPEECH_H
#define LC_SPEECH_H

/* Speech to words with pocketsphinx and its US English model. One struct lc_speech per thread. */

#include <stdbool.h>

#include "defs.h"

#define LC_SPEECH_RATE 16000 /* samples a second: signed 16 bit, little endian, mono */

struct lc_speech_word {
	char *text;
	int64_t from_ms, to_ms; /* of the file */
	double confidence;      /* posterior probability, 0..1 */
	size_t utterance;       /* which stretch of speech it belongs to, 0 is the first */
};

struct lc_speech_words {
	struct lc_speech_word *items;
	size_t count;
};

struct lc_speech;

/** Loads the model (about a second, 100 MB). NULL when it is not installed. */
struct lc_speech *lc_speech_create(void);
void lc_speech_destroy(struct lc_speech *speech);

/**
 * Recognises a file of raw samples; utterances are cut at silences. `stop` is asked before each
 * utterance. False when the file cannot be read or it was stopped; `ret` is then empty.
 */
bool lc_speech_file(struct lc_speech *speech, const char *path, bool (*stop)(void *context),
	void *context, struct lc_speech_words *ret);
void lc_speech_words_finish(struct lc_speech_words *words);

#endif
