/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ESTIMATE_H
#define SL_ESTIMATE_H

/* What a submission is expected to cost: told by a dry run, reserved where there is a cap. */

#include "submit.h"
#include "usage.h"

/** The answer of a dry run: {"dry_run", "estimate", "cap"}; `cap` only where there is one, and
 *  then `pg` is used. The caller owns it. */
SL_MUST_CHECK enum sl_err sl_estimate_read(const struct sl_config *config, struct sl_pg *pg,
	const struct sl_submission *submission, json_t **ret, struct sl_error *reterr);

/** For the transaction that accepts it: reserves the estimate, see sl_usage_reserve(). */
SL_MUST_CHECK enum sl_err sl_estimate_reserve(const struct sl_config *config, struct sl_pg *pg,
	const struct sl_submission *submission, bool always, struct sl_error *reterr);

/** Millionths of a dollar that the analyses of a converted video will cost. */
int64_t sl_estimate_analyses(const struct sl_config *config, unsigned analyses, int64_t duration_ms,
	int64_t frames, bool audio);

/** The same of a whole video of which only the size is known, as of an upload that has come. */
int64_t sl_estimate_upload(
	const struct sl_config *config, const struct sl_video *video, int64_t size_bytes);

#endif
