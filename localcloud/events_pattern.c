/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EventBridge's event patterns: every leaf is a list of values or matchers, one of which must
 * hold; every name in a pattern must hold. Entry points: lc_events_pattern_*. Pure functions.
 */

#include <math.h>
#include <string.h>
#include <strings.h>

#include "lc_events.h"
#include "text.h"

/* --- checks ------------------------------------------------------------------------------ */

static bool bad(char **ret_words, const char *words, const char *name)
{
	*ret_words = sl_asprintf("%s at \"%s\"", words, name);
	return false;
}

static const char *const comparators[] = {"=", "<", "<=", ">", ">="};

/* [op, number] or [op, number, op, number]. */
static bool numeric_valid(const json_t *list)
{
	size_t count = json_array_size(list);
	if (count != 2 && count != 4) {
		return false;
	}
	for (size_t i = 0; i < count; i += 2) {
		const char *op = json_string_value(json_array_get(list, i));
		bool known = false;
		for (size_t j = 0; op != NULL && j < SL_ARRAY_SIZE(comparators); j++) {
			known = known || strcmp(op, comparators[j]) == 0;
		}
		if (!known || !json_is_number(json_array_get(list, i + 1))) {
			return false;
		}
	}
	return true;
}

static bool is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value);
}

/* A string, or a list of at least one of them. */
static bool scalars_valid(const json_t *value, bool strings_only)
{
	if (!json_is_array(value)) {
		return strings_only ? json_is_string(value) : is_scalar(value);
	}
	size_t i;
	json_t *element;
	json_array_foreach (value, i, element) {
		if (strings_only ? !json_is_string(element) : !is_scalar(element)) {
			return false;
		}
	}
	return json_array_size(value) > 0;
}

static bool is_text_matcher(const char *name)
{
	return strcmp(name, "prefix") == 0 || strcmp(name, "suffix") == 0 ||
		strcmp(name, "equals-ignore-case") == 0 || strcmp(name, "wildcard") == 0;
}

/* The one member of an object; NULL when there is none or more. */
static const char *only_member(const json_t *object, const json_t **ret_value)
{
	void *iterator = json_object_iter((json_t *)(uintptr_t)object);
	if (json_object_size(object) != 1) {
		return NULL;
	}
	*ret_value = json_object_iter_value(iterator);
	return json_object_iter_key(iterator);
}

static bool anything_but_valid(const json_t *value)
{
	const json_t *inner = NULL;
	const char *name = json_is_object(value) ? only_member(value, &inner) : NULL;
	if (json_is_object(value)) {
		return name != NULL && is_text_matcher(name) && scalars_valid(inner, true);
	}
	return scalars_valid(value, false);
}

static bool matcher_check(const json_t *matcher, const char *name, char **ret_words)
{
	const json_t *value = NULL;
	const char *kind = only_member(matcher, &value);
	if (kind == NULL) {
		return bad(ret_words, "Only one key allowed in match expression", name);
	}
	if (is_text_matcher(kind)) {
		const json_t *inner = NULL;
		const char *member = json_is_object(value) ? only_member(value, &inner) : NULL;
		bool ignores_case = member != NULL && strcmp(member, "equals-ignore-case") == 0 &&
			json_is_string(inner) && strcmp(kind, "wildcard") != 0;
		return json_is_string(value) || ignores_case ||
			bad(ret_words, "match pattern must be a string", name);
	}
	if (strcmp(kind, "exists") == 0) {
		return json_is_boolean(value) ||
			bad(ret_words, "exists match pattern must be either true or false.", name);
	}
	if (strcmp(kind, "numeric") == 0) {
		return numeric_valid(value) ||
			bad(ret_words, "Value of numeric must be an array of comparisons", name);
	}
	if (strcmp(kind, "anything-but") == 0) {
		return anything_but_valid(value) ||
			bad(ret_words,
				"Value of anything-but must be an array or single string/number "
				"value.",
				name);
	}
	*ret_words = sl_asprintf("Unrecognized match type %s", kind);
	return false;
}

