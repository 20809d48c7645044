/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REBUILD_LOAD_H
#define SL_REBUILD_LOAD_H

/* What was gathered, into PostgreSQL or held against it. One transaction a video. */

#include "pg.h"
#include "rebuild_source.h"

/* A video as PostgreSQL has it. */
struct sl_rebuild_head {
	bool exists;
	bool final;    /* no: someone works on it */
	char *version; /* changes with every change of state; NULL when it does not exist */
};
void sl_rebuild_head_finish(struct sl_rebuild_head *head);
SL_MUST_CHECK enum sl_err sl_rebuild_head_read(struct sl_pg *pg, const char *video_id,
	struct sl_rebuild_head *ret, struct sl_error *reterr);

/**
 * Replaces the video's rows under its lock, unless it is not what `head` says any more: VIDEO_BUSY,
 * begin again. All sections must be whole. Where a count differs from the record's, `found` says so
 * and nothing is changed.
 */
SL_MUST_CHECK enum sl_err sl_rebuild_replace(struct sl_pg *pg, struct sl_rebuild_source *source,
	const struct sl_rebuild_head *head, struct sl_rebuild_findings *found,
	struct sl_error *reterr);

/**
 * Finds every difference between the video's rows and those that sl_rebuild_replace() would make:
 * it makes them under another id (the source's target), compares, and rolls back. Sections that are
 * not whole are left out. VIDEO_BUSY as above.
 */
SL_MUST_CHECK enum sl_err sl_rebuild_compare(struct sl_pg *pg, struct sl_rebuild_source *source,
	const struct sl_rebuild_head *head, struct sl_rebuild_findings *found,
	struct sl_error *reterr);

/** Holds the sums of the directory against what all videos come to. `found` has "names" for a
 * video. */
SL_MUST_CHECK enum sl_err sl_rebuild_check_names(
	struct sl_pg *pg, struct sl_rebuild_findings *found, struct sl_error *reterr);

/** Makes them anew. */
SL_MUST_CHECK enum sl_err sl_rebuild_remake_names(struct sl_pg *pg, struct sl_error *reterr);

#endif
