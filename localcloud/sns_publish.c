/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNS's messages: Publish, the signed JSON envelope, and putting deliveries on disk. A message is
 * signed once and queued for every confirmed subscription in one transaction. Any thread.
 */

#include <string.h>

#include "clock.h"
#include "faults.h"
#include "lc_sns.h"
#include "text.h"
#include "uuid.h"

enum { MESSAGE_MAX = 256 * 1024, SUBJECT_MAX = 100 };

/* A reordered delivery waits at most so long for one to overtake it, and then so much longer. */
enum { REORDER_MS = 2000, OVERTAKEN_BY_MS = 50 };

/* Where a delivery goes. */
struct target {
	const char *subscription_arn, *endpoint;
	bool raw;
};

/* --- the envelope ------------------------------------------------------------------------ */

/* What is the same for all subscribers of one message. */
struct envelope {
	const struct lc_sns_message *message;
	char timestamp[SL_CLOCK_RFC3339_SIZE];
	const char *version; /* SignatureVersion */
	char *subscribe_url; /* of confirmations; owned */
	char *signature;     /* owned */
};

static bool is_notification(const struct lc_sns_message *message)
{
	return strcmp(message->type, "Notification") == 0;
}

static void url_parameter(struct sl_buf *url, const char *name, const char *value)
{
	sl_buf_printf(url, "&%s=", name);
	sl_text_percent_encode(url, value, strlen(value), ":");
}

/* "https://…/?Action=ConfirmSubscription&TopicArn=…&Token=…" and the like; owned. */
static char *action_url(const char *action, const char *name, const char *value,
	const char *second_name, const char *second_value)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf url = SL_BUF_INIT;
	sl_buf_printf(&url, "%s/?Action=%s", lc_sns_cloud()->base_url, action);
	url_parameter(&url, name, value);
	if (second_name != NULL) {
		url_parameter(&url, second_name, second_value);
	}
	return sl_buf_steal(&url);
}

static void signed_field(struct sl_buf *text, const char *name, const char *value)
{
	if (value != NULL) {
		sl_buf_printf(text, "%s\n", name);
		sl_buf_puts(text, value);
		sl_buf_putc(text, '\n');
	}
}

