/* SPDX-License-Identifier: Apache-2.0 */
/* aws_driver [CLOCK_MS]: performs the operations of aws/ that its first line of input lists, as
 * JSON [{"op": "s3.head_object", …arguments…}, …], one after the other with one client, and prints
 * one JSON object a line for each. CLOCK_MS freezes the clock that signatures see. A second line
 * of input interrupts the client. */

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "call_internal.h"
#include "dynamodb.h"
#include "dynamodb_table.h"
#include "events.h"
#include "iam.h"
#include "json_spec.h"
#include "mediaconvert.h"
#include "mem.h"
#include "rekognition.h"
#include "s3.h"
#include "s3_bucket.h"
#include "sns.h"
#include "sns_topic.h"
#include "sqs.h"
#include "sts.h"
#include "text.h"
#include "transcribe.h"

struct run {
	struct sl_aws *aws;
	struct sl_client *client;
	const json_t *arguments;
	json_t *result; /* of the operation, owned; NULL: it has none */
	struct sl_error *error;
};

static const char *text(const struct run *run, const char *name)
{
	return json_string_value(json_object_get(run->arguments, name));
}

static int64_t number(const struct run *run, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(run->arguments, name);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static const json_t *object(const struct run *run, const char *name)
{
	return json_object_get(run->arguments, name);
}

static enum sl_err s3_head_object(struct run *run)
{
	SL_AUTO(sl_s3_object_finish)
	struct sl_s3_object got = {0};
	enum sl_err err = sl_s3_head_object(
		run->client, text(run, "bucket"), text(run, "key"), &got, run->error);
	run->result = err
		? NULL
		: json_pack("{s:I,s:s}", "size", (json_int_t)got.size_bytes, "etag", got.etag);
	return err;
}

static enum sl_err s3_get_object(struct run *run)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf got = SL_BUF_INIT;
	enum sl_err err = sl_s3_get_object(run->client, text(run, "bucket"), text(run, "key"),
		number(run, "from", 0), number(run, "to", -1),
		(size_t)number(run, "max_bytes", 1 << 20), &got, run->error);
	run->result = err ? NULL : json_stringn(sl_buf_str(&got), got.len);
	return err;
}

static enum sl_err s3_put_object(struct run *run)
{
	const char *body = text(run, "body");
	return sl_s3_put_object(run->client, text(run, "bucket"), text(run, "key"),
		text(run, "content_type"), body, strlen(body), run->error);
}

static enum sl_err s3_list_objects(struct run *run)
{
	SL_AUTO(sl_s3_listing_finish)
	struct sl_s3_listing got = {0};
	enum sl_err err = sl_s3_list_objects(run->client, text(run, "bucket"), text(run, "prefix"),
		text(run, "start_after"), text(run, "token"), &got, run->error);
	if (!err) {
		run->result = json_pack("{s:[],s:s?}", "keys", "next_token", got.next_token);
		for (size_t i = 0; i < got.count; i++) {
			json_array_append_new(json_object_get(run->result, "keys"),
				json_string(got.entries[i].key));
		}
	}
	return err;
}

static enum sl_err s3_delete_objects(struct run *run)
{
	const json_t *list = object(run, "keys");
	size_t count = json_array_size(list);
	SL_AUTO(sl_freep)
	const char **keys = sl_calloc(count + 1, sizeof(*keys));
	for (size_t i = 0; i < count; i++) {
		keys[i] = json_string_value(json_array_get(list, i));
	}
	return sl_s3_delete_objects(run->client, text(run, "bucket"), keys, count, run->error);
}

static enum sl_err s3_presign(struct run *run)
{
	SL_AUTO(sl_freep)
	char *url = NULL;
	const struct sl_s3_grant grant = {
		.method = text(run, "method"),
		.bucket = text(run, "bucket"),
		.key = text(run, "key"),
		.content_type = text(run, "content_type"),
		.expires_s = number(run, "expires_s", 900),
	};
	enum sl_err err = sl_s3_presign(run->aws, &grant, &url, NULL, run->error);
	run->result = err ? NULL : json_string(url);
	return err;
}

static json_t *job_result(const struct sl_mediaconvert_job *job)
{
	return json_pack("{s:s,s:i}", "id", job->id, "status", (int)job->status);
}

