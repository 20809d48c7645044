/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's BatchGetItem and BatchWriteItem: each is one lock, and a batch of writes is one
 * transaction, all or nothing. Any HTTP thread.
 */

#include <string.h>

#include "lc_dynamodb_key.h"
#include "text.h"

/* --- batches ----------------------------------------------------------------------------- */

/* Notes a key; false when the batch had it before. */
static bool key_is_new(json_t *seen, const struct lc_ddb_table *table, const struct lc_ddb_key *key,
	struct lc_ddb_error *error)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_buf_printf(&text, "%lld/", (long long)table->id);
	sl_text_hex(&text, sl_buf_str(&key->partition), key->partition.len);
	sl_buf_putc(&text, '/');
	sl_text_hex(&text, sl_buf_str(&key->sort), key->sort.len);
	if (json_object_get(seen, sl_buf_str(&text)) != NULL) {
		return lc_ddb_fail(
			error, LC_DDB_VALIDATION, "Provided list of item keys contains duplicates");
	}
	json_object_set_new(seen, sl_buf_str(&text), json_true());
	return true;
}

struct batch_get {
	struct lc_ddb_call *call;
	json_t *seen, *responses, *unprocessed, *capacity;
	size_t bytes;
};

/* The keys of one table, in a lock. What passes 16 MB is left for the next call. */
static bool batch_get_table(struct batch_get *batch, const char *name, json_t *request,
	const struct lc_ddb_expr *projection)
{
	struct lc_ddb_error *error = &batch->call->error;
	SL_AUTO(lc_ddb_table_finish)
	struct lc_ddb_table table = {.description = NULL};
	if (!lc_ddb_table_find(name, &table, error)) {
		return false;
	}
	bool consistent = json_is_true(json_object_get(request, "ConsistentRead"));
	json_t *items = json_array(), *rest = json_array();
	json_object_set_new(batch->responses, name, items);
	double units = 0;
	size_t i;
	json_t *given;
	bool ok = true;
	json_array_foreach (json_object_get(request, "Keys"), i, given) {
		SL_AUTO(lc_ddb_key_finish)
		struct lc_ddb_key key = {0, SL_BUF_INIT, SL_BUF_INIT};
		ok = lc_ddb_key_check(&table, given, error);
		if (!ok) {
			break;
		}
		lc_ddb_key_init(&key, &table, given);
		ok = key_is_new(batch->seen, &table, &key, error);
		if (!ok) {
			break;
		}
		json_auto_t *item = lc_ddb_item_get(&table, &key);
		size_t size = item == NULL ? 0 : lc_ddb_item_size(item);
		if (batch->bytes + size > LC_DDB_BATCH_MAX) {
			json_array_append(rest, given);
			continue;
		}
		batch->bytes += size;
		units += lc_ddb_read_units(size, consistent);
		if (item != NULL) {
			json_array_append_new(items, lc_ddb_project(projection, item));
		}
	}
	if (json_array_size(rest) > 0) {
		json_t *again = json_copy(request);
		json_object_set(again, "Keys", rest);
		json_object_set_new(batch->unprocessed, name, again);
	}
	json_decref(rest);
	json_t *capacity = lc_ddb_capacity_of(batch->call, name, units);
	if (capacity != NULL) {
		json_array_append_new(batch->capacity, capacity);
	}
	return ok;
}

static bool batch_get_check(json_t *request, size_t *total, struct lc_ddb_error *error)
{
	size_t i;
	json_t *key;
	json_array_foreach (json_object_get(request, "Keys"), i, key) {
		if (!lc_ddb_item_check(key, error)) {
			return false;
		}
		if (++*total > 100) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"Too many items requested for the BatchGetItem call");
		}
	}
	return true;
}

json_t *lc_ddb_batch_get_item(struct lc_ddb_call *call)
{
	json_auto_t *seen = json_object();
	json_auto_t *capacity = json_array();
	json_auto_t *reply = json_pack("{s:{}, s:{}}", "Responses", "UnprocessedKeys");
	struct batch_get batch = {call, seen, json_object_get(reply, "Responses"),
		json_object_get(reply, "UnprocessedKeys"), capacity, 0};
	const char *table;
	json_t *request;
	size_t total = 0;
	json_object_foreach (json_object_get(call->in, "RequestItems"), table, request) {
		if (!batch_get_check(request, &total, &call->error)) {
			return NULL;
		}
	}
	bool ok = true;
	lc_ddb_lock(false);
	json_object_foreach (json_object_get(call->in, "RequestItems"), table, request) {
		SL_AUTO(lc_ddb_names_finish)
		struct lc_ddb_names names = {NULL, NULL, NULL, NULL};
		SL_AUTO(lc_ddb_expr_finish)
		struct lc_ddb_expr projection = {NULL, NULL, 0, NULL};
		ok = ok && lc_ddb_projection_parse(&names, &projection, request, &call->error) &&
			batch_get_table(&batch, table, request, &projection);
	}
	if (!lc_ddb_unlock(false, false, &call->error) || !ok) {
		return NULL;
	}
	if (json_array_size(capacity) > 0) {
		json_object_set(reply, "ConsumedCapacity", capacity);
	}
	return json_incref(reply);
}

