/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_REPLAY_TEXT_H
#define LC_REPLAY_TEXT_H

/* The texts that replays are made of, read without a JSON tree: provider records are handed out
 * byte for byte, and an index over a million of them is made quickly. Pure. */

#include <stdbool.h>

#include "defs.h"

#define LC_REPLAY_NAME_MAX 128
#define LC_REPLAY_HEAD_MAX 256 /* an object's first bytes are enough for lc_replay_head */

/** Whether `text` may name a replay: letters, digits, '.', '_', '-', and no '.' in front. */
bool lc_replay_name_valid(const char *text, size_t len);

/**
 * Reads "localcloud replay <name>\n", perhaps followed by "frame <index>\n". False when the bytes
 * begin otherwise; `ret_frame` is -1 when there is no such line.
 */
SL_MUST_CHECK bool lc_replay_head(const char *bytes, size_t len,
	char ret_name[static LC_REPLAY_NAME_MAX + 1], int64_t *ret_frame);

/** Finds a member's value in the text of one JSON object. False when it has none, or is none as far
 *  as it was read. */
SL_MUST_CHECK bool lc_replay_member(
	const char *text, size_t len, const char *name, const char **ret_value, size_t *ret_len);

/** The non-negative integer that is all of a member's value. */
SL_MUST_CHECK bool lc_replay_number(
	const char *text, size_t len, const char *name, int64_t *ret_number);

#endif