static enum sl_err mediaconvert_create_job(struct run *run)
{
	SL_AUTO(sl_mediaconvert_job_finish)
	struct sl_mediaconvert_job job = {0};
	enum sl_err err =
		sl_mediaconvert_create_job(run->client, object(run, "body"), &job, run->error);
	run->result = err ? NULL : job_result(&job);
	return err;
}

static enum sl_err mediaconvert_get_job(struct run *run)
{
	SL_AUTO(sl_mediaconvert_job_finish)
	struct sl_mediaconvert_job job = {0};
	enum sl_err err = sl_mediaconvert_get_job(run->client, text(run, "id"), &job, run->error);
	run->result = err ? NULL : job_result(&job);
	return err;
}

static enum sl_err mediaconvert_cancel_job(struct run *run)
{
	return sl_mediaconvert_cancel_job(run->client, text(run, "id"), run->error);
}

static enum sl_err mediaconvert_find_job(struct run *run)
{
	SL_AUTO(sl_mediaconvert_job_finish)
	struct sl_mediaconvert_job job = {0};
	enum sl_err err =
		sl_mediaconvert_find_job(run->client, text(run, "queue"), text(run, "key"),
			text(run, "value"), (int)number(run, "max_pages", 1), &job, run->error);
	run->result = err ? NULL : job_result(&job);
	return err;
}

static enum sl_err mediaconvert_list_jobs(struct run *run)
{
	return sl_mediaconvert_list_jobs(run->client, text(run, "queue"), text(run, "status"),
		text(run, "token"), &run->result, run->error);
}

static enum sl_err rekognition_recognize_celebrities(struct run *run)
{
	return sl_rekognition_recognize_celebrities(
		run->client, text(run, "bucket"), text(run, "key"), &run->result, run->error);
}

static enum sl_err rekognition_start_label_detection(struct run *run)
{
	const struct sl_rekognition_label_request request = {
		.bucket = text(run, "bucket"),
		.key = text(run, "key"),
		.min_confidence = json_number_value(object(run, "min_confidence")),
		.token = text(run, "token"),
		.job_tag = text(run, "job_tag"),
		.topic_arn = text(run, "topic_arn"),
		.role_arn = text(run, "role_arn"),
	};
	SL_AUTO(sl_freep)
	char *id = NULL;
	enum sl_err err =
		sl_rekognition_start_label_detection(run->client, &request, &id, run->error);
	run->result = err ? NULL : json_string(id);
	return err;
}

static enum sl_err rekognition_get_label_detection(struct run *run)
{
	SL_AUTO(sl_rekognition_labels_finish)
	struct sl_rekognition_labels page = {0};
	enum sl_err err = sl_rekognition_get_label_detection(run->client, text(run, "job_id"),
		text(run, "token"), (int)number(run, "max_results", 1000), &page, run->error);
	run->result = err ? NULL : json_integer(page.status);
	return err;
}

static enum sl_err transcribe_start_job(struct run *run)
{
	const struct sl_transcribe_request request = {
		.name = text(run, "name"),
		.media_uri = text(run, "media_uri"),
		.media_format = text(run, "media_format"),
		.language_code = text(run, "language_code"),
		.output_bucket = text(run, "output_bucket"),
		.output_key = text(run, "output_key"),
		.max_speakers = number(run, "max_speakers", 0),
	};
	SL_AUTO(sl_transcribe_job_finish)
	struct sl_transcribe_job job = {0};
	enum sl_err err = sl_transcribe_start_job(run->client, &request, &job, run->error);
	run->result = err ? NULL : json_integer(job.status);
	return err;
}

static enum sl_err transcribe_get_job(struct run *run)
{
	SL_AUTO(sl_transcribe_job_finish)
	struct sl_transcribe_job job = {0};
	enum sl_err err = sl_transcribe_get_job(run->client, text(run, "name"), &job, run->error);
	run->result = err ? NULL : json_integer(job.status);
	return err;
}

static enum sl_err transcribe_delete_job(struct run *run)
{
	return sl_transcribe_delete_job(run->client, text(run, "name"), run->error);
}

static enum sl_err dynamodb_put_item(struct run *run)
{
	return sl_dynamodb_put_item(
		run->client, text(run, "table"), object(run, "item"), run->error);
}

