/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_SPEECH_CUT_H
#define LC_SPEECH_CUT_H

/* Where speech is in a file of samples, by its loudness. Pure but for reading the file. */

#include <stdbool.h>
#include <stdio.h>

#include "defs.h"

struct lc_stretch {
	int64_t from, to; /* samples */
};

/** Finds the stretches of sound between silences, none longer than 25 s. The caller frees
 *  `*ret_stretches`. False when the file cannot be read. */
bool lc_speech_cut(FILE *samples, struct lc_stretch **ret_stretches, size_t *ret_count);

#endif