static bool leaf_check(const json_t *list, const char *name, char **ret_words)
{
	if (json_array_size(list) == 0) {
		return bad(ret_words, "Empty arrays are not allowed", name);
	}
	size_t i;
	json_t *element;
	json_array_foreach (list, i, element) {
		if (json_is_array(element)) {
			return bad(ret_words,
				"Match value must be String, number, true, false, or null", name);
		}
		if (json_is_object(element) && !matcher_check(element, name, ret_words)) {
			return false;
		}
	}
	return true;
}

static bool object_check(const json_t *pattern, int depth, char **ret_words)
{
	if (json_object_size(pattern) == 0) {
		*ret_words = sl_strdup("Empty objects are not allowed");
		return false;
	}
	if (depth > 64) {
		*ret_words = sl_strdup("the pattern is nested too deeply");
		return false;
	}
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)pattern, name, value) {
		if (strcmp(name, "$or") == 0 && json_array_size(value) > 0) {
			size_t i;
			json_t *branch;
			json_array_foreach (value, i, branch) {
				if (!object_check(branch, depth + 1, ret_words)) {
					return false;
				}
			}
		} else if (json_is_object(value)) {
			if (!object_check(value, depth + 1, ret_words)) {
				return false;
			}
		} else if (!json_is_array(value)) {
			*ret_words = sl_asprintf("\"%s\" must be an object or an array", name);
			return false;
		} else if (!leaf_check(value, name, ret_words)) {
			return false;
		}
	}
	return true;
}

bool lc_events_pattern_check(const json_t *pattern, char **ret_words)
{
	if (!json_is_object(pattern)) {
		*ret_words = sl_strdup("Filter is not an object");
		return false;
	}
	return object_check(pattern, 0, ret_words);
}

/* --- matching ---------------------------------------------------------------------------- */

static bool scalar_equal(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b)) {
		return fabs(json_number_value(a) - json_number_value(b)) == 0;
	}
	return json_equal(a, b);
}

static bool compare_number(double value, const char *op, double bound)
{
	if (value < bound) {
		return op[0] == '<';
	}
	if (value > bound) {
		return op[0] == '>';
	}
	return op[0] == '=' || op[1] == '=';
}

static bool numeric_holds(const json_t *list, const json_t *value)
{
	if (!json_is_number(value)) {
		return false;
	}
	for (size_t i = 0; i + 1 < json_array_size(list); i += 2) {
		if (!compare_number(json_number_value(value),
			    json_string_value(json_array_get(list, i)),
			    json_number_value(json_array_get(list, i + 1)))) {
			return false;
		}
	}
	return true;
}

/* '*' stands for any run of characters, '\' takes the next one as it is. Linear: only the last
 * star is ever gone back to. */
static bool wildcard_holds(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;
	while (*text != '\0') {
		const char *literal =
			*pattern == '\\' && pattern[1] != '\0' ? pattern + 1 : pattern;
		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern != '\0' && *literal == *text) {
			pattern = literal + 1;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*') {
		pattern++;
	}
	return *pattern == '\0';
}

/* prefix, suffix, equals-ignore-case, wildcard against a string. */
static bool text_holds(const char *kind, const json_t *wanted, const json_t *value)
{
	const json_t *folded = json_object_get(wanted, "equals-ignore-case");
	const char *part = json_string_value(folded != NULL ? folded : wanted);
	const char *text = json_string_value(value);
	if (text == NULL || part == NULL) {
		return false;
	}
	size_t part_len = strlen(part), text_len = strlen(text);
	if (strcmp(kind, "equals-ignore-case") == 0) {
		return strcasecmp(text, part) == 0;
	}
	if (strcmp(kind, "wildcard") == 0) {
		return wildcard_holds(part, text);
	}
	if (part_len > text_len) {
		return false;
	}
	const char *at = strcmp(kind, "suffix") == 0 ? text + text_len - part_len : text;
	return folded != NULL ? strncasecmp(at, part, part_len) == 0
			      : strncmp(at, part, part_len) == 0;
}

