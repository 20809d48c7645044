/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's expressions, text to tree: conditions, projections and updates share one scanner and
 * one parser by recursive descent. Entry: lc_ddb_expr_parse. Pure functions, any thread.
 */

#include <string.h>
#include <strings.h>

#include "lc_dynamodb.h"
#include "lc_dynamodb_token.h"

enum { EXPRESSION_MAX = 4096, NESTING_MAX = 100, PATH_STEPS_MAX = 32, INDEX_DIGITS_MAX = 8 };

struct parser {
	const char *text;
	struct lc_ddb_token previous, token;
	int depth;
	struct lc_ddb_expr *expr;
	struct lc_ddb_names *names;
	struct lc_ddb_faults faults;
	struct sl_buf syntax; /* the syntax error; empty: none */
};

static void advance(struct parser *parser)
{
	parser->previous = parser->token;
	parser->token = lc_ddb_token_scan(parser->token.start + parser->token.length);
}

/* AWS shows the token and its surroundings: one token before and one behind. */
static void syntax_error(struct parser *parser)
{
	if (parser->syntax.len > 0) {
		return;
	}
	const struct lc_ddb_token *token = &parser->token;
	const char *from = parser->previous.start != NULL ? parser->previous.start : token->start;
	struct lc_ddb_token behind = lc_ddb_token_scan(token->start + token->length);
	const char *to = behind.start + behind.length;
	if (token->kind == LC_DDB_TOKEN_END) {
		to = parser->previous.start != NULL
			? parser->previous.start + parser->previous.length
			: token->start;
	}
	sl_buf_printf(&parser->syntax, "Syntax error; token: \"%.*s\", near: \"%.*s\"",
		token->kind == LC_DDB_TOKEN_END ? 5 : (int)token->length,
		token->kind == LC_DDB_TOKEN_END ? "<EOF>" : token->start, (int)(to - from), from);
}

static bool failed(const struct parser *parser)
{
	return parser->syntax.len > 0;
}

static bool accept(struct parser *parser, int kind)
{
	if (failed(parser) || parser->token.kind != kind) {
		return false;
	}
	advance(parser);
	return true;
}

static void expect(struct parser *parser, int kind)
{
	if (!accept(parser, kind)) {
		syntax_error(parser);
	}
}

static bool at_keyword(const struct parser *parser, const char *keyword)
{
	return !failed(parser) && parser->token.kind == LC_DDB_TOKEN_WORD &&
		parser->token.length == strlen(keyword) &&
		strncasecmp(parser->token.start, keyword, parser->token.length) == 0;
}

static bool accept_keyword(struct parser *parser, const char *keyword)
{
	if (!at_keyword(parser, keyword)) {
		return false;
	}
	advance(parser);
	return true;
}

/* --- tree -------------------------------------------------------------------------------- */

static struct lc_ddb_node *node_create(
	struct parser *parser, enum lc_ddb_node_kind kind, const char *op, size_t length)
{
	struct lc_ddb_node *node = sl_calloc(1, sizeof(*node));
	node->kind = kind;
	size_t keep = length < sizeof(node->op) - 1 ? length : sizeof(node->op) - 1;
	memcpy(node->op, op, keep);
	node->next = parser->expr->nodes;
	parser->expr->nodes = node;
	return node;
}

static void node_add(struct lc_ddb_node *node, struct lc_ddb_node *argument)
{
	node->args = sl_reallocarray(node->args, node->count + 1, sizeof(struct lc_ddb_node *));
	node->args[node->count++] = argument;
}

static struct lc_ddb_node *node_of(struct parser *parser, enum lc_ddb_node_kind kind,
	const char *op, struct lc_ddb_node *first, struct lc_ddb_node *second)
{
	struct lc_ddb_node *node = node_create(parser, kind, op, strlen(op));
	node_add(node, first);
	if (second != NULL) {
		node_add(node, second);
	}
	return node;
}

/* --- operands ---------------------------------------------------------------------------- */

