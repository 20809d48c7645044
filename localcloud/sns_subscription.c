/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNS's actions on subscriptions and the confirmation handshake. Entry points: lc_sns_subscribe
 * and the other actions of lc_sns.h, on any HTTP thread.
 */

#include <openssl/rand.h>
#include <string.h>

#include "clock.h"
#include "lc_sns.h"
#include "text.h"
#include "uuid.h"

enum { LIST_PAGE = 100, TOKEN_BYTES = 112 };
#define TOKEN_LIFE_MS ((int64_t)2 * 24 * 3600 * 1000)

enum state { STATE_PENDING, STATE_CONFIRMED, STATE_ENDED };

struct subscription {
	char *arn, *topic_arn, *protocol, *endpoint, *token;
	json_t *attributes;
	enum state state;
	int64_t token_ms;
	bool authenticated;
};

static void subscription_finish(struct subscription *subscription)
{
	free(subscription->arn);
	free(subscription->topic_arn);
	free(subscription->protocol);
	free(subscription->endpoint);
	free(subscription->token);
	json_decref(subscription->attributes);
}

#define COLUMNS \
	"arn, topic_arn, protocol, endpoint, token, attributes, state, token_ms, authenticated"

static void subscription_read(sqlite3_stmt *statement, struct subscription *ret)
{
	ret->arn = lc_sns_column(statement, 0);
	ret->topic_arn = lc_sns_column(statement, 1);
	ret->protocol = lc_sns_column(statement, 2);
	ret->endpoint = lc_sns_column(statement, 3);
	ret->token = lc_sns_column(statement, 4);
	ret->attributes = json_loads((const char *)sqlite3_column_text(statement, 5), 0, NULL);
	ret->state = (enum state)sqlite3_column_int(statement, 6);
	ret->token_ms = sqlite3_column_int64(statement, 7);
	ret->authenticated = sqlite3_column_int(statement, 8) != 0;
}

/* Finds one by a condition on `texts`; false when there is none. */
static bool subscription_find(
	sqlite3 *db, const char *where, const char *const *texts, struct subscription *ret)
{
	SL_AUTO(sl_freep)
	char *sql = sl_asprintf("SELECT " COLUMNS " FROM subscriptions WHERE %s", where);
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, texts);
	if (!lc_db_step(statement)) {
		return false;
	}
	subscription_read(statement, ret);
	return true;
}

static char *token_create(void)
{
	unsigned char bytes[TOKEN_BYTES];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
		SL_BUG("no random bytes");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf hex = SL_BUF_INIT;
	sl_text_hex(&hex, bytes, sizeof(bytes));
	return sl_buf_steal(&hex);
}

/* --- attributes -------------------------------------------------------------------------- */

static bool redrive_check(struct lc_sns_call *call, const char *value)
{
	json_auto_t *policy = json_loads(value, 0, NULL);
	const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
	if (!json_is_object(policy)) {
		lc_sns_invalid(call, "RedrivePolicy: failed to parse JSON.");
	} else if (!arn) {
		lc_sns_invalid(call, "RedrivePolicy: deadLetterTargetArn is a required field");
	} else if (!sl_text_starts_with(arn, "arn:aws:sqs:")) {
		lc_sns_invalid(call, "RedrivePolicy: deadLetterTargetArn is an invalid arn");
	} else {
		return true;
	}
	return false;
}

static bool attribute_check(struct lc_sns_call *call, const char *name, const char *value)
{
	if (strcmp(name, "RawMessageDelivery") == 0) {
		if (strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0) {
			lc_sns_invalid(call,
				"Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must "
				"be "
				"true or false.",
				value);
			return false;
		}
		return true;
	}
	if (strcmp(name, "DeliveryPolicy") == 0) {
		SL_AUTO(sl_freep)
		char *words = NULL;
		struct lc_sns_retry retry;
		if (value[0] != '\0' && !lc_sns_policy_parse(value, false, &retry, &words)) {
			lc_sns_invalid(call, "DeliveryPolicy: %s", words);
			return false;
		}
		return true;
	}
	if (strcmp(name, "RedrivePolicy") == 0) {
		return value[0] == '\0' || redrive_check(call, value);
	}
	lc_sns_invalid(call, "AttributeName");
	return false;
}

