/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CELEBRITIES_MIRROR_H
#define SL_CELEBRITIES_MIRROR_H

/* The rows of celebrity detections in PostgreSQL. */

#include <jansson.h>

#include "pg.h"

/* What one frame showed. */
struct sl_look {
	int64_t index; /* of the frame */
	int64_t time_ms;
	json_t *faces; /* Rekognition's CelebrityFaces */
};

/** Adds the rows of `looks`, inside a transaction; those that were there before are the caller's
 *  to delete. AWS_PROTOCOL: a face without a name. */
SL_MUST_CHECK enum sl_err sl_celebrities_mirror_add(struct sl_pg *pg, const char *video_id,
	const struct sl_look *looks, size_t count, struct sl_error *reterr);

#endif