static enum sl_err dynamodb_may_put(struct run *run)
{
	return sl_dynamodb_may_put(run->client, text(run, "table"), text(run, "partition_key"),
		text(run, "value"), run->error);
}

static enum sl_err dynamodb_get_item(struct run *run)
{
	return sl_dynamodb_get_item(
		run->client, text(run, "table"), object(run, "key"), &run->result, run->error);
}

static enum sl_err dynamodb_item_exists(struct run *run)
{
	bool exists = false;
	enum sl_err err = sl_dynamodb_item_exists(run->client, text(run, "table"),
		text(run, "partition_key"), text(run, "value"), &exists, run->error);
	run->result = err ? NULL : json_boolean(exists);
	return err;
}

static enum sl_err dynamodb_item_size(struct run *run)
{
	run->result = json_integer((json_int_t)sl_dynamodb_item_size(object(run, "item")));
	return SL_ERR_OK;
}

static enum sl_err dynamodb_batch_put(struct run *run)
{
	return sl_dynamodb_batch_put(
		run->client, text(run, "table"), object(run, "items"), run->error);
}

static enum sl_err dynamodb_batch_delete(struct run *run)
{
	return sl_dynamodb_batch_delete(
		run->client, text(run, "table"), object(run, "keys"), run->error);
}

static enum sl_err dynamodb_batch_get(struct run *run)
{
	return sl_dynamodb_batch_get(
		run->client, text(run, "table"), object(run, "keys"), &run->result, run->error);
}

static enum sl_err dynamodb_query(struct run *run)
{
	return sl_dynamodb_query(
		run->client, text(run, "table"), object(run, "request"), &run->result, run->error);
}

static enum sl_err dynamodb_scan(struct run *run)
{
	return sl_dynamodb_scan(
		run->client, text(run, "table"), object(run, "request"), &run->result, run->error);
}

static enum sl_err dynamodb_create_table(struct run *run)
{
	return sl_dynamodb_create_table(run->client, object(run, "request"), run->error);
}

static enum sl_err dynamodb_update_table(struct run *run)
{
	return sl_dynamodb_update_table(run->client, object(run, "request"), run->error);
}

static enum sl_err dynamodb_get_recovery(struct run *run)
{
	bool enabled = false;
	enum sl_err err =
		sl_dynamodb_get_recovery(run->client, text(run, "table"), &enabled, run->error);
	run->result = err ? NULL : json_boolean(enabled);
	return err;
}

static enum sl_err dynamodb_set_recovery(struct run *run)
{
	return sl_dynamodb_set_recovery(run->client, text(run, "table"), true, run->error);
}

static enum sl_err dynamodb_describe_table(struct run *run)
{
	return sl_dynamodb_describe_table(
		run->client, text(run, "table"), &run->result, run->error);
}

static enum sl_err sns_confirm_subscription(struct run *run)
{
	SL_AUTO(sl_freep)
	char *arn = NULL;
	enum sl_err err = sl_sns_confirm_subscription(
		run->client, text(run, "topic_arn"), text(run, "token"), &arn, run->error);
	run->result = err ? NULL : json_string(arn);
	return err;
}

static enum sl_err sns_subscribe(struct run *run)
{
	SL_AUTO(sl_freep)
	char *arn = NULL;
	enum sl_err err =
		sl_sns_subscribe(run->client, text(run, "topic_arn"), text(run, "protocol"),
			text(run, "endpoint"), object(run, "attributes"), &arn, run->error);
	run->result = err ? NULL : json_string(arn);
	return err;
}

static enum sl_err sns_create_topic(struct run *run)
{
	SL_AUTO(sl_freep)
	char *arn = NULL;
	enum sl_err err = sl_sns_create_topic(
		run->client, text(run, "topic"), object(run, "attributes"), &arn, run->error);
	run->result = err ? NULL : json_string(arn);
	return err;
}

static enum sl_err sns_get_topic_attributes(struct run *run)
{
	return sl_sns_get_topic_attributes(
		run->client, text(run, "topic_arn"), &run->result, run->error);
}

static enum sl_err sns_set_topic_attribute(struct run *run)
{
	return sl_sns_set_topic_attribute(run->client, text(run, "topic_arn"), text(run, "name"),
		text(run, "value"), run->error);
}

