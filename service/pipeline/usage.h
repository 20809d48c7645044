/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_USAGE_H
#define SL_USAGE_H

/*
 * What is spent: counted as the work is done, reserved before where there is a monthly cap. The
 * functions for transactions keep both in step with the work: a step's charge is committed with
 * its outcome, a video's reservation with its row.
 */

#include "buf.h"
#include "config.h"
#include "cost.h"
#include "pg.h"

/** For transactions: counts the lines of one part. `more`: on top of what its run was charged
 *  before; else a run is charged once, however often that is told. */
SL_MUST_CHECK enum sl_err sl_usage_charge(const struct sl_config *config, struct sl_pg *pg,
	const char *video_id, const char *part, const struct sl_cost_facts *facts, bool more,
	struct sl_error *reterr);

/** For transactions: the provider failed a run, and does not bill it. */
SL_MUST_CHECK enum sl_err sl_usage_refund(
	struct sl_pg *pg, const char *video_id, const char *part, struct sl_error *reterr);

/** For transactions: reserves `micros`. COST_CAP when the month's cap would be passed, unless
 *  `always`. Nothing, not even a statement, where there is no cap. The video's row is there. */
SL_MUST_CHECK enum sl_err sl_usage_reserve(const struct sl_config *config, struct sl_pg *pg,
	const char *video_id, int64_t micros, bool always, struct sl_error *reterr);

/** For transactions: what is still to come is now known better. `raise`: only if it is more. */
SL_MUST_CHECK enum sl_err sl_usage_expect(const struct sl_config *config, struct sl_pg *pg,
	const char *video_id, int64_t micros, bool raise, struct sl_error *reterr);

/** For transactions: gives back what was not used. */
SL_MUST_CHECK enum sl_err sl_usage_release(
	struct sl_pg *pg, const char *video_id, struct sl_error *reterr);

/** What this month has cost and is expected to on top, in micro-dollars. */
SL_MUST_CHECK enum sl_err sl_usage_month(
	struct sl_pg *pg, int64_t *ret_spent, int64_t *ret_reserved, struct sl_error *reterr);

/** GET /usage: `month` "YYYY-MM", or NULL for this one. Appends the document. */
SL_MUST_CHECK enum sl_err sl_usage_read(const struct sl_config *config, struct sl_pg *pg,
	const char *month, struct sl_buf *out, struct sl_error *reterr);

/** {"date", "source", "region", "note"}: which prices hold in this region; owned by the caller. */
json_t *sl_usage_prices_json(const struct sl_prices *prices);

/** Milliseconds since 1970 at which the next month (UTC) begins. */
int64_t sl_usage_next_month_ms(int64_t now_ms);

#endif
