/* SPDX-License-Identifier: Apache-2.0 */
/* Policy documents: sl_policy_equal(), sl_policy_includes(), sl_policy_merge(). Pure. */

#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "text.h"

/* What SNS puts into the policy of a new topic; CloudFormation's TopicPolicy replaces it too. */
#define SNS_DEFAULT_SID "__default_statement_ID"

struct item {
	char *text;
	json_t *value;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->text, ((const struct item *)b)->text);
}

static json_t *canonical(const json_t *value);

/* Sorted, each once; a list of one is its element. */
static json_t *canonical_list(const json_t *list)
{
	size_t count = json_array_size(list);
	struct item *items = sl_calloc(count + 1, sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		items[i].value = canonical(json_array_get(list, i));
		items[i].text =
			json_dumps(items[i].value, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT);
	}
	qsort(items, count, sizeof(*items), by_text);
	json_t *sorted = json_array();
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(items[i].text, items[i - 1].text) != 0) {
			json_array_append(sorted, items[i].value);
		}
	}
	for (size_t i = 0; i < count; i++) {
		json_decref(items[i].value);
		free(items[i].text);
	}
	free(items);
	if (json_array_size(sorted) == 1) {
		json_t *only = json_incref(json_array_get(sorted, 0));
		json_decref(sorted);
		return only;
	}
	return sorted;
}

static json_t *canonical(const json_t *value)
{
	if (json_is_array(value)) {
		return canonical_list(value);
	}
	if (json_is_object(value)) {
		json_t *object = json_object();
		const char *name;
		json_t *member;
		json_object_foreach ((json_t *)(uintptr_t)value, name, member) {
			json_object_set_new(object, name, canonical(member));
		}
		return object;
	}
	if (json_is_boolean(value)) {
		return json_string(json_is_true(value) ? "true" : "false");
	}
	if (json_is_integer(value)) {
		return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	}
	return json_incref((json_t *)(uintptr_t)value);
}

bool sl_policy_equal(const json_t *a, const json_t *b)
{
	if (a == NULL || b == NULL) {
		return a == b;
	}
	json_auto_t *left = canonical(a);
	json_auto_t *right = canonical(b);
	return json_equal(left, right);
}

/* The statements, as a list in any case; the caller owns it. */
static json_t *statements_of(const json_t *document)
{
	json_t *statements = json_object_get(document, "Statement");
	if (json_is_array(statements)) {
		return json_incref(statements);
	}
	return statements != NULL ? json_pack("[O]", statements) : json_array();
}

static bool is_among(const json_t *list, const json_t *statement)
{
	size_t i;
	const json_t *one;
	json_array_foreach (list, i, one) {
		if (sl_policy_equal(one, statement)) {
			return true;
		}
	}
	return false;
}

bool sl_policy_includes(const json_t *have, const json_t *wanted)
{
	json_auto_t *there = statements_of(have);
	json_auto_t *needed = statements_of(wanted);
	size_t i;
	const json_t *statement;
	json_array_foreach (needed, i, statement) {
		if (!is_among(there, statement)) {
			return false;
		}
	}
	return true;
}

static const char *sid_of(const json_t *statement)
{
	return json_string_value(json_object_get(statement, "Sid"));
}

static bool has_sid(const json_t *list, const char *sid)
{
	size_t i;
	const json_t *one;
	json_array_foreach (list, i, one) {
		if (sid != NULL && sl_text_equal(sid_of(one), sid)) {
			return true;
		}
	}
	return false;
}

json_t *sl_policy_merge(const json_t *have, const json_t *wanted)
{
	json_auto_t *there = statements_of(have);
	json_auto_t *needed = statements_of(wanted);
	json_t *merged = json_array();
	size_t i;
	json_t *statement;
	json_array_foreach (there, i, statement) {
		const char *sid = sid_of(statement);
		if (!has_sid(needed, sid) && !sl_text_equal(sid, SNS_DEFAULT_SID) &&
			!is_among(needed, statement)) {
			json_array_append(merged, statement);
		}
	}
	json_array_extend(merged, needed);
	const json_t *version = json_object_get(wanted, "Version");
	return json_pack("{s:O*, s:o}", "Version", version, "Statement", merged);
}