static enum sl_err sns_list_subscriptions(struct run *run)
{
	return sl_sns_list_subscriptions(
		run->client, text(run, "topic_arn"), &run->result, run->error);
}

static enum sl_err sns_get_subscription_attributes(struct run *run)
{
	return sl_sns_get_subscription_attributes(
		run->client, text(run, "subscription_arn"), &run->result, run->error);
}

static enum sl_err sns_set_subscription_attribute(struct run *run)
{
	return sl_sns_set_subscription_attribute(run->client, text(run, "subscription_arn"),
		text(run, "name"), text(run, "value"), run->error);
}

static enum sl_err sns_unsubscribe(struct run *run)
{
	return sl_sns_unsubscribe(run->client, text(run, "subscription_arn"), run->error);
}

static enum sl_err iam_get_role(struct run *run)
{
	return sl_iam_get_role(run->client, text(run, "role"), &run->result, run->error);
}

static enum sl_err iam_create_role(struct run *run)
{
	SL_AUTO(sl_freep)
	char *arn = NULL;
	enum sl_err err = sl_iam_create_role(run->client, text(run, "role"), object(run, "trust"),
		text(run, "description"), text(run, "boundary"), &arn, run->error);
	run->result = err ? NULL : json_string(arn);
	return err;
}

static enum sl_err iam_update_trust(struct run *run)
{
	return sl_iam_update_trust(
		run->client, text(run, "role"), object(run, "trust"), run->error);
}

static enum sl_err iam_get_role_policy(struct run *run)
{
	return sl_iam_get_role_policy(
		run->client, text(run, "role"), text(run, "policy"), &run->result, run->error);
}

static enum sl_err iam_put_role_policy(struct run *run)
{
	return sl_iam_put_role_policy(run->client, text(run, "role"), text(run, "policy"),
		object(run, "document"), run->error);
}

static enum sl_err iam_simulate(struct run *run)
{
	const char *const actions[] = {"s3:GetObject", "s3:PutObject"};
	const struct sl_pair context[] = {{"iam:PassedToService", "mediaconvert.amazonaws.com"}};
	const struct sl_iam_question question = {
		.principal_arn = text(run, "principal"),
		.actions = actions,
		.action_count = SL_ARRAY_SIZE(actions),
		.resource_arn = text(run, "resource"),
		.context = context,
		.context_count = SL_ARRAY_SIZE(context),
	};
	return sl_iam_simulate(run->client, &question, &run->result, run->error);
}

static enum sl_err sqs_get_queue_url(struct run *run)
{
	SL_AUTO(sl_freep)
	char *url = NULL;
	enum sl_err err = sl_sqs_get_queue_url(run->client, text(run, "queue"), &url, run->error);
	run->result = err ? NULL : json_string(url);
	return err;
}

static enum sl_err sqs_create_queue(struct run *run)
{
	SL_AUTO(sl_freep)
	char *url = NULL;
	enum sl_err err = sl_sqs_create_queue(
		run->client, text(run, "queue"), object(run, "attributes"), &url, run->error);
	run->result = err ? NULL : json_string(url);
	return err;
}

static enum sl_err sqs_get_queue_attributes(struct run *run)
{
	return sl_sqs_get_queue_attributes(run->client, text(run, "url"), &run->result, run->error);
}

static enum sl_err sqs_set_queue_attributes(struct run *run)
{
	return sl_sqs_set_queue_attributes(
		run->client, text(run, "url"), object(run, "attributes"), run->error);
}

static enum sl_err events_describe_rule(struct run *run)
{
	return sl_events_describe_rule(run->client, text(run, "rule"), &run->result, run->error);
}

static enum sl_err events_put_rule(struct run *run)
{
	SL_AUTO(sl_freep)
	char *arn = NULL;
	enum sl_err err = sl_events_put_rule(run->client, object(run, "request"), &arn, run->error);
	run->result = err ? NULL : json_string(arn);
	return err;
}

static enum sl_err events_list_targets(struct run *run)
{
	return sl_events_list_targets(run->client, text(run, "rule"), &run->result, run->error);
}

static enum sl_err events_put_targets(struct run *run)
{
	return sl_events_put_targets(
		run->client, text(run, "rule"), object(run, "targets"), run->error);
}

