/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The constraints on a DynamoDB request whose types are right: required members, lengths, ranges,
 * enumerations, told all at once as AWS does. Entry: lc_ddb_constraints. Pure functions.
 */

#include <ctype.h>
#include <string.h>

#include "lc_dynamodb.h"

/* The list of violations; AWS tells the first ten. */
struct violations {
	struct sl_buf text;
	int count;
};

static void violation(struct violations *violations, const json_t *value, const char *where,
	const char *name, const char *constraint)
{
	if (violations->count >= 10) {
		return;
	}
	if (violations->count++ > 0) {
		sl_buf_puts(&violations->text, "; ");
	}
	SL_AUTO(sl_freep)
	char *dump = NULL;
	const char *shown = json_string_value(value);
	if (shown == NULL && value != NULL) {
		dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		shown = dump;
	}
	const char *quote = value == NULL ? "" : "'";
	sl_buf_printf(&violations->text,
		"Value %s%s%s at '%s%c%s' failed to satisfy constraint: %s", quote,
		shown == NULL ? "null" : shown, quote, where, tolower((unsigned char)name[0]),
		name + 1, constraint);
}

static bool name_pattern(const char *text)
{
	return text[0] != '\0' &&
		text[strspn(text,
			"abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == '\0';
}

static bool one_of(const char *text, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (strcmp(text, *names) == 0) {
			return true;
		}
	}
	return false;
}

static void string_constraints(struct violations *violations, const json_t *value,
	const char *where, const struct lc_ddb_member *member)
{
	const char *text = json_string_value(value);
	char words[96];
	if (member->pattern != NULL && !name_pattern(text)) {
		violation(violations, value, where, member->name,
			"Member must satisfy regular expression pattern: " LC_DDB_NAME_PATTERN);
	}
	if (member->max != 0 && (int64_t)json_string_length(value) < member->min) {
		snprintf(words, sizeof(words),
			"Member must have length greater than or equal to %lld",
			(long long)member->min);
		violation(violations, value, where, member->name, words);
	}
	if (member->max != 0 && (int64_t)json_string_length(value) > member->max) {
		snprintf(words, sizeof(words), "Member must have length less than or equal to %lld",
			(long long)member->max);
		violation(violations, value, where, member->name, words);
	}
	if (member->names != NULL && !one_of(text, member->names)) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf set = SL_BUF_INIT;
		sl_buf_puts(&set, "Member must satisfy enum value set: [");
		for (size_t i = 0; member->names[i] != NULL; i++) {
			sl_buf_printf(&set, "%s%s", i == 0 ? "" : ", ", member->names[i]);
		}
		sl_buf_putc(&set, ']');
		violation(violations, value, where, member->name, sl_buf_str(&set));
	}
}

/* A number's value, or how many elements a collection has. */
static void range_constraints(struct violations *violations, const json_t *value, const char *where,
	const struct lc_ddb_member *member)
{
	bool number = json_is_integer(value);
	int64_t measure = number ? json_integer_value(value)
				 : (int64_t)(json_array_size(value) + json_object_size(value));
	if (member->max == 0 || (measure >= member->min && measure <= member->max)) {
		return;
	}
	bool low = measure < member->min;
	char words[96];
	snprintf(words, sizeof(words), "Member must have %s %s than or equal to %lld",
		number ? "value" : "length", low ? "greater" : "less",
		(long long)(low ? member->min : member->max));
	violation(violations, value, where, member->name, words);
}

static void struct_constraints(struct violations *violations, const json_t *in, const char *where,
	const struct lc_ddb_member *spec);

static void list_constraints(struct violations *violations, const json_t *list, const char *where,
	const struct lc_ddb_member *member)
{
	size_t i;
	json_t *element;
	json_array_foreach (list, i, element) {
		SL_AUTO(sl_freep)
		char *inner = sl_asprintf("%s.%zu.member.", where, i + 1);
		struct_constraints(violations, element, inner, member->members);
	}
}

/* A map's values are structs, or lists of up to 25 of them (BatchWriteItem's). */
static void map_constraints(struct violations *violations, json_t *map, const char *where,
	const char *name, const struct lc_ddb_member *member)
{
	const char *key;
	json_t *element;
	json_object_foreach (map, key, element) {
		SL_AUTO(sl_freep)
		char *inner = sl_asprintf("%s%s.%s.member", where, name, key);
		size_t count = json_array_size(element);
		if (json_is_object(element)) {
			SL_AUTO(sl_freep)
			char *dotted = sl_asprintf("%s.", inner);
			struct_constraints(violations, element, dotted, member->members);
		} else if (count < 1 || count > (size_t)member->max) {
			violation(violations, map, where, member->name,
				"Map value must satisfy constraint: [Member must have length less "
				"than or equal to 25, Member must have length greater than or "
				"equal "
				"to 1]");
		} else {
			list_constraints(violations, element, inner, member);
		}
	}
}

static void elements_constraints(struct violations *violations, json_t *value, const char *where,
	const struct lc_ddb_member *member)
{
	SL_AUTO(sl_freep)
	char *name = sl_strdup(member->name);
	name[0] = (char)tolower((unsigned char)name[0]);
	SL_AUTO(sl_freep)
	char *inner = sl_asprintf("%s%s", where, name);
	list_constraints(violations, value, inner, member);
	map_constraints(violations, value, where, name, member);
}

static void member_constraints(struct violations *violations, json_t *value, const char *where,
	const struct lc_ddb_member *member)
{
	switch (member->type) {
	case LC_DDB_STRING:
		string_constraints(violations, value, where, member);
		break;
	case LC_DDB_STRUCT: {
		SL_AUTO(sl_freep)
		char *inner = sl_asprintf("%s%c%s.", where, tolower((unsigned char)member->name[0]),
			member->name + 1);
		struct_constraints(violations, value, inner, member->members);
		break;
	}
	case LC_DDB_STRUCT_LIST:
	case LC_DDB_STRUCT_MAP:
	case LC_DDB_STRUCT_LIST_MAP:
		range_constraints(violations, value, where, member);
		elements_constraints(violations, value, where, member);
		break;
	default:
		range_constraints(violations, value, where, member);
	}
}

static void struct_constraints(struct violations *violations, const json_t *in, const char *where,
	const struct lc_ddb_member *spec)
{
	for (const struct lc_ddb_member *member = spec; member->name != NULL; member++) {
		json_t *value = json_object_get(in, member->name);
		if (value != NULL) {
			member_constraints(violations, value, where, member);
		} else if (member->required) {
			violation(violations, NULL, where, member->name, "Member must not be null");
		}
	}
}

bool lc_ddb_constraints(
	const json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error)
{
	struct violations violations = {SL_BUF_INIT, 0};
	struct_constraints(&violations, in, "", spec);
	SL_AUTO(sl_freep)
	char *text = sl_buf_steal(&violations.text);
	if (violations.count > 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION, "%d validation error%s detected: %s",
			violations.count, violations.count == 1 ? "" : "s", text);
	}
	return true;
}
