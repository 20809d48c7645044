/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's update expressions carried out on an item: every right-hand side is taken from the
 * item as it was, then the actions are applied. Entry: lc_ddb_update. Pure, on the caller's tree.
 */

#include <string.h>

#include "lc_dynamodb.h"

static const char wrong_operand[] =
	"An operand in the update expression has an incorrect data type";
static const char missing_attribute[] =
	"The provided expression refers to an attribute that does not exist in the item";
static const char invalid_path[] =
	"The document path provided in the update expression is invalid for update";

static json_t *fail_value(struct lc_ddb_error *error, const char *words)
{
	lc_ddb_fail(error, LC_DDB_VALIDATION, "%s", words);
	return NULL;
}

/* --- right-hand sides -------------------------------------------------------------------- */

static json_t *evaluate(
	const struct lc_ddb_node *node, const json_t *item, struct lc_ddb_error *error);

static json_t *number_value(const struct lc_ddb_number *number)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	lc_ddb_number_print(&text, number);
	return json_pack("{s:s}", "N", sl_buf_str(&text));
}

static json_t *add_values(
	const json_t *a, const json_t *b, bool subtract, struct lc_ddb_error *error)
{
	const char *x = json_string_value(json_object_get(a, "N"));
	const char *y = json_string_value(json_object_get(b, "N"));
	if (x == NULL || y == NULL) {
		return fail_value(error, wrong_operand);
	}
	struct lc_ddb_number first, second, sum;
	if (!lc_ddb_number_parse(x, &first, error) || !lc_ddb_number_parse(y, &second, error) ||
		!lc_ddb_number_add(&first, &second, subtract, &sum, error)) {
		return NULL;
	}
	return number_value(&sum);
}

static json_t *append_lists(const json_t *a, const json_t *b, struct lc_ddb_error *error)
{
	const json_t *first = json_object_get(a, "L");
	const json_t *second = json_object_get(b, "L");
	if (first == NULL || second == NULL) {
		return fail_value(error, wrong_operand);
	}
	json_t *list = json_copy((json_t *)(uintptr_t)first);
	json_array_extend(list, (json_t *)(uintptr_t)second);
	return json_pack("{s:o}", "L", list);
}

/* The value of the right-hand side of a SET, owned by the caller; NULL: error. */
static json_t *evaluate(
	const struct lc_ddb_node *node, const json_t *item, struct lc_ddb_error *error)
{
	if (node->kind == LC_DDB_VALUE) {
		return json_incref((json_t *)(uintptr_t)node->value);
	}
	if (node->kind == LC_DDB_PATH) {
		json_t *value = lc_ddb_path_get(item, &node->path, node->path.count);
		return value != NULL ? json_incref(value) : fail_value(error, missing_attribute);
	}
	if (strcmp(node->op, "if_not_exists") == 0) {
		const struct lc_ddb_path *path = &node->args[0]->path;
		json_t *value = lc_ddb_path_get(item, path, path->count);
		return value != NULL ? json_incref(value) : evaluate(node->args[1], item, error);
	}
	json_auto_t *first = evaluate(node->args[0], item, error);
	json_auto_t *second = first == NULL ? NULL : evaluate(node->args[1], item, error);
	if (second == NULL) {
		return NULL;
	}
	if (node->kind == LC_DDB_FUNCTION) {
		return append_lists(first, second, error);
	}
	return add_values(first, second, node->kind == LC_DDB_MINUS, error);
}

/* --- sets -------------------------------------------------------------------------------- */

static size_t set_find(const json_t *set, const json_t *element)
{
	size_t i;
	json_t *other;
	json_array_foreach (set, i, other) {
		if (json_equal(other, element)) {
			break;
		}
	}
	return i;
}

/* The set without or with `other`'s elements; owned by the caller. */
static json_t *set_change(const json_t *set, const json_t *other, bool add)
{
	json_t *result = set == NULL ? json_array() : json_copy((json_t *)(uintptr_t)set);
	size_t i;
	json_t *element;
	json_array_foreach (other, i, element) {
		size_t at = set_find(result, element);
		if (add && at == json_array_size(result)) {
			json_array_append(result, element);
		} else if (!add && at < json_array_size(result)) {
			json_array_remove(result, at);
		}
	}
	return result;
}

/* What ADD or DELETE makes of the value that is there (or NULL). `*ret` is NULL when the
 * attribute goes. */
