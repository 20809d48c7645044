/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Condition element of IAM's policies: operators, set operators, …IfExists, policy variables.
 * Entry points: lc_condition_*, lc_policy_like. Pure, any thread.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "lc_policy.h"
#include "mem.h"
#include "text.h"

/* How a * or ? that is meant literally stands in an expanded value: ${*}, ${?}, or what came out
 * of a variable. Neither byte can be in a policy, whose characters end with U+00FF from U+0020. */
#define LITERAL_STAR  '\x01'
#define LITERAL_QUERY '\x02'

/* --- patterns ---------------------------------------------------------------------------- */

static bool same(char pattern, char c, bool ignore_case)
{
	if (pattern == LITERAL_STAR || pattern == LITERAL_QUERY) {
		return c == (pattern == LITERAL_STAR ? '*' : '?');
	}
	return pattern == c ||
		(ignore_case && tolower((unsigned char)pattern) == tolower((unsigned char)c));
}

bool lc_policy_like(const char *pattern, const char *text, bool ignore_case)
{
	const char *star = NULL;
	const char *retry = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern && (*pattern == '?' || same(*pattern, *text, ignore_case))) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*') {
		pattern++;
	}
	return *pattern == '\0';
}

/* The end of one of the first five parts of an ARN; NULL when it has fewer. */
static const char *part_end(const char *arn, int part)
{
	return part < 5 ? strchr(arn, ':') : arn + strlen(arn);
}

bool lc_condition_arn_like(const char *pattern, const char *arn)
{
	if (strcmp(pattern, "*") == 0) {
		return true;
	}
	for (int part = 0; part < 6; part++) {
		const char *pattern_end = part_end(pattern, part);
		const char *arn_end = part_end(arn, part);
		if (!pattern_end || !arn_end) {
			return false;
		}
		SL_AUTO(sl_freep)
		char *one = sl_strndup(pattern, (size_t)(pattern_end - pattern));
		SL_AUTO(sl_freep)
		char *other = sl_strndup(arn, (size_t)(arn_end - arn));
		if (!lc_policy_like(one, other, false)) {
			return false;
		}
		pattern = *pattern_end ? pattern_end + 1 : pattern_end;
		arn = *arn_end ? arn_end + 1 : arn_end;
	}
	return true;
}

/* --- variables --------------------------------------------------------------------------- */

static char *lower(const char *text, size_t len)
{
	char *copy = sl_strndup(text, len);
	for (char *c = copy; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	return copy;
}

static const json_t *context_value(const json_t *context, const char *key, size_t len)
{
	SL_AUTO(sl_freep)
	char *name = lower(key, len);
	return json_object_get(context, name);
}

/* Appends what ${name} stands for; false when it stands for nothing. */
static bool expand_one(struct sl_buf *out, const char *name, size_t len, const json_t *context)
{
	if (len == 1 && (*name == '*' || *name == '?' || *name == '$')) {
		sl_buf_putc(out, *name == '*' ? LITERAL_STAR : *name == '?' ? LITERAL_QUERY : '$');
		return true;
	}
	const json_t *value = context_value(context, name, len);
	if (json_array_size(value) == 1) { /* keys of several values are no variables */
		value = json_array_get(value, 0);
	}
	if (!json_is_string(value)) {
		return false;
	}
	for (const char *c = json_string_value(value); *c; c++) {
		sl_buf_putc(out, *c == '*' ? LITERAL_STAR : *c == '?' ? LITERAL_QUERY : *c);
	}
	return true;
}

char *lc_condition_expand(const char *value, const json_t *context, bool variables)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	while (*value) {
		const char *end =
			variables && sl_text_starts_with(value, "${") ? strchr(value, '}') : NULL;
		if (!end) {
			sl_buf_putc(&out, *value++);
			continue;
		}
		if (!expand_one(&out, value + 2, (size_t)(end - value - 2), context)) {
			return NULL;
		}
		value = end + 1;
	}
	return sl_buf_steal(&out);
}

/* --- operators --------------------------------------------------------------------------- */

/* Whether `got`, from the context, is what `wanted`, an expanded value of the policy, means. */
typedef bool compare(const char *wanted, const char *got);

/* An expanded value without wildcards is still spelled with the literal ones. */
static bool equal_spelled(const char *wanted, const char *got, bool ignore_case)
{
	for (; *wanted && *got; wanted++, got++) {
		if (!same(*wanted, *got, ignore_case)) {
			return false;
		}
	}
	return *wanted == *got;
}

