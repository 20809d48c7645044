/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_VERSIONS_H
#define SL_VERSIONS_H

/*
 * Earlier runs of an analysis: rows in analysis_versions, and DynamoDB items
 * "videos/<id>#version#<kind>#<attempt>", which are written before anything of the run they tell
 * of is removed.
 */

#include "buf.h"
#include "steps.h"

/** Writes the items of those versions of an analysis that have none yet. Worker threads. */
SL_MUST_CHECK enum sl_err sl_versions_record(
	struct sl_worker *worker, struct sl_step *step, const char *kind, struct sl_error *reterr);

/** GET /videos/{id}/analyses. VIDEO_NOT_FOUND. HTTP threads. */
SL_MUST_CHECK enum sl_err sl_versions_list(
	struct sl_pg *pg, const char *id, struct sl_buf *out, struct sl_error *reterr);

/** GET /videos/{id}/analyses/{kind}/{attempt}. VIDEO_NOT_FOUND, ANALYSIS_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_versions_read(struct sl_pg *pg, const char *id, const char *kind,
	const char *attempt, struct sl_buf *out, struct sl_error *reterr);

#endif
