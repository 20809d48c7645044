/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_POLICY_H
#define SL_POLICY_H

/* IAM policy documents: compared by what they say, and joined without losing what others wrote.
 * Pure; any thread. */

#include <jansson.h>
#include <stdbool.h>

/** Whether two values say the same where order and the difference between a value and a list of it
 *  do not matter, as in policies. NULL equals only NULL. */
bool sl_policy_equal(const json_t *a, const json_t *b);

/** Whether all statements of `wanted` are in `have` (NULL: none). */
bool sl_policy_includes(const json_t *have, const json_t *wanted);

/** `have` (may be NULL) with the statements of `wanted`, which replace those of the same Sid. The
 *  statement that SNS gives every new topic is left out. The caller owns it. */
json_t *sl_policy_merge(const json_t *have, const json_t *wanted);

#endif
