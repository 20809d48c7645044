/* SPDX-License-Identifier: Apache-2.0 */
/* SNS's actions on topics. Entry points: lc_sns_*_topic*, on any HTTP thread. */

#include <string.h>

#include "lc_sns.h"
#include "text.h"

enum { LIST_PAGE = 100 };

static bool topic_name_valid(const char *name)
{
	size_t length = strlen(name);
	return length >= 1 && length <= 256 &&
		strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789_-") == length;
}

/* Checks one attribute that a caller sets; false after an error reply. */
static bool attribute_check(struct lc_sns_call *call, const char *name, const char *value)
{
	if (strcmp(name, "SignatureVersion") == 0) {
		if (strcmp(value, "1") != 0 && strcmp(value, "2") != 0) {
			lc_sns_invalid(call, "SignatureVersion Reason: must be 1 or 2");
			return false;
		}
	} else if (strcmp(name, "Policy") == 0) {
		json_auto_t *policy = json_loads(value, 0, NULL);
		if (!json_is_object(policy)) {
			lc_sns_invalid(call, "Policy Error: null");
			return false;
		}
	} else if (strcmp(name, "DeliveryPolicy") == 0) {
		SL_AUTO(sl_freep)
		char *words = NULL;
		struct lc_sns_retry retry;
		if (value[0] != '\0' && !lc_sns_policy_parse(value, true, &retry, &words)) {
			lc_sns_invalid(call, "DeliveryPolicy: %s", words);
			return false;
		}
	} else if (strcmp(name, "DisplayName") == 0) {
		if (strlen(value) > 100) {
			lc_sns_invalid(call, "DisplayName");
			return false;
		}
	} else {
		lc_sns_invalid(call, "AttributeName");
		return false;
	}
	return true;
}

json_t *lc_sns_topic_attributes(sqlite3 *db, const char *arn)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement =
		lc_db_prepare(db, "SELECT attributes FROM topics WHERE arn = ?", LC_TEXTS(arn));
	return lc_db_step(statement)
		? json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL)
		: NULL;
}

static void topic_save(sqlite3 *db, const char *arn, const json_t *attributes)
{
	SL_AUTO(sl_freep)
	char *text = json_dumps(attributes, JSON_COMPACT);
	lc_db_execute(db,
		"INSERT INTO topics (arn, attributes) VALUES (?1, ?2) "
		"ON CONFLICT (arn) DO UPDATE SET attributes = excluded.attributes",
		LC_TEXTS(arn, text));
}

/* --- CreateTopic ------------------------------------------------------------------------- */

/* Creating a topic again is fine unless it says something else than the topic has. */
static bool same_attributes(const json_t *existing, const json_t *wanted)
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

void lc_sns_create_topic(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *name = lc_sns_required(call, "Name");
	if (name == NULL) {
		return;
	}
	if (!topic_name_valid(name)) {
		lc_sns_invalid(call, "Topic Name");
		return;
	}
	json_auto_t *attributes = lc_sns_attributes(call);
	const char *key;
	json_t *value;
	json_object_foreach (attributes, key, value) {
		if (!attribute_check(call, key, json_string_value(value))) {
			return;
		}
	}
	SL_AUTO(sl_freep)
	char *arn = sl_asprintf("arn:aws:sns:%s:%s:%s", call->cloud->region, LC_ACCOUNT, name);
	sqlite3 *db = lc_sns_lock();
	json_auto_t *existing = lc_sns_topic_attributes(db, arn);
	bool same = existing == NULL || same_attributes(existing, attributes);
	if (existing == NULL) {
		topic_save(db, arn, attributes);
	}
	lc_sns_unlock();
	if (!same) {
		lc_sns_invalid(
			call, "Attributes Reason: Topic already exists with different attributes");
		return;
	}
	lc_sns_open(call, "CreateTopic");
	lc_sns_element(call, "TopicArn", arn);
	lc_sns_close(call, "CreateTopic");
}

/* --- DeleteTopic, ListTopics ------------------------------------------------------------- */

void lc_sns_delete_topic(struct lc_sns_call *call)
{
	static const char *const statements[] = {
		"DELETE FROM deliveries WHERE topic_arn = ?1",
		"DELETE FROM subscriptions WHERE topic_arn = ?1",
		"DELETE FROM topics WHERE arn = ?1",
	};
	SL_AUTO(sl_freep)
	char *arn = lc_sns_required(call, "TopicArn");
	if (arn == NULL) {
		return;
	}
	sqlite3 *db = lc_sns_lock();
	lc_db_execute(db, "BEGIN IMMEDIATE", NULL);
	for (size_t i = 0; i < SL_ARRAY_SIZE(statements); i++) {
		lc_db_execute(db, statements[i], LC_TEXTS(arn));
	}
	lc_db_execute(db, "COMMIT", NULL);
	lc_sns_unlock();
	lc_sns_done(call, "DeleteTopic");
}

