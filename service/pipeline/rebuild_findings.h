/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REBUILD_FINDINGS_H
#define SL_REBUILD_FINDINGS_H

/* What `spotlist rebuild` finds wrong with one video, a line each. They wait on disk until the
 * video is finished, since it may have to be begun again. One thread. */

#include <stdio.h>

#include "defs.h"
#include "err.h"
#include "spool.h"

struct sl_rebuild_findings {
	const char *video_id; /* borrowed; begins each line */
	struct sl_spool *lines;
	int64_t count;
};

/** A line; control characters in it are replaced, so that it stays one. */
SL_MUST_CHECK enum sl_err sl_rebuild_find(struct sl_rebuild_findings *findings,
	struct sl_error *reterr, const char *format, ...) SL_PRINTF(3, 4);

SL_MUST_CHECK enum sl_err sl_rebuild_findings_print(
	struct sl_rebuild_findings *findings, FILE *out, struct sl_error *reterr);
void sl_rebuild_findings_finish(struct sl_rebuild_findings *findings);

#endif
