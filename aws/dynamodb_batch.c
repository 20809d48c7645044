/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any number of DynamoDB items in batches: BatchWriteItem and BatchGetItem with their limits, and
 * what came back unprocessed sent again, within the deadline of the client. Entry points:
 * sl_dynamodb_batch_put(), _delete(), _get(). On the thread of the client.
 */
#include "call_internal.h"
#include "clock.h"
#include "dynamodb_internal.h"
#include "json_spec.h"
#include "retry.h"

#define MAX_WRITES 25
#define MAX_GETS   100
/* 16 MB of the request as JSON, which is never shorter than what AWS counts. */
#define MAX_REQUEST_BYTES (16u << 20)
#define REQUEST_OVERHEAD  1024
/* Ceilings of the delays before what was left is sent again: 50 ms, doubling, up to 20 s. */
#define BACKOFF_BASE_MS ((int64_t)50)
#define BACKOFF_ROUNDS  10
#define BACKOFF_MAX_MS  20000

/* The two operations differ in names only. */
struct batch_kind {
	const char *operation;
	size_t max_entries;
	const char *unprocessed;
};
static const struct batch_kind write_kind = {"BatchWriteItem", MAX_WRITES, "UnprocessedItems"};
static const struct batch_kind get_kind = {"BatchGetItem", MAX_GETS, "UnprocessedKeys"};

struct batch {
	const struct batch_kind *kind;
	const char *table;
	const json_t *entries; /* the caller's: items or keys */
	const char *request;   /* "PutRequest", "DeleteRequest"; NULL: keys to get */
	const char *member;    /* "Item", "Key" */
	size_t next;           /* the first entry that was not sent yet */
	json_t *again;         /* what the last answer left, in wire form; NULL: nothing */
	json_t *items;         /* what was got */
};

static void batch_finish(struct batch *batch)
{
	json_decref(batch->again);
	json_decref(batch->items);
}

static json_t *wrap_entry(const struct batch *batch, const json_t *entry)
{
	return batch->request == NULL
		? sl_dynamodb_share(entry)
		: json_pack("{s:{s:o}}", batch->request, batch->member, sl_dynamodb_share(entry));
}

static size_t json_bytes(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT);
}

/* What was left over, and as many new entries as fit. The caller owns the result. */
static json_t *fill(struct batch *batch)
{
	json_t *entries = batch->again != NULL ? sl_take(&batch->again) : json_array();
	size_t bytes = REQUEST_OVERHEAD + json_bytes(entries);
	size_t total = json_array_size(batch->entries);
	while (batch->next < total && json_array_size(entries) < batch->kind->max_entries) {
		json_t *entry = wrap_entry(batch, json_array_get(batch->entries, batch->next));
		size_t entry_bytes = json_bytes(entry) + 1;
		if (bytes + entry_bytes > MAX_REQUEST_BYTES && json_array_size(entries) > 0) {
			json_decref(entry);
			break;
		}
		json_array_append_new(entries, entry);
		bytes += entry_bytes;
		batch->next++;
	}
	return entries;
}

/* Takes over `entries`. */
static json_t *make_request(const struct batch *batch, json_t *entries)
{
	return batch->request != NULL
		? json_pack("{s:{s:o}}", "RequestItems", batch->table, entries)
		: json_pack("{s:{s:{s:o, s:b}}}", "RequestItems", batch->table, "Keys", entries,
			  "ConsistentRead", 1);
}

/* Keeps what the answer holds and what it leaves. */
static enum sl_err read_answer(
	struct batch *batch, json_t *answer, size_t sent, struct sl_error *reterr)
{
	const json_t *unprocessed = json_object_get(answer, batch->kind->unprocessed);
	json_t *left = json_object_get(unprocessed, batch->table);
	if (batch->request == NULL) {
		json_t *got = json_object_get(json_object_get(answer, "Responses"), batch->table);
		if (got != NULL && json_array_extend(batch->items, got) != 0) {
			return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
				"DynamoDB's BatchGetItem has Responses that are no array");
		}
		left = json_object_get(left, "Keys");
	}
	if (left != NULL && (!json_is_array(left) || json_array_size(left) > sent)) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL, "DynamoDB's %s has odd %s",
			batch->kind->operation, batch->kind->unprocessed);
	}
	if (json_array_size(left) > 0) {
		batch->again = json_incref(left);
	}
	return SL_ERR_OK;
}

