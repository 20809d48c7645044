/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB against a server of the test that keeps a table in memory, takes as much of a batch as
 * it likes, and minds the limits of the real one.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws_stub.h"
#include "clock.h"
#include "dynamodb.h"
#include "json_spec.h"
#include "mem.h"

#define TABLE        "rekognition-thumbs"
#define MAX_BYTES    (16u << 20)
#define UNPROCESSED_ "UnprocessedItems"

struct table {
	struct stub *stub;
	struct sl_aws *aws;
	struct sl_client *client;
	struct sl_error error;
	pthread_mutex_t mutex; /* guards what follows */
	json_t *items;         /* fileName -> item */
	size_t takes;          /* entries of each batch; the rest is left unprocessed */
	bool interrupts;       /* the client is interrupted while it waits for an answer */
	size_t requests;
	size_t largest_batch;
	size_t largest_body;
	bool over_limit;
};

static const char *key_of(const json_t *item)
{
	return json_string_value(json_object_get(json_object_get(item, "fileName"), "S"));
}

/* Takes the first entries, and returns the others: an array of new references. */
static json_t *write_entries(struct table *table, const json_t *entries)
{
	json_t *left = json_array();
	size_t i;
	json_t *entry;
	json_array_foreach (entries, i, entry) {
		const json_t *put = json_object_get(entry, "PutRequest");
		const json_t *deletion = json_object_get(entry, "DeleteRequest");
		if (i >= table->takes) {
			json_array_append(left, entry);
		} else if (put != NULL) {
			json_t *item = json_object_get(put, "Item");
			json_object_set(table->items, key_of(item), item);
		} else {
			json_object_del(table->items, key_of(json_object_get(deletion, "Key")));
		}
	}
	return left;
}

static json_t *get_entries(struct table *table, const json_t *keys, json_t *found)
{
	json_t *left = json_array();
	size_t i;
	json_t *key;
	json_array_foreach (keys, i, key) {
		json_t *item = json_object_get(table->items, key_of(key));
		if (i >= table->takes) {
			json_array_append(left, key);
		} else if (item != NULL) {
			json_array_append(found, item);
		}
	}
	return left;
}

static json_t *batch_write(struct table *table, const json_t *body)
{
	const json_t *entries = json_object_get(json_object_get(body, "RequestItems"), TABLE);
	size_t count = json_array_size(entries);
	table->largest_batch = count > table->largest_batch ? count : table->largest_batch;
	table->over_limit = table->over_limit || count > 25 || count == 0;
	json_t *left = write_entries(table, entries);
	json_t *answer = json_pack("{s:{}}", UNPROCESSED_);
	if (json_array_size(left) > 0) {
		json_object_set(json_object_get(answer, UNPROCESSED_), TABLE, left);
	}
	json_decref(left);
	return answer;
}

static json_t *batch_get(struct table *table, const json_t *body)
{
	const json_t *request = json_object_get(json_object_get(body, "RequestItems"), TABLE);
	const json_t *keys = json_object_get(request, "Keys");
	size_t count = json_array_size(keys);
	table->largest_batch = count > table->largest_batch ? count : table->largest_batch;
	table->over_limit = table->over_limit || count > 100 || count == 0 ||
		!json_is_true(json_object_get(request, "ConsistentRead"));
	json_t *found = json_array();
	json_t *left = get_entries(table, keys, found);
	json_t *answer = json_pack("{s:{s:o}, s:{}}", "Responses", TABLE, found, "UnprocessedKeys");
	if (json_array_size(left) > 0) {
		json_object_set_new(json_object_get(answer, "UnprocessedKeys"), TABLE,
			json_pack("{s:O, s:b}", "Keys", left, "ConsistentRead", 1));
	}
	json_decref(left);
	return answer;
}

static json_t *one_item(struct table *table, const char *operation, const json_t *body)
{
	if (strcmp(operation, "PutItem") == 0) {
		json_t *item = json_object_get(body, "Item");
		json_object_set(table->items, key_of(item), item);
		return json_object();
	}
	json_t *item = json_object_get(table->items, key_of(json_object_get(body, "Key")));
	return item != NULL ? json_pack("{s:O}", "Item", item) : json_object();
}

