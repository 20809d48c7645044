/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of faults: read from JSON by table, chosen by seed and count. Entry points:
 * lc_fault_rules_*. Pure.
 */
#include "fault_rules.h"

#include <string.h>

#include "err.h"
#include "json_spec.h"
#include "mem.h"

#define MAX_RULES    1000
#define MAX_DELAY_MS 600000
#define NO_LIMIT     (-1)

/* In the order of their enums. */
static const char *const kinds[] = {"throttle", "server_error", "slow", "cut_before", "cut_after",
	"garbage", "expired_token", "limit", "page_twice", "token_expired", "token_empty", NULL};
static const char *const notice_kinds[] = {
	"drop", "duplicate", "delay", "reorder", "forge", "corrupt", NULL};

struct rule {
	const char *service, *operation; /* of requests */
	const char *topic;               /* of notifications */
	int kind;
	double probability;
	int64_t skip, count, delay_ms;
	int64_t matched, fired;
};

/* What absent members of a rule mean cannot be put in an array's structs before it is decoded, so
 * each rule is decoded by itself. */
struct document {
	int64_t seed;
	json_t *rules, *notifications;
};

struct lc_fault_rules {
	json_t *root; /* owns the strings */
	int64_t seed;
	struct rule *requests;
	size_t request_count;
	struct rule *notices;
	size_t notice_count;
};

static const struct sl_json_field document_spec[] = {
	SL_I64(struct document, seed, INT64_MIN, INT64_MAX, SL_OPTIONAL),
	SL_ANY_AS(struct document, rules, "rules", SL_OPTIONAL),
	SL_ANY_AS(struct document, notifications, "notifications", SL_OPTIONAL),
	SL_JSON_END,
};

#define COMMON_FIELDS \
	SL_F64(struct rule, probability, 0, 1, SL_OPTIONAL), \
		SL_I64(struct rule, skip, 0, INT32_MAX, SL_OPTIONAL), \
		SL_I64(struct rule, count, 0, INT32_MAX, SL_OPTIONAL), \
		SL_I64(struct rule, delay_ms, 0, MAX_DELAY_MS, SL_OPTIONAL)

static const struct sl_json_field request_spec[] = {
	SL_STR(struct rule, service, 1, 64, SL_REQUIRED),
	SL_STR(struct rule, operation, 1, 128, SL_OPTIONAL),
	SL_ENUM(struct rule, kind, kinds, SL_REQUIRED),
	COMMON_FIELDS,
	SL_JSON_END,
};

static const struct sl_json_field notice_spec[] = {
	SL_STR(struct rule, topic, 1, 256, SL_OPTIONAL),
	SL_ENUM(struct rule, kind, notice_kinds, SL_REQUIRED),
	COMMON_FIELDS,
	SL_JSON_END,
};

/* --- reading ------------------------------------------------------------------------------- */

static char *why(const char *where, const struct sl_error *error)
{
	bool whole = !*where && !error->pointer;
	return sl_asprintf("%s%s: %s", whole ? "the body" : where,
		error->pointer ? error->pointer : "",
		error->detail ? error->detail : sl_err_code(error->code));
}

/* NULL when all are fine, otherwise what is wrong with one of them, owned. */
static char *read_rules(const json_t *array, const char *name, const struct sl_json_field *spec,
	struct rule **ret_rules, size_t *ret_count)
{
	size_t i;
	json_t *item;
	if (array && (!json_is_array(array) || json_array_size(array) > MAX_RULES)) {
		return sl_asprintf("/%s: an array of at most %d rules", name, MAX_RULES);
	}
	*ret_rules = sl_calloc(json_array_size(array) + 1, sizeof **ret_rules);
	json_array_foreach (array, i, item) {
		struct rule rule = {
			.operation = "*", .topic = "*", .probability = 1, .count = NO_LIMIT};
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (sl_json_decode(item, spec, SL_JSON_STRICT, &rule, &error) != SL_ERR_OK) {
			SL_AUTO(sl_freep)
			char *where = sl_asprintf("/%s/%zu", name, i);
			return why(where, &error);
		}
		(*ret_rules)[(*ret_count)++] = rule;
	}
	return NULL;
}

struct lc_fault_rules *lc_fault_rules_parse(const char *text, size_t len, char **ret_why)
{
	struct lc_fault_rules *rules = sl_calloc(1, sizeof *rules);
	struct document document = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;

