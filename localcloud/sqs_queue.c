/* SPDX-License-Identifier: Apache-2.0 */
/* SQS's operations on queues. Entry points: those of lc_sqs.h, on any HTTP thread. */
#include <string.h>

#include "clock.h"
#include "lc_policy.h"
#include "lc_sqs.h"
#include "text.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static char *queue_url(struct lc_sqs_call *call, const char *name)
{
	return sl_asprintf("%s/" LC_ACCOUNT "/%s", call->cloud->base_url, name);
}

static json_t *url_reply(struct lc_sqs_call *call, const char *name)
{
	SL_AUTO(sl_freep)
	char *url = queue_url(call, name);
	return json_pack("{s:s}", "QueueUrl", url);
}

json_t *lc_sqs_attributes(sqlite3 *db, const char *queue)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement =
		lc_db_prepare(db, "SELECT attributes FROM queues WHERE name = ?", LC_TEXTS(queue));
	return lc_db_step(statement)
		? json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL)
		: NULL;
}

int64_t lc_sqs_attribute(const json_t *attributes, const char *name, int64_t otherwise)
{
	const char *text = json_string_value(json_object_get(attributes, name));
	int64_t number;
	return text && sl_text_parse_i64(text, 0, INT64_MAX, &number) ? number : otherwise;
}

/* --- attributes -------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int64_t min, max;
	const char *otherwise;
} numbers[] = {
	{"DelaySeconds", 0, 900, "0"},
	{"MaximumMessageSize", 1024, 1048576, "262144"},
	{"MessageRetentionPeriod", 60, 1209600, "345600"},
	{"ReceiveMessageWaitTimeSeconds", 0, 20, "0"},
	{"VisibilityTimeout", 0, 43200, "30"},
};

static bool is_policy(const char *text)
{
	json_auto_t *policy = json_loads(text, 0, NULL);
	SL_AUTO(sl_freep)
	char *words = NULL;
	return policy && lc_policy_check(policy, LC_POLICY_RESOURCE, &words);
}

static bool attribute_ok(const char *name, const char *value)
{
	static const char *const others[] = {"RedrivePolicy", "RedriveAllowPolicy",
		"SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"};
	int64_t number;
	for (size_t i = 0; i < SL_ARRAY_SIZE(numbers); i++) {
		if (strcmp(numbers[i].name, name) == 0) {
			return sl_text_parse_i64(value, numbers[i].min, numbers[i].max, &number);
		}
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(others); i++) {
		if (strcmp(others[i], name) == 0) {
			return true;
		}
	}
	return strcmp(name, "Policy") == 0 && (value[0] == '\0' || is_policy(value));
}

/* Puts the request's Attributes over those in `attributes`; false after an error reply. */
static bool take_attributes(struct lc_sqs_call *call, json_t *attributes)
{
	const char *name;
	json_t *value;
	json_object_foreach (json_object_get(call->in, "Attributes"), name, value) {
		const char *text = json_string_value(value);
		if (!text || !attribute_ok(name, text)) {
			(void)lc_sqs_error(call, "InvalidAttributeValue", "InvalidAttributeValue",
				"Invalid value for the parameter %s.", name);
			return false;
		}
		if (text[0] == '\0') {
			json_object_del(attributes, name);
		} else {
			json_object_set(attributes, name, value);
		}
	}
	return true;
}

static void save(sqlite3 *db, const char *name, const json_t *attributes)
{
	SL_AUTO(sl_freep)
	char *text = json_dumps(attributes, JSON_COMPACT);
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db,
		"INSERT INTO queues (name, attributes, created_ms, modified_ms) "
		"VALUES (?1, ?2, ?3, ?3) ON CONFLICT (name) DO UPDATE SET "
		"attributes = excluded.attributes, modified_ms = excluded.modified_ms",
		LC_TEXTS(name, text));
	sqlite3_bind_int64(statement, 3, sl_clock_now_ms());
	(void)lc_db_step(statement);
}

json_t *lc_sqs_set_attributes(struct lc_sqs_call *call)
{
	const char *name = lc_sqs_queue(call);
	if (!name) {
		return NULL;
	}
	sqlite3 *db = lc_sqs_lock();
	json_auto_t *attributes = lc_sqs_attributes(db, name);
	bool taken = attributes && take_attributes(call, attributes);
	if (taken) {
		save(db, name, attributes);
	}
	lc_sqs_unlock();
	if (!attributes) {
		return lc_sqs_no_queue(call);
	}
	return taken ? json_object() : NULL;
}

static void set_count(
	json_t *all, const char *name, sqlite3 *db, const char *queue, const char *sql)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, LC_TEXTS(queue));
	sqlite3_bind_int64(statement, 2, sl_clock_now_ms());
	(void)lc_db_step(statement);
	const char *text = (const char *)sqlite3_column_text(statement, 0);
	json_object_set_new(all, name, json_string(text ? text : "0"));
}

