/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IAM's policies: what a document must look like, and what its statements decide. Entry points:
 * lc_policy_check, lc_policy_decide. Pure, any thread.
 */
#include <string.h>

#include "lc_policy.h"
#include "mem.h"
#include "text.h"

#define SYNTAX "Syntax errors in policy."

/* --- deciding ---------------------------------------------------------------------------- */

/* Calls for a string or each string of an array; true as soon as one fits. */
typedef bool fits(const char *value, const struct lc_policy_question *question, bool variables);

static bool any_fits(
	const json_t *values, fits *fit, const struct lc_policy_question *question, bool variables)
{
	if (json_is_string(values)) {
		return fit(json_string_value(values), question, variables);
	}
	size_t i;
	json_t *value;
	json_array_foreach (values, i, value) {
		if (json_is_string(value) && fit(json_string_value(value), question, variables)) {
			return true;
		}
	}
	return false;
}

static bool action_fits(
	const char *value, const struct lc_policy_question *question, SL_UNUSED bool variables)
{
	return lc_policy_like(value, question->action, true);
}

static bool resource_fits(
	const char *value, const struct lc_policy_question *question, bool variables)
{
	SL_AUTO(sl_freep)
	char *expanded = lc_condition_expand(value, question->context, variables);
	if (!expanded) {
		return false;
	}
	/* What has no resource to name is only reached by "*". */
	return strcmp(expanded, "*") == 0 ||
		(strcmp(question->resource, "*") != 0 &&
			lc_condition_arn_like(expanded, question->resource));
}

/* `Name` or `NotName` of a statement; without both it is `otherwise`. */
static bool element_fits(const json_t *statement, const char *name, const char *not_name, fits *fit,
	const struct lc_policy_question *question, bool variables, bool otherwise)
{
	const json_t *values = json_object_get(statement, name);
	const json_t *not_values = json_object_get(statement, not_name);
	if (values) {
		return any_fits(values, fit, question, variables);
	}
	return not_values ? !any_fits(not_values, fit, question, variables) : otherwise;
}

