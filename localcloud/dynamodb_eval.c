/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's conditions and projections against an item. Pure functions on the caller's trees.
 */

#include <string.h>

#include "lc_dynamodb.h"

static json_t *type_content(const json_t *value, const char *type)
{
	return json_object_get(value, type);
}

json_t *lc_ddb_path_get(const json_t *item, const struct lc_ddb_path *path, size_t steps)
{
	json_t *value = NULL;
	for (size_t i = 0; i < steps; i++) {
		const struct lc_ddb_step *step = &path->steps[i];
		if (i == 0) {
			value = json_object_get(item, step->name);
		} else if (step->name != NULL) {
			value = json_object_get(type_content(value, "M"), step->name);
		} else {
			value = json_array_get(type_content(value, "L"), (size_t)step->index);
		}
		if (value == NULL) {
			return NULL;
		}
	}
	return value;
}

/* --- operands ---------------------------------------------------------------------------- */

/* UTF-8 characters, which is how size() counts a string. */
static int64_t characters(const json_t *string)
{
	int64_t count = 0;
	const char *text = json_string_value(string);
	for (size_t i = 0; i < json_string_length(string); i++) {
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	return count;
}

static json_t *size_of(const json_t *value)
{
	const char *type = lc_ddb_value_type(value);
	const json_t *content = lc_ddb_value_content(value);
	int64_t size;
	if (strcmp(type, "S") == 0) {
		size = characters(content);
	} else if (strcmp(type, "B") == 0) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf bytes = SL_BUF_INIT;
		lc_ddb_value_bytes(&bytes, value);
		size = (int64_t)bytes.len;
	} else if (json_is_array(content) || json_is_object(content)) {
		size = (int64_t)(json_array_size(content) + json_object_size(content));
	} else {
		return NULL;
	}
	SL_AUTO(sl_freep)
	char *digits = sl_asprintf("%lld", (long long)size);
	return json_pack("{s:s}", "N", digits);
}

/* The value of an operand, owned by the caller; NULL when the item has none there. */
static json_t *operand(const struct lc_ddb_node *node, const json_t *item)
{
	if (node->kind == LC_DDB_VALUE) {
		return json_incref((json_t *)(uintptr_t)node->value);
	}
	if (node->kind == LC_DDB_PATH) {
		return json_incref(lc_ddb_path_get(item, &node->path, node->path.count));
	}
	json_auto_t *argument = operand(node->args[0], item); /* size() */
	return argument == NULL ? NULL : size_of(argument);
}

/* --- comparisons ------------------------------------------------------------------------- */

static bool compare(const char *op, const json_t *a, const json_t *b)
{
	bool equal = a != NULL && b != NULL && lc_ddb_value_equal(a, b);
	if (strcmp(op, "=") == 0) {
		return equal;
	}
	if (strcmp(op, "<>") == 0) {
		return !equal;
	}
	int order = 0;
	if (a == NULL || b == NULL || !lc_ddb_value_compare(a, b, &order)) {
		return false;
	}
	return (order < 0 && op[0] == '<') || (order > 0 && op[0] == '>') ||
		(order == 0 && op[1] == '=');
}

static bool contains_element(const json_t *collection, const json_t *wanted)
{
	const char *type = lc_ddb_value_type(collection);
	size_t i;
	json_t *element;
	json_array_foreach (lc_ddb_value_content(collection), i, element) {
		json_auto_t *value = type[0] == 'L' ? json_incref(element)
						    : json_pack("{s#:O}", type, 1, element);
		if (lc_ddb_value_equal(value, wanted)) {
			return true;
		}
	}
	return false;
}

