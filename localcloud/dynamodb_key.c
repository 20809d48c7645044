/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's KeyConditionExpression: from the tree of a condition to one partition and a range of
 * its sort keys, refusing what cannot be answered from keys alone. Pure functions, any thread.
 */

#include <string.h>

#include "lc_dynamodb_key.h"

/* One condition on one attribute: `op` of the attribute and one or two values. */
struct condition {
	const char *name;
	const char *op;
	const json_t *values[2];
};

struct conditions {
	struct condition items[2];
	size_t count;
};

static bool refuse_operator(const char *op, struct lc_ddb_error *error)
{
	return lc_ddb_fail(error, LC_DDB_VALIDATION,
		"Invalid operator used in KeyConditionExpression: %s", op);
}

static bool node_check(const struct lc_ddb_node *node, struct lc_ddb_error *error)
{
	if (node->kind == LC_DDB_OR || node->kind == LC_DDB_NOT || node->kind == LC_DDB_IN ||
		(node->kind == LC_DDB_COMPARE && strcmp(node->op, "<>") == 0)) {
		return refuse_operator(node->op, error);
	}
	if (node->kind == LC_DDB_FUNCTION && strcmp(node->op, "size") == 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"KeyConditionExpressions cannot contain nested operations");
	}
	if (node->kind == LC_DDB_FUNCTION && strcmp(node->op, "begins_with") != 0) {
		return refuse_operator(node->op, error);
	}
	if ((node->kind == LC_DDB_BETWEEN || node->kind == LC_DDB_FUNCTION) &&
		node->args[0]->kind != LC_DDB_PATH) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Invalid condition in KeyConditionExpression: %s operator must have the "
			"key attribute as its first operand",
			node->op);
	}
	return true;
}

/* ":v < key" means "key > :v". */
static const char *mirrored(const char *op)
{
	return op[0] == '<'    ? (op[1] == '=' ? ">=" : ">")
		: op[0] == '>' ? (op[1] == '=' ? "<=" : "<")
			       : op;
}

static bool condition_read(
	const struct lc_ddb_node *node, struct condition *condition, struct lc_ddb_error *error)
{
	condition->op = node->op;
	size_t values = 0;
	for (size_t i = 0; i < node->count; i++) {
		const struct lc_ddb_node *operand = node->args[i];
		if (operand->kind == LC_DDB_FUNCTION) {
			return node_check(operand, error) &&
				lc_ddb_fail(error, LC_DDB_VALIDATION,
					"KeyConditionExpressions cannot contain nested operations");
		}
		if (operand->kind == LC_DDB_VALUE) {
			if (values < 2) {
				condition->values[values++] = operand->value;
			}
			continue;
		}
		if (condition->name != NULL) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"Invalid condition in KeyConditionExpression: Multiple attribute "
				"names used in one condition");
		}
		if (operand->path.count > 1) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"KeyConditionExpressions cannot have conditions on nested "
				"attributes");
		}
		condition->name = operand->path.steps[0].name;
		condition->op = i == 0 ? node->op : mirrored(node->op);
	}
	return condition->name != NULL ||
		lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Invalid condition in KeyConditionExpression: No key attribute specified");
}

static bool conditions_read(
	const struct lc_ddb_node *node, struct conditions *conditions, struct lc_ddb_error *error)
{
	if (!node_check(node, error)) {
		return false;
	}
	if (node->kind == LC_DDB_AND) {
		return conditions_read(node->args[0], conditions, error) &&
			conditions_read(node->args[1], conditions, error);
	}
	struct condition condition = {NULL, NULL, {NULL, NULL}};
	if (!condition_read(node, &condition, error) || condition.name == NULL) {
		return false;
	}
	for (size_t i = 0; i < conditions->count; i++) {
		if (strcmp(conditions->items[i].name, condition.name) == 0) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"KeyConditionExpressions must only contain one condition per key");
		}
	}
	if (conditions->count == SL_ARRAY_SIZE(conditions->items)) {
		return lc_ddb_fail(
			error, LC_DDB_VALIDATION, "Conditions can be of length 1 or 2 only");
	}
	conditions->items[conditions->count++] = condition;
	return true;
}

static const struct condition *condition_on(const struct conditions *conditions, const char *name)
{
	for (size_t i = 0; i < conditions->count; i++) {
		if (strcmp(conditions->items[i].name, name) == 0) {
			return &conditions->items[i];
		}
	}
	return NULL;
}