static bool string_equals(const char *wanted, const char *got)
{
	return equal_spelled(wanted, got, false);
}

static bool string_equals_ignore_case(const char *wanted, const char *got)
{
	return equal_spelled(wanted, got, true);
}

static bool string_like(const char *wanted, const char *got)
{
	return lc_policy_like(wanted, got, false);
}

static bool read_number(const char *text, double *ret)
{
	char *end;
	*ret = strtod(text, &end);
	return end != text && *end == '\0';
}

/* -1, 0, 1; 2 when they cannot be compared. */
static int order_numbers(const char *wanted, const char *got)
{
	double a;
	double b;
	return !read_number(wanted, &a) || !read_number(got, &b) ? 2 : (b > a) - (b < a);
}

static bool read_date(const char *text, int64_t *ret_ms)
{
	int64_t seconds;
	if (sl_text_parse_i64(text, 0, INT64_MAX / 1000, &seconds)) {
		*ret_ms = seconds * 1000;
		return true;
	}
	return sl_clock_parse_rfc3339(text, ret_ms);
}

static int order_dates(const char *wanted, const char *got)
{
	int64_t a;
	int64_t b;
	return !read_date(wanted, &a) || !read_date(got, &b) ? 2 : (b > a) - (b < a);
}

/* clang-format off */
static bool numeric_equals(const char *w, const char *g) { return order_numbers(w, g) == 0; }
static bool numeric_less(const char *w, const char *g) { return order_numbers(w, g) == -1; }
static bool numeric_less_equals(const char *w, const char *g) { return order_numbers(w, g) <= 0; }
static bool numeric_greater(const char *w, const char *g) { return order_numbers(w, g) == 1; }
static bool numeric_greater_equals(const char *w, const char *g)
{
	int order = order_numbers(w, g);
	return order == 0 || order == 1;
}
static bool date_equals(const char *w, const char *g) { return order_dates(w, g) == 0; }
static bool date_less(const char *w, const char *g) { return order_dates(w, g) == -1; }
static bool date_less_equals(const char *w, const char *g) { return order_dates(w, g) <= 0; }
static bool date_greater(const char *w, const char *g) { return order_dates(w, g) == 1; }
static bool date_greater_equals(const char *w, const char *g)
{
	int order = order_dates(w, g);
	return order == 0 || order == 1;
}
/* clang-format on */

/* "10.0.0.0/8", "2001:db8::/32" or an address by itself. */
static bool ip_address(const char *wanted, const char *got)
{
	unsigned char net[16];
	unsigned char address[16];
	const char *slash = strchr(wanted, '/');
	SL_AUTO(sl_freep)
	char *host = sl_strndup(wanted, slash ? (size_t)(slash - wanted) : strlen(wanted));
	int family = strchr(host, ':') ? AF_INET6 : AF_INET;
	int64_t bits = family == AF_INET6 ? 128 : 32;

	if (inet_pton(family, host, net) != 1 || inet_pton(family, got, address) != 1 ||
		(slash && !sl_text_parse_i64(slash + 1, 0, bits, &bits))) {
		return false;
	}
	for (int64_t i = 0; i < bits; i++) {
		unsigned mask = 0x80U >> (i % 8);
		if ((net[i / 8] & mask) != (address[i / 8] & mask)) {
			return false;
		}
	}
	return true;
}

struct operator
{
	const char *name;
	compare *compare; /* NULL: Null, which is none */
	bool negated;
};

static const struct operator operators[] = {
	{"StringEquals", string_equals, false},
	{"StringNotEquals", string_equals, true},
	{"StringEqualsIgnoreCase", string_equals_ignore_case, false},
	{"StringNotEqualsIgnoreCase", string_equals_ignore_case, true},
	{"StringLike", string_like, false},
	{"StringNotLike", string_like, true},
	{"NumericEquals", numeric_equals, false},
	{"NumericNotEquals", numeric_equals, true},
	{"NumericLessThan", numeric_less, false},
	{"NumericLessThanEquals", numeric_less_equals, false},
	{"NumericGreaterThan", numeric_greater, false},
	{"NumericGreaterThanEquals", numeric_greater_equals, false},
	{"DateEquals", date_equals, false},
	{"DateNotEquals", date_equals, true},
	{"DateLessThan", date_less, false},
	{"DateLessThanEquals", date_less_equals, false},
	{"DateGreaterThan", date_greater, false},
	{"DateGreaterThanEquals", date_greater_equals, false},
	{"Bool", string_equals_ignore_case, false},
	{"BinaryEquals", string_equals, false},
	{"IpAddress", ip_address, false},
	{"NotIpAddress", ip_address, true},
	{"ArnEquals", lc_condition_arn_like, false}, /* the two behave alike */
	{"ArnLike", lc_condition_arn_like, false},
	{"ArnNotEquals", lc_condition_arn_like, true},
	{"ArnNotLike", lc_condition_arn_like, true},
	{"Null", NULL, false},
};