static void serve(void *context, const struct stub_request *request, struct stub_reply *reply)
{
	struct table *table = context;
	pthread_mutex_lock(&table->mutex);
	SL_AUTO(sl_freep)
	char *target = stub_header(request, "X-Amz-Target");
	const char *operation = target != NULL ? strchr(target, '.') + 1 : "";
	json_auto_t *body = json_loadb(
		sl_buf_str(&request->body), request->body.len, JSON_REJECT_DUPLICATES, NULL);
	table->requests++;
	table->over_limit = table->over_limit || request->body.len > MAX_BYTES;
	table->largest_body =
		request->body.len > table->largest_body ? request->body.len : table->largest_body;
	json_auto_t *answer = NULL;
	if (strcmp(operation, "BatchWriteItem") == 0) {
		answer = batch_write(table, body);
	} else if (strcmp(operation, "BatchGetItem") == 0) {
		answer = batch_get(table, body);
	} else {
		answer = one_item(table, operation, body);
	}
	if (table->interrupts) {
		sl_client_interrupt(table->client);
	}
	SL_AUTO(sl_freep)
	char *text = sl_json_text(answer);
	sl_buf_puts(&reply->body, text);
	pthread_mutex_unlock(&table->mutex);
}

static int setup(void **state)
{
	struct table *table = sl_calloc(1, sizeof *table);
	pthread_mutex_init(&table->mutex, NULL);
	table->items = json_object();
	table->takes = SIZE_MAX;
	table->stub = stub_create(serve, table);
	table->aws = stub_aws(stub_url(table->stub), NULL);
	table->client = sl_client_create(table->aws);
	*state = table;
	return 0;
}

static int teardown(void **state)
{
	struct table *table = *state;
	sl_client_destroy(table->client);
	sl_aws_destroy(table->aws);
	stub_destroy(table->stub);
	sl_error_finish(&table->error);
	json_decref(table->items);
	pthread_mutex_destroy(&table->mutex);
	free(table);
	return 0;
}

static json_t *make_items(int count, const char *text)
{
	json_t *items = json_array();
	for (int i = 0; i < count; i++) {
		SL_AUTO(sl_freep)
		char *key = sl_asprintf("thumbs/%05d.jpg", i);
		json_array_append_new(items,
			json_pack(
				"{s:{s:s}, s:{s:s}}", "fileName", "S", key, "objects", "S", text));
	}
	return items;
}

static json_t *make_keys(int count)
{
	json_t *keys = make_items(count, "");
	size_t i;
	json_t *key;
	json_array_foreach (keys, i, key) {
		json_object_del(key, "objects");
	}
	return keys;
}

static void one_item_is_put_and_got(void **state)
{
	struct table *table = *state;
	json_auto_t *items = make_items(1, "x");
	json_auto_t *key = json_pack("{s:{s:s}}", "fileName", "S", "thumbs/00000.jpg");
	json_auto_t *other = json_pack("{s:{s:s}}", "fileName", "S", "other");
	json_t *got = NULL;
	assert_int_equal(
		sl_dynamodb_put_item(table->client, TABLE, json_array_get(items, 0), &table->error),
		SL_ERR_OK);
	assert_int_equal(
		sl_dynamodb_get_item(table->client, TABLE, key, &got, &table->error), SL_ERR_OK);
	assert_true(json_equal(got, json_array_get(items, 0)));
	json_decref(got);
	assert_int_equal(
		sl_dynamodb_get_item(table->client, TABLE, other, &got, &table->error), SL_ERR_OK);
	assert_null(got);
}

static void batches_hold_25_items(void **state)
{
	struct table *table = *state;
	json_auto_t *items = make_items(60, "x");
	json_auto_t *before = json_deep_copy(items);
	assert_int_equal(
		sl_dynamodb_batch_put(table->client, TABLE, items, &table->error), SL_ERR_OK);
	assert_int_equal(json_object_size(table->items), 60);
	assert_int_equal(table->requests, 3);
	assert_int_equal(table->largest_batch, 25);
	assert_false(table->over_limit);
	assert_true(json_equal(items, before)); /* the caller's items are as they were */
	json_auto_t *keys = make_keys(60);
	assert_int_equal(
		sl_dynamodb_batch_delete(table->client, TABLE, keys, &table->error), SL_ERR_OK);
	assert_int_equal(json_object_size(table->items), 0);
	assert_int_equal(table->requests, 6);
	json_auto_t *none = json_array();
	assert_int_equal(
		sl_dynamodb_batch_put(table->client, TABLE, none, &table->error), SL_ERR_OK);
	assert_int_equal(table->requests, 6);
}

