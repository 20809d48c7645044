/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that are too large for one DynamoDB item: nothing lost, nothing over 400 KB. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws_stub.h"
#include "json_spec.h"
#include "mem.h"
#include "record.h"
#include "text.h"

/* What was put, by fileName. */
struct table {
	pthread_mutex_t lock;
	json_t *items;
	size_t largest;
	struct stub *stub;
	struct sl_aws *aws;
	struct sl_client *client;
};

static void on_request(void *context, const struct stub_request *request, struct stub_reply *reply)
{
	struct table *table = context;
	SL_AUTO(sl_json_decrefp)
	json_t *body = json_loadb(request->body.data, request->body.len, 0, NULL);
	json_t *item = json_object_get(body, "Item");
	size_t size = sl_dynamodb_item_size(item);
	const char *name =
		json_string_value(json_object_get(json_object_get(item, "fileName"), "S"));
	pthread_mutex_lock(&table->lock);
	json_object_set(table->items, name, item);
	table->largest = size > table->largest ? size : table->largest;
	pthread_mutex_unlock(&table->lock);
	sl_buf_puts(&reply->body, "{}");
}

static int begin(void **state)
{
	struct table *table = sl_calloc(1, sizeof(*table));
	pthread_mutex_init(&table->lock, NULL);
	table->items = json_object();
	table->stub = stub_create(on_request, table);
	table->aws = stub_aws(stub_url(table->stub), NULL);
	table->client = sl_client_create(table->aws);
	*state = table;
	return 0;
}

static int end(void **state)
{
	struct table *table = *state;
	sl_client_destroy(table->client);
	sl_aws_destroy(table->aws);
	stub_destroy(table->stub);
	json_decref(table->items);
	pthread_mutex_destroy(&table->lock);
	free(table);
	return 0;
}

static struct sl_record_parts parts_of(struct table *table, const char *attribute, bool is_array)
{
	return (struct sl_record_parts){.aws = table->client,
		.table = "t",
		.file_name = "mp4/x/video.mp4",
		.video_id = "x",
		.attribute = attribute,
		.is_array = is_array,
		.current = SL_BUF_INIT};
}

static const char *text_of(const json_t *item, const char *attribute)
{
	return json_string_value(json_object_get(json_object_get(item, attribute), "S"));
}

static json_t *part(struct table *table, const char *attribute, int number)
{
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("mp4/x/video.mp4#%s#%05d", attribute, number);
	return json_object_get(table->items, name);
}

static int part_count(const json_t *item, const char *name)
{
	const char *text = json_string_value(json_object_get(json_object_get(item, name), "N"));
	int64_t count = -1;
	return text != NULL && sl_text_parse_i64(text, 0, 100000, &count) ? (int)count : -1;
}

/* Puts `count` elements of about `bytes` each and returns the first item. */
static json_t *put_array(struct table *table, int count, size_t bytes)
{
	SL_AUTO(sl_record_parts_finish)
	struct sl_record_parts parts = parts_of(table, "objects", true);
	SL_AUTO(sl_freep)
	char *padding = sl_calloc(bytes + 1, 1);
	memset(padding, 'p', bytes);
	for (int i = 0; i < count; i++) {
		SL_AUTO(sl_freep)
		char *element = sl_asprintf("{\"n\":%d,\"p\":\"%s\"}", i, padding);
		assert_int_equal(sl_record_parts_add(&parts, element, NULL), SL_ERR_OK);
	}
	json_t *item = sl_record_item("mp4/x/video.mp4", "x");
	assert_int_equal(sl_record_parts_end(&parts, item, NULL), SL_ERR_OK);
	return item;
}

static int count_elements(const char *text, int next)
{
	SL_AUTO(sl_json_decrefp)
	json_t *array = json_loads(text, 0, NULL);
	assert_true(json_is_array(array));
	size_t i;
	const json_t *element;
	json_array_foreach (array, i, element) {
		assert_int_equal(json_integer_value(json_object_get(element, "n")), next++);
	}
	return next;
}