/* All that a queue has, set or derived. Inside the lock. */
static void add_derived(json_t *all, sqlite3 *db, const char *name, const char *region)
{
	SL_AUTO(sl_freep)
	char *arn = sl_asprintf("arn:aws:sqs:%s:" LC_ACCOUNT ":%s", region, name);
	for (size_t i = 0; i < SL_ARRAY_SIZE(numbers); i++) {
		if (!json_object_get(all, numbers[i].name)) {
			json_object_set_new(
				all, numbers[i].name, json_string(numbers[i].otherwise));
		}
	}
	if (!json_object_get(all, "SqsManagedSseEnabled")) {
		json_object_set_new(all, "SqsManagedSseEnabled", json_string("true"));
	}
	json_object_set_new(all, "QueueArn", json_string(arn));
	set_count(all, "ApproximateNumberOfMessages", db, name,
		"SELECT count(*) FROM messages WHERE queue = ?1 AND visible_ms <= ?2");
	set_count(all, "ApproximateNumberOfMessagesNotVisible", db, name,
		"SELECT count(*) FROM messages WHERE queue = ?1 AND visible_ms > ?2 AND received > "
		"0");
	set_count(all, "ApproximateNumberOfMessagesDelayed", db, name,
		"SELECT count(*) FROM messages WHERE queue = ?1 AND visible_ms > ?2 AND received = "
		"0");
	set_count(all, "CreatedTimestamp", db, name,
		"SELECT created_ms / 1000 FROM queues WHERE name = ?1");
	set_count(all, "LastModifiedTimestamp", db, name,
		"SELECT modified_ms / 1000 FROM queues WHERE name = ?1");
}

/* Leaves what AttributeNames wants. */
static void keep_wanted(json_t *all, const json_t *wanted)
{
	void *next;
	const char *name;
	json_t *value;
	json_object_foreach_safe (all, next, name, value) {
		bool keep = false;
		size_t i;
		json_t *wish;
		json_array_foreach (wanted, i, wish) {
			keep = keep || sl_text_equal(json_string_value(wish), name) ||
				sl_text_equal(json_string_value(wish), "All");
		}
		if (!keep) {
			json_object_del(all, name);
		}
	}
}

json_t *lc_sqs_get_attributes(struct lc_sqs_call *call)
{
	const char *name = lc_sqs_queue(call);
	if (!name) {
		return NULL;
	}
	sqlite3 *db = lc_sqs_lock();
	json_t *all = lc_sqs_attributes(db, name);
	if (all) {
		add_derived(all, db, name, call->cloud->region);
	}
	lc_sqs_unlock();
	if (!all) {
		return lc_sqs_no_queue(call);
	}
	keep_wanted(all, json_object_get(call->in, "AttributeNames"));
	return json_pack("{s:o}", "Attributes", all);
}

/* --- queues ------------------------------------------------------------------------------ */

/* Making a queue again is fine unless it says something else than the queue has. */
static bool same(const json_t *existing, const json_t *wanted)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)wanted, name, value) {
		if (!json_equal(json_object_get(existing, name), value)) {
			return false;
		}
	}
	return true;
}

json_t *lc_sqs_create_queue(struct lc_sqs_call *call)
{
	const char *name = lc_sqs_string(call, "QueueName");
	size_t length = name ? strlen(name) : 0;
	if (length < 1 || length > 80 || strspn(name, NAME_CHARACTERS) != length) {
		return lc_sqs_error(call, "InvalidParameterValue", "InvalidParameterValueException",
			"Can only include alphanumeric characters, hyphens, or underscores. 1 to "
			"80 in length");
	}
	json_auto_t *attributes = json_object();
	if (!take_attributes(call, attributes)) {
		return NULL;
	}
	sqlite3 *db = lc_sqs_lock();
	json_auto_t *existing = lc_sqs_attributes(db, name);
	bool conflict = existing && !same(existing, attributes);
	if (!existing) {
		save(db, name, attributes);
	}
	lc_sqs_unlock();
	return conflict
		? lc_sqs_error(call, "QueueAlreadyExists", "QueueNameExists",
			  "A queue already exists with the same name and a different value for "
			  "attributes")
		: url_reply(call, name);
}

json_t *lc_sqs_get_queue_url(struct lc_sqs_call *call)
{
	const char *name = lc_sqs_string(call, "QueueName");
	json_auto_t *attributes = lc_sqs_attributes(lc_sqs_lock(), name ? name : "");
	lc_sqs_unlock();
	return attributes ? url_reply(call, name) : lc_sqs_no_queue(call);
}

json_t *lc_sqs_list_queues(struct lc_sqs_call *call)
{
	const char *prefix = lc_sqs_string(call, "QueueNamePrefix");
	json_t *urls = json_array();
	sqlite3_stmt *statement = lc_db_prepare(lc_sqs_lock(),
		"SELECT name FROM queues WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
		LC_TEXTS(prefix ? prefix : ""));
	while (lc_db_step(statement)) {
		SL_AUTO(sl_freep)
		char *url = queue_url(call, (const char *)sqlite3_column_text(statement, 0));
		json_array_append_new(urls, json_string(url));
	}
	sqlite3_finalize(statement);
	lc_sqs_unlock();
	return json_pack("{s:o}", "QueueUrls", urls);
}

/* Removes the messages, and with `all` the queue. */
static json_t *clear(struct lc_sqs_call *call, bool all)
{
	const char *name = lc_sqs_queue(call);
	if (!name) {
		return NULL;
	}
	sqlite3 *db = lc_sqs_lock();
	json_auto_t *attributes = lc_sqs_attributes(db, name);
	lc_db_execute(db, "DELETE FROM messages WHERE queue = ?", LC_TEXTS(name));
	if (all) {
		lc_db_execute(db, "DELETE FROM queues WHERE name = ?", LC_TEXTS(name));
	}
	lc_sqs_unlock();
	return attributes ? json_object() : lc_sqs_no_queue(call);
}

json_t *lc_sqs_delete_queue(struct lc_sqs_call *call)
{
	return clear(call, true);
}

json_t *lc_sqs_purge_queue(struct lc_sqs_call *call)
{
	return clear(call, false);
}