static enum sl_err s3_get_bucket_location(struct run *run)
{
	SL_AUTO(sl_freep)
	char *region = NULL;
	enum sl_err err = sl_s3_get_bucket_location(
		run->client, text(run, "bucket"), text(run, "owner"), &region, run->error);
	run->result = err ? NULL : json_string(region);
	return err;
}

static enum sl_err s3_create_bucket(struct run *run)
{
	return sl_s3_create_bucket(run->client, text(run, "bucket"), run->error);
}

static enum sl_err s3_get_subresource(struct run *run)
{
	return sl_s3_get_subresource(run->client, text(run, "bucket"), text(run, "owner"),
		(enum sl_s3_subresource)number(run, "which", 0), &run->result, run->error);
}

static enum sl_err s3_put_subresource(struct run *run)
{
	return sl_s3_put_subresource(run->client, text(run, "bucket"), text(run, "owner"),
		(enum sl_s3_subresource)number(run, "which", 0), object(run, "value"), run->error);
}

static enum sl_err s3_get_bucket_policy(struct run *run)
{
	return sl_s3_get_bucket_policy(
		run->client, text(run, "bucket"), text(run, "owner"), &run->result, run->error);
}

static enum sl_err s3_put_bucket_policy(struct run *run)
{
	return sl_s3_put_bucket_policy(run->client, text(run, "bucket"), text(run, "owner"),
		object(run, "policy"), run->error);
}

static enum sl_err sts_get_caller_identity(struct run *run)
{
	SL_AUTO(sl_sts_identity_finish)
	struct sl_sts_identity identity = {0};
	enum sl_err err = sl_sts_get_caller_identity(run->client, &identity, run->error);
	run->result = err ? NULL : json_string(identity.account);
	return err;
}

static const struct {
	const char *name;
	enum sl_err (*perform)(struct run *run);
} operations[] = {
	{"s3.head_object", s3_head_object},
	{"s3.get_object", s3_get_object},
	{"s3.put_object", s3_put_object},
	{"s3.list_objects", s3_list_objects},
	{"s3.delete_objects", s3_delete_objects},
	{"s3.presign", s3_presign},
	{"mediaconvert.create_job", mediaconvert_create_job},
	{"mediaconvert.get_job", mediaconvert_get_job},
	{"mediaconvert.cancel_job", mediaconvert_cancel_job},
	{"mediaconvert.find_job", mediaconvert_find_job},
	{"mediaconvert.list_jobs", mediaconvert_list_jobs},
	{"rekognition.recognize_celebrities", rekognition_recognize_celebrities},
	{"rekognition.start_label_detection", rekognition_start_label_detection},
	{"rekognition.get_label_detection", rekognition_get_label_detection},
	{"transcribe.start_job", transcribe_start_job},
	{"transcribe.get_job", transcribe_get_job},
	{"transcribe.delete_job", transcribe_delete_job},
	{"dynamodb.put_item", dynamodb_put_item},
	{"dynamodb.may_put", dynamodb_may_put},
	{"dynamodb.get_item", dynamodb_get_item},
	{"dynamodb.item_exists", dynamodb_item_exists},
	{"dynamodb.item_size", dynamodb_item_size},
	{"dynamodb.batch_put", dynamodb_batch_put},
	{"dynamodb.batch_delete", dynamodb_batch_delete},
	{"dynamodb.batch_get", dynamodb_batch_get},
	{"dynamodb.query", dynamodb_query},
	{"dynamodb.scan", dynamodb_scan},
	{"dynamodb.create_table", dynamodb_create_table},
	{"dynamodb.describe_table", dynamodb_describe_table},
	{"sns.confirm_subscription", sns_confirm_subscription},
	{"dynamodb.update_table", dynamodb_update_table},
	{"dynamodb.get_recovery", dynamodb_get_recovery},
	{"dynamodb.set_recovery", dynamodb_set_recovery},
	{"sns.subscribe", sns_subscribe},
	{"sns.create_topic", sns_create_topic},
	{"sns.get_topic_attributes", sns_get_topic_attributes},
	{"sns.set_topic_attribute", sns_set_topic_attribute},
	{"sns.list_subscriptions", sns_list_subscriptions},
	{"sns.get_subscription_attributes", sns_get_subscription_attributes},
	{"sns.set_subscription_attribute", sns_set_subscription_attribute},
	{"sns.unsubscribe", sns_unsubscribe},
	{"iam.get_role", iam_get_role},
	{"iam.create_role", iam_create_role},
	{"iam.update_trust", iam_update_trust},
	{"iam.get_role_policy", iam_get_role_policy},
	{"iam.put_role_policy", iam_put_role_policy},
	{"iam.simulate", iam_simulate},
	{"sqs.get_queue_url", sqs_get_queue_url},
	{"sqs.create_queue", sqs_create_queue},
	{"sqs.get_queue_attributes", sqs_get_queue_attributes},
	{"sqs.set_queue_attributes", sqs_set_queue_attributes},
	{"events.describe_rule", events_describe_rule},
	{"events.put_rule", events_put_rule},
	{"events.list_targets", events_list_targets},
	{"events.put_targets", events_put_targets},
	{"s3.get_bucket_location", s3_get_bucket_location},
	{"s3.create_bucket", s3_create_bucket},
	{"s3.get_subresource", s3_get_subresource},
	{"s3.put_subresource", s3_put_subresource},
	{"s3.get_bucket_policy", s3_get_bucket_policy},
	{"s3.put_bucket_policy", s3_put_bucket_policy},
	{"sts.get_caller_identity", sts_get_caller_identity},
};