static bool any_text_holds(const char *kind, const json_t *wanted, const json_t *value)
{
	if (!json_is_array(wanted)) {
		return text_holds(kind, wanted, value);
	}
	size_t i;
	json_t *element;
	json_array_foreach (wanted, i, element) {
		if (text_holds(kind, element, value)) {
			return true;
		}
	}
	return false;
}

static bool anything_but_holds(const json_t *unwanted, const json_t *value)
{
	if (json_is_object(unwanted)) {
		const json_t *inner = NULL;
		const char *kind = only_member(unwanted, &inner);
		return !any_text_holds(kind, inner, value);
	}
	if (!json_is_array(unwanted)) {
		return !scalar_equal(unwanted, value);
	}
	size_t i;
	json_t *element;
	json_array_foreach (unwanted, i, element) {
		if (scalar_equal(element, value)) {
			return false;
		}
	}
	return true;
}

/* One matcher or literal against one scalar of the event. */
static bool element_holds(const json_t *element, const json_t *value)
{
	if (!json_is_object(element)) {
		return scalar_equal(element, value);
	}
	const json_t *wanted = NULL;
	const char *kind = only_member(element, &wanted);
	if (strcmp(kind, "exists") == 0) {
		return json_is_true(wanted);
	}
	if (strcmp(kind, "numeric") == 0) {
		return numeric_holds(wanted, value);
	}
	if (strcmp(kind, "anything-but") == 0) {
		return anything_but_holds(wanted, value);
	}
	return text_holds(kind, wanted, value);
}

static bool leaf_holds_scalar(const json_t *list, const json_t *value)
{
	size_t i;
	json_t *element;
	json_array_foreach (list, i, element) {
		if (element_holds(element, value)) {
			return true;
		}
	}
	return false;
}

static bool leaf_wants_absence(const json_t *list)
{
	size_t i;
	json_t *element;
	json_array_foreach (list, i, element) {
		if (json_is_false(json_object_get(element, "exists"))) {
			return true;
		}
	}
	return false;
}

/* An array in the event matches when one of its elements does; "exists" is about leaves. */
static bool leaf_holds(const json_t *list, const json_t *value)
{
	if (value == NULL || json_is_object(value)) {
		return leaf_wants_absence(list);
	}
	if (!json_is_array(value)) {
		return leaf_holds_scalar(list, value);
	}
	size_t i;
	json_t *element;
	json_array_foreach (value, i, element) {
		if (leaf_holds_scalar(list, element)) {
			return true;
		}
	}
	return json_array_size(value) == 0 && leaf_wants_absence(list);
}

static bool nested_holds(const json_t *pattern, const json_t *value)
{
	if (!json_is_array(value)) {
		return lc_events_pattern_matches(pattern, value);
	}
	size_t i;
	json_t *element;
	json_array_foreach (value, i, element) {
		if (lc_events_pattern_matches(pattern, element)) {
			return true;
		}
	}
	return false;
}

static bool or_holds(const json_t *branches, const json_t *event)
{
	size_t i;
	json_t *branch;
	json_array_foreach (branches, i, branch) {
		if (lc_events_pattern_matches(branch, event)) {
			return true;
		}
	}
	return false;
}

bool lc_events_pattern_matches(const json_t *pattern, const json_t *event)
{
	const char *name;
	json_t *wanted;
	json_object_foreach ((json_t *)(uintptr_t)pattern, name, wanted) {
		const json_t *value = json_object_get(event, name);
		bool branches = strcmp(name, "$or") == 0 && json_is_array(wanted) &&
			json_is_object(json_array_get(wanted, 0));
		bool holds = branches            ? or_holds(wanted, event)
			: json_is_object(wanted) ? nested_holds(wanted, value)
						 : leaf_holds(wanted, value);
		if (!holds) {
			return false;
		}
	}
	return true;
}