enum set { SET_NONE, SET_ALL, SET_ANY };

/* Splits "ForAnyValue:StringLikeIfExists"; NULL when there is no such operator. */
static const struct operator* operator_find(const char *name, enum set *ret_set, bool *ret_if)
{
	const char *colon = strchr(name, ':');
	size_t prefix = colon ? (size_t)(colon + 1 - name) : 0;
	*ret_set = !colon                                                         ? SET_NONE
		: prefix == 13 && strncasecmp(name, "ForAllValues:", prefix) == 0 ? SET_ALL
										  : SET_ANY;
	if (*ret_set == SET_ANY &&
		(prefix != 12 || strncasecmp(name, "ForAnyValue:", prefix) != 0)) {
		return NULL;
	}
	name += prefix;
	size_t length = strlen(name);
	*ret_if = length > 8 && strcasecmp(name + length - 8, "IfExists") == 0;
	length -= *ret_if ? 8 : 0;
	for (size_t i = 0; i < SL_ARRAY_SIZE(operators); i++) {
		if (strlen(operators[i].name) == length &&
			strncasecmp(operators[i].name, name, length) == 0) {
			return *ret_if && !operators[i].compare ? NULL : &operators[i];
		}
	}
	return NULL;
}

bool lc_condition_known(const char *name)
{
	enum set set;
	bool if_exists;
	return operator_find(name, &set, &if_exists) != NULL;
}

/* --- holding ----------------------------------------------------------------------------- */

/* The n-th of a string, boolean, number or an array of them, as text; NULL behind the last. */
static char *nth(const json_t *values, size_t n)
{
	const json_t *value = json_is_array(values) ? json_array_get(values, n)
		: n == 0                            ? values
						    : NULL;
	if (json_is_string(value)) {
		return sl_strdup(json_string_value(value));
	}
	if (json_is_boolean(value)) {
		return sl_strdup(json_is_true(value) ? "true" : "false");
	}
	return json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
}

struct test {
	const struct operator* operator;
	const json_t *wanted;
	const json_t *context;
	bool variables;
};

/* Whether one value of the context satisfies the operator: any of the policy's values, or with a
 * negated operator none of them. */
static bool value_passes(const struct test *test, const char *got)
{
	for (size_t i = 0;; i++) {
		SL_AUTO(sl_freep)
		char *value = nth(test->wanted, i);
		if (!value) {
			return test->operator->negated;
		}
		SL_AUTO(sl_freep)
		char *expanded = lc_condition_expand(value, test->context, test->variables);
		if (expanded && test->operator->compare(expanded, got)) {
			return !test->operator->negated;
		}
	}
}

static bool values_pass(const struct test *test, const json_t *values, enum set set)
{
	bool all = set == SET_ALL || (set == SET_NONE && test->operator->negated);
	for (size_t i = 0;; i++) {
		SL_AUTO(sl_freep)
		char *got = nth(values, i);
		if (!got) {
			return all;
		}
		if (value_passes(test, got) != all) {
			return !all;
		}
	}
}

static bool key_holds(const char *name, const char *key, const json_t *wanted,
	const json_t *context, bool variables)
{
	enum set set;
	bool if_exists;
	struct test test = {operator_find(name, &set, &if_exists), wanted, context, variables};
	const json_t *values = context_value(context, key, strlen(key));

	if (!test.operator) {
		return false;
	}
	if (!test.operator->compare) { /* "true": the key must be absent */
		SL_AUTO(sl_freep)
		char *absent = nth(wanted, 0);
		return absent && (strcasecmp(absent, "true") == 0) == (values == NULL);
	}
	if (!values) {
		return if_exists || set == SET_ALL || (set == SET_NONE && test.operator->negated);
	}
	return values_pass(&test, values, set);
}

bool lc_condition_holds(const json_t *condition, const json_t *context, bool variables)
{
	const char *name;
	json_t *keys;
	json_object_foreach ((json_t *)(uintptr_t)condition, name, keys) {
		const char *key;
		json_t *wanted;
		json_object_foreach (keys, key, wanted) {
			if (!key_holds(name, key, wanted, context, variables)) {
				return false;
			}
		}
	}
	return true;
}
