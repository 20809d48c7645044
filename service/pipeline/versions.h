/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_VERSIONS_H
#define SL_VERSIONS_H

/*
 * Earlier runs of an analysis: rows in analysis_versions, and DynamoDB items
 * "videos/<id>#version#<kind>#<attempt>", which are written before anything of the run they tell
 * of is removed.
 */

#include <sys/types.h>

#include "app.h"
#include "buf.h"
#include "steps.h"

/** Writes the items of those versions of an analysis that have none yet. Worker threads. */
SL_MUST_CHECK enum sl_err sl_versions_record(
	struct sl_worker *worker, struct sl_step *step, const char *kind, struct sl_error *reterr);

/** GET /videos/{id}/analyses. VIDEO_NOT_FOUND. HTTP threads. */
SL_MUST_CHECK enum sl_err sl_versions_list(
	struct sl_pg *pg, const char *id, struct sl_buf *out, struct sl_error *reterr);

/* One run as GET /videos/{id}/analyses/{kind}/{attempt} answers it. What a long video's labels come
 * to is a hundred megabytes, so a piece of it is in hand at a time. One thread at a time. */
struct sl_version;

/** VIDEO_NOT_FOUND, ANALYSIS_NOT_FOUND. No connection is held when this has returned. */
SL_MUST_CHECK enum sl_err sl_version_open(struct sl_app *app, const char *id, const char *kind,
	const char *attempt, struct sl_version **ret, struct sl_error *reterr);

uint64_t sl_version_size(const struct sl_version *version); /* bytes */

/** Moves all of it into `out`, which is empty, when it is at hand. */
bool sl_version_take(struct sl_version *version, struct sl_buf *out);

/** Up to `max` bytes from `offset` on, which never goes back; -1 when that is not possible any
 *  more, which is logged. Takes a connection from the pool for each piece. */
ssize_t sl_version_read(struct sl_version *version, uint64_t offset, char *out, size_t max);

void sl_version_destroy(struct sl_version *version); /* NULL is fine */
void sl_version_destroyp(struct sl_version **version);

#endif
