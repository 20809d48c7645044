/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DynamoDB tells about an expression before it sees an item: names and values given and
 * used, functions and their operands, paths that overlap. Pure functions, any thread.
 */

#include <ctype.h>
#include <string.h>

#include "lc_dynamodb.h"

void lc_ddb_fault(struct lc_ddb_faults *faults, enum lc_ddb_fault kind, const char *format, ...)
{
	if (faults->text[kind] != NULL) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	faults->text[kind] = sl_vasprintf(format, arguments);
	va_end(arguments);
}

void lc_ddb_path_print(struct sl_buf *out, const struct lc_ddb_path *path)
{
	for (size_t i = 0; i < path->count; i++) {
		sl_buf_puts(out, i == 0 ? "[" : ", ");
		if (path->steps[i].name != NULL) {
			sl_buf_puts(out, path->steps[i].name);
		} else {
			sl_buf_printf(out, "[%lld]", (long long)path->steps[i].index);
		}
	}
	sl_buf_putc(out, ']');
}

/* --- names and values -------------------------------------------------------------------- */

static bool placeholder_valid(const char *key, char first)
{
	if (key[0] != first || key[1] == '\0') {
		return false;
	}
	for (const char *p = key + 1; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && *p != '_') {
			return false;
		}
	}
	return true;
}

static bool placeholders_check(
	const json_t *map, const char *member, char first, struct lc_ddb_error *error)
{
	if (json_object_size(map) == 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION, "%s must not be empty", member);
	}
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)map, key, value) {
		if (!placeholder_valid(key, first)) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"%s contains invalid key: Syntax error; key: \"%s\"", member, key);
		}
	}
	return true;
}

static bool values_check(const json_t *values, struct lc_ddb_error *error)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)values, key, value) {
		struct lc_ddb_error inner = {NULL, NULL, NULL};
		if (!lc_ddb_value_check(value, &inner)) {
			lc_ddb_fail(error, LC_DDB_VALIDATION,
				"ExpressionAttributeValues contains invalid value: %s for key %s",
				inner.message, key);
			lc_ddb_error_finish(&inner);
			return false;
		}
	}
	return true;
}

bool lc_ddb_names_init(struct lc_ddb_names *names, json_t *in, struct lc_ddb_error *error)
{
	names->names = json_object_get(in, "ExpressionAttributeNames");
	names->values = json_object_get(in, "ExpressionAttributeValues");
	names->unused_names = json_copy((json_t *)(uintptr_t)names->names);
	names->unused_values = json_copy((json_t *)(uintptr_t)names->values);
	if (names->names != NULL &&
		!placeholders_check(names->names, "ExpressionAttributeNames", '#', error)) {
		return false;
	}
	return names->values == NULL ||
		(placeholders_check(names->values, "ExpressionAttributeValues", ':', error) &&
			values_check(names->values, error));
}

static bool unused_check(const json_t *unused, const char *member, struct lc_ddb_error *error)
{
	if (json_object_size(unused) == 0) {
		return true;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf keys = SL_BUF_INIT;
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)unused, key, value) {
		sl_buf_printf(&keys, "%s%s", keys.len == 0 ? "" : ", ", key);
	}
	return lc_ddb_fail(error, LC_DDB_VALIDATION,
		"Value provided in %s unused in expressions: keys: {%s}", member,
		sl_buf_str(&keys));
}

bool lc_ddb_names_all_used(const struct lc_ddb_names *names, struct lc_ddb_error *error)
{
	return unused_check(names->unused_names, "ExpressionAttributeNames", error) &&
		unused_check(names->unused_values, "ExpressionAttributeValues", error);
}

void lc_ddb_names_finish(struct lc_ddb_names *names)
{
	json_decref(names->unused_names);
	json_decref(names->unused_values);
	names->unused_names = names->unused_values = NULL;
}

/* --- functions and operands -------------------------------------------------------------- */

enum result { RESULT_BOOL, RESULT_VALUE };

