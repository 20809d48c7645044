/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's event notifications to SNS topics: the configuration of a bucket, kept as JSON, and the
 * messages. Entry points: s3_get_notification, s3_put_notification, s3_notify. Any thread.
 */
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "json_spec.h"
#include "s3_internal.h"
#include "text.h"
#include "uuid.h"

#define SUBJECT     "Amazon S3 Notification"
#define PRINCIPAL   "AWS:AIDALOCALCLOUD000000"
#define OWNER       "A1LOCALCLOUD00"
#define MAX_CONFIGS 100

/* What a configuration may name; the test event is sent, never asked for. */
static const char *const known_events[] = {
	"s3:ObjectCreated:*",
	"s3:ObjectCreated:Put",
	"s3:ObjectCreated:Post",
	"s3:ObjectCreated:Copy",
	"s3:ObjectCreated:CompleteMultipartUpload",
	"s3:ObjectRemoved:*",
	"s3:ObjectRemoved:Delete",
};

/* --- reading the configuration --------------------------------------------------------------- */

static bool invalid(struct s3_op *op, const char *name, const char *value, const char *message)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf extra = SL_BUF_INIT;
	s3_element(&extra, "ArgumentName", name);
	s3_element(&extra, "ArgumentValue", value);
	s3_error(op, 400, "InvalidArgument", sl_buf_str(&extra), "%s", message);
	return false;
}

/* "arn:aws:sns:us-east-1:000000000000:topic" in the bucket's region. */
static bool check_topic_arn(struct s3_op *op, const char *arn)
{
	const char *at = arn ? arn : "";
	size_t field = 0;
	const char *fields[6] = {NULL};
	size_t lengths[6] = {0};

	while (field < SL_ARRAY_SIZE(fields)) {
		fields[field] = at;
		lengths[field] = strcspn(at, ":");
		at += lengths[field];
		field++;
		if (*at != ':') {
			break;
		}
		at++;
	}
	if (field != 6 || *at || strncmp(arn, "arn:", 4) != 0 || lengths[2] != 3 ||
		strncmp(fields[2], "sns", 3) != 0 || lengths[5] == 0) {
		return invalid(op, "Topic", arn ? arn : "", "The ARN could not be parsed");
	}
	const char *region = s3_store_region();
	if (lengths[3] != strlen(region) || strncmp(fields[3], region, lengths[3]) != 0) {
		return invalid(op, "Topic", arn,
			"The notification destination service region is not valid for the bucket "
			"location constraint");
	}
	return true;
}

static bool read_events(struct s3_op *op, const struct lc_xml *element, json_t *ret)
{
	for (const struct lc_xml *at = element->child; at; at = at->next) {
		if (strcmp(at->name, "Event") != 0) {
			continue;
		}
		size_t i = 0;
		while (i < SL_ARRAY_SIZE(known_events) && strcmp(known_events[i], at->text) != 0) {
			i++;
		}
		if (i == SL_ARRAY_SIZE(known_events)) {
			return invalid(op, "Event", at->text,
				"The event is not supported for notifications");
		}
		(void)json_array_append_new(ret, json_string(known_events[i]));
	}
	if (json_array_size(ret) == 0) {
		s3_malformed_xml(op);
		return false;
	}
	return true;
}

static bool read_filter(struct s3_op *op, const struct lc_xml *element, json_t *config)
{
	const struct lc_xml *rules = lc_xml_child(lc_xml_child(element, "Filter"), "S3Key");

	for (const struct lc_xml *at = rules ? rules->child : NULL; at; at = at->next) {
		const char *name = lc_xml_value(at, "Name");
		const char *value = lc_xml_value(at, "Value");
		if (strcmp(at->name, "FilterRule") != 0 || !name || !value) {
			s3_malformed_xml(op);
			return false;
		}
		const char *kind = strcasecmp(name, "prefix") == 0 ? "prefix"
			: strcasecmp(name, "suffix") == 0          ? "suffix"
								   : NULL;
		if (!kind) {
			return invalid(op, "FilterRule.Name", name,
				"filter rule name must be either prefix or suffix");
		}
		if (json_object_get(config, kind)) {
			return invalid(op, "FilterRule.Name", name,
				"Cannot specify more than one prefix or suffix rule in a filter.");
		}
		(void)json_object_set_new(config, kind, json_string(value));
	}
	return true;
}

static bool read_topic_configuration(struct s3_op *op, const struct lc_xml *element, json_t *ret)
{
	const char *topic = lc_xml_value(element, "Topic");
	const char *id = lc_xml_value(element, "Id");
	char fresh[SL_UUID_SIZE];
	sl_uuid_create(fresh);

	if (!check_topic_arn(op, topic)) {
		return false;
	}
	json_auto_t *events = json_array();
	json_auto_t *config = json_pack(
		"{s:s, s:s, s:O}", "id", id && *id ? id : fresh, "topic", topic, "events", events);
	if (!config) {
		s3_malformed_xml(op);
		return false;
	}
	if (!read_events(op, element, events) || !read_filter(op, element, config)) {
		return false;
	}
	(void)json_array_append(ret, config);
	return true;
}

