/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RESULTS_H
#define SL_RESULTS_H

/*
 * Removing what a video has left: results of an analysis that is run again or was cancelled, or
 * all of a video that is deleted. Nothing is looked for by a scan: keys follow from the video's id
 * and from its rows. Everything may run twice, and goes on where a crash ended it. Worker threads.
 */

#include "steps.h"

/** Removes an analysis' results of all its runs so far from DynamoDB (the versions' own items
 *  stay) and from the mirror. `kind` is one of sl_analysis_names; `attempt` its last run. */
SL_MUST_CHECK enum sl_err sl_results_remove(struct sl_worker *worker, struct sl_step *step,
	const char *kind, int64_t attempt, struct sl_error *reterr);

/** Removes every DynamoDB item of the video. */
SL_MUST_CHECK enum sl_err sl_results_remove_items(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr);

/** Removes every object below our prefixes of the video: frames, MP4, audio, transcripts, upload.
 */
SL_MUST_CHECK enum sl_err sl_results_remove_objects(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr);

/** Removes the parts of a split attribute from number `from` on: those that a later, shorter
 *  value did not overwrite. */
SL_MUST_CHECK enum sl_err sl_results_trim_parts(struct sl_worker *worker, const char *file_name,
	const char *attribute, int64_t from, struct sl_error *reterr);

/** "videos/<id>#version#<kind>#<attempt>"; the caller owns it. */
char *sl_results_version_key(const char *video_id, const char *kind, int64_t attempt);

#endif
