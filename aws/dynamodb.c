/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon DynamoDB, one request each: PutItem, GetItem, Query, Scan.
 * Batches are in dynamodb_batch.c, sizes in dynamodb_size.c, tables in dynamodb_table.c. On the
 * thread of the client.
 */
#include "dynamodb.h"

#include "call.h"
#include "dynamodb_internal.h"
#include "json_spec.h"
#include "text.h"

/* BatchGetItem returns 16 MB of data at most; escaped as JSON it can be several times that. */
#define MAX_ANSWER (64u << 20)

json_t *sl_dynamodb_share(const json_t *value)
{
	return json_incref((json_t *)(uintptr_t)value);
}

/* Unlike an object or a job, the table can be made while results wait for it. */
static enum sl_err table_missing(const char *table, struct sl_error *reterr)
{
	if (reterr != NULL) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		sl_error_move(&error, reterr);
		sl_error_set(reterr, SL_ERR_TABLE_MISSING,
			"there is no DynamoDB table %s in this account and region: create it "
			"(spotlist provision) or correct SPOTLIST_TABLE",
			table != NULL ? table : "as asked for");
		reterr->provider = sl_error_copy_provider(&error.provider);
	}
	return SL_ERR_TABLE_MISSING;
}

enum sl_err sl_dynamodb_call(struct sl_client *client, const char *operation, json_t *body,
	json_t **ret_answer, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *owned = body;
	if (owned == NULL) {
		return sl_error_set(reterr, SL_ERR_BAD_VALUE,
			"DynamoDB's %s was asked for something that is not UTF-8", operation);
	}
	const struct sl_call call = {
		.service = SL_SERVICE_DYNAMODB,
		.operation = operation,
		.method = "POST",
		.path = "/",
		.idempotent = true,
		.max_answer = MAX_ANSWER,
	};
	enum sl_err err = sl_call_json(client, &call, owned, ret_answer, reterr);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		err = table_missing(json_string_value(json_object_get(owned, "TableName")), reterr);
	}
	return err;
}

enum sl_err sl_dynamodb_put_item(
	struct sl_client *client, const char *table, const json_t *item, struct sl_error *reterr)
{
	json_t *body = json_pack("{s:s, s:o}", "TableName", table, "Item", sl_dynamodb_share(item));
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	return sl_dynamodb_call(client, "PutItem", body, &answer, reterr);
}

enum sl_err sl_dynamodb_may_put(struct sl_client *client, const char *table,
	const char *partition_key, const char *absent, struct sl_error *reterr)
{
	json_t *body = json_pack("{s:s, s:{s:{s:s}}, s:s, s:{s:s}}", "TableName", table, "Item",
		partition_key, "S", absent, "ConditionExpression", "attribute_exists(#k)",
		"ExpressionAttributeNames", "#k", partition_key);
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_dynamodb_call(client, "PutItem", body, &answer, &error);
	if (sl_text_equal(error.provider.code, "ConditionalCheckFailedException")) {
		return SL_ERR_OK;
	}
	if (err != SL_ERR_OK) {
		sl_error_move(reterr, &error);
	}
	return err;
}

enum sl_err sl_dynamodb_get_item(struct sl_client *client, const char *table, const json_t *key,
	json_t **ret_item, struct sl_error *reterr)
{
	json_t *body = json_pack("{s:s, s:o, s:b}", "TableName", table, "Key",
		sl_dynamodb_share(key), "ConsistentRead", 1);
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = sl_dynamodb_call(client, "GetItem", body, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *item = json_object_get(answer, "Item");
	if (item != NULL && !json_is_object(item)) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "DynamoDB's GetItem has an Item that is none");
	}
	*ret_item = item != NULL ? json_incref(item) : NULL;
	return SL_ERR_OK;
}

enum sl_err sl_dynamodb_item_exists(struct sl_client *client, const char *table,
	const char *partition_key, const char *value, bool *ret, struct sl_error *reterr)
{
	json_t *body = json_pack("{s:s, s:{s:{s:s}}, s:b, s:s, s:{s:s}}", "TableName", table, "Key",
		partition_key, "S", value, "ConsistentRead", 1, "ProjectionExpression", "#k",
		"ExpressionAttributeNames", "#k", partition_key);
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = sl_dynamodb_call(client, "GetItem", body, &answer, reterr);
	if (err == SL_ERR_OK) {
		*ret = json_object_get(answer, "Item") != NULL;
	}
	return err;
}

/* --- pages ---------------------------------------------------------------------------------- */

static enum sl_err get_page(struct sl_client *client, const char *operation, const char *table,
	const json_t *request, json_t **ret_answer, struct sl_error *reterr)
{
	json_t *body = request != NULL ? json_copy((json_t *)(uintptr_t)request) : json_object();
	if (json_object_set_new(body, "TableName", json_string(table)) != 0) {
		json_decref(body);
		body = NULL;
	}
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = sl_dynamodb_call(client, operation, body, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	/* Select=COUNT is answered without Items. */
	const json_t *items = json_object_get(answer, "Items");
	if (!json_is_array(items) && !json_is_integer(json_object_get(answer, "Count"))) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"DynamoDB's %s has neither Items nor Count", operation);
	}
	*ret_answer = sl_take(&answer);
	return SL_ERR_OK;
}

enum sl_err sl_dynamodb_query(struct sl_client *client, const char *table, const json_t *request,
	json_t **ret_answer, struct sl_error *reterr)
{
	return get_page(client, "Query", table, request, ret_answer, reterr);
}

enum sl_err sl_dynamodb_scan(struct sl_client *client, const char *table, const json_t *request,
	json_t **ret_answer, struct sl_error *reterr)
{
	return get_page(client, "Scan", table, request, ret_answer, reterr);
}