/* Sets one attribute in its canonical form; an empty value takes it away. */
static void attribute_set(json_t *attributes, const char *name, const char *value)
{
	if (value[0] == '\0') {
		json_object_del(attributes, name);
	} else if (strcmp(name, "RawMessageDelivery") == 0) {
		json_object_set_new(attributes, name,
			json_string(strcasecmp(value, "true") == 0 ? "true" : "false"));
	} else {
		json_object_set_new(attributes, name, json_string(value));
	}
}

/* The checked Attributes of a Subscribe call, owned; NULL after an error reply. */
static json_t *given_attributes(struct lc_sns_call *call)
{
	json_auto_t *given = lc_sns_attributes(call);
	json_t *attributes = json_object();
	const char *name;
	json_t *value;
	json_object_foreach (given, name, value) {
		if (!attribute_check(call, name, json_string_value(value))) {
			json_decref(attributes);
			return NULL;
		}
		attribute_set(attributes, name, json_string_value(value));
	}
	return attributes;
}

/* --- Subscribe --------------------------------------------------------------------------- */

static bool endpoint_check(struct lc_sns_call *call, const char *protocol, const char *endpoint)
{
	if (strcmp(protocol, "http") != 0 && strcmp(protocol, "https") != 0) {
		lc_sns_invalid(
			call, "Amazon SNS does not support this protocol string: %s", protocol);
		return false;
	}
	if (endpoint == NULL) {
		lc_sns_invalid(call, "Endpoint Reason: no value for required parameter");
		return false;
	}
	size_t length = strlen(protocol);
	if (strncmp(endpoint, protocol, length) != 0 || strncmp(endpoint + length, "://", 3) != 0 ||
		endpoint[length + 3] == '\0' || strpbrk(endpoint, " \r\n\t") != NULL) {
		lc_sns_invalid(call, "Endpoint must match the specified protocol");
		return false;
	}
	return true;
}

/* Makes a pending subscription, or refreshes the one that waits. Inside the lock. */
static void subscribe_pending(sqlite3 *db, struct subscription *subscription)
{
	SL_AUTO(sl_freep)
	char *attributes = json_dumps(subscription->attributes, JSON_COMPACT);
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db,
		"INSERT INTO subscriptions (arn, topic_arn, protocol, endpoint, token, attributes, "
		"state, token_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7) "
		"ON CONFLICT (topic_arn, protocol, endpoint) DO UPDATE SET "
		"attributes = excluded.attributes, state = 0, token_ms = excluded.token_ms",
		LC_TEXTS(subscription->arn, subscription->topic_arn, subscription->protocol,
			subscription->endpoint, subscription->token, attributes));
	sqlite3_bind_int64(statement, 7, sl_clock_now_ms());
	(void)lc_db_step(statement);
	lc_sns_queue_confirmation(db, "SubscriptionConfirmation", subscription->topic_arn,
		subscription->arn, subscription->endpoint, subscription->token);
}

enum outcome { SUBSCRIBED, NO_TOPIC, OTHER_ATTRIBUTES };

/* `fresh` has everything but ARN and token, which come from an existing subscription or are
 * made. Inside the lock. */
static enum outcome subscribe(sqlite3 *db, struct subscription *fresh)
{
	json_auto_t *topic = lc_sns_topic_attributes(db, fresh->topic_arn);
	if (topic == NULL) {
		return NO_TOPIC;
	}
	SL_AUTO(subscription_finish)
	struct subscription existing = {.arn = NULL};
	if (!subscription_find(db, "topic_arn = ? AND protocol = ? AND endpoint = ?",
		    LC_TEXTS(fresh->topic_arn, fresh->protocol, fresh->endpoint), &existing)) {
		char id[SL_UUID_SIZE];
		sl_uuid_create(id);
		fresh->arn = sl_asprintf("%s:%s", fresh->topic_arn, id);
		fresh->token = token_create();
		subscribe_pending(db, fresh);
		return SUBSCRIBED;
	}
	fresh->arn = sl_strdup(existing.arn);
	fresh->token = sl_strdup(existing.token);
	fresh->state = existing.state;
	if (existing.state != STATE_CONFIRMED) {
		fresh->state = STATE_PENDING;
		subscribe_pending(db, fresh);
		return SUBSCRIBED;
	}
	return json_equal(existing.attributes, fresh->attributes) ? SUBSCRIBED : OTHER_ATTRIBUTES;
}