static char *token_text(const struct lc_ddb_token *token)
{
	return sl_strndup(token->start, token->length);
}

/* The attribute that the current word or #name means; "" after a fault. Owned by the caller. */
static char *attribute_name(struct parser *parser)
{
	SL_AUTO(sl_freep)
	char *word = token_text(&parser->token);
	if (parser->token.kind == LC_DDB_TOKEN_WORD) {
		if (lc_ddb_reserved(word)) {
			lc_ddb_fault(&parser->faults, LC_DDB_FAULT_RESERVED,
				"Attribute name is a reserved keyword; reserved keyword: %s", word);
		}
		return sl_take(&word);
	}
	const char *name = json_string_value(json_object_get(parser->names->names, word));
	if (name == NULL) {
		lc_ddb_fault(&parser->faults, LC_DDB_FAULT_NAME,
			"An expression attribute name used in the document path is not defined; "
			"attribute name: %s",
			word);
		return sl_strdup("");
	}
	json_object_del(parser->names->unused_names, word);
	return sl_strdup(name);
}

static void path_add(struct lc_ddb_path *path, char *name, int64_t index)
{
	path->steps = sl_reallocarray(path->steps, path->count + 1, sizeof(struct lc_ddb_step));
	path->steps[path->count++] = (struct lc_ddb_step){name, index};
}

static void parse_name_step(struct parser *parser, struct lc_ddb_path *path)
{
	if (parser->token.kind != LC_DDB_TOKEN_WORD && parser->token.kind != LC_DDB_TOKEN_NAME) {
		syntax_error(parser);
		return;
	}
	path_add(path, attribute_name(parser), 0);
	advance(parser);
}

static void parse_index_step(struct parser *parser, struct lc_ddb_path *path)
{
	if (parser->token.kind != LC_DDB_TOKEN_NUMBER) {
		syntax_error(parser);
		return;
	}
	SL_AUTO(sl_freep)
	char *digits = token_text(&parser->token);
	if (parser->token.length > INDEX_DIGITS_MAX) {
		lc_ddb_fault(&parser->faults, LC_DDB_FAULT_NAME,
			"List index is not within the allowable range; index: [%s]", digits);
	} else {
		path_add(path, NULL, strtoll(digits, NULL, 10));
	}
	advance(parser);
	expect(parser, ']');
}

static struct lc_ddb_node *parse_path(struct parser *parser)
{
	struct lc_ddb_node *node = node_create(parser, LC_DDB_PATH, "", 0);
	parse_name_step(parser, &node->path);
	while (!failed(parser)) {
		if (accept(parser, '.')) {
			parse_name_step(parser, &node->path);
		} else if (accept(parser, '[')) {
			parse_index_step(parser, &node->path);
		} else {
			break;
		}
	}
	if (node->path.count > PATH_STEPS_MAX) {
		lc_ddb_fault(&parser->faults, LC_DDB_FAULT_NAME,
			"The document path has too many nesting elements; nesting levels: %zu",
			node->path.count);
	}
	return node;
}

static struct lc_ddb_node *parse_value(struct parser *parser)
{
	struct lc_ddb_node *node = node_create(parser, LC_DDB_VALUE, "", 0);
	SL_AUTO(sl_freep)
	char *name = token_text(&parser->token);
	node->value = json_object_get(parser->names->values, name);
	if (node->value == NULL) {
		lc_ddb_fault(&parser->faults, LC_DDB_FAULT_VALUE,
			"An expression attribute value used in expression is not defined; "
			"attribute "
			"value: %s",
			name);
	} else {
		json_object_del(parser->names->unused_values, name);
	}
	advance(parser);
	return node;
}

/* Names that do not fit are no function of DynamoDB's; told here, with the whole name. */
static void function_name_fits(struct parser *parser)
{
	if (parser->token.length >= sizeof(((struct lc_ddb_node *)NULL)->op)) {
		lc_ddb_fault(&parser->faults, LC_DDB_FAULT_UNKNOWN_FUNCTION,
			"Invalid function name; function: %.*s", (int)parser->token.length,
			parser->token.start);
	}
}