static bool principal_fits(
	const char *value, const struct lc_policy_question *question, SL_UNUSED bool variables)
{
	if (strcmp(value, "*") == 0) {
		return true;
	}
	for (size_t i = 0; question->principals && question->principals[i]; i++) {
		if (strcmp(value, question->principals[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool principals_fit(const json_t *principal, const struct lc_policy_question *question)
{
	if (json_is_string(principal)) {
		return sl_text_equal(json_string_value(principal), "*");
	}
	return any_fits(json_object_get(principal, question->principal_kind), principal_fits,
		question, false);
}

static bool statement_applies(
	const json_t *statement, const struct lc_policy_question *question, bool variables)
{
	const json_t *principal = json_object_get(statement, "Principal");
	const json_t *not_principal = json_object_get(statement, "NotPrincipal");
	if (principal ? !principals_fit(principal, question)
		      : not_principal && principals_fit(not_principal, question)) {
		return false;
	}
	return element_fits(
		       statement, "Action", "NotAction", action_fits, question, variables, false) &&
		element_fits(statement, "Resource", "NotResource", resource_fits, question,
			variables, principal != NULL || not_principal != NULL) &&
		lc_condition_holds(
			json_object_get(statement, "Condition"), question->context, variables);
}

enum lc_verdict lc_verdict_both(enum lc_verdict a, enum lc_verdict b)
{
	return a > b ? a : b; /* in this order they are declared */
}

static enum lc_verdict statement_decide(
	const json_t *statement, const struct lc_policy_question *question, bool variables)
{
	if (!statement_applies(statement, question, variables)) {
		return LC_IMPLICIT_DENY;
	}
	const char *effect = json_string_value(json_object_get(statement, "Effect"));
	return sl_text_equal(effect, "Allow")   ? LC_ALLOW
		: sl_text_equal(effect, "Deny") ? LC_EXPLICIT_DENY
						: LC_IMPLICIT_DENY;
}

enum lc_verdict lc_policy_decide(const json_t *document, const struct lc_policy_question *question)
{
	/* Only the newer version of the language has variables. */
	bool variables = sl_text_equal(
		json_string_value(json_object_get(document, "Version")), "2012-10-17");
	const json_t *statements = json_object_get(document, "Statement");
	if (json_is_object(statements)) {
		return statement_decide(statements, question, variables);
	}
	enum lc_verdict verdict = LC_IMPLICIT_DENY;
	size_t i;
	json_t *statement;
	json_array_foreach (statements, i, statement) {
		verdict =
			lc_verdict_both(verdict, statement_decide(statement, question, variables));
	}
	return verdict;
}

/* --- checking ---------------------------------------------------------------------------- */

/* Whether it is a string, or an array of strings that is not empty. */
static bool is_texts(const json_t *values)
{
	size_t i;
	json_t *value;
	json_array_foreach (values, i, value) {
		if (!json_is_string(value)) {
			return false;
		}
	}
	return json_is_string(values) || json_array_size(values) > 0;
}

static bool is_action(const char *value, SL_UNUSED const struct lc_policy_question *none,
	SL_UNUSED bool variables)
{
	return strcmp(value, "*") != 0 && !strchr(value, ':');
}

/* True for what is no ARN: any_fits() then tells whether there is such a one. */
static bool is_no_arn(const char *value, SL_UNUSED const struct lc_policy_question *none,
	SL_UNUSED bool variables)
{
	int colons = 0;
	for (const char *c = value; *c; c++) {
		colons += *c == ':';
	}
	return strcmp(value, "*") != 0 && (strncmp(value, "arn:", 4) != 0 || colons < 5);
}

static const char *check_condition(const json_t *condition)
{
	const char *name;
	json_t *keys;
	if (condition && !json_is_object(condition)) {
		return SYNTAX;
	}
	json_object_foreach ((json_t *)(uintptr_t)condition, name, keys) {
		const char *key;
		json_t *values;
		if (!lc_condition_known(name)) {
			return "Invalid Condition type.";
		}
		if (!json_is_object(keys)) {
			return SYNTAX;
		}
		json_object_foreach (keys, key, values) {
			if (json_is_object(values) || json_is_null(values)) {
				return SYNTAX;
			}
		}
	}
	return NULL;
}

static const char *check_resources(const json_t *statement, enum lc_policy_kind kind)
{
	const json_t *values = json_object_get(statement, "Resource");
	const json_t *not_values = json_object_get(statement, "NotResource");
	if (kind == LC_POLICY_TRUST) {
		return values || not_values ? "Has prohibited field Resource" : NULL;
	}
	if (!values == !not_values) {
		return values ? SYNTAX : "Policy statement must contain resources.";
	}
	values = values ? values : not_values;
	if (!is_texts(values)) {
		return SYNTAX;
	}
	return any_fits(values, is_no_arn, NULL, false) ? "Resource must be in ARN format or \"*\"."
							: NULL;
}

static const char *check_principals(const json_t *statement, enum lc_policy_kind kind)
{
	const json_t *principal = json_object_get(statement, "Principal");
	const json_t *not_principal = json_object_get(statement, "NotPrincipal");
	if (kind == LC_POLICY_IDENTITY) {
		return principal || not_principal
			? "Policy document should not specify a principal."
			: NULL;
	}
	if (!principal == !not_principal) {
		return principal ? SYNTAX : "Missing required field Principal";
	}
	principal = principal ? principal : not_principal;
	if (json_is_string(principal)) {
		return sl_text_equal(json_string_value(principal), "*") ? NULL : SYNTAX;
	}
	const char *name;
	json_t *values;
	json_object_foreach ((json_t *)(uintptr_t)principal, name, values) {
		if (!is_texts(values)) {
			return SYNTAX;
		}
	}
	return json_object_size(principal) > 0 ? NULL : SYNTAX;
}

static bool fields_known(const json_t *object, const char *const *names, size_t count)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		bool known = false;
		for (size_t i = 0; i < count; i++) {
			known = known || strcmp(names[i], name) == 0;
		}
		if (!known) {
			return false;
		}
	}
	return true;
}

static const char *check_statement(const json_t *statement, enum lc_policy_kind kind)
{
	static const char *const fields[] = {"Sid", "Effect", "Action", "NotAction", "Resource",
		"NotResource", "Principal", "NotPrincipal", "Condition"};
	const json_t *actions = json_object_get(statement, "Action");
	const json_t *not_actions = json_object_get(statement, "NotAction");
	const char *effect = json_string_value(json_object_get(statement, "Effect"));

	if (!json_is_object(statement) || !fields_known(statement, fields, SL_ARRAY_SIZE(fields))) {
		return SYNTAX;
	}
	if (!sl_text_equal(effect, "Allow") && !sl_text_equal(effect, "Deny")) {
		return effect ? SYNTAX : "Missing required field Effect";
	}
	if (!actions == !not_actions) {
		return actions ? SYNTAX : "Policy statement must contain actions.";
	}
	actions = actions ? actions : not_actions;
	if (!is_texts(actions)) {
		return SYNTAX;
	}
	if (any_fits(actions, is_action, NULL, false)) {
		return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
	}
	const char *words = check_resources(statement, kind);
	words = words ? words : check_principals(statement, kind);
	return words ? words : check_condition(json_object_get(statement, "Condition"));
}

static const char *check(const json_t *document, enum lc_policy_kind kind)
{
	static const char *const fields[] = {"Version", "Id", "Statement"};
	const json_t *version = json_object_get(document, "Version");
	const json_t *statements = json_object_get(document, "Statement");
	const char *version_text = json_string_value(version);

	if (!json_is_object(document) || !fields_known(document, fields, SL_ARRAY_SIZE(fields))) {
		return SYNTAX;
	}
	if (version && !sl_text_equal(version_text, "2012-10-17") &&
		!sl_text_equal(version_text, "2008-10-17")) {
		return SYNTAX;
	}
	if (json_is_object(statements)) {
		return check_statement(statements, kind);
	}
	if (json_array_size(statements) == 0) {
		return SYNTAX;
	}
	size_t i;
	json_t *statement;
	json_array_foreach (statements, i, statement) {
		const char *words = check_statement(statement, kind);
		if (words) {
			return words;
		}
	}
	return NULL;
}

bool lc_policy_check(const json_t *document, enum lc_policy_kind kind, char **ret_words)
{
	const char *words = check(document, kind);
	if (words) {
		*ret_words = sl_strdup(words);
	}
	return words == NULL;
}
