/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DYNAMODB_INTERNAL_H
#define SL_DYNAMODB_INTERNAL_H

/* Inside aws/: what dynamodb.c and dynamodb_batch.c share. */

#include "call.h"
#include "dynamodb.h"

/** Another reference to a value that the caller keeps for as long as the reference lives. */
json_t *sl_dynamodb_share(const json_t *value);

/** One operation; sending it twice must be harmless. Takes over `body`, also on failure; NULL
 *  (a string in it was not UTF-8) is BAD_VALUE. The caller owns `*ret_answer`. */
SL_MUST_CHECK enum sl_err sl_dynamodb_call(struct sl_client *client, const char *operation,
	json_t *body, json_t **ret_answer, struct sl_error *reterr);

#endif
