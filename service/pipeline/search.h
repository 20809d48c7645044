/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SEARCH_H
#define SL_SEARCH_H

/* Use case: search over all videos. PostgreSQL finds, ranks and makes the JSON, in one statement.
 */

#include <jansson.h>

#include "cursor.h"
#include "pg.h"

#define SL_SEARCH_NAMES_MAX 8 /* celebrities and labels in all: see search.sql */

struct sl_search_query {
	const json_t *terms; /* of speech: see search_terms.h; or NULL */
	const json_t *names; /* [{"kind": "celebrity"|"label", "name": "…"}, …] */
	const json_t *tags;  /* ["…", …] */
	const char *state;   /* or NULL */
	/* Those below 0 are not asked for. */
	int64_t created_from_ms, created_before_ms; /* since 1970 */
	int64_t min_duration_ms, max_duration_ms;
	int64_t within_ms; /* of each other: speech and names */
	int64_t limit;     /* videos */
	int64_t hits;      /* of each */
	bool newest;       /* first; else the best */
	bool facets;
	const char *cursor;         /* or NULL */
	const struct sl_buf *scope; /* of the cursor */
};

/** GET /search: {"videos": […], "total": …, "facets": {…}, "next_cursor": "…"}. BAD_PARAMETER:
 *  cursor. */
SL_MUST_CHECK enum sl_err sl_search(struct sl_pg *pg, const struct sl_search_query *query,
	struct sl_buf *out, struct sl_error *reterr);

#endif
