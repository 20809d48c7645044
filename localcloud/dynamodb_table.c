/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's operations on tables. A table is ACTIVE as soon as it is created and gone as soon as
 * it is deleted, but the replies say CREATING and DELETING as AWS's do. Any HTTP thread.
 */

#include <string.h>

#include "clock.h"
#include "lc_dynamodb.h"
#include "uuid.h"

/* --- CreateTable ------------------------------------------------------------------------- */

static void names_print(struct sl_buf *out, const json_t *list)
{
	size_t i;
	json_t *element;
	sl_buf_putc(out, '[');
	json_array_foreach (list, i, element) {
		sl_buf_printf(
			out, "%s%s", i == 0 ? "" : ", ", lc_ddb_string(element, "AttributeName"));
	}
	sl_buf_putc(out, ']');
}

static bool defined(const json_t *definitions, const char *name)
{
	size_t i;
	json_t *definition;
	json_array_foreach (definitions, i, definition) {
		if (strcmp(lc_ddb_string(definition, "AttributeName"), name) == 0) {
			return true;
		}
	}
	return false;
}

static bool throughput_check(const json_t *in, struct lc_ddb_error *error)
{
	const char *mode = lc_ddb_string(in, "BillingMode");
	const json_t *throughput = json_object_get(in, "ProvisionedThroughput");
	bool on_demand = mode != NULL && strcmp(mode, "PAY_PER_REQUEST") == 0;
	if (on_demand && throughput != NULL) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"One or more parameter values were invalid: Neither ReadCapacityUnits nor "
			"WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
	}
	if (!on_demand &&
		(json_object_get(throughput, "ReadCapacityUnits") == NULL ||
			json_object_get(throughput, "WriteCapacityUnits") == NULL)) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"One or more parameter values were invalid: ReadCapacityUnits and "
			"WriteCapacityUnits must both be specified when BillingMode is "
			"PROVISIONED");
	}
	return true;
}

static bool key_type_is(const json_t *schema, size_t i, const char *type)
{
	return strcmp(lc_ddb_string(json_array_get(schema, i), "KeyType"), type) == 0;
}

static bool schema_defined_check(
	const json_t *schema, const json_t *definitions, struct lc_ddb_error *error)
{
	size_t i;
	json_t *element;
	json_array_foreach (schema, i, element) {
		const char *name = lc_ddb_string(element, "AttributeName");
		if (strlen(name) < 1 || strlen(name) > 255) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"One or more parameter values were invalid: Attribute names must "
				"be "
				"between 1 and 255 bytes long");
		}
		if (!defined(definitions, name)) {
			SL_AUTO(sl_buf_finish)
			struct sl_buf words = SL_BUF_INIT;
			sl_buf_puts(&words, "Keys: ");
			names_print(&words, schema);
			sl_buf_puts(&words, ", AttributeDefinitions: ");
			names_print(&words, definitions);
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"One or more parameter values were invalid: Some index key "
				"attributes are not defined in AttributeDefinitions. %s",
				sl_buf_str(&words));
		}
	}
	return true;
}

static bool schema_check(const json_t *in, struct lc_ddb_error *error)
{
	const json_t *schema = json_object_get(in, "KeySchema");
	const json_t *definitions = json_object_get(in, "AttributeDefinitions");
	size_t count = json_array_size(schema);
	if (count > json_array_size(definitions)) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Invalid KeySchema: Some index key attribute have no definition");
	}
	if (!schema_defined_check(schema, definitions, error)) {
		return false;
	}
	if (count == 2 &&
		strcmp(lc_ddb_string(json_array_get(schema, 0), "AttributeName"),
			lc_ddb_string(json_array_get(schema, 1), "AttributeName")) == 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Both the Hash Key and the Range Key element in the KeySchema have the "
			"same name");
	}
	if (!key_type_is(schema, 0, "HASH")) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
	}
	if (count == 2 && !key_type_is(schema, 1, "RANGE")) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
	}
	if (count != json_array_size(definitions)) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"One or more parameter values were invalid: Number of attributes in "
			"KeySchema does not exactly match number of attributes defined in "
			"AttributeDefinitions");
	}
	return true;
}