static bool change(const struct lc_ddb_node *action, const json_t *existing, json_t **ret,
	struct lc_ddb_error *error)
{
	const json_t *operand = action->args[1]->value;
	const char *type = lc_ddb_value_type(operand);
	bool add = strcmp(action->op, "ADD") == 0;
	if (existing != NULL && strcmp(lc_ddb_value_type(existing), type) != 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION, "%s", wrong_operand);
	}
	if (add && strcmp(type, "N") == 0) {
		*ret = existing == NULL ? json_incref((json_t *)(uintptr_t)operand)
					: add_values(existing, operand, false, error);
		return *ret != NULL;
	}
	if (existing == NULL && !add) {
		*ret = NULL;
		return true;
	}
	json_auto_t *set = set_change(existing == NULL ? NULL : lc_ddb_value_content(existing),
		lc_ddb_value_content(operand), add);
	*ret = json_array_size(set) == 0 ? NULL : json_pack("{s:O}", type, set);
	return true;
}

/* --- application ------------------------------------------------------------------------- */

/* Elements that an update puts behind the end of a list, by index, and those that it removes
 * (json null meanwhile), settled when all actions are done. */
struct pending {
	struct append {
		json_t *list; /* borrowed */
		int64_t index;
		json_t *value; /* owned */
	} * appends;
	size_t count;
};

static void list_put(struct pending *pending, json_t *list, int64_t index, json_t *value)
{
	if (index < (int64_t)json_array_size(list)) {
		json_array_set_new(list, (size_t)index, value);
		return;
	}
	pending->appends =
		sl_reallocarray(pending->appends, pending->count + 1, sizeof(struct append));
	size_t at = pending->count++;
	for (; at > 0 && pending->appends[at - 1].index > index; at--) {
		pending->appends[at] = pending->appends[at - 1];
	}
	pending->appends[at] = (struct append){list, index, value};
}

/* Puts `value` (owned; NULL: removes) at the path. False when there is no such place. */
static bool put(struct pending *pending, json_t *item, const struct lc_ddb_path *path,
	json_t *value, struct lc_ddb_error *error)
{
	const struct lc_ddb_step *last = &path->steps[path->count - 1];
	json_t *map = item, *list = NULL;
	if (path->count > 1) {
		json_t *parent = lc_ddb_path_get(item, path, path->count - 1);
		map = json_object_get(parent, "M");
		list = json_object_get(parent, "L");
	}
	if (last->name != NULL ? map == NULL : list == NULL) {
		json_decref(value);
		return lc_ddb_fail(error, LC_DDB_VALIDATION, "%s", invalid_path);
	}
	if (last->name != NULL && value == NULL) {
		json_object_del(map, last->name);
	} else if (last->name != NULL) {
		json_object_set_new(map, last->name, value);
	} else if (value != NULL) {
		list_put(pending, list, last->index, value);
	} else if (last->index < (int64_t)json_array_size(list)) {
		json_array_set_new(list, (size_t)last->index, json_null());
	}
	return true;
}

/* Drops the nulls that REMOVE left in lists. */
static void squash(json_t *value)
{
	json_t *list = json_object_get(value, "L");
	for (size_t i = json_array_size(list); i > 0; i--) {
		json_t *element = json_array_get(list, i - 1);
		if (json_is_null(element)) {
			json_array_remove(list, i - 1);
		} else {
			squash(element);
		}
	}
	const char *name;
	json_t *member;
	json_object_foreach (json_object_get(value, "M"), name, member) {
		squash(member);
	}
}

static void settle(struct pending *pending, json_t *item)
{
	for (size_t i = 0; i < pending->count; i++) {
		json_array_append_new(pending->appends[i].list, pending->appends[i].value);
	}
	free(pending->appends);
	const char *name;
	json_t *value;
	json_object_foreach (item, name, value) {
		squash(value);
	}
}

static bool action_value(const struct lc_ddb_node *action, const json_t *before, json_t **ret,
	struct lc_ddb_error *error)
{
	*ret = NULL;
	if (strcmp(action->op, "REMOVE") == 0) {
		return true;
	}
	if (strcmp(action->op, "SET") == 0) {
		json_auto_t *value = evaluate(action->args[1], before, error);
		/* A copy of its own: parts of the item must not share what changes later. */
		*ret = value == NULL ? NULL : json_deep_copy(value);
		return value != NULL;
	}
	const struct lc_ddb_path *path = &action->args[0]->path;
	return change(action, lc_ddb_path_get(before, path, path->count), ret, error);
}

bool lc_ddb_update(const struct lc_ddb_expr *expr, json_t *item, struct lc_ddb_error *error)
{
	json_auto_t *before = json_deep_copy(item);
	struct pending pending = {NULL, 0};
	bool ok = true;
	for (size_t i = 0; ok && i < expr->count; i++) {
		const struct lc_ddb_node *action = expr->list[i];
		json_t *value;
		ok = action_value(action, before, &value, error);
		bool nothing = value == NULL && strcmp(action->op, "DELETE") == 0 &&
			lc_ddb_path_get(before, &action->args[0]->path,
				action->args[0]->path.count) == NULL;
		if (ok && !nothing) {
			ok = put(&pending, item, &action->args[0]->path, value, error);
		}
	}
	settle(&pending, item);
	return ok;
}
