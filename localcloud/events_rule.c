/* SPDX-License-Identifier: Apache-2.0 */
/* EventBridge's operations on rules and their targets. Any HTTP thread. */

#include <string.h>

#include "lc_events.h"

enum { TARGETS_PER_RULE = 5, LIST_PAGE = 100 };

/* --- what the operations have in common -------------------------------------------------- */

static char *rule_arn(const struct lc_events_call *call, const char *name)
{
	return sl_asprintf("arn:aws:events:%s:%s:rule/%s", call->cloud->region, LC_ACCOUNT, name);
}

/* The rule's name in `member`, borrowed; NULL after an error reply. */
static const char *rule_name(struct lc_events_call *call, const char *member)
{
	const char *name = lc_events_string(call, member);
	size_t length = name == NULL ? 0 : strlen(name);
	if (!lc_events_bus_check(call)) {
		return NULL;
	}
	if (length < 1 || length > 64 ||
		strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789._-") != length) {
		lc_events_error(call, "ValidationException",
			"1 validation error detected: Value '%s' at '%s' failed to satisfy "
			"constraint: Member must satisfy regular expression pattern: "
			"[\\.\\-_A-Za-z0-9]+",
			name == NULL ? "null" : name,
			strcmp(member, "Name") == 0 ? "name" : "rule");
		return NULL;
	}
	return name;
}

static json_t *no_rule(struct lc_events_call *call, const char *name)
{
	return lc_events_error(call, "ResourceNotFoundException",
		"Rule %s does not exist on EventBus default.", name);
}

static bool rule_exists(sqlite3 *db, const char *name)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement =
		lc_db_prepare(db, "SELECT 1 FROM rules WHERE name = ?", LC_TEXTS(name));
	return lc_db_step(statement);
}

static int64_t count_of(sqlite3 *db, const char *sql, const char *name)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, LC_TEXTS(name));
	return lc_db_step(statement) ? sqlite3_column_int64(statement, 0) : 0;
}

static const char *column(sqlite3_stmt *statement, int at)
{
	return (const char *)sqlite3_column_text(statement, at);
}

/* --- rules ------------------------------------------------------------------------------- */

json_t *lc_events_put_rule(struct lc_events_call *call)
{
	const char *name = rule_name(call, "Name");
	if (name == NULL) {
		return NULL;
	}
	const char *text = lc_events_string(call, "EventPattern");
	const char *state = lc_events_string(call, "State");
	const char *description = lc_events_string(call, "Description");
	if (lc_events_string(call, "ScheduleExpression") != NULL) {
		return lc_events_error(call, "ValidationException",
			"localcloud offers no schedules: use EventPattern");
	}
	if (text == NULL || text[0] == '\0') {
		return lc_events_error(call, "ValidationException",
			"Parameter(s) EventPattern or ScheduleExpression must be specified.");
	}
	if (state != NULL && strcmp(state, "ENABLED") != 0 && strcmp(state, "DISABLED") != 0) {
		return lc_events_error(call, "ValidationException",
			"1 validation error detected: Value '%s' at 'state' failed to satisfy "
			"constraint: Member must satisfy enum value set: [ENABLED, DISABLED]",
			state);
	}
	json_auto_t *pattern = lc_events_pattern_parse(call, text);
	if (pattern == NULL) {
		return NULL;
	}
	lc_db_execute(lc_events_lock(),
		"INSERT INTO rules (name, pattern, state, description) VALUES (?1, ?2, ?3, ?4) "
		"ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, "
		"state = excluded.state, description = excluded.description",
		LC_TEXTS(name, text, state == NULL ? "ENABLED" : state,
			description == NULL ? "" : description));
	lc_events_unlock();
	SL_AUTO(sl_freep)
	char *arn = rule_arn(call, name);
	return json_pack("{s:s}", "RuleArn", arn);
}

json_t *lc_events_delete_rule(struct lc_events_call *call)
{
	const char *name = rule_name(call, "Name");
	if (name == NULL) {
		return NULL;
	}
	sqlite3 *db = lc_events_lock();
	bool targets = count_of(db, "SELECT count(*) FROM targets WHERE rule = ?", name) > 0;
	if (!targets) {
		lc_db_execute(db, "DELETE FROM rules WHERE name = ?", LC_TEXTS(name));
	}
	lc_events_unlock();
	return targets ? lc_events_error(call, "ValidationException",
				 "Rule can't be deleted since it has targets.")
		       : json_object();
}

#define RULE_COLUMNS "name, pattern, state, description"

static json_t *rule_json(const struct lc_events_call *call, sqlite3_stmt *statement)
{
	SL_AUTO(sl_freep)
	char *arn = rule_arn(call, column(statement, 0));
	json_t *rule = json_pack("{s:s, s:s, s:s, s:s, s:s}", "Name", column(statement, 0), "Arn",
		arn, "EventPattern", column(statement, 1), "State", column(statement, 2),
		"EventBusName", "default");
	if (column(statement, 3)[0] != '\0') {
		json_object_set_new(rule, "Description", json_string(column(statement, 3)));
	}
	return rule;
}

