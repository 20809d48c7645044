/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EventBridge: the JSON protocol, events in AWS's envelope, and their way to the targets of the
 * rules that match. Entry points: lc_events_handle (HTTP threads), lc_events_put (any thread).
 */

#include "lc_events.h"

#include <pthread.h>
#include <string.h>

#include "clock.h"
#include "uuid.h"

#define CONTENT_TYPE "application/x-amz-json-1.1"

enum { ENTRIES_MAX = 10, ENTRIES_BYTES_MAX = 256 * 1024 };

static const char schema[] = "CREATE TABLE IF NOT EXISTS rules ("
			     "	name TEXT PRIMARY KEY,"
			     "	pattern TEXT NOT NULL,"
			     "	state TEXT NOT NULL," /* ENABLED, DISABLED */
			     "	description TEXT NOT NULL);"
			     "CREATE TABLE IF NOT EXISTS targets ("
			     "	rule TEXT NOT NULL REFERENCES rules (name),"
			     "	id TEXT NOT NULL,"
			     "	arn TEXT NOT NULL,"
			     "	target TEXT NOT NULL," /* JSON as given */
			     "	PRIMARY KEY (rule, id));";

static struct {
	pthread_mutex_t mutex;
	sqlite3 *db;
	struct lc_cloud *cloud;
} events = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static lc_events_operation put_events, test_event_pattern;

static const struct {
	const char *name;
	lc_events_operation *run;
} operations[] = {
	{"PutRule", lc_events_put_rule},
	{"DeleteRule", lc_events_delete_rule},
	{"DescribeRule", lc_events_describe_rule},
	{"ListRules", lc_events_list_rules},
	{"EnableRule", lc_events_enable_rule},
	{"DisableRule", lc_events_disable_rule},
	{"PutTargets", lc_events_put_targets},
	{"RemoveTargets", lc_events_remove_targets},
	{"ListTargetsByRule", lc_events_list_targets},
	{"ListRuleNamesByTarget", lc_events_list_rule_names},
	{"PutEvents", put_events},
	{"TestEventPattern", test_event_pattern},
};

/* --- requests and replies ---------------------------------------------------------------- */

json_t *lc_events_error(struct lc_events_call *call, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *words = sl_vasprintf(format, arguments);
	va_end(arguments);
	lc_reply_json_error(call->reply, 400, code, "%s", words);
	return NULL;
}

const char *lc_events_string(const struct lc_events_call *call, const char *name)
{
	return json_string_value(json_object_get(call->in, name));
}

bool lc_events_bus_check(struct lc_events_call *call)
{
	const char *bus = lc_events_string(call, "EventBusName");
	SL_AUTO(sl_freep)
	char *arn = sl_asprintf(
		"arn:aws:events:%s:%s:event-bus/default", call->cloud->region, LC_ACCOUNT);
	if (bus == NULL || strcmp(bus, "default") == 0 || strcmp(bus, arn) == 0) {
		return true;
	}
	lc_events_error(call, "ResourceNotFoundException", "Event bus %s does not exist.", bus);
	return false;
}

json_t *lc_events_pattern_parse(struct lc_events_call *call, const char *text)
{
	json_error_t where;
	json_t *pattern = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	SL_AUTO(sl_freep)
	char *words = NULL;
	if (pattern != NULL && lc_events_pattern_check(pattern, &words)) {
		return pattern;
	}
	json_decref(pattern);
	return lc_events_error(call, "InvalidEventPatternException",
		"Event pattern is not valid. Reason: %s", pattern == NULL ? where.text : words);
}

/* --- database ---------------------------------------------------------------------------- */

sqlite3 *lc_events_lock(void)
{
	pthread_mutex_lock(&events.mutex);
	return events.db;
}

void lc_events_unlock(void)
{
	pthread_mutex_unlock(&events.mutex);
}

/* --- events ------------------------------------------------------------------------------ */

/* "2022-12-19T19:07:12Z": events have whole seconds. */
static void event_time(int64_t time_ms, char ret[static SL_CLOCK_RFC3339_SIZE])
{
	sl_clock_rfc3339(time_ms, ret);
	snprintf(strchr(ret, '.'), 2, "Z");
}

