/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's Query and Scan: a walk over keys in order, up to 1 MB or Limit items a page, then
 * the filter, then the projection. Any HTTP thread.
 */

#include <string.h>

#include "lc_dynamodb.h"
#include "lc_dynamodb_key.h"

enum { HASH_VALUES = 1 << 24 };

/* What both operations have in common. */
struct page {
	struct lc_ddb_call *call;
	struct lc_ddb_names names;
	struct lc_ddb_expr key_condition, filter, projection;
	struct lc_ddb_table table;
	struct lc_ddb_key start, partition;
	struct lc_ddb_range range;
	int64_t limit; /* INT64_MAX: none */
	int64_t scanned, count;
	size_t bytes;
	bool keep_items;  /* not Select COUNT */
	json_t *items;    /* owned */
	json_t *last_key; /* of the last item looked at; owned */
};

static void page_finish(struct page *page)
{
	lc_ddb_expr_finish(&page->key_condition);
	lc_ddb_expr_finish(&page->filter);
	lc_ddb_expr_finish(&page->projection);
	lc_ddb_names_finish(&page->names);
	lc_ddb_table_finish(&page->table);
	lc_ddb_key_finish(&page->start);
	lc_ddb_key_finish(&page->partition);
	sl_buf_finish(&page->range.low.bytes);
	sl_buf_finish(&page->range.high.bytes);
	json_decref(page->items);
	json_decref(page->last_key);
}

/* --- the request ------------------------------------------------------------------------- */

/* AWS puts words before most complaints about a starting key. */
static bool start_key_check(json_t *key, struct lc_ddb_error *error)
{
	struct lc_ddb_error inner = {NULL, NULL, NULL};
	if (key == NULL || lc_ddb_item_check(key, &inner)) {
		return true;
	}
	bool about_number = strstr(inner.message, "umeric value") != NULL ||
		strstr(inner.message, "significant digits") != NULL ||
		strstr(inner.message, "number with magnitude") != NULL ||
		strstr(inner.message, "duplicates") != NULL;
	lc_ddb_fail(error, inner.code, "%s%s",
		about_number ? "" : "The provided starting key is invalid: ", inner.message);
	lc_ddb_error_finish(&inner);
	return false;
}

static bool select_check(const json_t *in, struct lc_ddb_error *error)
{
	const char *select = lc_ddb_string(in, "Select");
	bool projects = json_object_get(in, "ProjectionExpression") != NULL;
	if (select != NULL && strcmp(select, "ALL_PROJECTED_ATTRIBUTES") == 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can "
			"be "
			"used only when Querying using an IndexName");
	}
	if (select != NULL && projects && strcmp(select, "SPECIFIC_ATTRIBUTES") != 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Cannot specify the ProjectionExpression when choosing to get %s",
			strcmp(select, "COUNT") == 0 ? "only the Count" : "ALL_ATTRIBUTES");
	}
	if (select != NULL && strcmp(select, "SPECIFIC_ATTRIBUTES") == 0 && !projects) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Must specify the AttributesToGet or ProjectionExpression when choosing to "
			"get SPECIFIC_ATTRIBUTES");
	}
	return true;
}

static bool values_allowed_check(const json_t *in, bool query, struct lc_ddb_error *error)
{
	bool condition = json_object_get(in, "FilterExpression") != NULL ||
		json_object_get(in, "KeyConditionExpression") != NULL;
	bool any = condition || json_object_get(in, "ProjectionExpression") != NULL;
	if (json_object_get(in, "ExpressionAttributeNames") != NULL && !any) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"ExpressionAttributeNames can only be specified when using expressions");
	}
	if (json_object_get(in, "ExpressionAttributeValues") != NULL && !condition) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"ExpressionAttributeValues can only be specified when using expressions: "
			"%s",
			query ? "FilterExpression and KeyConditionExpression are null"
			      : "FilterExpression is null");
	}
	return true;
}