static void envelope_init(struct envelope *envelope, const struct lc_sns_message *message,
	const char *version, bool forged)
{
	*envelope = (struct envelope){.message = message, .version = version};
	sl_clock_rfc3339(sl_clock_now_ms(), envelope->timestamp);
	bool notification = is_notification(message);
	if (!notification) {
		envelope->subscribe_url = action_url("ConfirmSubscription", "TopicArn",
			message->topic_arn, "Token", message->token);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	signed_field(&text, "Message", message->text);
	signed_field(&text, "MessageId", message->id);
	if (notification) {
		signed_field(&text, "Subject", message->subject);
	} else {
		signed_field(&text, "SubscribeURL", envelope->subscribe_url);
	}
	signed_field(&text, "Timestamp", envelope->timestamp);
	if (!notification) {
		signed_field(&text, "Token", message->token);
	}
	signed_field(&text, "TopicArn", message->topic_arn);
	signed_field(&text, "Type", message->type);
	envelope->signature = forged ? lc_sns_sign_forged(text.data, text.len, version)
				     : lc_sns_sign(text.data, text.len, version);
}

static void envelope_finish(struct envelope *envelope)
{
	free(envelope->subscribe_url);
	free(envelope->signature);
}

/* A line `  "Name" : "value"` of SNS's own way to print JSON; nothing for NULL. */
static void json_field(struct sl_buf *out, const char *name, const char *value)
{
	if (value == NULL) {
		return;
	}
	json_auto_t *string = json_string(value);
	SL_AUTO(sl_freep)
	char *quoted = json_dumps(string, JSON_ENCODE_ANY);
	sl_buf_printf(out, "%s\n  \"%s\" : ", out->len == 1 ? "" : ",", name);
	sl_buf_puts(out, quoted);
}

static void attributes_field(struct sl_buf *out, json_t *attributes)
{
	const char *name;
	json_t *attribute;
	size_t count = 0;
	json_object_foreach (attributes, name, attribute) {
		json_auto_t *key = json_string(name);
		SL_AUTO(sl_freep)
		char *quoted = json_dumps(key, JSON_ENCODE_ANY);
		SL_AUTO(sl_freep)
		char *value = json_dumps(attribute, JSON_COMPACT);
		sl_buf_printf(out, "%s\n    %s : %s",
			count++ == 0 ? ",\n  \"MessageAttributes\" : {" : ",", quoted, value);
	}
	if (count > 0) {
		sl_buf_puts(out, "\n  }");
	}
}

/* The body for one subscription, owned by the caller. */
static char *envelope_text(const struct envelope *envelope, const char *subscription_arn)
{
	const struct lc_sns_message *message = envelope->message;
	SL_AUTO(sl_freep)
	char *certificate =
		sl_asprintf("%s%s", lc_sns_cloud()->base_url, lc_sns_certificate_path());
	SL_AUTO(sl_freep)
	char *unsubscribe = is_notification(message)
		? action_url("Unsubscribe", "SubscriptionArn", subscription_arn, NULL, NULL)
		: NULL;
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	sl_buf_putc(&out, '{');
	json_field(&out, "Type", message->type);
	json_field(&out, "MessageId", message->id);
	json_field(&out, "Token", message->token);
	json_field(&out, "TopicArn", message->topic_arn);
	json_field(&out, "Subject", message->subject);
	json_field(&out, "Message", message->text);
	json_field(&out, "SubscribeURL", envelope->subscribe_url);
	json_field(&out, "Timestamp", envelope->timestamp);
	json_field(&out, "SignatureVersion", envelope->version);
	json_field(&out, "Signature", envelope->signature);
	json_field(&out, "SigningCertURL", certificate);
	json_field(&out, "UnsubscribeURL", unsubscribe);
	attributes_field(&out, message->attributes);
	sl_buf_puts(&out, "\n}");
	return sl_buf_steal(&out);
}

/* --- the queue --------------------------------------------------------------------------- */

/* One delivery. `delay_ms` before it is due; `held`: or until the next one has overtaken it. */
static void queue_at(sqlite3 *db, const struct lc_sns_message *message, const struct target *target,
	const char *body, int64_t delay_ms, bool held)
{
	int64_t now_ms = sl_clock_now_ms();
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db,
		"INSERT INTO deliveries (subscription_arn, topic_arn, endpoint, type, message_id, "
		"body, raw, created_ms, not_before_ms, held) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		LC_TEXTS(target->subscription_arn, message->topic_arn, target->endpoint,
			message->type, message->id, body));
	sqlite3_bind_int(statement, 7, target->raw);
	sqlite3_bind_int64(statement, 8, now_ms);
	sqlite3_bind_int64(statement, 9, now_ms + delay_ms);
	sqlite3_bind_int(statement, 10, held);
	(void)lc_db_step(statement);
}

/* What was held back for this subscription goes right after what was queued just now. */
static void release_held(sqlite3 *db, const struct target *target)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db,
		"UPDATE deliveries SET held = 0, not_before_ms = ?2 "
		"WHERE subscription_arn = ?1 AND flying = 0 AND held = 1",
		LC_TEXTS(target->subscription_arn));
	sqlite3_bind_int64(statement, 2, sl_clock_now_ms() + OVERTAKEN_BY_MS);
	(void)lc_db_step(statement);
}

static void queue_forged(sqlite3 *db, const struct envelope *envelope, const struct target *target)
{
	struct lc_sns_message message = *envelope->message;
	struct envelope forged;
	sl_uuid_create(message.id);
	envelope_init(&forged, &message, envelope->version, true);
	SL_AUTO(sl_freep)
	char *body = target->raw ? sl_strdup(message.text)
				 : envelope_text(&forged, target->subscription_arn);
	queue_at(db, &message, target, body, 0, false);
	envelope_finish(&forged);
}

/* Changes one character of what the message says, which its signature covers. */
static void corrupt(char *body)
{
	static const char member[] = "\"Message\" : \"";
	char *text = strstr(body, member);
	char *at = text ? text + strlen(member) : body;
	for (; *at; at++) {
		if (*at == '\\' && at[1]) {
			at++; /* an escape stays what it is */
		} else if ((*at >= 'a' && *at < 'z') || (*at >= '0' && *at < '9')) {
			++*at;
			return;
		}
	}
}