static json_t *description_create(const json_t *in)
{
	const char *name = lc_ddb_string(in, "TableName");
	char id[SL_UUID_SIZE];
	sl_uuid_create(id);
	SL_AUTO(sl_freep)
	char *arn =
		sl_asprintf("arn:aws:dynamodb:%s:%s:table/%s", lc_ddb_region(), LC_ACCOUNT, name);
	double now = (double)sl_clock_now_ms() / 1000;
	json_t *description = json_pack("{s:O, s:O, s:s, s:s, s:s, s:f}", "AttributeDefinitions",
		json_object_get(in, "AttributeDefinitions"), "KeySchema",
		json_object_get(in, "KeySchema"), "TableName", name, "TableArn", arn, "TableId", id,
		"CreationDateTime", now);
	const json_t *given = json_object_get(in, "ProvisionedThroughput");
	json_int_t read = json_integer_value(json_object_get(given, "ReadCapacityUnits"));
	json_int_t write = json_integer_value(json_object_get(given, "WriteCapacityUnits"));
	json_object_set_new(description, "ProvisionedThroughput",
		json_pack("{s:i, s:I, s:I}", "NumberOfDecreasesToday", 0, "ReadCapacityUnits", read,
			"WriteCapacityUnits", write));
	if (given == NULL) {
		json_object_set_new(description, "BillingModeSummary",
			json_pack("{s:s, s:f}", "BillingMode", "PAY_PER_REQUEST",
				"LastUpdateToPayPerRequestDateTime", now));
	}
	return description;
}

/* Of the description that is kept, what no reply has: whether point-in-time recovery is on. */
static const char recovery[] = "localcloud:Recovery";

/* The reply's form: with status and counters. The description is released. */
static json_t *description_reply(
	const char *member, json_t *description, const char *status, int64_t items, int64_t bytes)
{
	json_object_del(description, recovery);
	json_object_set_new(description, "TableStatus", json_string(status));
	json_object_set_new(description, "ItemCount", json_integer(items));
	json_object_set_new(description, "TableSizeBytes", json_integer(bytes));
	return json_pack("{s:o}", member, description);
}

json_t *lc_ddb_create_table(struct lc_ddb_call *call)
{
	if (!throughput_check(call->in, &call->error) || !schema_check(call->in, &call->error)) {
		return NULL;
	}
	const char *name = lc_ddb_string(call->in, "TableName");
	json_auto_t *description = description_create(call->in);
	lc_ddb_lock(true);
	bool created = lc_ddb_table_insert(name, description);
	if (!lc_ddb_unlock(true, !created, &call->error)) {
		return NULL;
	}
	if (!created) {
		lc_ddb_fail(&call->error, LC_DDB_IN_USE, "Table already exists: %s", name);
		return NULL;
	}
	return description_reply("TableDescription", json_incref(description), "CREATING", 0, 0);
}

/* --- the others -------------------------------------------------------------------------- */

/* DescribeTable and DeleteTable name the table in their error, item operations do not. */
static bool named_table_find(struct lc_ddb_call *call, struct lc_ddb_table *table)
{
	const char *name = lc_ddb_string(call->in, "TableName");
	struct lc_ddb_error error = {NULL, NULL, NULL};
	if (lc_ddb_table_find(name, table, &error)) {
		return true;
	}
	lc_ddb_error_finish(&error);
	return lc_ddb_fail(&call->error, LC_DDB_NOT_FOUND,
		"Requested resource not found: Table: %s not found", name);
}

json_t *lc_ddb_describe_table(struct lc_ddb_call *call)
{
	struct lc_ddb_table table;
	json_t *reply = NULL;
	lc_ddb_lock(false);
	if (named_table_find(call, &table)) {
		int64_t items, bytes;
		lc_ddb_table_count(table.id, &items, &bytes);
		reply = description_reply(
			"Table", json_incref(table.description), "ACTIVE", items, bytes);
		lc_ddb_table_finish(&table);
	}
	if (!lc_ddb_unlock(false, false, &call->error)) {
		json_decref(reply);
		return NULL;
	}
	return reply;
}

