/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNS: the query protocol, its XML, and the database of topics, subscriptions and deliveries.
 * Entry: lc_sns_handle, on any HTTP thread. Map of the subject: lc_sns.h.
 */

#include "lc_sns.h"

#include <pthread.h>
#include <string.h>

#include "text.h"

#define NAMESPACE "http://sns.amazonaws.com/doc/2010-03-31/"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS topics ("
	"	arn TEXT PRIMARY KEY,"
	"	attributes TEXT NOT NULL,"            /* JSON: what was set */
	"	deleted INTEGER NOT NULL DEFAULT 0);" /* subscriptions that were ended */
	"CREATE TABLE IF NOT EXISTS subscriptions ("
	"	arn TEXT PRIMARY KEY,"
	"	topic_arn TEXT NOT NULL,"
	"	protocol TEXT NOT NULL,"
	"	endpoint TEXT NOT NULL,"
	"	state INTEGER NOT NULL," /* 0 pending, 1 confirmed, 2 ended, may be restored */
	"	token TEXT NOT NULL,"
	"	token_ms INTEGER NOT NULL,"
	"	authenticated INTEGER NOT NULL DEFAULT 0," /* confirmed by a signed call */
	"	attributes TEXT NOT NULL,"
	"	UNIQUE (topic_arn, protocol, endpoint));"
	"CREATE TABLE IF NOT EXISTS deliveries ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	subscription_arn TEXT NOT NULL,"
	"	topic_arn TEXT NOT NULL,"
	"	endpoint TEXT NOT NULL,"
	"	type TEXT NOT NULL,"
	"	message_id TEXT NOT NULL,"
	"	raw INTEGER NOT NULL,"
	"	body TEXT NOT NULL,"
	"	created_ms INTEGER NOT NULL,"
	"	attempt INTEGER NOT NULL DEFAULT 0," /* tries that failed */
	"	not_before_ms INTEGER NOT NULL,"
	"	flying INTEGER NOT NULL DEFAULT 0,"
	"	held INTEGER NOT NULL DEFAULT 0);" /* to be overtaken by the next: sns_publish.c */
	"CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (flying, not_before_ms);"
	"CREATE INDEX IF NOT EXISTS deliveries_of ON deliveries (subscription_arn, flying);";

static const struct {
	const char *name;
	lc_sns_action *run;
} actions[] = {
	{"CreateTopic", lc_sns_create_topic},
	{"DeleteTopic", lc_sns_delete_topic},
	{"ListTopics", lc_sns_list_topics},
	{"GetTopicAttributes", lc_sns_get_topic_attributes},
	{"SetTopicAttributes", lc_sns_set_topic_attributes},
	{"Subscribe", lc_sns_subscribe},
	{"ConfirmSubscription", lc_sns_confirm_subscription},
	{"Unsubscribe", lc_sns_unsubscribe},
	{"ListSubscriptions", lc_sns_list_subscriptions},
	{"ListSubscriptionsByTopic", lc_sns_list_subscriptions_by_topic},
	{"GetSubscriptionAttributes", lc_sns_get_subscription_attributes},
	{"SetSubscriptionAttributes", lc_sns_set_subscription_attributes},
	{"Publish", lc_sns_publish_message},
};

static struct {
	pthread_mutex_t mutex;
	sqlite3 *db;
	struct lc_cloud *cloud;
} sns = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* --- parameters -------------------------------------------------------------------------- */

char *lc_sns_param(const struct lc_sns_call *call, const char *name)
{
	const struct lc_request *request = call->request;
	char *value = request->body == NULL ? NULL
					    : lc_form_value(request->body, request->body_len, name);
	return value != NULL ? value : lc_request_query(request, name);
}

char *lc_sns_entry(const struct lc_sns_call *call, const char *prefix, int n, const char *member)
{
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("%s.entry.%d.%s", prefix, n, member);
	return lc_sns_param(call, name);
}

json_t *lc_sns_attributes(const struct lc_sns_call *call)
{
	json_t *attributes = json_object();
	for (int n = 1;; n++) {
		SL_AUTO(sl_freep)
		char *key = lc_sns_entry(call, "Attributes", n, "key");
		SL_AUTO(sl_freep)
		char *value = lc_sns_entry(call, "Attributes", n, "value");
		if (key == NULL || value == NULL) {
			return attributes;
		}
		json_object_set_new(attributes, key, json_string(value));
	}
}

char *lc_sns_required(struct lc_sns_call *call, const char *name)
{
	SL_AUTO(sl_freep)
	char *value = lc_sns_param(call, name);
	if (value == NULL) {
		lc_reply_xml_error(call->reply, call->request, true, 400, "ValidationError",
			"1 validation error detected: Value null at '%c%s' failed to satisfy "
			"constraint: Member must not be null",
			name[0] | 0x20, name + 1);
		return NULL;
	}
	if (!sl_text_is_utf8(value, strlen(value))) {
		lc_sns_invalid(call, "%s Reason: not UTF-8", name);
		return NULL;
	}
	return sl_take(&value);
}

