/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DYNAMODB_TABLE_H
#define SL_DYNAMODB_TABLE_H

/* Amazon DynamoDB, for administration: tables and their backups. A table that does not exist is
 * TABLE_MISSING. The caller owns what is returned. One thread per client. */

#include "client.h"

/** CreateTable: {"TableName", "KeySchema", …} as AWS has it. The table is not ACTIVE yet. */
SL_MUST_CHECK enum sl_err sl_dynamodb_create_table(
	struct sl_client *client, const json_t *request, struct sl_error *reterr);

/** DescribeTable: its "Table". */
SL_MUST_CHECK enum sl_err sl_dynamodb_describe_table(
	struct sl_client *client, const char *table, json_t **ret_table, struct sl_error *reterr);

/** UpdateTable: {"TableName", …}. */
SL_MUST_CHECK enum sl_err sl_dynamodb_update_table(
	struct sl_client *client, const json_t *request, struct sl_error *reterr);

/** DescribeContinuousBackups: whether point-in-time recovery is on. */
SL_MUST_CHECK enum sl_err sl_dynamodb_get_recovery(
	struct sl_client *client, const char *table, bool *ret_enabled, struct sl_error *reterr);

/** UpdateContinuousBackups: switches it. */
SL_MUST_CHECK enum sl_err sl_dynamodb_set_recovery(
	struct sl_client *client, const char *table, bool enabled, struct sl_error *reterr);

#endif