static bool contains(const json_t *value, const json_t *wanted)
{
	const char *type = lc_ddb_value_type(value);
	if (json_is_array(lc_ddb_value_content(value))) {
		return contains_element(value, wanted);
	}
	if (strcmp(type, lc_ddb_value_type(wanted)) != 0 ||
		(strcmp(type, "S") != 0 && strcmp(type, "B") != 0)) {
		return false;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf hay = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf needle = SL_BUF_INIT;
	lc_ddb_value_bytes(&hay, value);
	lc_ddb_value_bytes(&needle, wanted);
	return needle.len == 0 ||
		(hay.len > 0 && memmem(hay.data, hay.len, needle.data, needle.len) != NULL);
}

static bool begins_with(const json_t *value, const json_t *prefix)
{
	const char *type = lc_ddb_value_type(value);
	if (strcmp(type, lc_ddb_value_type(prefix)) != 0 ||
		(strcmp(type, "S") != 0 && strcmp(type, "B") != 0)) {
		return false;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf whole = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf start = SL_BUF_INIT;
	lc_ddb_value_bytes(&whole, value);
	lc_ddb_value_bytes(&start, prefix);
	return start.len == 0 ||
		(whole.len >= start.len && memcmp(whole.data, start.data, start.len) == 0);
}

static bool function_holds(const struct lc_ddb_node *node, const json_t *item)
{
	json_auto_t *first = operand(node->args[0], item);
	if (strcmp(node->op, "attribute_exists") == 0) {
		return first != NULL;
	}
	if (strcmp(node->op, "attribute_not_exists") == 0) {
		return first == NULL;
	}
	json_auto_t *second = operand(node->args[1], item);
	if (first == NULL || second == NULL) {
		return false;
	}
	if (strcmp(node->op, "attribute_type") == 0) {
		return strcmp(lc_ddb_value_type(first),
			       json_string_value(lc_ddb_value_content(second))) == 0;
	}
	return strcmp(node->op, "contains") == 0 ? contains(first, second)
						 : begins_with(first, second);
}

static bool in_holds(const struct lc_ddb_node *node, const json_t *item)
{
	json_auto_t *value = operand(node->args[0], item);
	for (size_t i = 1; i < node->count; i++) {
		json_auto_t *other = operand(node->args[i], item);
		if (compare("=", value, other)) {
			return true;
		}
	}
	return false;
}

static bool holds(const struct lc_ddb_node *node, const json_t *item)
{
	switch (node->kind) {
	case LC_DDB_AND:
		return holds(node->args[0], item) && holds(node->args[1], item);
	case LC_DDB_OR:
		return holds(node->args[0], item) || holds(node->args[1], item);
	case LC_DDB_NOT:
		return !holds(node->args[0], item);
	case LC_DDB_FUNCTION:
		return function_holds(node, item);
	case LC_DDB_IN:
		return in_holds(node, item);
	default: {
		json_auto_t *value = operand(node->args[0], item);
		json_auto_t *second = operand(node->args[1], item);
		if (node->kind == LC_DDB_COMPARE) {
			return compare(node->op, value, second);
		}
		json_auto_t *high = operand(node->args[2], item);
		return compare(">=", value, second) && compare("<=", value, high);
	}
	}
}

bool lc_ddb_matches(const struct lc_ddb_expr *expr, const json_t *item)
{
	return expr->root == NULL || holds(expr->root, item);
}

/* --- projections ------------------------------------------------------------------------- */

static json_t *project_value(
	const struct lc_ddb_path *const *paths, size_t count, size_t depth, json_t *value);

/* Those of the paths that go through `step` at `depth`. Returns how many were put in `ret`. */
static size_t paths_through(const struct lc_ddb_path *const *paths, size_t count, size_t depth,
	const struct lc_ddb_step *step, const struct lc_ddb_path **ret)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		const struct lc_ddb_step *other = &paths[i]->steps[depth];
		bool same = step->name != NULL
			? other->name != NULL && strcmp(step->name, other->name) == 0
			: other->name == NULL && step->index == other->index;
		if (same) {
			ret[found++] = paths[i];
		}
	}
	return found;
}

static json_t *project_map(
	const struct lc_ddb_path *const *paths, size_t count, size_t depth, json_t *map)
{
	json_t *result = json_object();
	const struct lc_ddb_path **through = sl_calloc(count, sizeof(const struct lc_ddb_path *));
	for (size_t i = 0; i < count; i++) {
		const struct lc_ddb_step *step = &paths[i]->steps[depth];
		json_t *member = step->name == NULL ? NULL : json_object_get(map, step->name);
		if (member == NULL || json_object_get(result, step->name) != NULL) {
			continue;
		}
		size_t found = paths_through(paths, count, depth, step, through);
		json_t *part = project_value(through, found, depth + 1, member);
		if (part != NULL) {
			json_object_set_new(result, step->name, part);
		}
	}
	free(through);
	return result;
}

static json_t *project_list(
	const struct lc_ddb_path *const *paths, size_t count, size_t depth, const json_t *list)
{
	json_t *result = json_array();
	const struct lc_ddb_path **through = sl_calloc(count, sizeof(const struct lc_ddb_path *));
	for (size_t index = 0; index < json_array_size(list); index++) {
		struct lc_ddb_step step = {NULL, (int64_t)index};
		size_t found = paths_through(paths, count, depth, &step, through);
		if (found == 0) {
			continue;
		}
		json_t *part =
			project_value(through, found, depth + 1, json_array_get(list, index));
		if (part != NULL) {
			json_array_append_new(result, part);
		}
	}
	free(through);
	return result;
}

/* What the paths leave of a value; NULL when nothing. Paths never overlap, so when one ends
 * here it is the only one. */
static json_t *project_value(
	const struct lc_ddb_path *const *paths, size_t count, size_t depth, json_t *value)
{
	if (paths[0]->count == depth) {
		return json_incref(value);
	}
	json_t *map = type_content(value, "M");
	json_t *list = type_content(value, "L");
	json_t *part = map != NULL ? project_map(paths, count, depth, map)
		: list != NULL     ? project_list(paths, count, depth, list)
				   : NULL;
	if (json_array_size(part) + json_object_size(part) == 0) {
		json_decref(part);
		return NULL;
	}
	return json_pack("{s:o}", map != NULL ? "M" : "L", part);
}

json_t *lc_ddb_project(const struct lc_ddb_expr *expr, json_t *item)
{
	if (expr->count == 0) {
		return json_incref(item);
	}
	const struct lc_ddb_path **paths =
		sl_calloc(expr->count, sizeof(const struct lc_ddb_path *));
	for (size_t i = 0; i < expr->count; i++) {
		const struct lc_ddb_node *node = expr->list[i];
		paths[i] = node->kind == LC_DDB_ACTION ? &node->args[0]->path : &node->path;
	}
	json_t *result = project_map(paths, expr->count, 0, item);
	free(paths);
	return result;
}