static struct lc_ddb_node *parse_operand(struct parser *parser);

static struct lc_ddb_node *parse_function(struct parser *parser)
{
	function_name_fits(parser);
	struct lc_ddb_node *node =
		node_create(parser, LC_DDB_FUNCTION, parser->token.start, parser->token.length);
	advance(parser);
	expect(parser, '(');
	do {
		node_add(node, parse_operand(parser));
	} while (accept(parser, ','));
	expect(parser, ')');
	return node;
}

static struct lc_ddb_node *parse_operand(struct parser *parser)
{
	if (parser->depth >= NESTING_MAX) {
		syntax_error(parser);
	}
	if (!failed(parser) && parser->token.kind == LC_DDB_TOKEN_VALUE) {
		return parse_value(parser);
	}
	if (failed(parser)) {
		return node_create(parser, LC_DDB_VALUE, "", 0);
	}
	struct lc_ddb_token behind = lc_ddb_token_scan(parser->token.start + parser->token.length);
	if (parser->token.kind == LC_DDB_TOKEN_WORD && behind.kind == '(') {
		parser->depth++;
		struct lc_ddb_node *node = parse_function(parser);
		parser->depth--;
		return node;
	}
	return parse_path(parser);
}

/* --- conditions -------------------------------------------------------------------------- */

static struct lc_ddb_node *parse_or(struct parser *parser);

static struct lc_ddb_node *parse_in(struct parser *parser, struct lc_ddb_node *operand)
{
	struct lc_ddb_node *node = node_of(parser, LC_DDB_IN, "IN", operand, NULL);
	expect(parser, '(');
	do {
		node_add(node, parse_operand(parser));
	} while (accept(parser, ','));
	expect(parser, ')');
	return node;
}

static struct lc_ddb_node *parse_comparison(struct parser *parser)
{
	static const struct {
		int kind;
		const char *op;
	} operators[] = {{'=', "="}, {'<', "<"}, {'>', ">"}, {LC_DDB_TOKEN_NOT_EQUAL, "<>"},
		{LC_DDB_TOKEN_LESS_EQUAL, "<="}, {LC_DDB_TOKEN_GREATER_EQUAL, ">="}};
	struct lc_ddb_node *operand = parse_operand(parser);
	for (size_t i = 0; i < SL_ARRAY_SIZE(operators); i++) {
		if (accept(parser, operators[i].kind)) {
			return node_of(parser, LC_DDB_COMPARE, operators[i].op, operand,
				parse_operand(parser));
		}
	}
	if (accept_keyword(parser, "BETWEEN")) {
		struct lc_ddb_node *low = parse_operand(parser);
		if (!accept_keyword(parser, "AND")) {
			syntax_error(parser);
		}
		struct lc_ddb_node *node = node_of(parser, LC_DDB_BETWEEN, "BETWEEN", operand, low);
		node_add(node, parse_operand(parser));
		return node;
	}
	if (accept_keyword(parser, "IN")) {
		return parse_in(parser, operand);
	}
	if (operand->kind != LC_DDB_FUNCTION) {
		syntax_error(parser);
	}
	return operand;
}

static struct lc_ddb_node *parse_not(struct parser *parser)
{
	if (parser->depth >= NESTING_MAX) {
		syntax_error(parser);
		return node_create(parser, LC_DDB_VALUE, "", 0);
	}
	parser->depth++;
	struct lc_ddb_node *node;
	if (accept_keyword(parser, "NOT")) {
		node = node_of(parser, LC_DDB_NOT, "NOT", parse_not(parser), NULL);
	} else if (accept(parser, '(')) {
		node = parse_or(parser);
		expect(parser, ')');
		if (node->parenthesised) {
			lc_ddb_fault(&parser->faults, LC_DDB_FAULT_PARENTHESES,
				"The expression has redundant parentheses;");
		}
		node->parenthesised = true;
	} else {
		node = parse_comparison(parser);
	}
	parser->depth--;
	return node;
}