	if (sl_json_parse(text, len, &rules->root, &error) != SL_ERR_OK ||
		sl_json_decode(rules->root, document_spec, SL_JSON_STRICT, &document, &error) !=
			SL_ERR_OK) {
		*ret_why = why("", &error);
		lc_fault_rules_destroy(rules);
		return NULL;
	}
	rules->seed = document.seed;
	char *problem = read_rules(
		document.rules, "rules", request_spec, &rules->requests, &rules->request_count);
	if (!problem) {
		problem = read_rules(document.notifications, "notifications", notice_spec,
			&rules->notices, &rules->notice_count);
	}
	if (problem) {
		*ret_why = problem;
		lc_fault_rules_destroy(rules);
		return NULL;
	}
	return rules;
}

void lc_fault_rules_destroy(struct lc_fault_rules *rules)
{
	if (rules) {
		json_decref(rules->root);
		free(rules->requests);
		free(rules->notices);
		free(rules);
	}
}

/* --- showing ------------------------------------------------------------------------------- */

static json_t *show(const struct rule *rules, size_t count, const struct sl_json_field *spec)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *shown = sl_json_encode(spec, &rules[i]);
		if (rules[i].count == NO_LIMIT) {
			json_object_del(shown, "count");
		}
		json_object_set_new(shown, "matched", json_integer(rules[i].matched));
		json_object_set_new(shown, "fired", json_integer(rules[i].fired));
		json_array_append_new(array, shown);
	}
	return array;
}

json_t *lc_fault_rules_json(const struct lc_fault_rules *rules)
{
	return json_pack("{s:I, s:o, s:o}", "seed", (json_int_t)rules->seed, "rules",
		show(rules->requests, rules->request_count, request_spec), "notifications",
		show(rules->notices, rules->notice_count, notice_spec));
}

/* --- choosing ------------------------------------------------------------------------------ */

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* A match, the rule's n-th: whether it fires. */
static bool fires(struct rule *rule, int64_t seed, uint64_t number)
{
	rule->matched++;
	if (rule->matched <= rule->skip ||
		(rule->count != NO_LIMIT && rule->fired >= rule->count)) {
		return false;
	}
	uint64_t drawn = mix(mix(mix((uint64_t)seed) + number) + (uint64_t)rule->matched);
	if ((double)(drawn >> 11) * 0x1p-53 >= rule->probability) {
		return false;
	}
	rule->fired++;
	return true;
}

static bool names(const char *pattern, const char *text)
{
	return strcmp(pattern, "*") == 0 || strcmp(pattern, text) == 0;
}

static bool is_of_page(int kind)
{
	return kind >= LC_FAULT_PAGE_TWICE;
}

enum lc_fault_kind lc_fault_rules_request(struct lc_fault_rules *rules, const char *service,
	const char *operation, int64_t *ret_delay_ms)
{
	enum lc_fault_kind kind = LC_FAULT_NONE;
	int64_t delay_ms = 0;
	for (size_t i = 0; i < rules->request_count; i++) {
		struct rule *rule = &rules->requests[i];
		if (is_of_page(rule->kind) || !names(rule->service, service) ||
			!names(rule->operation, operation) || !fires(rule, rules->seed, i)) {
			continue;
		}
		kind = (enum lc_fault_kind)rule->kind;
		if (kind != LC_FAULT_SLOW) {
			break;
		}
		delay_ms += rule->delay_ms;
	}
	*ret_delay_ms = delay_ms < MAX_DELAY_MS ? delay_ms : MAX_DELAY_MS;
	return kind;
}

bool lc_fault_rules_page(struct lc_fault_rules *rules, enum lc_fault_kind kind, const char *service,
	const char *operation)
{
	for (size_t i = 0; i < rules->request_count; i++) {
		struct rule *rule = &rules->requests[i];
		if (rule->kind == (int)kind && names(rule->service, service) &&
			names(rule->operation, operation) && fires(rule, rules->seed, i)) {
			return true;
		}
	}
	return false;
}

enum lc_notice_fault lc_fault_rules_notice(
	struct lc_fault_rules *rules, const char *topic_arn, int64_t *ret_delay_ms)
{
	for (size_t i = 0; i < rules->notice_count; i++) {
		struct rule *rule = &rules->notices[i];
		bool matches = strcmp(rule->topic, "*") == 0 || strstr(topic_arn, rule->topic);
		if (matches && fires(rule, rules->seed, MAX_RULES + i)) {
			*ret_delay_ms = rule->delay_ms;
			return (enum lc_notice_fault)rule->kind;
		}
	}
	return LC_NOTICE_NONE;
}