json_t *lc_events_describe_rule(struct lc_events_call *call)
{
	const char *name = rule_name(call, "Name");
	if (name == NULL) {
		return NULL;
	}
	json_t *rule = NULL;
	sqlite3_stmt *statement = lc_db_prepare(lc_events_lock(),
		"SELECT " RULE_COLUMNS " FROM rules WHERE name = ?", LC_TEXTS(name));
	if (lc_db_step(statement)) {
		rule = rule_json(call, statement);
		json_object_set_new(rule, "CreatedBy", json_string(LC_ACCOUNT));
	}
	sqlite3_finalize(statement);
	lc_events_unlock();
	return rule == NULL ? no_rule(call, name) : rule;
}

static int64_t page_limit(const struct lc_events_call *call)
{
	const json_t *limit = json_object_get(call->in, "Limit");
	int64_t value = json_integer_value(limit);
	return value >= 1 && value <= LIST_PAGE ? value : LIST_PAGE;
}

/* Cuts a list that was read one element too far, and says where the next page starts: the
 * token is the last element's `key`. */
static void paginate(json_t *reply, const char *member, const char *key, int64_t limit)
{
	json_t *list = json_object_get(reply, member);
	if ((int64_t)json_array_size(list) <= limit) {
		return;
	}
	json_array_remove(list, (size_t)limit);
	const json_t *last = json_array_get(list, (size_t)limit - 1);
	json_object_set_new(reply, "NextToken",
		json_string(json_string_value(key == NULL ? last : json_object_get(last, key))));
}

json_t *lc_events_list_rules(struct lc_events_call *call)
{
	if (!lc_events_bus_check(call)) {
		return NULL;
	}
	const char *prefix = lc_events_string(call, "NamePrefix");
	const char *after = lc_events_string(call, "NextToken");
	json_t *rules = json_array();
	sqlite3_stmt *statement = lc_db_prepare(lc_events_lock(),
		"SELECT " RULE_COLUMNS " FROM rules WHERE name > ?1 AND "
		"substr(name, 1, length(?2)) = ?2 ORDER BY name LIMIT ?3",
		LC_TEXTS(after == NULL ? "" : after, prefix == NULL ? "" : prefix));
	sqlite3_bind_int64(statement, 3, page_limit(call) + 1);
	while (lc_db_step(statement)) {
		json_array_append_new(rules, rule_json(call, statement));
	}
	sqlite3_finalize(statement);
	lc_events_unlock();
	json_t *reply = json_pack("{s:o}", "Rules", rules);
	paginate(reply, "Rules", "Name", page_limit(call));
	return reply;
}

static json_t *set_state(struct lc_events_call *call, const char *state)
{
	const char *name = rule_name(call, "Name");
	if (name == NULL) {
		return NULL;
	}
	int changed = lc_db_execute(lc_events_lock(), "UPDATE rules SET state = ?2 WHERE name = ?1",
		LC_TEXTS(name, state));
	lc_events_unlock();
	return changed == 0 ? no_rule(call, name) : json_object();
}

json_t *lc_events_enable_rule(struct lc_events_call *call)
{
	return set_state(call, "ENABLED");
}

json_t *lc_events_disable_rule(struct lc_events_call *call)
{
	return set_state(call, "DISABLED");
}

/* --- targets ----------------------------------------------------------------------------- */

/* Only what localcloud can carry out; false after an error reply. */
static bool target_check(struct lc_events_call *call, const json_t *target)
{
	const char *id = json_string_value(json_object_get(target, "Id"));
	const char *arn = json_string_value(json_object_get(target, "Arn"));
	const char *path = json_string_value(json_object_get(target, "InputPath"));
	if (id == NULL || id[0] == '\0' || strlen(id) > 64 || arn == NULL) {
		lc_events_error(call, "ValidationException",
			"1 validation error detected: Value null at 'targets.1.member.%s' failed "
			"to "
			"satisfy constraint: Member must not be null",
			arn == NULL ? "arn" : "id");
	} else if (strncmp(arn, "arn:", 4) != 0) {
		lc_events_error(call, "ValidationException",
			"Parameter %s is not valid. Reason: Provided Arn is not in correct format.",
			arn);
	} else if (strncmp(arn, "arn:aws:sns:", 12) != 0) {
		lc_events_error(call, "ValidationException",
			"localcloud sends events to SNS topics only, not to %s", arn);
	} else if (json_object_get(target, "InputTransformer") != NULL) {
		lc_events_error(call, "ValidationException",
			"localcloud offers Input and InputPath, not InputTransformer");
	} else if (path != NULL && path[0] != '$') {
		lc_events_error(call, "ValidationException",
			"Invalid JSON path for target %s : reason: must start with $", id);
	} else {
		return true;
	}
	return false;
}

