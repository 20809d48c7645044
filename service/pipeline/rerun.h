/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RERUN_H
#define SL_RERUN_H

/*
 * POST /videos/{id}/analyses: analyses are run again, with other options perhaps, or for the first
 * time on a video that is settled. What a run before found moves to its version; each analysis
 * then has one step that records the version, removes the old results, and begins.
 */

#include <jansson.h>

#include "buf.h"
#include "config.h"
#include "idempotency.h"
#include "pg.h"

/** Asks for it, and appends the resource as it is then. `body` is the request's. The errors are
 *  those of its fields; VIDEO_NOT_FOUND; VIDEO_BUSY while the video has no final state;
 *  NO_OUTPUTS when it was never converted. HTTP threads. */
SL_MUST_CHECK enum sl_err sl_rerun(const struct sl_config *config, struct sl_pg *pg,
	const char *video_id, const json_t *body, const struct sl_idempotency *idempotency,
	struct sl_buf *out, struct sl_error *reterr);

#endif