static void subscribe_reply(
	struct lc_sns_call *call, const struct subscription *fresh, enum outcome outcome)
{
	SL_AUTO(sl_freep)
	char *wanted = lc_sns_param(call, "ReturnSubscriptionArn");
	bool arn = fresh->state == STATE_CONFIRMED ||
		(wanted != NULL && strcasecmp(wanted, "true") == 0);
	if (outcome == NO_TOPIC) {
		lc_sns_not_found(call, "Topic");
	} else if (outcome == OTHER_ATTRIBUTES) {
		lc_sns_invalid(call,
			"Attributes Reason: Subscription already exists with different "
			"attributes");
	} else {
		lc_sns_open(call, "Subscribe");
		lc_sns_element(call, "SubscriptionArn", arn ? fresh->arn : "pending confirmation");
		lc_sns_close(call, "Subscribe");
	}
}

void lc_sns_subscribe(struct lc_sns_call *call)
{
	SL_AUTO(subscription_finish)
	struct subscription fresh = {.state = STATE_PENDING};
	fresh.topic_arn = lc_sns_required(call, "TopicArn");
	fresh.protocol = fresh.topic_arn == NULL ? NULL : lc_sns_required(call, "Protocol");
	if (fresh.protocol == NULL) {
		return;
	}
	fresh.endpoint = lc_sns_param(call, "Endpoint");
	if (!endpoint_check(call, fresh.protocol, fresh.endpoint)) {
		return;
	}
	fresh.attributes = given_attributes(call);
	if (fresh.attributes == NULL) {
		return;
	}
	sqlite3 *db = lc_sns_lock();
	lc_db_execute(db, "BEGIN IMMEDIATE", NULL);
	enum outcome outcome = subscribe(db, &fresh);
	lc_db_execute(db, "COMMIT", NULL);
	lc_sns_unlock();
	lc_sns_delivery_wake();
	subscribe_reply(call, &fresh, outcome);
}

/* --- ConfirmSubscription, Unsubscribe ---------------------------------------------------- */

static bool is_topic_arn(const char *arn)
{
	SL_AUTO(sl_freep)
	char *prefix = sl_asprintf("arn:aws:sns:%s:%s:", lc_sns_cloud()->region, LC_ACCOUNT);
	return strncmp(arn, prefix, strlen(prefix)) == 0 && arn[strlen(prefix)] != '\0';
}

/* The token alone tells the subscription: recorded from AWS, where a typing error in the topic's
 * name still confirms. */
void lc_sns_confirm_subscription(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *topic_arn = lc_sns_required(call, "TopicArn");
	SL_AUTO(sl_freep)
	char *token = topic_arn == NULL ? NULL : lc_sns_required(call, "Token");
	if (token == NULL) {
		return;
	}
	if (!is_topic_arn(topic_arn)) {
		lc_sns_invalid(call, "Topic");
		return;
	}
	SL_AUTO(subscription_finish)
	struct subscription found = {.arn = NULL};
	sqlite3 *db = lc_sns_lock();
	bool valid = subscription_find(db, "token = ?", LC_TEXTS(token), &found) &&
		sl_clock_now_ms() - found.token_ms < TOKEN_LIFE_MS;
	if (valid) {
		lc_db_execute(db,
			call->request->service != NULL
				? "UPDATE subscriptions SET authenticated = authenticated OR "
				  "state <> 1, state = 1 WHERE arn = ?"
				: "UPDATE subscriptions SET state = 1 WHERE arn = ?",
			LC_TEXTS(found.arn));
	}
	lc_sns_unlock();
	if (!valid) {
		lc_sns_invalid(call, "Token");
		return;
	}
	lc_sns_open(call, "ConfirmSubscription");
	lc_sns_element(call, "SubscriptionArn", found.arn);
	lc_sns_close(call, "ConfirmSubscription");
}