static const char *filter(const json_t *config, const char *kind)
{
	const char *value = json_string_value(json_object_get(config, kind));
	return value ? value : "";
}

static bool event_covers(const char *pattern, const char *event)
{
	size_t len = strlen(pattern);
	return pattern[len - 1] == '*' ? strncmp(pattern, event, len - 1) == 0
				       : strcmp(pattern, event) == 0;
}

static bool share_event(const json_t *a, const json_t *b)
{
	size_t i;
	size_t j;
	json_t *left;
	json_t *right;
	json_array_foreach (json_object_get(a, "events"), i, left) {
		json_array_foreach (json_object_get(b, "events"), j, right) {
			if (event_covers(json_string_value(left), json_string_value(right)) ||
				event_covers(json_string_value(right), json_string_value(left))) {
				return true;
			}
		}
	}
	return false;
}

/* S3 refuses two configurations that one object could match. */
static bool overlap(const json_t *a, const json_t *b)
{
	const char *prefix_a = filter(a, "prefix");
	const char *prefix_b = filter(b, "prefix");
	const char *suffix_a = filter(a, "suffix");
	const char *suffix_b = filter(b, "suffix");

	return share_event(a, b) &&
		(sl_text_starts_with(prefix_a, prefix_b) ||
			sl_text_starts_with(prefix_b, prefix_a)) &&
		(sl_text_ends_with(suffix_a, suffix_b) || sl_text_ends_with(suffix_b, suffix_a));
}

static bool check_overlaps(struct s3_op *op, const json_t *configs)
{
	for (size_t i = 0; i < json_array_size(configs); i++) {
		for (size_t j = 0; j < i; j++) {
			if (overlap(json_array_get(configs, i), json_array_get(configs, j))) {
				s3_error(op, 400, "InvalidArgument", NULL,
					"Configurations overlap. Configurations on the same bucket "
					"cannot share a common event type.");
				return false;
			}
		}
	}
	return true;
}

/* An array of {id, topic, events, prefix?, suffix?}; NULL after an error reply. */
static json_t *read_configuration(struct s3_op *op)
{
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *root = s3_body_xml(op, "NotificationConfiguration");
	if (!root) {
		s3_malformed_xml(op);
		return NULL;
	}
	json_auto_t *configs = json_array();
	for (const struct lc_xml *at = root->child; at; at = at->next) {
		if (strcmp(at->name, "TopicConfiguration") != 0) {
			s3_error(op, 501, "NotImplemented", NULL,
				"localcloud sends S3 notifications to SNS topics only, not %s",
				at->name);
			return NULL;
		}
		if (!read_topic_configuration(op, at, configs)) {
			return NULL;
		}
		if (json_array_size(configs) > MAX_CONFIGS) {
			s3_malformed_xml(op);
			return NULL;
		}
	}
	return check_overlaps(op, configs) ? json_incref(configs) : NULL;
}

/* --- operations ------------------------------------------------------------------------------- */

/* A topic gets a test event when it becomes a destination; one that cannot be reached is refused.
 */
static bool send_test_events(struct s3_op *op, const json_t *configs)
{
	size_t i;
	json_t *config;
	char now[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(sl_clock_now_ms(), now);

	json_array_foreach (configs, i, config) {
		const char *topic = json_string_value(json_object_get(config, "topic"));
		json_auto_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "Service",
			"Amazon S3", "Event", "s3:TestEvent", "Time", now, "Bucket", op->bucket,
			"RequestId", op->request->request_id, "HostId", "localcloud");
		SL_AUTO(sl_freep)
		char *message = sl_json_text(event);
		if (!lc_sns_publish(topic, SUBJECT, message)) {
			SL_AUTO(sl_buf_finish)
			struct sl_buf extra = SL_BUF_INIT;
			s3_element(&extra, "ArgumentName1", topic);
			s3_element(
				&extra, "ArgumentValue1", "The destination topic does not exist");
			s3_error(op, 400, "InvalidArgument", sl_buf_str(&extra),
				"Unable to validate the following destination configurations");
			return false;
		}
	}
	return true;
}

void s3_put_notification(struct s3_op *op)
{
	const char *skip = lc_request_header(op->request, "x-amz-skip-destination-validation");
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	json_auto_t *configs = read_configuration(op);
	if (!configs ||
		(!(skip && strcasecmp(skip, "true") == 0) && !send_test_events(op, configs))) {
		return;
	}
	SL_AUTO(sl_freep)
	char *document = sl_json_text(configs);
	bool any = json_array_size(configs) > 0;
	if (!s3_store_set_config(op->bucket, "notification", any ? document : NULL)) {
		s3_no_such_bucket(op);
	}
}

static json_t *load_configuration(const char *bucket)
{
	SL_AUTO(sl_freep)
	char *document = s3_store_get_config(bucket, "notification");
	return document ? json_loads(document, 0, NULL) : NULL;
}

