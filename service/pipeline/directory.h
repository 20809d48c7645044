/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DIRECTORY_H
#define SL_DIRECTORY_H

/* Use cases: the celebrities and labels of all videos. PostgreSQL makes the JSON. */

#include "cursor.h"
#include "pg.h"

/** The ways to sort, NULL-terminated; `match` only where something was typed. */
extern const char *const sl_directory_sorts[];
enum sl_directory_sort {
	SL_DIRECTORY_BY_NAME,
	SL_DIRECTORY_BY_VIDEOS,
	SL_DIRECTORY_BY_APPEARANCES,
	SL_DIRECTORY_BY_ON_SCREEN,
	SL_DIRECTORY_BY_MATCH,
};

struct sl_directory_query {
	const char *kind;            /* "celebrity" or "label" */
	const char *member;          /* of the answer: "celebrities" or "labels" */
	const char *prefix;          /* what was typed, or NULL */
	enum sl_directory_sort sort; /* SL_DIRECTORY_BY_MATCH only with a prefix */
	int64_t limit;
	const char *cursor;         /* or NULL */
	const struct sl_buf *scope; /* of the cursor */
};

/** GET /celebrities, GET /labels: {"celebrities": […], "next_cursor": "…"}. BAD_PARAMETER: cursor.
 */
SL_MUST_CHECK enum sl_err sl_directory_read(struct sl_pg *pg,
	const struct sl_directory_query *query, struct sl_buf *out, struct sl_error *reterr);

/** Adds what the videos have changed to the sums: reading does it, and maintenance for when nobody
 *  reads. */
SL_MUST_CHECK enum sl_err sl_directory_tally(struct sl_pg *pg, struct sl_error *reterr);

#endif