static bool write_check(json_t *write, size_t *bytes, struct lc_ddb_error *error)
{
	json_t *put = json_object_get(json_object_get(write, "PutRequest"), "Item");
	json_t *key = json_object_get(json_object_get(write, "DeleteRequest"), "Key");
	if ((put == NULL) == (key == NULL)) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Supplied AttributeValue has more than one datatypes set, must contain "
			"exactly one of the supported datatypes");
	}
	if (!lc_ddb_item_check(put != NULL ? put : key, error)) {
		return false;
	}
	size_t size = put == NULL ? 0 : lc_ddb_item_size(put);
	*bytes += size;
	if (size > LC_DDB_ITEM_MAX) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Item size has exceeded the maximum allowed size");
	}
	return true;
}

static bool batch_write_check(const json_t *tables, struct lc_ddb_error *error)
{
	const char *table;
	json_t *writes;
	size_t total = 0, bytes = 0;
	json_object_foreach ((json_t *)(uintptr_t)tables, table, writes) {
		size_t i;
		json_t *write;
		json_array_foreach (writes, i, write) {
			if (!write_check(write, &bytes, error)) {
				return false;
			}
		}
		total += json_array_size(writes);
	}
	if (total > 25) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Too many items requested for the BatchWriteItem call");
	}
	if (bytes > LC_DDB_BATCH_MAX) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"The total size of all items in the request must not exceed 16 MB");
	}
	return true;
}

/* One put or delete of a batch, in a transaction. */
static bool batch_write_one(struct lc_ddb_table *table, json_t *write, json_t *seen, double *units,
	struct lc_ddb_error *error)
{
	json_t *put = json_object_get(json_object_get(write, "PutRequest"), "Item");
	json_t *given =
		put != NULL ? put : json_object_get(json_object_get(write, "DeleteRequest"), "Key");
	struct lc_ddb_error inner = {NULL, NULL, NULL};
	if (put != NULL && !lc_ddb_key_check_item(table, put, &inner)) {
		/* In a batch AWS words a key that is missing or of another type shorter. */
		bool mismatch = strstr(inner.message, "Missing the key") != NULL ||
			strstr(inner.message, "Type mismatch for key") != NULL;
		lc_ddb_fail(error, inner.code, "%s",
			mismatch ? "The provided key element does not match the schema"
				 : inner.message);
		lc_ddb_error_finish(&inner);
		return false;
	}
	if (put == NULL && !lc_ddb_key_check(table, given, error)) {
		return false;
	}
	SL_AUTO(lc_ddb_key_finish)
	struct lc_ddb_key key = {0, SL_BUF_INIT, SL_BUF_INIT};
	lc_ddb_key_init(&key, table, given);
	if (!key_is_new(seen, table, &key, error)) {
		return false;
	}
	*units += lc_ddb_write_units(put == NULL ? 0 : lc_ddb_item_size(put));
	if (put != NULL) {
		lc_ddb_item_put(table, &key, put);
	} else {
		lc_ddb_item_delete(table, &key);
	}
	return true;
}

static bool batch_write_table(struct lc_ddb_call *call, const char *name, const json_t *writes,
	json_t *seen, json_t *capacity)
{
	SL_AUTO(lc_ddb_table_finish)
	struct lc_ddb_table table = {.description = NULL};
	if (!lc_ddb_table_find(name, &table, &call->error)) {
		return false;
	}
	double units = 0;
	size_t i;
	json_t *write;
	json_array_foreach (writes, i, write) {
		if (!batch_write_one(&table, write, seen, &units, &call->error)) {
			return false;
		}
	}
	json_t *used = lc_ddb_capacity_of(call, name, units);
	if (used != NULL) {
		json_array_append_new(capacity, used);
	}
	return true;
}

json_t *lc_ddb_batch_write_item(struct lc_ddb_call *call)
{
	const json_t *tables = json_object_get(call->in, "RequestItems");
	if (!batch_write_check(tables, &call->error)) {
		return NULL;
	}
	json_auto_t *seen = json_object();
	json_auto_t *capacity = json_array();
	const char *name;
	json_t *writes;
	bool ok = true;
	lc_ddb_lock(true);
	json_object_foreach ((json_t *)(uintptr_t)tables, name, writes) {
		ok = ok && batch_write_table(call, name, writes, seen, capacity);
	}
	if (!lc_ddb_unlock(true, !ok, &call->error) || !ok) {
		return NULL;
	}
	json_t *reply = json_pack("{s:{}}", "UnprocessedItems");
	if (json_array_size(capacity) > 0) {
		json_object_set(reply, "ConsumedCapacity", capacity);
	}
	return reply;
}