static bool page_init(struct page *page, bool query)
{
	json_t *in = page->call->in;
	struct lc_ddb_error *error = &page->call->error;
	if (!lc_ddb_attributes_to_get(in, error) || !values_allowed_check(in, query, error) ||
		!start_key_check(json_object_get(in, "ExclusiveStartKey"), error)) {
		return false;
	}
	if (query && json_object_get(in, "KeyConditionExpression") == NULL) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Either the KeyConditions or KeyConditionExpression parameter must be "
			"specified in the request.");
	}
	const json_t *limit = json_object_get(in, "Limit");
	const char *select = lc_ddb_string(in, "Select");
	page->limit = limit == NULL ? INT64_MAX : json_integer_value(limit);
	page->keep_items = select == NULL || strcmp(select, "COUNT") != 0;
	page->items = json_array();
	return lc_ddb_names_init(&page->names, in, error) &&
		lc_ddb_expr_parse(&page->key_condition, in, "KeyConditionExpression",
			LC_DDB_CONDITION_GRAMMAR, &page->names, error) &&
		lc_ddb_expr_parse(&page->filter, in, "FilterExpression", LC_DDB_CONDITION_GRAMMAR,
			&page->names, error) &&
		lc_ddb_expr_parse(&page->projection, in, "ProjectionExpression",
			LC_DDB_PROJECTION_GRAMMAR, &page->names, error) &&
		lc_ddb_names_all_used(&page->names, error) && select_check(in, error);
}

/* --- the walk ---------------------------------------------------------------------------- */

static bool page_visit(void *context, json_t *item)
{
	struct page *page = context;
	page->scanned++;
	page->bytes += lc_ddb_item_size(item);
	json_decref(page->last_key);
	page->last_key = lc_ddb_key_of(&page->table, item);
	if (lc_ddb_matches(&page->filter, item)) {
		page->count++;
		if (page->keep_items) {
			json_array_append_new(page->items, lc_ddb_project(&page->projection, item));
		}
	}
	return page->scanned < page->limit && page->bytes < LC_DDB_PAGE_MAX;
}

/* Locks, finds the table, prepares the range with `prepare` and walks; the reply or NULL. */
static json_t *page_run(struct page *page, bool (*prepare)(struct page *page))
{
	struct lc_ddb_call *call = page->call;
	lc_ddb_lock(false);
	bool ok = lc_ddb_table_find(
			  lc_ddb_string(call->in, "TableName"), &page->table, &call->error) &&
		prepare(page);
	if (ok) {
		lc_ddb_item_walk(&page->table, &page->range, page_visit, page);
	}
	if (!lc_ddb_unlock(false, false, &call->error) || !ok) {
		return NULL;
	}
	json_t *reply =
		json_pack("{s:I, s:I}", "Count", page->count, "ScannedCount", page->scanned);
	if (page->keep_items) {
		json_object_set(reply, "Items", page->items);
	}
	/* As AWS does, also when the page happened to end with the last item. */
	if (page->last_key != NULL &&
		(page->scanned >= page->limit || page->bytes >= LC_DDB_PAGE_MAX)) {
		json_object_set(reply, "LastEvaluatedKey", page->last_key);
	}
	lc_ddb_capacity(call, page->table.name,
		lc_ddb_read_units(
			page->bytes, json_is_true(json_object_get(call->in, "ConsistentRead"))),
		reply);
	return reply;
}

/* --- Query ------------------------------------------------------------------------------- */

static bool filter_has_no_key(const struct page *page)
{
	for (const struct lc_ddb_node *node = page->filter.nodes; node != NULL; node = node->next) {
		if (node->kind != LC_DDB_PATH) {
			continue;
		}
		for (size_t i = 0; i < page->table.key_count; i++) {
			if (strcmp(node->path.steps[0].name, page->table.key[i].name) == 0) {
				return lc_ddb_fail(&page->call->error, LC_DDB_VALIDATION,
					"Filter Expression can only contain non-primary key "
					"attributes: Primary key attribute: %s",
					page->table.key[i].name);
			}
		}
	}
	return true;
}

/* Whether the starting key lies in the partition and in the range of the sort key. */
static bool start_within(struct page *page, bool sorted)
{
	const struct lc_ddb_range *range = &page->range;
	bool same = page->start.partition.len == page->partition.partition.len &&
		memcmp(sl_buf_str(&page->start.partition), sl_buf_str(&page->partition.partition),
			page->start.partition.len) == 0;
	if (sorted && !lc_ddb_bounds_hold(&range->low, &range->high, &page->start.sort)) {
		return lc_ddb_fail(&page->call->error, LC_DDB_VALIDATION,
			"The provided starting key does not match the range key predicate");
	}
	if (!same) {
		return lc_ddb_fail(&page->call->error, LC_DDB_VALIDATION, "%s",
			sorted ? "The query can return at most one row and cannot be restarted"
			       : "The provided starting key is outside query boundaries based on "
				 "provided conditions");
	}
	return true;
}