/* The envelope; `resources` and `detail` are released. */
static json_t *event_create(const char *source, const char *detail_type, int64_t time_ms,
	json_t *resources, json_t *detail)
{
	char id[SL_UUID_SIZE], time[SL_CLOCK_RFC3339_SIZE];
	sl_uuid_create(id);
	event_time(time_ms, time);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "version", "0", "id", id,
		"detail-type", detail_type, "source", source, "account", LC_ACCOUNT, "time", time,
		"region", events.cloud->region, "resources", resources, "detail", detail);
}

/* The value at an InputPath such as "$.detail.status", borrowed; NULL when there is none. */
static const json_t *input_path(const json_t *event, const char *path)
{
	SL_AUTO(sl_freep)
	char *copy = sl_strdup(path);
	char *rest = copy;
	const char *step = strsep(&rest, ".");
	if (strcmp(step, "$") != 0) {
		return NULL;
	}
	while (rest != NULL && event != NULL) {
		event = json_object_get(event, strsep(&rest, "."));
	}
	return event;
}

/* What a target is sent: its Input, a part of the event, or all of it. Owned by the caller. */
static char *target_text(const json_t *target, const json_t *event)
{
	const char *input = json_string_value(json_object_get(target, "Input"));
	const char *path = json_string_value(json_object_get(target, "InputPath"));
	if (input != NULL) {
		return sl_strdup(input);
	}
	const json_t *part = path == NULL ? event : input_path(event, path);
	return part == NULL ? sl_strdup("null") : json_dumps(part, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* The targets of all enabled rules that match, an array owned by the caller. */
static json_t *event_targets(const json_t *event)
{
	json_t *targets = json_array();
	sqlite3 *db = lc_events_lock();
	sqlite3_stmt *statement = lc_db_prepare(db,
		"SELECT pattern, target FROM rules JOIN targets ON rule = name "
		"WHERE state = 'ENABLED' ORDER BY rule, id",
		NULL);
	while (lc_db_step(statement)) {
		json_auto_t *pattern =
			json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL);
		if (lc_events_pattern_matches(pattern, event)) {
			json_array_append_new(targets,
				json_loads(
					(const char *)sqlite3_column_text(statement, 1), 0, NULL));
		}
	}
	sqlite3_finalize(statement);
	lc_events_unlock();
	return targets;
}

/* Sends the event to every target that wants it. SNS stores it before this returns. */
static void event_send(const json_t *event)
{
	json_auto_t *targets = event_targets(event);
	size_t i;
	json_t *target;
	json_array_foreach (targets, i, target) {
		const char *arn = json_string_value(json_object_get(target, "Arn"));
		SL_AUTO(sl_freep)
		char *text = target_text(target, event);
		if (!lc_sns_publish(arn, NULL, text)) {
			sl_log(SL_LOG_WARN, "event dropped: no such topic", SL_F("target", arn),
				SL_F_END);
		}
	}
}

void lc_events_put(
	const char *source, const char *detail_type, const char *resource_arn, json_t *detail)
{
	json_t *resources = json_array();
	if (resource_arn != NULL) {
		json_array_append_new(resources, json_string(resource_arn));
	}
	json_auto_t *event =
		event_create(source, detail_type, sl_clock_now_ms(), resources, detail);
	event_send(event);
}

/* --- PutEvents --------------------------------------------------------------------------- */

static json_t *entry_error(const char *code, const char *words)
{
	return json_pack("{s:s, s:s}", "ErrorCode", code, "ErrorMessage", words);
}

/* What is wrong with an entry, or NULL. */
static json_t *entry_check(const json_t *entry)
{
	static const char *const required[] = {"Source", "DetailType", "Detail"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(required); i++) {
		const char *value = json_string_value(json_object_get(entry, required[i]));
		if (value == NULL || value[0] == '\0') {
			SL_AUTO(sl_freep)
			char *words = sl_asprintf("Parameter %s is not valid. Reason: %s is a "
						  "required argument.",
				required[i], required[i]);
			return entry_error("InvalidArgument", words);
		}
	}
	if (strncmp(json_string_value(json_object_get(entry, "Source")), "aws.", 4) == 0) {
		return entry_error(
			"NotAuthorizedForSourceException", "Not authorized for the source.");
	}
	return NULL;
}

/* Sends one entry; its part of the reply. */
static json_t *entry_put(const json_t *entry)
{
	json_t *problem = entry_check(entry);
	if (problem != NULL) {
		return problem;
	}
	json_t *detail = json_loads(json_string_value(json_object_get(entry, "Detail")), 0, NULL);
	if (!json_is_object(detail)) {
		json_decref(detail);
		return entry_error("MalformedDetail", "Detail is malformed.");
	}
	const json_t *time = json_object_get(entry, "Time");
	json_t *resources = json_object_get(entry, "Resources");
	json_auto_t *event = event_create(json_string_value(json_object_get(entry, "Source")),
		json_string_value(json_object_get(entry, "DetailType")),
		json_is_number(time) ? (int64_t)(json_number_value(time) * 1000)
				     : sl_clock_now_ms(),
		json_is_array(resources) ? json_incref(resources) : json_array(), detail);
	event_send(event);
	return json_pack("{s:O}", "EventId", json_object_get(event, "id"));
}

static json_t *put_events(struct lc_events_call *call)
{
	const json_t *entries = json_object_get(call->in, "Entries");
	size_t count = json_array_size(entries);
	if (count < 1 || count > ENTRIES_MAX) {
		return lc_events_error(call, "ValidationException",
			"1 validation error detected: Value at 'entries' failed to satisfy "
			"constraint: Member must have length %s than or equal to %d",
			count < 1 ? "greater" : "less", count < 1 ? 1 : ENTRIES_MAX);
	}
	SL_AUTO(sl_freep)
	char *all = json_dumps(entries, JSON_COMPACT);
	if (strlen(all) > ENTRIES_BYTES_MAX) {
		return lc_events_error(call, "ValidationException",
			"Total size of the entries in the request is over the limit.");
	}
	json_t *results = json_array();
	json_int_t failed = 0;
	size_t i;
	json_t *entry;
	json_array_foreach (entries, i, entry) {
		json_t *result = entry_put(entry);
		failed += json_object_get(result, "ErrorCode") != NULL;
		json_array_append_new(results, result);
	}
	return json_pack("{s:I, s:o}", "FailedEntryCount", failed, "Entries", results);
}

static json_t *test_event_pattern(struct lc_events_call *call)
{
	const char *pattern_text = lc_events_string(call, "EventPattern");
	const char *event_text = lc_events_string(call, "Event");
	if (pattern_text == NULL || event_text == NULL) {
		return lc_events_error(call, "ValidationException",
			"1 validation error detected: Value null at '%s' failed to satisfy "
			"constraint: Member must not be null",
			pattern_text == NULL ? "eventPattern" : "event");
	}
	json_auto_t *pattern = lc_events_pattern_parse(call, pattern_text);
	if (pattern == NULL) {
		return NULL;
	}
	json_auto_t *event = json_loads(event_text, 0, NULL);
	if (!json_is_object(event)) {
		return lc_events_error(
			call, "ValidationException", "Parameter Event is not valid.");
	}
	return json_pack("{s:b}", "Result", lc_events_pattern_matches(pattern, event));
}

/* --- entry ------------------------------------------------------------------------------- */

/* The operation's reply, or NULL after an error reply. */
static json_t *run(struct lc_events_call *call, const struct lc_request *request)
{
	const char *target = lc_request_header(request, "x-amz-target");
	const char *name =
		target != NULL && strncmp(target, "AWSEvents.", 10) == 0 ? target + 10 : "";
	call->in = request->body == NULL
		? NULL
		: json_loadb(request->body, request->body_len, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(call->in)) {
		return lc_events_error(call, "SerializationException", "%s", "");
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(operations); i++) {
		if (strcmp(name, operations[i].name) == 0) {
			return operations[i].run(call);
		}
	}
	return lc_events_error(call, "UnknownOperationException", "%s", "");
}

void lc_events_handle(
	struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	struct lc_events_call call = {cloud, NULL, reply};
	json_t *body = run(&call, request);
	if (body != NULL) {
		lc_reply_json(reply, CONTENT_TYPE, body);
	}
	json_decref(call.in);
}

void lc_events_start(struct lc_cloud *cloud)
{
	events.cloud = cloud;
	events.db = lc_db_open(cloud, "events", schema);
}

void lc_events_stop(void)
{
	pthread_mutex_lock(&events.mutex);
	sqlite3_close(events.db);
	events.db = NULL;
	pthread_mutex_unlock(&events.mutex);
}