static struct lc_ddb_node *parse_and(struct parser *parser)
{
	struct lc_ddb_node *node = parse_not(parser);
	while (accept_keyword(parser, "AND")) {
		node = node_of(parser, LC_DDB_AND, "AND", node, parse_not(parser));
	}
	return node;
}

static struct lc_ddb_node *parse_or(struct parser *parser)
{
	struct lc_ddb_node *node = parse_and(parser);
	while (accept_keyword(parser, "OR")) {
		node = node_of(parser, LC_DDB_OR, "OR", node, parse_and(parser));
	}
	return node;
}

/* --- projections and updates ------------------------------------------------------------- */

static void list_add(struct lc_ddb_expr *expr, struct lc_ddb_node *node)
{
	expr->list = sl_reallocarray(expr->list, expr->count + 1, sizeof(struct lc_ddb_node *));
	expr->list[expr->count++] = node;
}

static void parse_projection(struct parser *parser)
{
	do {
		list_add(parser->expr, parse_path(parser));
	} while (accept(parser, ','));
}

static struct lc_ddb_node *parse_assigned(struct parser *parser)
{
	struct lc_ddb_node *node;
	if (parser->depth < NESTING_MAX && accept(parser, '(')) {
		parser->depth++;
		node = parse_assigned(parser);
		parser->depth--;
		expect(parser, ')');
	} else {
		node = parse_operand(parser);
	}
	bool plus = accept(parser, '+');
	if (plus || accept(parser, '-')) {
		return node_of(parser, plus ? LC_DDB_PLUS : LC_DDB_MINUS, plus ? "+" : "-", node,
			parse_operand(parser));
	}
	return node;
}

static void parse_action(struct parser *parser, const char *section)
{
	struct lc_ddb_node *node =
		node_of(parser, LC_DDB_ACTION, section, parse_path(parser), NULL);
	if (strcmp(section, "SET") == 0) {
		expect(parser, '=');
		node_add(node, parse_assigned(parser));
	} else if (strcmp(section, "REMOVE") != 0) {
		if (!failed(parser) && parser->token.kind == LC_DDB_TOKEN_VALUE) {
			node_add(node, parse_value(parser));
		} else {
			syntax_error(parser);
		}
	}
	list_add(parser->expr, node);
}

static void parse_update(struct parser *parser)
{
	static const char *const sections[] = {"SET", "REMOVE", "ADD", "DELETE"};
	bool seen[SL_ARRAY_SIZE(sections)] = {false};
	while (!failed(parser) && parser->token.kind != LC_DDB_TOKEN_END) {
		size_t i = 0;
		while (i < SL_ARRAY_SIZE(sections) && !accept_keyword(parser, sections[i])) {
			i++;
		}
		if (i == SL_ARRAY_SIZE(sections)) {
			syntax_error(parser);
			return;
		}
		if (seen[i]) {
			lc_ddb_fault(&parser->faults, LC_DDB_FAULT_SECTION,
				"The \"%s\" section can only be used once in an update expression;",
				sections[i]);
		}
		seen[i] = true;
		do {
			parse_action(parser, sections[i]);
		} while (accept(parser, ','));
	}
}

/* --- entry ------------------------------------------------------------------------------- */

static bool parse_text(struct parser *parser, enum lc_ddb_grammar grammar)
{
	parser->token = lc_ddb_token_scan(parser->text);
	if (parser->token.kind == LC_DDB_TOKEN_END) {
		sl_buf_puts(&parser->syntax, "The expression can not be empty;");
		return false;
	}
	if (grammar == LC_DDB_CONDITION_GRAMMAR) {
		parser->expr->root = parse_or(parser);
	} else if (grammar == LC_DDB_PROJECTION_GRAMMAR) {
		parse_projection(parser);
	} else {
		parse_update(parser);
	}
	if (!failed(parser) && parser->token.kind != LC_DDB_TOKEN_END) {
		syntax_error(parser);
	}
	return !failed(parser);
}