/* A signed call ends a subscription for good; an unsigned one (the UnsubscribeURL of a message)
 * tells the endpoint, which may restore it within two days. Inside the lock. */
static void unsubscribe(sqlite3 *db, struct subscription *found, bool is_signed)
{
	lc_db_execute(
		db, "DELETE FROM deliveries WHERE subscription_arn = ?", LC_TEXTS(found->arn));
	lc_db_execute(db, "UPDATE topics SET deleted = deleted + 1 WHERE arn = ?",
		LC_TEXTS(found->topic_arn));
	if (is_signed) {
		lc_db_execute(db, "DELETE FROM subscriptions WHERE arn = ?", LC_TEXTS(found->arn));
		return;
	}
	SL_AUTO(sl_freep)
	char *token = token_create();
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db,
		"UPDATE subscriptions SET state = 2, token = ?2, token_ms = ?3 WHERE arn = ?1",
		LC_TEXTS(found->arn, token));
	sqlite3_bind_int64(statement, 3, sl_clock_now_ms());
	(void)lc_db_step(statement);
	lc_sns_queue_confirmation(db, "UnsubscribeConfirmation", found->topic_arn, found->arn,
		found->endpoint, token);
}

void lc_sns_unsubscribe(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *arn = lc_sns_required(call, "SubscriptionArn");
	if (arn == NULL) {
		return;
	}
	if (strncmp(arn, "arn:", 4) != 0) {
		lc_sns_invalid(call,
			"SubscriptionArn Reason: An ARN must have at least 6 elements, not 1");
		return;
	}
	SL_AUTO(subscription_finish)
	struct subscription found = {.arn = NULL};
	sqlite3 *db = lc_sns_lock();
	lc_db_execute(db, "BEGIN IMMEDIATE", NULL);
	if (subscription_find(db, "arn = ? AND state < 2", LC_TEXTS(arn), &found)) {
		unsubscribe(db, &found, call->request->service != NULL);
	}
	lc_db_execute(db, "COMMIT", NULL);
	lc_sns_unlock();
	lc_sns_delivery_wake();
	lc_sns_done(call, "Unsubscribe");
}

/* --- lists ------------------------------------------------------------------------------- */

static void list_member(struct lc_sns_call *call, const struct subscription *subscription)
{
	sl_buf_puts(&call->reply->body, "<member>");
	lc_sns_element(call, "SubscriptionArn",
		subscription->state == STATE_CONFIRMED ? subscription->arn : "PendingConfirmation");
	lc_sns_element(call, "Owner", LC_ACCOUNT);
	lc_sns_element(call, "Protocol", subscription->protocol);
	lc_sns_element(call, "Endpoint", subscription->endpoint);
	lc_sns_element(call, "TopicArn", subscription->topic_arn);
	sl_buf_puts(&call->reply->body, "</member>");
}

static void list(struct lc_sns_call *call, const char *action, const char *topic_arn)
{
	SL_AUTO(sl_freep)
	char *after = lc_sns_token_read(call);
	SL_AUTO(sl_freep)
	char *last = NULL;
	int count = 0;
	lc_sns_open(call, action);
	sl_buf_puts(&call->reply->body, "<Subscriptions>");
	sqlite3 *db = lc_sns_lock();
	sqlite3_stmt *statement = lc_db_prepare(db,
		"SELECT " COLUMNS " FROM subscriptions WHERE arn > ?1 AND state < 2 AND "
		"(?2 = '' OR topic_arn = ?2) ORDER BY arn LIMIT 101",
		LC_TEXTS(after, topic_arn));
	while (lc_db_step(statement) && count++ < LIST_PAGE) {
		SL_AUTO(subscription_finish)
		struct subscription each = {.arn = NULL};
		subscription_read(statement, &each);
		list_member(call, &each);
		free(last);
		last = sl_strdup(each.arn);
	}
	sqlite3_finalize(statement);
	lc_sns_unlock();
	sl_buf_puts(&call->reply->body, "</Subscriptions>");
	if (count > LIST_PAGE) {
		SL_AUTO(sl_freep)
		char *token = lc_sns_token_of(last);
		lc_sns_element(call, "NextToken", token);
	}
	lc_sns_close(call, action);
}