/* Queues a notification with whatever fault is asked for. `body` may be changed. */
static void queue_notification(
	sqlite3 *db, const struct envelope *envelope, const struct target *target, char *body)
{
	const struct lc_sns_message *message = envelope->message;
	int64_t delay_ms = 0;
	enum lc_notice_fault fault = lc_faults_notice(message->topic_arn, &delay_ms);
	bool held = fault == LC_NOTICE_REORDER;

	switch (fault) {
	case LC_NOTICE_DROP:
		return;
	case LC_NOTICE_DUPLICATE:
		queue_at(db, message, target, body, delay_ms, false);
		delay_ms = 0;
		break;
	case LC_NOTICE_REORDER:
		delay_ms = delay_ms > 0 ? delay_ms : REORDER_MS;
		break;
	case LC_NOTICE_FORGE:
		queue_forged(db, envelope, target);
		break;
	case LC_NOTICE_CORRUPT:
		corrupt(body);
		break;
	default:
		break;
	}
	queue_at(db, message, target, body, fault == LC_NOTICE_FORGE ? 0 : delay_ms, held);
	if (!held) {
		release_held(db, target);
	}
}

static const char *signature_version(const json_t *topic)
{
	const char *version = json_string_value(json_object_get(topic, "SignatureVersion"));
	return version != NULL && strcmp(version, "2") == 0 ? "2" : "1";
}

void lc_sns_queue_confirmation(sqlite3 *db, const char *type, const char *topic_arn,
	const char *subscription_arn, const char *endpoint, const char *token)
{
	bool ends = strcmp(type, "UnsubscribeConfirmation") == 0;
	SL_AUTO(sl_freep)
	char *text = ends ? sl_asprintf("You have chosen to deactivate subscription %s.\nTo cancel "
					"this operation and restore the subscription, visit the "
					"SubscribeURL included in this message.",
				    subscription_arn)
			  : sl_asprintf("You have chosen to subscribe to the topic %s.\nTo confirm "
					"the subscription, visit the SubscribeURL included in this "
					"message.",
				    topic_arn);
	struct lc_sns_message message = {
		.type = type, .topic_arn = topic_arn, .text = text, .token = token};
	sl_uuid_create(message.id);
	json_auto_t *topic = lc_sns_topic_attributes(db, topic_arn);
	struct envelope envelope;
	envelope_init(&envelope, &message, signature_version(topic), false);
	SL_AUTO(sl_freep)
	char *body = envelope_text(&envelope, subscription_arn);
	struct target target = {subscription_arn, endpoint, false};
	queue_at(db, &message, &target, body, 0, false);
	envelope_finish(&envelope);
}

/* Queues a message for one subscription: the envelope, or the bare text. */
static void queue_for(sqlite3 *db, const struct envelope *envelope, sqlite3_stmt *subscription)
{
	const char *arn = (const char *)sqlite3_column_text(subscription, 0);
	const char *endpoint = (const char *)sqlite3_column_text(subscription, 1);
	json_auto_t *attributes =
		json_loads((const char *)sqlite3_column_text(subscription, 2), 0, NULL);
	const char *raw = json_string_value(json_object_get(attributes, "RawMessageDelivery"));
	struct target target = {arn, endpoint, raw != NULL && strcmp(raw, "true") == 0};
	SL_AUTO(sl_freep)
	char *body = target.raw ? sl_strdup(envelope->message->text) : envelope_text(envelope, arn);
	queue_notification(db, envelope, &target, body);
}

/* Publishes to all confirmed subscriptions. False when there is no such topic. */
static bool publish(struct lc_sns_message *message)
{
	sl_uuid_create(message->id);
	sqlite3 *db = lc_sns_lock();
	json_auto_t *topic = lc_sns_topic_attributes(db, message->topic_arn);
	if (topic != NULL) {
		struct envelope envelope;
		envelope_init(&envelope, message, signature_version(topic), false);
		lc_db_execute(db, "BEGIN IMMEDIATE", NULL);
		sqlite3_stmt *statement = lc_db_prepare(db,
			"SELECT arn, endpoint, attributes FROM subscriptions "
			"WHERE topic_arn = ? AND state = 1",
			LC_TEXTS(message->topic_arn));
		while (lc_db_step(statement)) {
			queue_for(db, &envelope, statement);
		}
		sqlite3_finalize(statement);
		lc_db_execute(db, "COMMIT", NULL);
		envelope_finish(&envelope);
	}
	lc_sns_unlock();
	lc_sns_delivery_wake();
	return topic != NULL;
}

bool lc_sns_publish(const char *topic_arn, const char *subject, const char *message)
{
	struct lc_sns_message notification = {.type = "Notification",
		.topic_arn = topic_arn,
		.subject = subject,
		.text = message};
	return publish(&notification);
}

/* --- Publish ----------------------------------------------------------------------------- */