char *lc_sns_token_of(const char *arn)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf token = SL_BUF_INIT;
	sl_text_base64(&token, arn, strlen(arn));
	return sl_buf_steal(&token);
}

char *lc_sns_token_read(const struct lc_sns_call *call)
{
	SL_AUTO(sl_freep)
	char *token = lc_sns_param(call, "NextToken");
	SL_AUTO(sl_buf_finish)
	struct sl_buf arn = SL_BUF_INIT;
	if (token != NULL && !sl_text_base64_decode(&arn, token, strlen(token))) {
		sl_buf_clear(&arn);
	}
	return sl_buf_steal(&arn);
}

/* --- replies ----------------------------------------------------------------------------- */

void lc_sns_open(struct lc_sns_call *call, const char *action)
{
	call->reply->content_type = "text/xml";
	sl_buf_printf(&call->reply->body, "<%sResponse xmlns=\"" NAMESPACE "\"><%sResult>", action,
		action);
}

void lc_sns_element(struct lc_sns_call *call, const char *name, const char *text)
{
	sl_buf_printf(&call->reply->body, "<%s>", name);
	lc_xml_escape(&call->reply->body, text);
	sl_buf_printf(&call->reply->body, "</%s>", name);
}

static void metadata(struct lc_sns_call *call, const char *action)
{
	sl_buf_printf(&call->reply->body,
		"<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
		call->request->request_id, action);
}

void lc_sns_close(struct lc_sns_call *call, const char *action)
{
	sl_buf_printf(&call->reply->body, "</%sResult>", action);
	metadata(call, action);
}

void lc_sns_done(struct lc_sns_call *call, const char *action)
{
	call->reply->content_type = "text/xml";
	sl_buf_printf(&call->reply->body, "<%sResponse xmlns=\"" NAMESPACE "\">", action);
	metadata(call, action);
}

void lc_sns_attribute_map(struct lc_sns_call *call, json_t *attributes)
{
	sl_buf_puts(&call->reply->body, "<Attributes>");
	const char *key;
	json_t *value;
	json_object_foreach (attributes, key, value) {
		sl_buf_puts(&call->reply->body, "<entry>");
		lc_sns_element(call, "key", key);
		lc_sns_element(call, "value", json_string_value(value));
		sl_buf_puts(&call->reply->body, "</entry>");
	}
	sl_buf_puts(&call->reply->body, "</Attributes>");
	json_decref(attributes);
}

void lc_sns_invalid(struct lc_sns_call *call, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *words = sl_vasprintf(format, arguments);
	va_end(arguments);
	lc_reply_xml_error(call->reply, call->request, true, 400, "InvalidParameter",
		"Invalid parameter: %s", words);
}

void lc_sns_not_found(struct lc_sns_call *call, const char *what)
{
	lc_reply_xml_error(
		call->reply, call->request, true, 404, "NotFound", "%s does not exist", what);
}

/* --- database ---------------------------------------------------------------------------- */

sqlite3 *lc_sns_lock(void)
{
	pthread_mutex_lock(&sns.mutex);
	return sns.db;
}

void lc_sns_unlock(void)
{
	pthread_mutex_unlock(&sns.mutex);
}

struct lc_cloud *lc_sns_cloud(void)
{
	return sns.cloud;
}

char *lc_sns_column(sqlite3_stmt *statement, int column)
{
	return sl_strdup((const char *)sqlite3_column_text(statement, column));
}

/* --- entry ------------------------------------------------------------------------------- */

void lc_sns_handle(struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	struct lc_sns_call call = {cloud, request, reply};
	SL_AUTO(sl_freep)
	char *action = lc_sns_param(&call, "Action");
	for (size_t i = 0; action != NULL && i < SL_ARRAY_SIZE(actions); i++) {
		if (strcmp(action, actions[i].name) == 0) {
			actions[i].run(&call);
			return;
		}
	}
	if (action == NULL) {
		lc_reply_xml_error(reply, request, true, 400, "MissingAction",
			"The request must contain the parameter Action");
		return;
	}
	lc_reply_xml_error(reply, request, true, 400, "InvalidAction",
		"The action or operation requested is invalid. Verify that the action is typed "
		"correctly.");
}

void lc_sns_start(struct lc_cloud *cloud)
{
	sns.cloud = cloud;
	sns.db = lc_db_open(cloud, "sns", schema);
	/* A directory of an earlier version has no such column; otherwise this changes nothing. */
	(void)sqlite3_exec(sns.db,
		"ALTER TABLE deliveries ADD COLUMN held INTEGER NOT NULL DEFAULT 0", NULL, NULL,
		NULL);
	lc_sns_sign_start(cloud);
	lc_sns_delivery_start();
}

void lc_sns_stop(void)
{
	lc_sns_delivery_stop();
	lc_sns_sign_stop();
	pthread_mutex_lock(&sns.mutex);
	sqlite3_close(sns.db);
	sns.db = NULL;
	pthread_mutex_unlock(&sns.mutex);
}
