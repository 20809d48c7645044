/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's GetItem, projections of reads, and what operations cost in capacity units. Any HTTP
 * thread.
 */

#include <string.h>

#include "lc_dynamodb_key.h"

/* --- capacity ---------------------------------------------------------------------------- */

double lc_ddb_read_units(size_t bytes, bool consistent)
{
	size_t blocks = bytes == 0 ? 1 : (bytes + 4095) / 4096;
	return (double)blocks * (consistent ? 1 : 0.5);
}

double lc_ddb_write_units(size_t bytes)
{
	size_t blocks = bytes == 0 ? 1 : (bytes + 1023) / 1024;
	return (double)blocks;
}

json_t *lc_ddb_capacity_of(const struct lc_ddb_call *call, const char *table, double units)
{
	const char *wanted = lc_ddb_string(call->in, "ReturnConsumedCapacity");
	if (wanted == NULL || strcmp(wanted, "NONE") == 0) {
		return NULL;
	}
	json_t *capacity = json_pack("{s:s, s:f}", "TableName", table, "CapacityUnits", units);
	if (strcmp(wanted, "INDEXES") == 0) {
		json_object_set_new(capacity, "Table", json_pack("{s:f}", "CapacityUnits", units));
	}
	return capacity;
}

void lc_ddb_capacity(const struct lc_ddb_call *call, const char *table, double units, json_t *reply)
{
	json_t *capacity = lc_ddb_capacity_of(call, table, units);
	if (capacity != NULL) {
		json_object_set_new(reply, "ConsumedCapacity", capacity);
	}
}

/* --- projections ------------------------------------------------------------------------- */

/* AttributesToGet is the older way to say ProjectionExpression: turned into one. */
bool lc_ddb_attributes_to_get(json_t *in, struct lc_ddb_error *error)
{
	json_t *attributes = json_object_get(in, "AttributesToGet");
	if (attributes == NULL) {
		return true;
	}
	if (json_object_get(in, "ProjectionExpression") != NULL ||
		json_object_get(in, "ExpressionAttributeNames") != NULL) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Can not use both expression and non-expression parameters in the same "
			"request: Non-expression parameters: {AttributesToGet} Expression "
			"parameters: {ProjectionExpression}");
	}
	json_t *names = json_object();
	SL_AUTO(sl_buf_finish)
	struct sl_buf expression = SL_BUF_INIT;
	size_t i;
	json_t *name;
	json_array_foreach (attributes, i, name) {
		for (size_t j = 0; j < i; j++) {
			if (json_equal(name, json_array_get(attributes, j))) {
				json_decref(names);
				return lc_ddb_fail(error, LC_DDB_VALIDATION,
					"One or more parameter values were invalid: Duplicate "
					"value "
					"in attribute name: %s",
					json_string_value(name));
			}
		}
		char placeholder[24];
		snprintf(placeholder, sizeof(placeholder), "#a%zu", i);
		sl_buf_printf(&expression, "%s%s", i == 0 ? "" : ",", placeholder);
		json_object_set(names, placeholder, name);
	}
	json_object_set_new(in, "ExpressionAttributeNames", names);
	json_object_set_new(in, "ProjectionExpression", json_string(sl_buf_str(&expression)));
	return true;
}

bool lc_ddb_projection_parse(struct lc_ddb_names *names, struct lc_ddb_expr *projection, json_t *in,
	struct lc_ddb_error *error)
{
	if (!lc_ddb_attributes_to_get(in, error)) {
		return false;
	}
	if (json_object_get(in, "ExpressionAttributeNames") != NULL &&
		json_object_get(in, "ProjectionExpression") == NULL) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"ExpressionAttributeNames can only be specified when using expressions");
	}
	return lc_ddb_names_init(names, in, error) &&
		lc_ddb_expr_parse(projection, in, "ProjectionExpression", LC_DDB_PROJECTION_GRAMMAR,
			names, error) &&
		lc_ddb_names_all_used(names, error);
}

/* --- GetItem ----------------------------------------------------------------------------- */

json_t *lc_ddb_get_item(struct lc_ddb_call *call)
{
	SL_AUTO(lc_ddb_names_finish)
	struct lc_ddb_names names = {NULL, NULL, NULL, NULL};
	SL_AUTO(lc_ddb_expr_finish)
	struct lc_ddb_expr projection = {NULL, NULL, 0, NULL};
	SL_AUTO(lc_ddb_table_finish)
	struct lc_ddb_table table = {.description = NULL};
	SL_AUTO(lc_ddb_key_finish)
	struct lc_ddb_key key = {0, SL_BUF_INIT, SL_BUF_INIT};
	json_t *given = json_object_get(call->in, "Key");
	if (!lc_ddb_item_check(given, &call->error) ||
		!lc_ddb_projection_parse(&names, &projection, call->in, &call->error)) {
		return NULL;
	}
	json_auto_t *item = NULL;
	lc_ddb_lock(false);
	bool ok = lc_ddb_table_find(lc_ddb_string(call->in, "TableName"), &table, &call->error) &&
		lc_ddb_key_check(&table, given, &call->error);
	if (ok) {
		lc_ddb_key_init(&key, &table, given);
		item = lc_ddb_item_get(&table, &key);
	}
	if (!lc_ddb_unlock(false, false, &call->error) || !ok) {
		return NULL;
	}
	json_t *reply = json_object();
	if (item != NULL) {
		json_object_set_new(reply, "Item", lc_ddb_project(&projection, item));
	}
	lc_ddb_capacity(call, table.name,
		lc_ddb_read_units(item == NULL ? 0 : lc_ddb_item_size(item),
			json_is_true(json_object_get(call->in, "ConsistentRead"))),
		reply);
	return reply;
}