static enum sl_err send_once(struct sl_client *client, struct batch *batch, struct sl_error *reterr)
{
	json_t *entries = fill(batch);
	size_t sent = json_array_size(entries);
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = sl_dynamodb_call(
		client, batch->kind->operation, make_request(batch, entries), &answer, reterr);
	return err != SL_ERR_OK ? err : read_answer(batch, answer, sent, reterr);
}

/* Waits before what was left is sent again, longer each time. AWS leaves entries to a table that
 * is over its rate: the end of patience is a throttling error. */
static enum sl_err pause_before(struct sl_client *client, const struct batch *batch, int round,
	int64_t end_ms, struct sl_error *reterr)
{
	int64_t ceiling_ms =
		round < BACKOFF_ROUNDS ? BACKOFF_BASE_MS << (round - 1) : BACKOFF_MAX_MS;
	int64_t delay_ms = (int64_t)(sl_retry_random() * (double)ceiling_ms);
	if (sl_clock_monotonic_ms() + delay_ms >= end_ms) {
		return sl_error_set(reterr, SL_ERR_AWS_THROTTLED,
			"DynamoDB's %s on %s left %zu entries unprocessed until the deadline",
			batch->kind->operation, batch->table, json_array_size(batch->again));
	}
	if (!sl_client_wait(client, delay_ms)) {
		return sl_error_set(reterr, SL_ERR_SHUTTING_DOWN, "DynamoDB's %s was interrupted",
			batch->kind->operation);
	}
	return SL_ERR_OK;
}

/* Sends until nothing is left. All of it is one operation with one deadline. */
static enum sl_err run(struct sl_client *client, struct batch *batch, struct sl_error *reterr)
{
	int64_t total_ms = sl_client_deadline_ms(client);
	int64_t end_ms = sl_clock_monotonic_ms() + total_ms;
	int round = 0;
	enum sl_err err = SL_ERR_OK;
	while (err == SL_ERR_OK &&
		(batch->again != NULL || batch->next < json_array_size(batch->entries))) {
		if (batch->again != NULL) {
			err = pause_before(client, batch, ++round, end_ms, reterr);
		} else {
			round = 0;
		}
		int64_t left_ms = end_ms - sl_clock_monotonic_ms();
		if (err == SL_ERR_OK) {
			sl_client_set_deadline(client, left_ms > 0 ? left_ms : 1);
			err = send_once(client, batch, reterr);
		}
	}
	sl_client_set_deadline(client, total_ms);
	return err;
}

static enum sl_err batch_write(struct sl_client *client, const char *table, const json_t *entries,
	const char *request, const char *member, struct sl_error *reterr)
{
	SL_AUTO(batch_finish)
	struct batch batch = {
		.kind = &write_kind,
		.table = table,
		.entries = entries,
		.request = request,
		.member = member,
	};
	return run(client, &batch, reterr);
}

enum sl_err sl_dynamodb_batch_put(
	struct sl_client *client, const char *table, const json_t *items, struct sl_error *reterr)
{
	return batch_write(client, table, items, "PutRequest", "Item", reterr);
}

enum sl_err sl_dynamodb_batch_delete(
	struct sl_client *client, const char *table, const json_t *keys, struct sl_error *reterr)
{
	return batch_write(client, table, keys, "DeleteRequest", "Key", reterr);
}

enum sl_err sl_dynamodb_batch_get(struct sl_client *client, const char *table, const json_t *keys,
	json_t **ret_items, struct sl_error *reterr)
{
	SL_AUTO(batch_finish)
	struct batch batch = {
		.kind = &get_kind,
		.table = table,
		.entries = keys,
		.items = json_array(),
	};
	enum sl_err err = run(client, &batch, reterr);
	if (err == SL_ERR_OK) {
		*ret_items = sl_take(&batch.items);
	}
	return err;
}