void lc_sns_list_topics(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *after = lc_sns_token_read(call);
	lc_sns_open(call, "ListTopics");
	sl_buf_puts(&call->reply->body, "<Topics>");
	SL_AUTO(sl_freep)
	char *last = NULL;
	int count = 0;
	sqlite3 *db = lc_sns_lock();
	sqlite3_stmt *statement = lc_db_prepare(
		db, "SELECT arn FROM topics WHERE arn > ? ORDER BY arn LIMIT 101", LC_TEXTS(after));
	while (lc_db_step(statement) && count++ < LIST_PAGE) {
		free(last);
		last = lc_sns_column(statement, 0);
		sl_buf_puts(&call->reply->body, "<member>");
		lc_sns_element(call, "TopicArn", last);
		sl_buf_puts(&call->reply->body, "</member>");
	}
	sqlite3_finalize(statement);
	lc_sns_unlock();
	sl_buf_puts(&call->reply->body, "</Topics>");
	if (count > LIST_PAGE) {
		SL_AUTO(sl_freep)
		char *token = lc_sns_token_of(last);
		lc_sns_element(call, "NextToken", token);
	}
	lc_sns_close(call, "ListTopics");
}

/* --- attributes -------------------------------------------------------------------------- */

/* The policy that AWS gives a new topic: its owner may do everything. */
static char *default_policy(const char *arn)
{
	return sl_asprintf(
		"{\"Version\":\"2008-10-17\",\"Id\":\"__default_policy_ID\",\"Statement\":[{"
		"\"Sid\":\"__default_statement_ID\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
		"\"*\"},\"Action\":[\"SNS:GetTopicAttributes\",\"SNS:SetTopicAttributes\","
		"\"SNS:AddPermission\",\"SNS:RemovePermission\",\"SNS:DeleteTopic\","
		"\"SNS:Subscribe\",\"SNS:ListSubscriptionsByTopic\",\"SNS:Publish\"],"
		"\"Resource\":\"%s\",\"Condition\":{\"StringEquals\":{\"AWS:SourceOwner\":"
		"\"" LC_ACCOUNT "\"}}}]}",
		arn);
}

static void count_attribute(
	json_t *attributes, const char *name, sqlite3 *db, const char *sql, const char *arn)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, LC_TEXTS(arn));
	SL_AUTO(sl_freep)
	char *count =
		sl_asprintf("%d", lc_db_step(statement) ? sqlite3_column_int(statement, 0) : 0);
	json_object_set_new(attributes, name, json_string(count));
}

static void derived_attributes(json_t *attributes, sqlite3 *db, const char *arn)
{
	SL_AUTO(sl_freep)
	char *policy = default_policy(arn);
	struct lc_sns_retry retry;
	lc_sns_policy_effective(
		json_string_value(json_object_get(attributes, "DeliveryPolicy")), NULL, &retry);
	SL_AUTO(sl_freep)
	char *effective = lc_sns_policy_text(&retry, true);
	json_auto_t *defaults = json_pack("{s:s, s:s}", "Policy", policy, "DisplayName", "");
	json_object_update_missing(attributes, defaults);
	json_object_set_new(attributes, "TopicArn", json_string(arn));
	json_object_set_new(attributes, "Owner", json_string(LC_ACCOUNT));
	json_object_set_new(attributes, "EffectiveDeliveryPolicy", json_string(effective));
	count_attribute(attributes, "SubscriptionsConfirmed", db,
		"SELECT count(*) FROM subscriptions WHERE topic_arn = ? AND state = 1", arn);
	count_attribute(attributes, "SubscriptionsPending", db,
		"SELECT count(*) FROM subscriptions WHERE topic_arn = ? AND state = 0", arn);
	count_attribute(attributes, "SubscriptionsDeleted", db,
		"SELECT deleted FROM topics WHERE arn = ?", arn);
}

void lc_sns_get_topic_attributes(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *arn = lc_sns_required(call, "TopicArn");
	if (arn == NULL) {
		return;
	}
	sqlite3 *db = lc_sns_lock();
	json_t *attributes = lc_sns_topic_attributes(db, arn);
	if (attributes != NULL) {
		derived_attributes(attributes, db, arn);
	}
	lc_sns_unlock();
	if (attributes == NULL) {
		lc_sns_not_found(call, "Topic");
		return;
	}
	lc_sns_open(call, "GetTopicAttributes");
	lc_sns_attribute_map(call, attributes);
	lc_sns_close(call, "GetTopicAttributes");
}

void lc_sns_set_topic_attributes(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *arn = lc_sns_required(call, "TopicArn");
	SL_AUTO(sl_freep)
	char *name = arn == NULL ? NULL : lc_sns_required(call, "AttributeName");
	if (name == NULL) {
		return;
	}
	SL_AUTO(sl_freep)
	char *given = lc_sns_param(call, "AttributeValue");
	const char *value = given == NULL ? "" : given;
	if (!sl_text_is_utf8(value, strlen(value)) || !attribute_check(call, name, value)) {
		if (call->reply->status == 200) {
			lc_sns_invalid(call, "AttributeValue");
		}
		return;
	}
	sqlite3 *db = lc_sns_lock();
	json_auto_t *attributes = lc_sns_topic_attributes(db, arn);
	if (attributes != NULL) {
		if (value[0] == '\0') { /* back to the default */
			json_object_del(attributes, name);
		} else {
			json_object_set_new(attributes, name, json_string(value));
		}
		topic_save(db, arn, attributes);
	}
	lc_sns_unlock();
	if (attributes == NULL) {
		lc_sns_not_found(call, "Topic");
		return;
	}
	lc_sns_done(call, "SetTopicAttributes");
}
