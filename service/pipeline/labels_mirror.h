/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_LABELS_MIRROR_H
#define SL_LABELS_MIRROR_H

/* Loads the Labels array of GetLabelDetection into PostgreSQL. */

#include "pg.h"
#include "spool.h"

/** Replaces a video's labels by those in the spool (one element of Labels a line), with COPY,
 *  inside the caller's transaction. AWS_PROTOCOL when an element is not a label. */
SL_MUST_CHECK enum sl_err sl_labels_mirror_load(
	struct sl_pg *pg, const char *video_id, struct sl_spool *spool, struct sl_error *reterr);

#endif