void lc_sns_list_subscriptions(struct lc_sns_call *call)
{
	list(call, "ListSubscriptions", "");
}

void lc_sns_list_subscriptions_by_topic(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *topic_arn = lc_sns_required(call, "TopicArn");
	if (topic_arn == NULL) {
		return;
	}
	json_auto_t *topic = lc_sns_topic_attributes(lc_sns_lock(), topic_arn);
	lc_sns_unlock();
	if (topic == NULL) {
		lc_sns_not_found(call, "Topic");
		return;
	}
	list(call, "ListSubscriptionsByTopic", topic_arn);
}

/* --- Get/SetSubscriptionAttributes ------------------------------------------------------- */

static json_t *all_attributes(const struct subscription *subscription, const json_t *topic)
{
	struct lc_sns_retry retry;
	lc_sns_policy_effective(json_string_value(json_object_get(topic, "DeliveryPolicy")),
		json_string_value(json_object_get(subscription->attributes, "DeliveryPolicy")),
		&retry);
	SL_AUTO(sl_freep)
	char *effective = lc_sns_policy_text(&retry, false);
	json_t *attributes = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		"SubscriptionArn", subscription->arn, "TopicArn", subscription->topic_arn,
		"Protocol", subscription->protocol, "Endpoint", subscription->endpoint, "Owner",
		LC_ACCOUNT, "SubscriptionPrincipal", "arn:aws:iam::" LC_ACCOUNT ":root",
		"PendingConfirmation", subscription->state == STATE_CONFIRMED ? "false" : "true",
		"ConfirmationWasAuthenticated", subscription->authenticated ? "true" : "false",
		"RawMessageDelivery", "false", "EffectiveDeliveryPolicy", effective);
	json_object_update(attributes, subscription->attributes);
	return attributes;
}

void lc_sns_get_subscription_attributes(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *arn = lc_sns_required(call, "SubscriptionArn");
	if (arn == NULL) {
		return;
	}
	SL_AUTO(subscription_finish)
	struct subscription found = {.arn = NULL};
	json_t *attributes = NULL;
	sqlite3 *db = lc_sns_lock();
	if (subscription_find(db, "arn = ? AND state < 2", LC_TEXTS(arn), &found)) {
		json_auto_t *topic = lc_sns_topic_attributes(db, found.topic_arn);
		attributes = all_attributes(&found, topic);
	}
	lc_sns_unlock();
	if (attributes == NULL) {
		lc_sns_not_found(call, "Subscription");
		return;
	}
	lc_sns_open(call, "GetSubscriptionAttributes");
	lc_sns_attribute_map(call, attributes);
	lc_sns_close(call, "GetSubscriptionAttributes");
}

void lc_sns_set_subscription_attributes(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *arn = lc_sns_required(call, "SubscriptionArn");
	SL_AUTO(sl_freep)
	char *name = arn == NULL ? NULL : lc_sns_required(call, "AttributeName");
	if (name == NULL) {
		return;
	}
	SL_AUTO(sl_freep)
	char *given = lc_sns_param(call, "AttributeValue");
	const char *value = given == NULL ? "" : given;
	if (!attribute_check(call, name, value)) {
		return;
	}
	SL_AUTO(subscription_finish)
	struct subscription found = {.arn = NULL};
	sqlite3 *db = lc_sns_lock();
	bool exists = subscription_find(db, "arn = ? AND state < 2", LC_TEXTS(arn), &found);
	if (exists) {
		attribute_set(found.attributes, name, value);
		SL_AUTO(sl_freep)
		char *text = json_dumps(found.attributes, JSON_COMPACT);
		lc_db_execute(db, "UPDATE subscriptions SET attributes = ?2 WHERE arn = ?1",
			LC_TEXTS(arn, text));
	}
	lc_sns_unlock();
	if (!exists) {
		lc_sns_not_found(call, "Subscription");
		return;
	}
	lc_sns_done(call, "SetSubscriptionAttributes");
}