static void unprocessed_items_are_sent_again(void **state)
{
	struct table *table = *state;
	table->takes = 10;
	json_auto_t *items = make_items(60, "x");
	assert_int_equal(
		sl_dynamodb_batch_put(table->client, TABLE, items, &table->error), SL_ERR_OK);
	assert_int_equal(json_object_size(table->items), 60);
	assert_int_equal(table->requests, 6);
	assert_int_equal(table->largest_batch, 25);
	assert_false(table->over_limit);
}

static void batches_hold_16_megabytes(void **state)
{
	struct table *table = *state;
	static const size_t len = 390 * 1024;
	SL_AUTO(sl_freep)
	char *text = sl_calloc(len + 1, 1);
	memset(text, '"', len); /* two bytes each on the wire */
	json_auto_t *items = make_items(50, text);
	assert_true(sl_dynamodb_item_size(json_array_get(items, 0)) < SL_DYNAMODB_MAX_ITEM_BYTES);
	assert_int_equal(
		sl_dynamodb_batch_put(table->client, TABLE, items, &table->error), SL_ERR_OK);
	assert_int_equal(json_object_size(table->items), 50);
	assert_false(table->over_limit);
	assert_int_equal(table->largest_batch, 21);
	assert_int_equal(table->requests, 3);
}

static void the_deadline_is_for_all_of_a_batch(void **state)
{
	struct table *table = *state;
	table->takes = 0;
	json_auto_t *items = make_items(3, "x");
	sl_client_set_deadline(table->client, 300);
	int64_t start_ms = sl_clock_monotonic_ms();
	assert_int_equal(sl_dynamodb_batch_put(table->client, TABLE, items, &table->error),
		SL_ERR_AWS_THROTTLED);
	assert_in_range(sl_clock_monotonic_ms() - start_ms, 0, 2000);
	assert_non_null(strstr(table->error.detail, "3 entries"));
	assert_true(table->requests >= 2);
}

static void an_interrupt_ends_a_batch(void **state)
{
	struct table *table = *state;
	table->takes = 0;
	table->interrupts = true;
	json_auto_t *items = make_items(3, "x");
	assert_int_equal(sl_dynamodb_batch_put(table->client, TABLE, items, &table->error),
		SL_ERR_SHUTTING_DOWN);
}

static void batches_get_100_keys(void **state)
{
	struct table *table = *state;
	json_auto_t *items = make_items(200, "x");
	assert_int_equal(
		sl_dynamodb_batch_put(table->client, TABLE, items, &table->error), SL_ERR_OK);
	table->requests = 0;
	table->largest_batch = 0;
	json_auto_t *keys = make_keys(250);
	json_t *got = NULL;
	assert_int_equal(
		sl_dynamodb_batch_get(table->client, TABLE, keys, &got, &table->error), SL_ERR_OK);
	assert_int_equal(json_array_size(got), 200);
	assert_int_equal(table->requests, 3);
	assert_int_equal(table->largest_batch, 100);
	json_decref(got);
	table->takes = 70;
	table->requests = 0;
	assert_int_equal(
		sl_dynamodb_batch_get(table->client, TABLE, keys, &got, &table->error), SL_ERR_OK);
	assert_int_equal(json_array_size(got), 200);
	assert_int_equal(table->requests, 4);
	assert_false(table->over_limit);
	json_decref(got);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_item_is_put_and_got),
		TEST(batches_hold_25_items),
		TEST(unprocessed_items_are_sent_again),
		TEST(batches_hold_16_megabytes),
		TEST(the_deadline_is_for_all_of_a_batch),
		TEST(an_interrupt_ends_a_batch),
		TEST(batches_get_100_keys),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
