/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQS: the JSON protocol and the older query protocol, which Debian's botocore still speaks; the
 * database. Entry points: lc_sqs_handle (HTTP threads), lc_sqs_deliver (any thread).
 */
#include "lc_sqs.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#include "lc_policy.h"
#include "text.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS queues ("
	"	name TEXT PRIMARY KEY,"
	"	attributes TEXT NOT NULL,"
	"	created_ms INTEGER NOT NULL,"
	"	modified_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS messages ("
	"	number INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	queue TEXT NOT NULL,"
	"	id TEXT NOT NULL,"
	"	body TEXT NOT NULL,"
	"	sent_ms INTEGER NOT NULL,"
	"	visible_ms INTEGER NOT NULL,"
	"	received INTEGER NOT NULL DEFAULT 0,"
	"	first_ms INTEGER NOT NULL DEFAULT 0," /* of its being received */
	"	receipt TEXT);"
	"CREATE INDEX IF NOT EXISTS messages_of ON messages (queue, visible_ms);";

static const struct {
	const char *name;
	lc_sqs_operation *run;
} operations[] = {
	{"CreateQueue", lc_sqs_create_queue},
	{"GetQueueUrl", lc_sqs_get_queue_url},
	{"GetQueueAttributes", lc_sqs_get_attributes},
	{"SetQueueAttributes", lc_sqs_set_attributes},
	{"ListQueues", lc_sqs_list_queues},
	{"DeleteQueue", lc_sqs_delete_queue},
	{"PurgeQueue", lc_sqs_purge_queue},
	{"SendMessage", lc_sqs_send_message},
	{"ReceiveMessage", lc_sqs_receive_message},
	{"DeleteMessage", lc_sqs_delete_message},
	{"ChangeMessageVisibility", lc_sqs_change_visibility},
};

static struct {
	pthread_mutex_t mutex;
	sqlite3 *db;
} sqs = {.mutex = PTHREAD_MUTEX_INITIALIZER};

sqlite3 *lc_sqs_lock(void)
{
	pthread_mutex_lock(&sqs.mutex);
	return sqs.db;
}

void lc_sqs_unlock(void)
{
	pthread_mutex_unlock(&sqs.mutex);
}

/* --- requests ---------------------------------------------------------------------------- */

const char *lc_sqs_string(const struct lc_sqs_call *call, const char *name)
{
	return json_string_value(json_object_get(call->in, name));
}

int64_t lc_sqs_integer(const struct lc_sqs_call *call, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(call->in, name);
	int64_t number = otherwise;
	if (json_is_integer(value)) {
		return json_integer_value(value);
	}
	return json_is_string(value) &&
			sl_text_parse_i64(json_string_value(value), INT64_MIN, INT64_MAX, &number)
		? number
		: otherwise;
}

const char *lc_sqs_queue(struct lc_sqs_call *call)
{
	const char *url = lc_sqs_string(call, "QueueUrl");
	const char *slash = url ? strrchr(url, '/') : NULL;
	if (!slash) {
		lc_sqs_no_queue(call);
		return NULL;
	}
	return slash + 1;
}

static char *form_value(const struct lc_request *request, const char *name)
{
	char *value = request->body ? lc_form_value(request->body, request->body_len, name) : NULL;
	return value ? value : lc_request_query(request, name);
}

static char *form_entry(
	const struct lc_request *request, const char *name, int n, const char *member)
{
	SL_AUTO(sl_freep)
	char *full = sl_asprintf("%s.%d%s", name, n, member);
	return form_value(request, full);
}

/* The request of the query protocol as the JSON protocol would have it. */
static json_t *read_form(const struct lc_request *request)
{
	static const char *const names[] = {"QueueUrl", "QueueName", "MessageBody", "ReceiptHandle",
		"QueueNamePrefix", "VisibilityTimeout", "WaitTimeSeconds", "MaxNumberOfMessages",
		"DelaySeconds"};
	json_t *in = json_object();
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		SL_AUTO(sl_freep)
		char *value = form_value(request, names[i]);
		if (value) {
			json_object_set_new(in, names[i], json_string(value));
		}
	}
	json_t *attributes = json_object();
	json_t *wanted = json_array();
	json_object_set_new(in, "Attributes", attributes);
	json_object_set_new(in, "AttributeNames", wanted);
	for (int n = 1;; n++) {
		SL_AUTO(sl_freep)
		char *name = form_entry(request, "Attribute", n, ".Name");
		SL_AUTO(sl_freep)
		char *value = form_entry(request, "Attribute", n, ".Value");
		SL_AUTO(sl_freep)
		char *wish = form_entry(request, "AttributeName", n, "");
		if (name && value) {
			json_object_set_new(attributes, name, json_string(value));
		}
		if (wish) {
			json_array_append_new(wanted, json_string(wish));
		}
		if (!wish && (!name || !value)) {
			return in;
		}
	}
}

/* --- replies ----------------------------------------------------------------------------- */

json_t *lc_sqs_error(
	struct lc_sqs_call *call, const char *code, const char *shape, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *words = sl_vasprintf(format, arguments);
	va_end(arguments);
	if (call->query) {
		lc_reply_xml_error(call->reply, call->request, true, 400, code, "%s", words);
		return NULL;
	}
	SL_AUTO(sl_freep)
	char *type = sl_asprintf("com.amazonaws.sqs#%s", shape);
	SL_AUTO(sl_freep)
	char *older = sl_asprintf("%s;Sender", code);
	lc_reply_header(call->reply, "x-amzn-query-error", older);
	lc_reply_json_refusal(call->reply, call->request, 400, type, words);
	return NULL;
}