static bool subject_valid(const char *subject)
{
	size_t length = strlen(subject);
	if (length < 1 || length > SUBJECT_MAX || subject[0] == ' ') {
		return false;
	}
	for (const char *p = subject; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e) { /* ASCII without control characters */
			return false;
		}
	}
	return true;
}

/* The text for http(s) of a MessageStructure=json message, owned; NULL after an error reply. */
static char *structured_text(struct lc_sns_call *call, const char *message)
{
	json_auto_t *root = json_loads(message, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		lc_sns_invalid(call, "Message Structure - JSON message body failed to parse");
		return NULL;
	}
	const json_t *fallback = json_object_get(root, "default");
	if (!json_is_string(fallback)) {
		lc_sns_invalid(call, "Message Structure - No default entry in JSON message body");
		return NULL;
	}
	const json_t *http = json_object_get(root, "http");
	return sl_strdup(json_string_value(json_is_string(http) ? http : fallback));
}

/* MessageAttributes.entry.N: {"name": {"Type", "Value"}}, owned; NULL when there are none. */
static bool message_attributes(struct lc_sns_call *call, json_t **ret)
{
	json_auto_t *attributes = json_object();
	for (int n = 1;; n++) {
		SL_AUTO(sl_freep)
		char *name = lc_sns_entry(call, "MessageAttributes", n, "Name");
		if (name == NULL) {
			break;
		}
		SL_AUTO(sl_freep)
		char *type = lc_sns_entry(call, "MessageAttributes", n, "Value.DataType");
		SL_AUTO(sl_freep)
		char *text = lc_sns_entry(call, "MessageAttributes", n, "Value.StringValue");
		SL_AUTO(sl_freep)
		char *binary = lc_sns_entry(call, "MessageAttributes", n, "Value.BinaryValue");
		const char *value = text != NULL ? text : binary;
		if (type == NULL || value == NULL || value[0] == '\0') {
			lc_reply_xml_error(call->reply, call->request, true, 400,
				"ParameterValueInvalid",
				"The message attribute '%s' must contain non-empty message "
				"attribute "
				"value for message attribute type '%s'.",
				name, type == NULL ? "" : type);
			return false;
		}
		json_object_set_new(
			attributes, name, json_pack("{s:s, s:s}", "Type", type, "Value", value));
	}
	*ret = json_object_size(attributes) == 0 ? NULL : json_incref(attributes);
	return true;
}

static bool publish_check(struct lc_sns_call *call, const char *text, const char *subject)
{
	if (text[0] == '\0') {
		lc_sns_invalid(call, "Empty message");
	} else if (strlen(text) > MESSAGE_MAX) {
		lc_sns_invalid(call, "Message too long");
	} else if (subject != NULL && !subject_valid(subject)) {
		lc_sns_invalid(call, "Subject");
	} else {
		return true;
	}
	return false;
}

void lc_sns_publish_message(struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *text = lc_sns_required(call, "Message");
	if (text == NULL) {
		return;
	}
	SL_AUTO(sl_freep)
	char *topic = lc_sns_param(call, "TopicArn");
	SL_AUTO(sl_freep)
	char *target = lc_sns_param(call, "TargetArn");
	SL_AUTO(sl_freep)
	char *subject = lc_sns_param(call, "Subject");
	SL_AUTO(sl_freep)
	char *structure = lc_sns_param(call, "MessageStructure");
	const char *arn = topic != NULL ? topic : target;
	if (arn == NULL) {
		lc_sns_invalid(
			call, "TopicArn or TargetArn Reason: no value for required parameter");
		return;
	}
	if (!publish_check(call, text, subject)) {
		return;
	}
	SL_AUTO(sl_freep)
	char *chosen = NULL;
	if (structure != NULL && strcmp(structure, "json") == 0) {
		chosen = structured_text(call, text);
		if (chosen == NULL) {
			return;
		}
	}
	json_auto_t *attributes = NULL;
	if (!message_attributes(call, &attributes)) {
		return;
	}
	struct lc_sns_message message = {.type = "Notification",
		.topic_arn = arn,
		.subject = subject,
		.text = chosen != NULL ? chosen : text,
		.attributes = attributes};
	if (!publish(&message)) {
		lc_sns_not_found(call, "Topic");
		return;
	}
	lc_sns_open(call, "Publish");
	lc_sns_element(call, "MessageId", message.id);
	lc_sns_close(call, "Publish");
}
