/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's PutItem, DeleteItem and UpdateItem: expressions are parsed first, then one
 * transaction reads the old item, decides the condition and writes. Any HTTP thread.
 */

#include <string.h>

#include "lc_dynamodb.h"

/* What the three have in common. */
struct change {
	struct lc_ddb_names names;
	struct lc_ddb_expr condition, update;
	struct lc_ddb_table table;
	struct lc_ddb_key key;
	json_t *before, *after; /* owned; NULL: no item */
};

static void change_finish(struct change *change)
{
	lc_ddb_expr_finish(&change->condition);
	lc_ddb_expr_finish(&change->update);
	lc_ddb_names_finish(&change->names);
	lc_ddb_table_finish(&change->table);
	lc_ddb_key_finish(&change->key);
	json_decref(change->before);
	json_decref(change->after);
}

static bool expressions_given_check(const json_t *in, bool any, struct lc_ddb_error *error)
{
	if (any) {
		return true;
	}
	if (json_object_get(in, "ExpressionAttributeNames") != NULL) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"ExpressionAttributeNames can only be specified when using expressions");
	}
	if (json_object_get(in, "ExpressionAttributeValues") != NULL) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"ExpressionAttributeValues can only be specified when using expressions: "
			"%s",
			json_object_get(in, "Key") != NULL ? "UpdateExpression and "
							     "ConditionExpression are null"
							   : "ConditionExpression is null");
	}
	return true;
}

static bool change_parse(struct change *change, json_t *in, struct lc_ddb_error *error)
{
	bool any = json_object_get(in, "ConditionExpression") != NULL ||
		json_object_get(in, "UpdateExpression") != NULL;
	return expressions_given_check(in, any, error) &&
		lc_ddb_names_init(&change->names, in, error) &&
		lc_ddb_expr_parse(&change->update, in, "UpdateExpression", LC_DDB_UPDATE_GRAMMAR,
			&change->names, error) &&
		lc_ddb_expr_parse(&change->condition, in, "ConditionExpression",
			LC_DDB_CONDITION_GRAMMAR, &change->names, error) &&
		lc_ddb_names_all_used(&change->names, error);
}

static bool returns(const json_t *in, const char *member, const char *what)
{
	const char *value = lc_ddb_string(in, member);
	return value != NULL && strcmp(value, what) == 0;
}

static bool return_values_check(const json_t *in, struct lc_ddb_error *error)
{
	const char *value = lc_ddb_string(in, "ReturnValues");
	if (value != NULL && strcmp(value, "NONE") != 0 && strcmp(value, "ALL_OLD") != 0) {
		return lc_ddb_fail(
			error, LC_DDB_VALIDATION, "ReturnValues can only be ALL_OLD or NONE");
	}
	return true;
}

/* Reads the old item and decides the condition. */
static bool change_allowed(struct lc_ddb_call *call, struct change *change)
{
	change->before = lc_ddb_item_get(&change->table, &change->key);
	if (lc_ddb_matches(&change->condition, change->before)) {
		return true;
	}
	lc_ddb_fail(&call->error, LC_DDB_CONDITION, "The conditional request failed");
	if (returns(call->in, "ReturnValuesOnConditionCheckFailure", "ALL_OLD")) {
		call->error.item = json_incref(change->before);
	}
	return false;
}

static json_t *change_reply(struct lc_ddb_call *call, const struct change *change)
{
	json_t *reply = json_object();
	if (returns(call->in, "ReturnValues", "ALL_OLD") && change->before != NULL) {
		json_object_set(reply, "Attributes", change->before);
	} else if (returns(call->in, "ReturnValues", "ALL_NEW")) {
		json_object_set(reply, "Attributes", change->after);
	} else if (returns(call->in, "ReturnValues", "UPDATED_OLD") && change->before != NULL) {
		json_object_set_new(
			reply, "Attributes", lc_ddb_project(&change->update, change->before));
	} else if (returns(call->in, "ReturnValues", "UPDATED_NEW")) {
		json_object_set_new(
			reply, "Attributes", lc_ddb_project(&change->update, change->after));
	}
	json_t *attributes = json_object_get(reply, "Attributes");
	if (attributes != NULL && json_object_size(attributes) == 0) {
		json_object_del(reply, "Attributes");
	}
	size_t before = change->before == NULL ? 0 : lc_ddb_item_size(change->before);
	size_t after = change->after == NULL ? 0 : lc_ddb_item_size(change->after);
	lc_ddb_capacity(call, change->table.name,
		lc_ddb_write_units(before > after ? before : after), reply);
	return reply;
}

