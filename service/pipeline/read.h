/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_READ_H
#define SL_READ_H

/* Use cases: reading videos back. PostgreSQL makes the JSON; nothing here calls AWS. */

#include "app.h"
#include "buf.h"

/** GET /videos/{id}: appends the resource. VIDEO_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_read_video(
	struct sl_pg *pg, const char *id, struct sl_buf *out, struct sl_error *reterr);

struct sl_read_filter {
	const char *state;  /* or NULL */
	const char *tag;    /* or NULL */
	const char *cursor; /* id of the last video seen, or NULL */
	int64_t limit;
};

/** GET /videos: {"videos": […], "next_cursor": "…"}. */
SL_MUST_CHECK enum sl_err sl_read_videos(struct sl_pg *pg, const struct sl_read_filter *filter,
	struct sl_buf *out, struct sl_error *reterr);

#endif