static void what_fits_stays_in_one_item(void **state)
{
	struct table *table = *state;
	SL_AUTO(sl_json_decrefp)
	json_t *item = put_array(table, 100, 1000);
	assert_int_equal(count_elements(text_of(item, "objects"), 0), 100);
	assert_int_equal(json_object_size(table->items), 0);
	assert_null(json_object_get(item, "objectsParts"));
}

static void nothing_at_all_is_an_empty_array(void **state)
{
	SL_AUTO(sl_json_decrefp)
	json_t *item = put_array(*state, 0, 0);
	assert_string_equal(text_of(item, "objects"), "[]");
}

static void what_does_not_fit_is_split_between_elements(void **state)
{
	struct table *table = *state;
	SL_AUTO(sl_json_decrefp)
	json_t *item = put_array(table, 5000, 1000);
	int count = part_count(item, "objectsParts");
	assert_true(count > 10);
	assert_int_equal(json_object_size(table->items), count);
	int next = 0;
	for (int i = 0; i < count; i++) {
		next = count_elements(text_of(part(table, "objects", i), "objects"), next);
	}
	assert_int_equal(next, 5000);
	assert_true(table->largest <= SL_DYNAMODB_MAX_ITEM_BYTES);
	assert_null(json_object_get(item, "objects"));
}

static void text_is_split_between_characters(void **state)
{
	struct table *table = *state;
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	while (text.len < 2000000) {
		sl_buf_puts(&text, "가a🎬");
	}
	SL_AUTO(sl_record_parts_finish)
	struct sl_record_parts parts = parts_of(table, "transcript", false);
	SL_AUTO(sl_json_decrefp)
	json_t *item = sl_record_item("mp4/x/video.mp4", "x");
	assert_int_equal(sl_record_parts_add_text(&parts, sl_buf_str(&text), NULL), SL_ERR_OK);
	assert_int_equal(sl_record_parts_end(&parts, item, NULL), SL_ERR_OK);
	SL_AUTO(sl_buf_finish)
	struct sl_buf whole = SL_BUF_INIT;
	for (int i = 0; i < part_count(item, "transcriptParts"); i++) {
		const char *piece = text_of(part(table, "transcript", i), "transcript");
		assert_true(sl_text_is_utf8(piece, strlen(piece)));
		sl_buf_puts(&whole, piece);
	}
	assert_string_equal(sl_buf_str(&whole), sl_buf_str(&text));
	assert_true(table->largest <= SL_DYNAMODB_MAX_ITEM_BYTES);
}

static void two_attributes_that_fit_alone_do_not_pass_the_limit_together(void **state)
{
	struct table *table = *state;
	SL_AUTO(sl_json_decrefp)
	json_t *item = put_array(table, 250, 1000);
	assert_non_null(json_object_get(item, "objects"));
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	while (text.len < 250000) {
		sl_buf_puts(&text, "word ");
	}
	SL_AUTO(sl_record_parts_finish)
	struct sl_record_parts parts = parts_of(table, "transcript", false);
	assert_int_equal(sl_record_parts_add_text(&parts, sl_buf_str(&text), NULL), SL_ERR_OK);
	assert_int_equal(sl_record_parts_end(&parts, item, NULL), SL_ERR_OK);
	assert_int_equal(part_count(item, "transcriptParts"), 1);
	assert_true(sl_dynamodb_item_size(item) <= SL_DYNAMODB_MAX_ITEM_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_fits_stays_in_one_item, begin, end),
		cmocka_unit_test_setup_teardown(nothing_at_all_is_an_empty_array, begin, end),
		cmocka_unit_test_setup_teardown(
			what_does_not_fit_is_split_between_elements, begin, end),
		cmocka_unit_test_setup_teardown(text_is_split_between_characters, begin, end),
		cmocka_unit_test_setup_teardown(
			two_attributes_that_fit_alone_do_not_pass_the_limit_together, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