/* Runs `step` between lock and unlock; the reply, or NULL. */
static json_t *change_commit(struct lc_ddb_call *call, struct change *change,
	bool (*step)(struct lc_ddb_call *call, struct change *change))
{
	lc_ddb_lock(true);
	bool ok = lc_ddb_table_find(
			  lc_ddb_string(call->in, "TableName"), &change->table, &call->error) &&
		step(call, change);
	if (!lc_ddb_unlock(true, !ok, &call->error) || !ok) {
		return NULL;
	}
	return change_reply(call, change);
}

/* --- PutItem ----------------------------------------------------------------------------- */

static bool put_step(struct lc_ddb_call *call, struct change *change)
{
	if (!lc_ddb_key_check_item(&change->table, change->after, &call->error)) {
		return false;
	}
	lc_ddb_key_init(&change->key, &change->table, change->after);
	if (!change_allowed(call, change)) {
		return false;
	}
	lc_ddb_item_put(&change->table, &change->key, change->after);
	return true;
}

json_t *lc_ddb_put_item(struct lc_ddb_call *call)
{
	SL_AUTO(change_finish)
	struct change change = {.table = {.description = NULL}};
	json_t *item = json_object_get(call->in, "Item");
	if (!lc_ddb_item_check(item, &call->error) ||
		!return_values_check(call->in, &call->error)) {
		return NULL;
	}
	if (lc_ddb_item_size(item) > LC_DDB_ITEM_MAX) {
		lc_ddb_fail(&call->error, LC_DDB_VALIDATION,
			"Item size has exceeded the maximum allowed size");
		return NULL;
	}
	if (!change_parse(&change, call->in, &call->error)) {
		return NULL;
	}
	change.after = json_incref(item);
	return change_commit(call, &change, put_step);
}

/* --- DeleteItem -------------------------------------------------------------------------- */

static bool delete_step(struct lc_ddb_call *call, struct change *change)
{
	const json_t *key = json_object_get(call->in, "Key");
	if (!lc_ddb_key_check(&change->table, key, &call->error)) {
		return false;
	}
	lc_ddb_key_init(&change->key, &change->table, key);
	if (!change_allowed(call, change)) {
		return false;
	}
	lc_ddb_item_delete(&change->table, &change->key);
	return true;
}

json_t *lc_ddb_delete_item(struct lc_ddb_call *call)
{
	SL_AUTO(change_finish)
	struct change change = {.table = {.description = NULL}};
	if (!lc_ddb_item_check(json_object_get(call->in, "Key"), &call->error) ||
		!return_values_check(call->in, &call->error) ||
		!change_parse(&change, call->in, &call->error)) {
		return NULL;
	}
	return change_commit(call, &change, delete_step);
}

/* --- UpdateItem -------------------------------------------------------------------------- */

/* An update may not touch the key. */
static bool update_key_check(struct change *change, struct lc_ddb_error *error)
{
	for (size_t i = 0; i < change->update.count; i++) {
		const char *name = change->update.list[i]->args[0]->path.steps[0].name;
		for (size_t j = 0; j < change->table.key_count; j++) {
			if (strcmp(name, change->table.key[j].name) == 0) {
				return lc_ddb_fail(error, LC_DDB_VALIDATION,
					"One or more parameter values were invalid: Cannot update "
					"attribute %s. This attribute is part of the key",
					name);
			}
		}
	}
	return true;
}

static bool update_step(struct lc_ddb_call *call, struct change *change)
{
	json_t *key = json_object_get(call->in, "Key");
	if (!lc_ddb_key_check(&change->table, key, &call->error) ||
		!update_key_check(change, &call->error)) {
		return false;
	}
	lc_ddb_key_init(&change->key, &change->table, key);
	if (!change_allowed(call, change)) {
		return false;
	}
	change->after = json_deep_copy(change->before != NULL ? change->before : key);
	if (!lc_ddb_update(&change->update, change->after, &call->error)) {
		return false;
	}
	if (lc_ddb_item_size(change->after) > LC_DDB_ITEM_MAX) {
		return lc_ddb_fail(&call->error, LC_DDB_VALIDATION,
			"Item size to update has exceeded the maximum allowed size");
	}
	lc_ddb_item_put(&change->table, &change->key, change->after);
	return true;
}

json_t *lc_ddb_update_item(struct lc_ddb_call *call)
{
	SL_AUTO(change_finish)
	struct change change = {.table = {.description = NULL}};
	if (!lc_ddb_item_check(json_object_get(call->in, "Key"), &call->error) ||
		!change_parse(&change, call->in, &call->error)) {
		return NULL;
	}
	return change_commit(call, &change, update_step);
}