static void add_filter_rule(struct sl_buf *xml, const json_t *config, const char *kind)
{
	const char *value = json_string_value(json_object_get(config, kind));
	if (value) {
		sl_buf_puts(xml, "<FilterRule>");
		s3_element(xml, "Name", kind);
		s3_element(xml, "Value", value);
		sl_buf_puts(xml, "</FilterRule>");
	}
}

void s3_get_notification(struct s3_op *op)
{
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	json_auto_t *configs = load_configuration(op->bucket);
	struct sl_buf *xml = s3_xml(op, "NotificationConfiguration");
	size_t i;
	size_t j;
	json_t *config;
	json_t *event;
	json_array_foreach (configs, i, config) {
		sl_buf_puts(xml, "<TopicConfiguration>");
		s3_element(xml, "Id", json_string_value(json_object_get(config, "id")));
		s3_element(xml, "Topic", json_string_value(json_object_get(config, "topic")));
		json_array_foreach (json_object_get(config, "events"), j, event) {
			s3_element(xml, "Event", json_string_value(event));
		}
		if (json_object_get(config, "prefix") || json_object_get(config, "suffix")) {
			sl_buf_puts(xml, "<Filter><S3Key>");
			add_filter_rule(xml, config, "prefix");
			add_filter_rule(xml, config, "suffix");
			sl_buf_puts(xml, "</S3Key></Filter>");
		}
		sl_buf_puts(xml, "</TopicConfiguration>");
	}
	sl_buf_puts(xml, "</NotificationConfiguration>");
}

/* --- events ----------------------------------------------------------------------------------- */

static bool wants(const json_t *config, const char *event, const char *key)
{
	SL_AUTO(sl_freep)
	char *full = sl_asprintf("s3:%s", event);
	size_t i;
	json_t *pattern;
	json_array_foreach (json_object_get(config, "events"), i, pattern) {
		if (event_covers(json_string_value(pattern), full)) {
			return sl_text_starts_with(key, filter(config, "prefix")) &&
				sl_text_ends_with(key, filter(config, "suffix"));
		}
	}
	return false;
}

/* As S3 writes keys in events: form encoding, but / stays. */
static char *encoded_key(const char *key)
{
	struct sl_buf out = SL_BUF_INIT;
	for (const char *c = key; *c; c++) {
		if (*c == ' ') {
			sl_buf_putc(&out, '+');
		} else {
			sl_text_percent_encode(&out, c, 1, "/*");
		}
	}
	return sl_buf_steal(&out);
}

static json_t *object_json(const char *key, const struct s3_object *object, const char *sequencer)
{
	SL_AUTO(sl_freep)
	char *encoded = encoded_key(key);
	json_t *json = json_pack("{s:s}", "key", encoded);
	if (object) {
		(void)json_object_set_new(json, "size", json_integer(object->size));
		(void)json_object_set_new(json, "eTag", json_string(object->etag));
	}
	(void)json_object_set_new(json, "sequencer", json_string(sequencer));
	return json;
}

/* The members in the order in which S3 sends them (recorded messages). */
static json_t *event_json(const char *event, const char *bucket, const char *config_id,
	json_t *object, const char *request_id)
{
	char now[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(sl_clock_now_ms(), now);
	SL_AUTO(sl_freep)
	char *arn = sl_asprintf("arn:aws:s3:::%s", bucket);

	return json_pack("{s:[{s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s, s:s},"
			 " s:{s:s, s:s, s:{s:s, s:{s:s}, s:s}, s:o}}]}",
		"Records", "eventVersion", "2.1", "eventSource", "aws:s3", "awsRegion",
		s3_store_region(), "eventTime", now, "eventName", event, "userIdentity",
		"principalId", PRINCIPAL, "requestParameters", "sourceIPAddress", "127.0.0.1",
		"responseElements", "x-amz-request-id", request_id, "x-amz-id-2", "localcloud",
		"s3", "s3SchemaVersion", "1.0", "configurationId", config_id, "bucket", "name",
		bucket, "ownerIdentity", "principalId", OWNER, "arn", arn, "object", object);
}

void s3_notify(const char *event, const char *bucket, const char *key,
	const struct s3_object *object, const char *sequencer, const char *request_id)
{
	json_auto_t *configs = load_configuration(bucket);
	size_t i;
	json_t *config;

	json_array_foreach (configs, i, config) {
		if (!wants(config, event, key)) {
			continue;
		}
		json_auto_t *message =
			event_json(event, bucket, json_string_value(json_object_get(config, "id")),
				object_json(key, object, sequencer), request_id);
		SL_AUTO(sl_freep)
		char *text = sl_json_text(message);
		const char *topic = json_string_value(json_object_get(config, "topic"));
		if (!lc_sns_publish(topic, SUBJECT, text)) {
			sl_log(SL_LOG_WARN, "a bucket's notification has lost its topic",
				SL_F("bucket", bucket), SL_F("topic", topic), SL_F_END);
		}
	}
}
