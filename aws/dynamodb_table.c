/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon DynamoDB, for administration: tables and point-in-time recovery. On the thread of the
 * client. */

#include "dynamodb_table.h"

#include "dynamodb_internal.h"
#include "json_spec.h"
#include "text.h"

enum sl_err sl_dynamodb_create_table(
	struct sl_client *client, const json_t *request, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	return sl_dynamodb_call(client, "CreateTable", sl_dynamodb_share(request), &answer, reterr);
}

enum sl_err sl_dynamodb_update_table(
	struct sl_client *client, const json_t *request, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	return sl_dynamodb_call(client, "UpdateTable", sl_dynamodb_share(request), &answer, reterr);
}

enum sl_err sl_dynamodb_describe_table(
	struct sl_client *client, const char *table, json_t **ret_table, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	enum sl_err err = sl_dynamodb_call(
		client, "DescribeTable", json_pack("{s:s}", "TableName", table), &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *description = json_object_get(answer, "Table");
	if (!json_is_object(description)) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "DynamoDB's DescribeTable has no Table");
	}
	*ret_table = json_incref(description);
	return SL_ERR_OK;
}

enum sl_err sl_dynamodb_get_recovery(
	struct sl_client *client, const char *table, bool *ret_enabled, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	enum sl_err err = sl_dynamodb_call(client, "DescribeContinuousBackups",
		json_pack("{s:s}", "TableName", table), &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const json_t *backups = json_object_get(answer, "ContinuousBackupsDescription");
	const json_t *recovery = json_object_get(backups, "PointInTimeRecoveryDescription");
	*ret_enabled = sl_text_equal(
		json_string_value(json_object_get(recovery, "PointInTimeRecoveryStatus")),
		"ENABLED");
	return SL_ERR_OK;
}

enum sl_err sl_dynamodb_set_recovery(
	struct sl_client *client, const char *table, bool enabled, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	return sl_dynamodb_call(client, "UpdateContinuousBackups",
		json_pack("{s:s, s:{s:b}}", "TableName", table, "PointInTimeRecoverySpecification",
			"PointInTimeRecoveryEnabled", enabled),
		&answer, reterr);
}