json_t *lc_sqs_no_queue(struct lc_sqs_call *call)
{
	return lc_sqs_error(call, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist",
		"The specified queue does not exist%s",
		call->query ? " for this wsdl version." : ".");
}

static void element(struct sl_buf *out, const char *name, const json_t *value)
{
	SL_AUTO(sl_freep)
	char *number = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
	sl_buf_printf(out, "<%s>", name);
	lc_xml_escape(out, number ? number : json_string_value(value));
	sl_buf_printf(out, "</%s>", name);
}

/* A reply of the JSON protocol in the XML of the older one. */
static void write_members(struct sl_buf *out, const json_t *members)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)members, name, value) {
		const char *key;
		json_t *each;
		size_t i;
		if (strcmp(name, "Attributes") == 0) {
			json_object_foreach (value, key, each) {
				sl_buf_printf(out, "<Attribute><Name>%s</Name>", key);
				element(out, "Value", each);
				sl_buf_puts(out, "</Attribute>");
			}
		} else if (json_is_array(value)) {
			bool urls = strcmp(name, "QueueUrls") == 0;
			json_array_foreach (value, i, each) {
				if (urls) {
					element(out, "QueueUrl", each);
					continue;
				}
				sl_buf_puts(out, "<Message>");
				write_members(out, each);
				sl_buf_puts(out, "</Message>");
			}
		} else {
			element(out, name, value);
		}
	}
}

static void reply_xml(struct lc_sqs_call *call, const char *name, const json_t *body)
{
	struct sl_buf *out = &call->reply->body;
	call->reply->content_type = "text/xml";
	sl_buf_printf(
		out, "<%sResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">", name);
	if (json_object_size(body) > 0) { /* else the operation has no result */
		sl_buf_printf(out, "<%sResult>", name);
		write_members(out, body);
		sl_buf_printf(out, "</%sResult>", name);
	}
	sl_buf_printf(out,
		"<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
		call->request->request_id, name);
}

/* --- entry ------------------------------------------------------------------------------- */

static void run(struct lc_sqs_call *call, const char *name)
{
	for (size_t i = 0; name && i < SL_ARRAY_SIZE(operations); i++) {
		if (strcmp(name, operations[i].name) != 0) {
			continue;
		}
		json_t *body = operations[i].run(call);
		if (body && call->query) {
			reply_xml(call, name, body);
			json_decref(body);
		} else if (body) {
			lc_reply_json(call->reply, "application/x-amz-json-1.0", body);
		}
		return;
	}
	(void)lc_sqs_error(call, "InvalidAction", "UnsupportedOperation",
		"The action %s is not valid for this endpoint.", name ? name : "");
}

void lc_sqs_handle(struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	const char *target = lc_request_header(request, "x-amz-target");
	struct lc_sqs_call call = {
		.cloud = cloud, .request = request, .reply = reply, .query = target == NULL};
	if (call.query) {
		SL_AUTO(sl_freep)
		char *action = form_value(request, "Action");
		call.in = read_form(request);
		run(&call, action);
	} else {
		call.in = request->body
			? json_loadb(request->body, request->body_len, JSON_ALLOW_NUL, NULL)
			: NULL;
		run(&call, sl_text_starts_with(target, "AmazonSQS.") ? target + 10 : NULL);
	}
	json_decref(call.in);
}

void lc_sqs_start(struct lc_cloud *cloud)
{
	sqs.db = lc_db_open(cloud, "sqs", schema);
}

void lc_sqs_stop(void)
{
	pthread_mutex_lock(&sqs.mutex);
	sqlite3_close(sqs.db);
	sqs.db = NULL;
	pthread_mutex_unlock(&sqs.mutex);
}

/* --- from other services ----------------------------------------------------------------- */

/* Whether the queue's policy lets a service put something in for one of its resources. */
static bool policy_allows(const json_t *attributes, const char *queue_arn, const char *service,
	const char *source_arn)
{
	const char *text = json_string_value(json_object_get(attributes, "Policy"));
	json_auto_t *policy = text ? json_loads(text, 0, NULL) : NULL;
	json_auto_t *context = json_pack("{s:s, s:s, s:s}", "aws:sourcearn", source_arn,
		"aws:sourceaccount", LC_ACCOUNT, "aws:securetransport", "true");
	struct lc_policy_question question = {
		.action = "sqs:SendMessage",
		.resource = queue_arn,
		.context = context,
		.principal_kind = "Service",
		.principals = LC_TEXTS(service),
	};
	return policy && lc_policy_decide(policy, &question) == LC_ALLOW;
}

bool lc_sqs_deliver(
	const char *queue_arn, const char *service, const char *source_arn, const char *body)
{
	const char *name = strrchr(queue_arn, ':');
	sqlite3 *db = lc_sqs_lock();
	json_auto_t *attributes = name ? lc_sqs_attributes(db, name + 1) : NULL;
	bool allowed = attributes && policy_allows(attributes, queue_arn, service, source_arn);
	if (allowed) {
		free(lc_sqs_put(db, name + 1, body, 0));
	}
	lc_sqs_unlock();
	return allowed;
}
