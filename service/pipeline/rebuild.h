/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REBUILD_H
#define SL_REBUILD_H

/*
 * `spotlist rebuild`: the mirror in PostgreSQL out of the record in DynamoDB, while `serve` may run
 * beside it. Videos that are being worked on are left alone. A video is rebuilt whole, in one
 * transaction, or not at all; so the command can be stopped and begun again at any time.
 */

#include <stdio.h>

#include "config.h"
#include "json_spec.h"

struct sl_rebuild_options {
	bool check;                 /* change nothing, tell every difference */
	bool missing;               /* only videos that PostgreSQL does not have */
	struct sl_json_strv videos; /* these; none: all that either store has */
};

/** Writes a line to `out` for everything that is wrong, and logs progress. `*ret_problems` counts
 *  those lines and the videos that could not be read or written. */
SL_MUST_CHECK enum sl_err sl_rebuild(const struct sl_config *config,
	const struct sl_rebuild_options *options, FILE *out, int64_t *ret_problems,
	struct sl_error *reterr);

#endif