/* The fault that AWS tells first; NULL when there is none. */
static const char *first_fault(const struct lc_ddb_faults *faults, enum lc_ddb_grammar grammar)
{
	static const enum lc_ddb_fault orders[2][LC_DDB_FAULT_COUNT_] = {
		{LC_DDB_FAULT_PARENTHESES, LC_DDB_FAULT_UNKNOWN_FUNCTION,
			LC_DDB_FAULT_MISUSED_FUNCTION, LC_DDB_FAULT_RESERVED, LC_DDB_FAULT_NAME,
			LC_DDB_FAULT_VALUE, LC_DDB_FAULT_OPERAND, LC_DDB_FAULT_DISTINCT,
			LC_DDB_FAULT_FUNCTION, LC_DDB_FAULT_SECTION, LC_DDB_FAULT_OVERLAP,
			LC_DDB_FAULT_CONFLICT},
		{LC_DDB_FAULT_RESERVED, LC_DDB_FAULT_UNKNOWN_FUNCTION, LC_DDB_FAULT_SECTION,
			LC_DDB_FAULT_NAME, LC_DDB_FAULT_VALUE, LC_DDB_FAULT_OVERLAP,
			LC_DDB_FAULT_CONFLICT, LC_DDB_FAULT_OPERAND, LC_DDB_FAULT_FUNCTION,
			LC_DDB_FAULT_PARENTHESES, LC_DDB_FAULT_MISUSED_FUNCTION,
			LC_DDB_FAULT_DISTINCT},
	};
	const enum lc_ddb_fault *order = orders[grammar != LC_DDB_CONDITION_GRAMMAR];
	for (size_t i = 0; i < LC_DDB_FAULT_COUNT_; i++) {
		if (faults->text[order[i]] != NULL) {
			return faults->text[order[i]];
		}
	}
	return NULL;
}

bool lc_ddb_expr_parse(struct lc_ddb_expr *expr, const json_t *in, const char *member,
	enum lc_ddb_grammar grammar, struct lc_ddb_names *names, struct lc_ddb_error *error)
{
	const json_t *source = json_object_get(in, member);
	*expr = (struct lc_ddb_expr){NULL, NULL, 0, NULL};
	if (source == NULL) {
		return true;
	}
	if (json_string_length(source) > EXPRESSION_MAX) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Invalid %s: Expression size has exceeded the maximum allowed size; "
			"expression size: %zu",
			member, json_string_length(source));
	}
	struct parser parser = {.text = json_string_value(source), .expr = expr, .names = names};
	bool ok = parse_text(&parser, grammar);
	if (!ok) {
		lc_ddb_fail(error, LC_DDB_VALIDATION, "Invalid %s: %s", member,
			sl_buf_str(&parser.syntax));
	} else {
		lc_ddb_expr_check(expr, grammar, &parser.faults);
		const char *fault = first_fault(&parser.faults, grammar);
		if (fault != NULL) {
			ok = lc_ddb_fail(error, LC_DDB_VALIDATION, "Invalid %s: %s", member, fault);
		}
	}
	for (size_t i = 0; i < LC_DDB_FAULT_COUNT_; i++) {
		free(parser.faults.text[i]);
	}
	sl_buf_finish(&parser.syntax);
	return ok;
}

void lc_ddb_expr_finish(struct lc_ddb_expr *expr)
{
	while (expr->nodes != NULL) {
		struct lc_ddb_node *node = expr->nodes;
		expr->nodes = node->next;
		for (size_t i = 0; i < node->path.count; i++) {
			free(node->path.steps[i].name);
		}
		free(node->path.steps);
		free(node->args);
		free(node);
	}
	free(expr->list);
	*expr = (struct lc_ddb_expr){NULL, NULL, 0, NULL};
}