/* One operation, and its line of output. */
static void perform(struct run *run)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	const char *name = text(run, "op");
	enum sl_err err = SL_ERR_INTERNAL;
	run->error = &error;
	run->result = NULL;
	sl_client_set_deadline(run->client, number(run, "deadline_ms", 0));
	for (size_t i = 0; i < SL_ARRAY_SIZE(operations); i++) {
		if (sl_text_equal(operations[i].name, name)) {
			err = operations[i].perform(run);
		}
	}
	json_auto_t *line = json_pack("{s:s?,s:s,s:s?,s:o,s:{s:s?,s:s?,s:s?,s:s?,s:s?,s:i}}", "op",
		name, "err", sl_err_code(err), "detail", error.detail, "result",
		run->result ? run->result : json_null(), "provider", "service",
		error.provider.service, "operation", error.provider.operation, "code",
		error.provider.code, "message", error.provider.message, "request_id",
		error.provider.request_id, "http_status", error.provider.http_status);
	SL_AUTO(sl_freep)
	char *output = line ? sl_json_text(line) : sl_strdup("null");
	puts(output);
	fflush(stdout);
}

static int64_t frozen_clock(void *context)
{
	return *(const int64_t *)context;
}

static void *interrupt_on_input(void *context)
{
	char line[16];
	if (fgets(line, sizeof(line), stdin)) {
		sl_client_interrupt(context);
	}
	return NULL;
}

/* Reads the list, performs it. */
static int drive(struct sl_aws *aws)
{
	SL_AUTO(sl_freep)
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len = getline(&line, &capacity, stdin);
	json_auto_t *list = len > 0 ? json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL) : NULL;
	if (!json_is_array(list)) {
		fprintf(stderr, "aws_driver: the first line is no JSON list\n");
		return 2;
	}
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_client_create(aws);
	pthread_t interrupter;
	if (pthread_create(&interrupter, NULL, interrupt_on_input, client) != 0) {
		return 2;
	}
	struct run run = {.aws = aws, .client = client};
	size_t i;
	const json_t *arguments;
	json_array_foreach (list, i, arguments) {
		run.arguments = arguments;
		perform(&run);
	}
	pthread_join(interrupter, NULL); /* the caller closes our input */
	return 0;
}

int main(int argc, char **argv)
{
	int64_t now_ms = 0;
	if (argc > 1 && !sl_text_parse_i64(argv[1], 0, INT64_MAX, &now_ms)) {
		fprintf(stderr, "usage: aws_driver [CLOCK_MS]\n");
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = NULL;
	if (sl_aws_create(&aws, &error)) {
		fprintf(stderr, "aws_driver: %s\n", error.detail);
		return 1;
	}
	if (argc > 1) {
		sl_aws_set_clock(aws, frozen_clock, &now_ms);
	}
	return drive(aws);
}