static const struct function {
	const char *name;
	size_t operands;
	enum result result;
	bool update; /* of update expressions, else of conditions */
} functions[] = {
	{"attribute_exists", 1, RESULT_BOOL, false},
	{"attribute_not_exists", 1, RESULT_BOOL, false},
	{"attribute_type", 2, RESULT_BOOL, false},
	{"begins_with", 2, RESULT_BOOL, false},
	{"contains", 2, RESULT_BOOL, false},
	{"size", 1, RESULT_VALUE, false},
	{"if_not_exists", 2, RESULT_VALUE, true},
	{"list_append", 2, RESULT_VALUE, true},
};

static const struct function *function_find(const char *name, bool update)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(functions); i++) {
		if (functions[i].update == update && strcmp(functions[i].name, name) == 0) {
			return &functions[i];
		}
	}
	return NULL;
}

/* The type of an operand that is known now: of a :value. NULL for all else. */
static const char *operand_type(const struct lc_ddb_node *node)
{
	return node->kind == LC_DDB_VALUE && node->value != NULL ? lc_ddb_value_type(node->value)
								 : NULL;
}

static void wrong_type(struct lc_ddb_faults *faults, const char *op, const char *type)
{
	lc_ddb_fault(faults, LC_DDB_FAULT_FUNCTION,
		"Incorrect operand type for operator or function; operator or function: %s, "
		"operand type: %s",
		op, type);
}

static bool type_in(const char *type, const char *const *types)
{
	for (; *types != NULL; types++) {
		if (strcmp(type, *types) == 0) {
			return true;
		}
	}
	return false;
}

static void attribute_type_check(const struct lc_ddb_node *node, struct lc_ddb_faults *faults)
{
	static const char *const types[] = {
		"S", "N", "B", "NULL", "SS", "BOOL", "L", "BS", "NS", "M", NULL};
	const char *type = operand_type(node->args[1]);
	if (type == NULL || strcmp(type, "S") != 0) {
		wrong_type(
			faults, node->op, type == NULL ? "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}" : type);
		return;
	}
	const char *name = json_string_value(lc_ddb_value_content(node->args[1]->value));
	if (!type_in(name, types)) {
		lc_ddb_fault(faults, LC_DDB_FAULT_FUNCTION,
			"Invalid attribute type name found; type: %s, valid types: "
			"{B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
			name);
	}
}

/* Operands that are values must be of one of these types. */
static void operands_check(
	const struct lc_ddb_node *node, const char *const *types, struct lc_ddb_faults *faults)
{
	for (size_t i = 0; i < node->count; i++) {
		bool size = node->args[i]->kind == LC_DDB_FUNCTION &&
			strcmp(node->args[i]->op, "size") == 0;
		const char *type = size ? "N" : operand_type(node->args[i]);
		if (type != NULL && !type_in(type, types)) {
			wrong_type(faults, node->op, type);
		}
	}
}

static void function_operands_check(const struct lc_ddb_node *node, struct lc_ddb_faults *faults)
{
	static const char *const lists[] = {"L", NULL};
	static const char *const strings[] = {"S", "B", NULL};
	static const char *const sized[] = {"S", "B", "SS", "NS", "BS", "L", "M", NULL};
	bool path_first = strcmp(node->op, "attribute_exists") == 0 ||
		strcmp(node->op, "attribute_not_exists") == 0 ||
		strcmp(node->op, "if_not_exists") == 0;
	if (path_first && node->args[0]->kind != LC_DDB_PATH) {
		lc_ddb_fault(faults, LC_DDB_FAULT_FUNCTION,
			"Operator or function requires a document path; operator or function: %s",
			node->op);
	} else if (strcmp(node->op, "begins_with") == 0) {
		operands_check(node, strings, faults);
	} else if (strcmp(node->op, "size") == 0) {
		operands_check(node, sized, faults);
	} else if (strcmp(node->op, "list_append") == 0) {
		operands_check(node, lists, faults);
	} else if (strcmp(node->op, "attribute_type") == 0) {
		attribute_type_check(node, faults);
	}
}

static bool path_equal(const struct lc_ddb_path *a, const struct lc_ddb_path *b, size_t steps)
{
	for (size_t i = 0; i < steps; i++) {
		const struct lc_ddb_step *x = &a->steps[i];
		const struct lc_ddb_step *y = &b->steps[i];
		if ((x->name == NULL) != (y->name == NULL) ||
			(x->name != NULL ? strcmp(x->name, y->name) != 0 : x->index != y->index)) {
			return false;
		}
	}
	return true;
}