static void start_after(struct page *page)
{
	struct lc_ddb_bound *bound = page->range.backward ? &page->range.high : &page->range.low;
	sl_buf_clear(&bound->bytes);
	sl_buf_add(&bound->bytes, sl_buf_str(&page->start.sort), page->start.sort.len);
	bound->present = bound->exclusive = true;
}

/* A starting key without all of the key's names has words of its own. */
static bool start_key_named(
	const struct lc_ddb_table *table, const json_t *start, struct lc_ddb_error *error)
{
	bool named = json_object_size(start) == table->key_count;
	for (size_t i = 0; i < table->key_count; i++) {
		named = named && json_object_get(start, table->key[i].name) != NULL;
	}
	if (!named) {
		return lc_ddb_fail(
			error, LC_DDB_VALIDATION, "The provided starting key is invalid");
	}
	return lc_ddb_key_check(table, start, error);
}

static bool query_prepare(struct page *page)
{
	struct lc_ddb_error *error = &page->call->error;
	json_t *start = json_object_get(page->call->in, "ExclusiveStartKey");
	if (start != NULL && !start_key_named(&page->table, start, error)) {
		return false;
	}
	bool sorted = false;
	if (!lc_ddb_key_condition(&page->key_condition, &page->table, &page->partition,
		    &page->range.low, &page->range.high, &sorted, error)) {
		return false;
	}
	const json_t *forward = json_object_get(page->call->in, "ScanIndexForward");
	page->range.partition = &page->partition;
	page->range.backward = json_is_false(forward);
	if (start != NULL) {
		lc_ddb_key_init(&page->start, &page->table, start);
		if (!start_within(page, sorted)) {
			return false;
		}
		start_after(page);
	}
	return filter_has_no_key(page);
}

json_t *lc_ddb_query(struct lc_ddb_call *call)
{
	SL_AUTO(page_finish)
	struct page page = {.call = call};
	if (!page_init(&page, true)) {
		return NULL;
	}
	return page_run(&page, query_prepare);
}

/* --- Scan -------------------------------------------------------------------------------- */

static bool segments_check(const json_t *in, struct lc_ddb_error *error)
{
	const json_t *segment = json_object_get(in, "Segment");
	const json_t *total = json_object_get(in, "TotalSegments");
	if ((segment == NULL) != (total == NULL)) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"The %s parameter is required but was not present in the request when %s "
			"is present",
			segment == NULL ? "Segment" : "TotalSegments",
			segment == NULL ? "parameter TotalSegments" : "Segment parameter");
	}
	if (json_integer_value(segment) >= json_integer_value(total) && total != NULL) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"The Segment parameter is zero-based and must be less than parameter "
			"TotalSegments: Segment: %lld is not less than TotalSegments: %lld",
			(long long)json_integer_value(segment),
			(long long)json_integer_value(total));
	}
	return true;
}

/* The first hash of a segment: the hashes are divided evenly. */
static int64_t segment_start(int64_t segment, int64_t total)
{
	return (segment * HASH_VALUES + total - 1) / total;
}

static bool scan_prepare(struct page *page)
{
	struct lc_ddb_error *error = &page->call->error;
	const json_t *given = json_object_get(page->call->in, "TotalSegments");
	int64_t total = given == NULL ? 1 : json_integer_value(given);
	int64_t segment = json_integer_value(json_object_get(page->call->in, "Segment"));
	page->range.hash_from = segment_start(segment, total);
	page->range.hash_to = segment_start(segment + 1, total) - 1;
	const json_t *start = json_object_get(page->call->in, "ExclusiveStartKey");
	if (start == NULL) {
		return true;
	}
	struct lc_ddb_error inner = {NULL, NULL, NULL};
	if (!lc_ddb_key_check(&page->table, start, &inner)) {
		lc_ddb_fail(error, inner.code, "The provided starting key is invalid: %s",
			inner.message);
		lc_ddb_error_finish(&inner);
		return false;
	}
	lc_ddb_key_init(&page->start, &page->table, start);
	if (page->start.hash < page->range.hash_from || page->start.hash > page->range.hash_to) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"The provided starting key is invalid: Invalid ExclusiveStartKey. Please "
			"use "
			"ExclusiveStartKey with correct Segment. TotalSegments: %lld Segment: %lld",
			(long long)total, (long long)segment);
	}
	page->range.after = &page->start;
	return true;
}

json_t *lc_ddb_scan(struct lc_ddb_call *call)
{
	SL_AUTO(page_finish)
	struct page page = {.call = call};
	if (!segments_check(call->in, &call->error) || !page_init(&page, false)) {
		return NULL;
	}
	return page_run(&page, scan_prepare);
}
