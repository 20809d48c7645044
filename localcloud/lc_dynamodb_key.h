/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_DYNAMODB_KEY_H
#define LC_DYNAMODB_KEY_H

/* Key conditions of a Query: dynamodb_key.c. Pure functions, any thread. */

#include "lc_dynamodb.h"

/**
 * Reads a KeyConditionExpression: the partition to look at and the bounds of the sort key, whose
 * bytes the caller owns in any case. `ret_sorted` tells whether there is a sort condition.
 */
SL_MUST_CHECK bool lc_ddb_key_condition(const struct lc_ddb_expr *expr,
	const struct lc_ddb_table *table, struct lc_ddb_key *ret_partition,
	struct lc_ddb_bound *ret_low, struct lc_ddb_bound *ret_high, bool *ret_sorted,
	struct lc_ddb_error *error);

/** Whether a sort key lies within the bounds. */
bool lc_ddb_bounds_hold(
	const struct lc_ddb_bound *low, const struct lc_ddb_bound *high, const struct sl_buf *sort);

/** Turns AttributesToGet, the older way, into a ProjectionExpression. */
SL_MUST_CHECK bool lc_ddb_attributes_to_get(json_t *in, struct lc_ddb_error *error);

/** The ProjectionExpression (or AttributesToGet) of a request that has no other expression. */
SL_MUST_CHECK bool lc_ddb_projection_parse(struct lc_ddb_names *names,
	struct lc_ddb_expr *projection, json_t *in, struct lc_ddb_error *error);

#endif
