/* SPDX-License-Identifier: Apache-2.0 */
/* Items and their attributes back from DynamoDB. Any thread. */

#include "record_read.h"

#include "dynamodb.h"
#include "json_spec.h"
#include "mem.h"
#include "text.h"

/* Parts in one BatchGetItem: 320 KiB each. */
#define PARTS_AT_ONCE 8

static json_t *key_of(const char *file_name)
{
	return json_pack("{s:{s:s}}", "fileName", "S", file_name);
}

enum sl_err sl_record_get(struct sl_client *aws, const char *table, const char *file_name,
	json_t **ret_item, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *key = key_of(file_name);
	return sl_dynamodb_get_item(aws, table, key, ret_item, reterr);
}

enum sl_err sl_record_get_many(struct sl_client *aws, const char *table, const json_t *names,
	json_t **ret_items, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *keys = json_array();
	size_t i;
	json_t *entry;
	json_array_foreach (names, i, entry) {
		json_array_append_new(keys, key_of(json_string_value(entry)));
	}
	SL_AUTO(sl_json_decrefp)
	json_t *found = NULL;
	enum sl_err err = sl_dynamodb_batch_get(aws, table, keys, &found, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *items = json_object();
	json_array_foreach (found, i, entry) {
		const char *name = sl_record_text(entry, "fileName");
		if (name != NULL) {
			json_object_set(items, name, entry);
		}
	}
	*ret_items = items;
	return SL_ERR_OK;
}

const char *sl_record_text(const json_t *item, const char *attribute)
{
	return json_string_value(json_object_get(json_object_get(item, attribute), "S"));
}

bool sl_record_number(const json_t *item, const char *attribute, int64_t *ret)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(item, attribute), "N"));
	return text != NULL && sl_text_parse_i64(text, INT64_MIN, INT64_MAX, ret);
}

char *sl_record_part_name(const char *file_name, const char *attribute, int64_t part)
{
	return sl_asprintf("%s#%s#%05lld", file_name, attribute, (long long)part);
}

int64_t sl_record_part_count(const json_t *item, const char *attribute)
{
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("%sParts", attribute);
	int64_t count;
	return sl_record_number(item, name, &count) && count > 0 ? count : 0;
}

static void add_missing(json_t *missing, const char *name)
{
	json_array_append_new(missing, json_string(name));
}

/* Parts `first` to `end` - 1. */
static enum sl_err read_parts(struct sl_client *aws, const char *table, const json_t *item,
	const char *attribute, int64_t first, int64_t end, sl_record_each *each, void *context,
	json_t *missing, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *names = json_array();
	for (int64_t part = first; part < end; part++) {
		SL_AUTO(sl_freep)
		char *name = sl_record_part_name(sl_record_text(item, "fileName"), attribute, part);
		json_array_append_new(names, json_string(name));
	}
	SL_AUTO(sl_json_decrefp)
	json_t *found = NULL;
	enum sl_err err = sl_record_get_many(aws, table, names, &found, reterr);
	size_t i;
	const json_t *entry;
	json_array_foreach (names, i, entry) {
		const char *name = json_string_value(entry);
		const char *text = sl_record_text(json_object_get(found, name), attribute);
		if (err == SL_ERR_OK && text == NULL) {
			add_missing(missing, name);
		} else if (err == SL_ERR_OK) {
			err = each(context, text, reterr);
		}
	}
	return err;
}

enum sl_err sl_record_read(struct sl_client *aws, const char *table, const json_t *item,
	const char *attribute, sl_record_each *each, void *context, json_t *missing,
	struct sl_error *reterr)
{
	const char *whole = sl_record_text(item, attribute);
	if (whole != NULL) {
		return each(context, whole, reterr);
	}
	int64_t count = sl_record_part_count(item, attribute);
	SL_AUTO(sl_freep)
	char *counter = sl_asprintf("%sParts", attribute);
	if (count == 0 && json_object_get(item, counter) == NULL) {
		SL_AUTO(sl_freep)
		char *name = sl_asprintf(
			"%s, attribute %s", sl_record_text(item, "fileName"), attribute);
		add_missing(missing, name);
		return SL_ERR_OK;
	}
	enum sl_err err = SL_ERR_OK;
	for (int64_t first = 0; err == SL_ERR_OK && first < count; first += PARTS_AT_ONCE) {
		int64_t end = first + PARTS_AT_ONCE < count ? first + PARTS_AT_ONCE : count;
		err = read_parts(
			aws, table, item, attribute, first, end, each, context, missing, reterr);
	}
	return err;
}