static bool targets_check(struct lc_events_call *call, const json_t *targets)
{
	if (json_array_size(targets) == 0) {
		lc_events_error(call, "ValidationException",
			"1 validation error detected: Value '[]' at 'targets' failed to satisfy "
			"constraint: Member must have length greater than or equal to 1");
		return false;
	}
	size_t i;
	json_t *target;
	json_array_foreach (targets, i, target) {
		if (!target_check(call, target)) {
			return false;
		}
	}
	return true;
}

/* Puts them all, in a transaction; false when the rule would have too many. */
static bool targets_put(sqlite3 *db, const char *rule, const json_t *targets)
{
	size_t i;
	json_t *target;
	lc_db_execute(db, "BEGIN IMMEDIATE", NULL);
	json_array_foreach (targets, i, target) {
		SL_AUTO(sl_freep)
		char *text = json_dumps(target, JSON_COMPACT);
		lc_db_execute(db,
			"INSERT INTO targets (rule, id, arn, target) VALUES (?1, ?2, ?3, ?4) "
			"ON CONFLICT (rule, id) DO UPDATE SET arn = excluded.arn, "
			"target = excluded.target",
			LC_TEXTS(rule, json_string_value(json_object_get(target, "Id")),
				json_string_value(json_object_get(target, "Arn")), text));
	}
	bool fits = count_of(db, "SELECT count(*) FROM targets WHERE rule = ?", rule) <=
		TARGETS_PER_RULE;
	lc_db_execute(db, fits ? "COMMIT" : "ROLLBACK", NULL);
	return fits;
}

json_t *lc_events_put_targets(struct lc_events_call *call)
{
	const char *rule = rule_name(call, "Rule");
	const json_t *targets = json_object_get(call->in, "Targets");
	if (rule == NULL || !targets_check(call, targets)) {
		return NULL;
	}
	sqlite3 *db = lc_events_lock();
	bool exists = rule_exists(db, rule);
	bool fits = exists && targets_put(db, rule, targets);
	lc_events_unlock();
	if (!exists) {
		return no_rule(call, rule);
	}
	if (!fits) {
		return lc_events_error(call, "LimitExceededException",
			"The requested resource exceeds the maximum number allowed.");
	}
	return json_pack("{s:i, s:[]}", "FailedEntryCount", 0, "FailedEntries");
}

json_t *lc_events_remove_targets(struct lc_events_call *call)
{
	const char *rule = rule_name(call, "Rule");
	if (rule == NULL) {
		return NULL;
	}
	sqlite3 *db = lc_events_lock();
	bool exists = rule_exists(db, rule);
	size_t i;
	json_t *id;
	json_array_foreach (json_object_get(call->in, "Ids"), i, id) {
		if (json_is_string(id)) {
			lc_db_execute(db, "DELETE FROM targets WHERE rule = ? AND id = ?",
				LC_TEXTS(rule, json_string_value(id)));
		}
	}
	lc_events_unlock();
	return !exists ? no_rule(call, rule)
		       : json_pack("{s:i, s:[]}", "FailedEntryCount", 0, "FailedEntries");
}

json_t *lc_events_list_targets(struct lc_events_call *call)
{
	const char *rule = rule_name(call, "Rule");
	const char *after = lc_events_string(call, "NextToken");
	if (rule == NULL) {
		return NULL;
	}
	json_t *targets = json_array();
	sqlite3 *db = lc_events_lock();
	bool exists = rule_exists(db, rule);
	sqlite3_stmt *statement = lc_db_prepare(db,
		"SELECT target FROM targets WHERE rule = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
		LC_TEXTS(rule, after == NULL ? "" : after));
	sqlite3_bind_int64(statement, 3, page_limit(call) + 1);
	while (lc_db_step(statement)) {
		json_array_append_new(targets, json_loads(column(statement, 0), 0, NULL));
	}
	sqlite3_finalize(statement);
	lc_events_unlock();
	json_t *reply = json_pack("{s:o}", "Targets", targets);
	if (!exists) {
		json_decref(reply);
		return no_rule(call, rule);
	}
	paginate(reply, "Targets", "Id", page_limit(call));
	return reply;
}

json_t *lc_events_list_rule_names(struct lc_events_call *call)
{
	const char *arn = lc_events_string(call, "TargetArn");
	const char *after = lc_events_string(call, "NextToken");
	if (!lc_events_bus_check(call)) {
		return NULL;
	}
	json_t *names = json_array();
	sqlite3_stmt *statement = lc_db_prepare(lc_events_lock(),
		"SELECT DISTINCT rule FROM targets WHERE arn = ?1 AND rule > ?2 ORDER BY rule "
		"LIMIT ?3",
		LC_TEXTS(arn == NULL ? "" : arn, after == NULL ? "" : after));
	sqlite3_bind_int64(statement, 3, page_limit(call) + 1);
	while (lc_db_step(statement)) {
		json_array_append_new(names, json_string(column(statement, 0)));
	}
	sqlite3_finalize(statement);
	lc_events_unlock();
	json_t *reply = json_pack("{s:o}", "RuleNames", names);
	paginate(reply, "RuleNames", NULL, page_limit(call));
	return reply;
}