static void distinct_check(const struct lc_ddb_node *node, struct lc_ddb_faults *faults)
{
	if (node->count != 2 || node->args[0]->kind != LC_DDB_PATH ||
		node->args[1]->kind != LC_DDB_PATH) {
		return;
	}
	const struct lc_ddb_path *a = &node->args[0]->path;
	const struct lc_ddb_path *b = &node->args[1]->path;
	if (a->count != b->count || !path_equal(a, b, a->count)) {
		return;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf path = SL_BUF_INIT;
	lc_ddb_path_print(&path, a);
	lc_ddb_fault(faults, LC_DDB_FAULT_DISTINCT,
		"The first operand must be distinct from the remaining operands for this operator "
		"or function; operator: %s, first operand: %s",
		node->op, sl_buf_str(&path));
}

static void function_check(
	const struct lc_ddb_node *node, bool update, struct lc_ddb_faults *faults)
{
	const struct function *function = function_find(node->op, update);
	if (function == NULL) {
		lc_ddb_fault(faults, LC_DDB_FAULT_UNKNOWN_FUNCTION,
			"Invalid function name; function: %s", node->op);
		return;
	}
	if (node->count != function->operands) {
		lc_ddb_fault(faults, update ? LC_DDB_FAULT_FUNCTION : LC_DDB_FAULT_OPERAND,
			"Incorrect number of operands for operator or function; operator or "
			"function: %s, number of operands: %zu",
			node->op, node->count);
		return;
	}
	if (!update) {
		distinct_check(node, faults);
	}
	function_operands_check(node, faults);
}

static void value_print(struct sl_buf *out, const json_t *value)
{
	SL_AUTO(sl_freep)
	char *text = json_dumps(lc_ddb_value_content(value), JSON_ENCODE_ANY | JSON_COMPACT);
	const char *plain = json_string_value(lc_ddb_value_content(value));
	sl_buf_printf(out, "AttributeValue: {%s:%s}", lc_ddb_value_type(value),
		plain != NULL ? plain : text);
}

static void between_check(const struct lc_ddb_node *node, struct lc_ddb_faults *faults)
{
	const char *low = operand_type(node->args[1]);
	const char *high = operand_type(node->args[2]);
	int order = 0;
	if (low == NULL || high == NULL) {
		return;
	}
	bool same = strcmp(low, high) == 0;
	if (same &&
		(!lc_ddb_value_compare(node->args[1]->value, node->args[2]->value, &order) ||
			order <= 0)) {
		return;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf operands = SL_BUF_INIT;
	sl_buf_puts(&operands, "lower bound operand: ");
	value_print(&operands, node->args[1]->value);
	sl_buf_puts(&operands, ", upper bound operand: ");
	value_print(&operands, node->args[2]->value);
	lc_ddb_fault(faults, LC_DDB_FAULT_FUNCTION, "The BETWEEN operator requires %s; %s",
		same ? "upper bound to be greater than or equal to lower bound"
		     : "same data type for lower and upper bounds",
		sl_buf_str(&operands));
}

/* A function stands where its result cannot be used. */
static void use_check(
	const struct lc_ddb_node *node, enum result wanted, struct lc_ddb_faults *faults)
{
	const struct function *function =
		node->kind == LC_DDB_FUNCTION ? function_find(node->op, false) : NULL;
	if (function != NULL && function->result != wanted) {
		lc_ddb_fault(faults, LC_DDB_FAULT_MISUSED_FUNCTION,
			"The function is not allowed to be used this way in an expression; "
			"function: %s",
			node->op);
	}
}

static void condition_check(const struct lc_ddb_node *node, struct lc_ddb_faults *faults)
{
	static const char *const ordered[] = {"S", "N", "B", NULL};
	for (size_t i = 0; i < node->count; i++) {
		condition_check(node->args[i], faults);
		bool logical = node->kind == LC_DDB_AND || node->kind == LC_DDB_OR ||
			node->kind == LC_DDB_NOT;
		use_check(node->args[i], logical ? RESULT_BOOL : RESULT_VALUE, faults);
	}
	if (node->kind == LC_DDB_FUNCTION) {
		function_check(node, false, faults);
	} else if (node->kind == LC_DDB_COMPARE) {
		distinct_check(node, faults);
		if (strpbrk(node->op, "<>") != NULL && strcmp(node->op, "<>") != 0) {
			operands_check(node, ordered, faults);
		}
	} else if (node->kind == LC_DDB_BETWEEN) {
		between_check(node, faults);
	} else if (node->kind == LC_DDB_IN && node->count > 101) {
		lc_ddb_fault(faults, LC_DDB_FAULT_OPERAND,
			"Invalid number of operands for operator or function; operator or "
			"function: IN, number of operands: %zu",
			node->count - 1);
	}
}

/* --- paths that overlap ------------------------------------------------------------------ */

static void overlap_check(
	const struct lc_ddb_path *a, const struct lc_ddb_path *b, struct lc_ddb_faults *faults)
{
	size_t common = a->count < b->count ? a->count : b->count;
	size_t same = 0;
	while (same < common &&
		path_equal(&(struct lc_ddb_path){a->steps + same, 1},
			&(struct lc_ddb_path){b->steps + same, 1}, 1)) {
		same++;
	}
	bool conflict =
		same < common && (a->steps[same].name == NULL) != (b->steps[same].name == NULL);
	if (same < common && !conflict) {
		return;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf paths = SL_BUF_INIT;
	sl_buf_puts(&paths, "path one: ");
	lc_ddb_path_print(&paths, a);
	sl_buf_puts(&paths, ", path two: ");
	lc_ddb_path_print(&paths, b);
	lc_ddb_fault(faults, conflict ? LC_DDB_FAULT_CONFLICT : LC_DDB_FAULT_OVERLAP,
		"Two document paths %s with each other; must remove or rewrite one of these paths; "
		"%s",
		conflict ? "conflict" : "overlap", sl_buf_str(&paths));
}

static const struct lc_ddb_path *listed_path(const struct lc_ddb_node *node)
{
	return node->kind == LC_DDB_ACTION ? &node->args[0]->path : &node->path;
}

/* --- updates ----------------------------------------------------------------------------- */

static void assigned_check(const struct lc_ddb_node *node, struct lc_ddb_faults *faults)
{
	static const char *const numbers[] = {"N", NULL};
	for (size_t i = 0; i < node->count; i++) {
		assigned_check(node->args[i], faults);
	}
	if (node->kind == LC_DDB_FUNCTION) {
		function_check(node, true, faults);
	} else if (node->kind == LC_DDB_PLUS || node->kind == LC_DDB_MINUS) {
		operands_check(node, numbers, faults);
	}
}

static void action_check(const struct lc_ddb_node *action, struct lc_ddb_faults *faults)
{
	static const struct {
		const char *type, *words;
	} words[] = {{"S", "STRING"}, {"N", "NUMBER"}, {"B", "BINARY"}, {"NULL", "NULL"},
		{"BOOL", "BOOLEAN"}, {"L", "LIST"}, {"M", "MAP"}};
	if (action->count < 2) {
		return;
	}
	const struct lc_ddb_node *operand = action->args[1];
	if (strcmp(action->op, "SET") == 0) {
		assigned_check(operand, faults);
		return;
	}
	const char *type = operand_type(operand);
	if (type == NULL || (strcmp(action->op, "ADD") == 0 && strcmp(type, "N") == 0)) {
		return;
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(words); i++) {
		if (strcmp(type, words[i].type) == 0) {
			lc_ddb_fault(faults, LC_DDB_FAULT_OPERAND,
				"Incorrect operand type for operator or function; operator: %s, "
				"operand type: %s",
				action->op, words[i].words);
		}
	}
}

void lc_ddb_expr_check(
	const struct lc_ddb_expr *expr, enum lc_ddb_grammar grammar, struct lc_ddb_faults *faults)
{
	if (grammar == LC_DDB_CONDITION_GRAMMAR) {
		use_check(expr->root, RESULT_BOOL, faults);
		condition_check(expr->root, faults);
	}
	for (size_t i = 0; i < expr->count; i++) {
		for (size_t j = 0; j < i; j++) {
			overlap_check(
				listed_path(expr->list[j]), listed_path(expr->list[i]), faults);
		}
		if (grammar == LC_DDB_UPDATE_GRAMMAR) {
			action_check(expr->list[i], faults);
		}
	}
}