/* The value of a condition has the type of the key, and is none that no key can have. */
static bool types_check(const struct condition *condition, const struct lc_ddb_key_part *part,
	struct lc_ddb_error *error)
{
	for (size_t i = 0; i < 2 && condition->values[i] != NULL; i++) {
		if (strcmp(lc_ddb_value_type(condition->values[i]), part->type) != 0) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"One or more parameter values were invalid: Condition parameter "
				"type does not match schema type");
		}
		const json_t *content = lc_ddb_value_content(condition->values[i]);
		if (part->type[0] != 'N' && json_string_length(content) == 0) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"One or more parameter values are not valid. The AttributeValue "
				"for "
				"a key attribute cannot contain an empty %s value. Key: %s",
				part->type[0] == 'S' ? "string" : "binary", part->name);
		}
	}
	return true;
}

/* --- bounds ------------------------------------------------------------------------------ */

static void bound_set(struct lc_ddb_bound *bound, const json_t *value, bool exclusive)
{
	lc_ddb_value_bytes(&bound->bytes, value);
	bound->present = true;
	bound->exclusive = exclusive;
}

/* The first byte string behind all that begin with the bound's: none when all bytes are 0xff. */
static void bound_after_prefix(struct lc_ddb_bound *bound, const json_t *prefix)
{
	bound_set(bound, prefix, true);
	while (bound->bytes.len > 0 &&
		(unsigned char)bound->bytes.data[bound->bytes.len - 1] == 0xff) {
		bound->bytes.len--;
	}
	bound->present = bound->bytes.len > 0;
	if (bound->present) {
		bound->bytes.data[bound->bytes.len - 1]++;
	}
}

static void bounds_set(
	const struct condition *condition, struct lc_ddb_bound *low, struct lc_ddb_bound *high)
{
	const char *op = condition->op;
	if (strcmp(op, "begins_with") == 0) {
		bound_set(low, condition->values[0], false);
		bound_after_prefix(high, condition->values[0]);
	} else if (strcmp(op, "BETWEEN") == 0) {
		bound_set(low, condition->values[0], false);
		bound_set(high, condition->values[1], false);
	} else {
		if (op[0] != '<') {
			bound_set(low, condition->values[0], strcmp(op, ">") == 0);
		}
		if (op[0] != '>') {
			bound_set(high, condition->values[0], strcmp(op, "<") == 0);
		}
	}
}

static int bytes_compare(const struct sl_buf *a, const struct sl_buf *b)
{
	int order = memcmp(sl_buf_str(a), sl_buf_str(b), a->len < b->len ? a->len : b->len);
	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

bool lc_ddb_bounds_hold(
	const struct lc_ddb_bound *low, const struct lc_ddb_bound *high, const struct sl_buf *sort)
{
	int from = low->present ? bytes_compare(sort, &low->bytes) : 1;
	int to = high->present ? bytes_compare(sort, &high->bytes) : -1;
	return (from > 0 || (from == 0 && !low->exclusive)) &&
		(to < 0 || (to == 0 && !high->exclusive));
}

/* --- entry ------------------------------------------------------------------------------- */

static bool conditions_fit(const struct conditions *conditions, const struct lc_ddb_table *table,
	struct lc_ddb_error *error)
{
	if (table->key_count == 1 && conditions->count > 1) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION, "Query key condition not supported");
	}
	for (size_t i = 0; i < table->key_count; i++) {
		const struct condition *condition = condition_on(conditions, table->key[i].name);
		if (condition == NULL && (i == 0 || conditions->count > 1)) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"Query condition missed key schema element: %s",
				table->key[i].name);
		}
		if (condition == NULL) {
			continue;
		}
		if (!types_check(condition, &table->key[i], error)) {
			return false;
		}
		if (i == 0 && strcmp(condition->op, "=") != 0) {
			return lc_ddb_fail(
				error, LC_DDB_VALIDATION, "Query key condition not supported");
		}
	}
	return true;
}

bool lc_ddb_key_condition(const struct lc_ddb_expr *expr, const struct lc_ddb_table *table,
	struct lc_ddb_key *ret_partition, struct lc_ddb_bound *ret_low,
	struct lc_ddb_bound *ret_high, bool *ret_sorted, struct lc_ddb_error *error)
{
	struct conditions conditions = {.count = 0};
	if (!conditions_read(expr->root, &conditions, error) ||
		!conditions_fit(&conditions, table, error)) {
		return false;
	}
	const struct condition *partition = condition_on(&conditions, table->key[0].name);
	if (partition == NULL) {
		SL_BUG("a checked key condition has no partition");
	}
	/* A key of the partition alone: the sort part of the tuple stays empty. */
	struct lc_ddb_table only = *table;
	only.key_count = 1;
	json_auto_t *item = json_pack("{s:O}", only.key[0].name, partition->values[0]);
	lc_ddb_key_init(ret_partition, &only, item);
	const struct condition *sort =
		table->key_count > 1 ? condition_on(&conditions, table->key[1].name) : NULL;
	*ret_sorted = sort != NULL;
	if (sort != NULL) {
		bounds_set(sort, ret_low, ret_high);
	}
	return true;
}