json_t *lc_ddb_delete_table(struct lc_ddb_call *call)
{
	struct lc_ddb_table table;
	json_t *reply = NULL;
	lc_ddb_lock(true);
	if (named_table_find(call, &table)) {
		lc_ddb_table_remove(table.id);
		reply = description_reply(
			"TableDescription", json_incref(table.description), "DELETING", 0, 0);
		lc_ddb_table_finish(&table);
	}
	if (!lc_ddb_unlock(true, reply == NULL, &call->error)) {
		json_decref(reply);
		return NULL;
	}
	return reply;
}

/* Calls `change` with the table's description, and stores it again when there is `request`. */
static json_t *with_table(struct lc_ddb_call *call, const json_t *request,
	json_t *(*change)(json_t *description, const json_t *request))
{
	struct lc_ddb_table table;
	json_t *reply = NULL;
	lc_ddb_lock(request != NULL);
	if (named_table_find(call, &table)) {
		reply = change(table.description, request);
		if (request != NULL) {
			lc_ddb_table_update(table.id, table.description);
		}
		lc_ddb_table_finish(&table);
	}
	if (!lc_ddb_unlock(request != NULL, reply == NULL, &call->error)) {
		json_decref(reply);
		return NULL;
	}
	return reply;
}

static json_t *update(json_t *description, const json_t *request)
{
	const json_t *given = json_object_get(request, "ProvisionedThroughput");
	const char *mode = lc_ddb_string(request, "BillingMode");
	json_t *throughput = json_object_get(description, "ProvisionedThroughput");
	bool on_demand = mode != NULL && strcmp(mode, "PAY_PER_REQUEST") == 0;
	if (mode != NULL) {
		json_object_set_new(
			description, "BillingModeSummary", json_pack("{s:s}", "BillingMode", mode));
	}
	static const char *const units[] = {"ReadCapacityUnits", "WriteCapacityUnits"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(units); i++) {
		if (given != NULL || on_demand) {
			json_object_set_new(throughput, units[i],
				json_integer(json_integer_value(json_object_get(given, units[i]))));
		}
	}
	return description_reply("TableDescription", json_deep_copy(description), "UPDATING", 0, 0);
}

json_t *lc_ddb_update_table(struct lc_ddb_call *call)
{
	const char *mode = lc_ddb_string(call->in, "BillingMode");
	if (mode != NULL && !throughput_check(call->in, &call->error)) {
		return NULL;
	}
	return with_table(call, call->in, update);
}

/* There are no backups here: that they are switched on is all that is known of them. */
static json_t *describe_backups(json_t *description, const json_t *request)
{
	if (request != NULL) {
		const json_t *specification =
			json_object_get(request, "PointInTimeRecoverySpecification");
		json_object_set(description, recovery,
			json_object_get(specification, "PointInTimeRecoveryEnabled"));
	}
	bool on = json_is_true(json_object_get(description, recovery));
	return json_pack("{s:{s:s, s:{s:s}}}", "ContinuousBackupsDescription",
		"ContinuousBackupsStatus", "ENABLED", "PointInTimeRecoveryDescription",
		"PointInTimeRecoveryStatus", on ? "ENABLED" : "DISABLED");
}

json_t *lc_ddb_describe_backups(struct lc_ddb_call *call)
{
	return with_table(call, NULL, describe_backups);
}

json_t *lc_ddb_update_backups(struct lc_ddb_call *call)
{
	return with_table(call, call->in, describe_backups);
}

json_t *lc_ddb_list_tables(struct lc_ddb_call *call)
{
	const json_t *given = json_object_get(call->in, "Limit");
	size_t limit = given == NULL ? 100 : (size_t)json_integer_value(given);
	lc_ddb_lock(false);
	json_auto_t *names = lc_ddb_table_names(
		lc_ddb_string(call->in, "ExclusiveStartTableName"), (int64_t)limit + 1);
	if (!lc_ddb_unlock(false, false, &call->error)) {
		return NULL;
	}
	bool more = json_array_size(names) > limit;
	if (more) {
		json_array_remove(names, limit);
	}
	json_t *reply = json_pack("{s:O}", "TableNames", names);
	if (more) {
		json_object_set(reply, "LastEvaluatedTableName", json_array_get(names, limit - 1));
	}
	return reply;
}
