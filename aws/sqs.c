/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon SQS, for administration: queues and their attributes. On the thread of the client. */

#include "sqs.h"

#include "call.h"
#include "json_spec.h"
#include "mem.h"

/* Takes over `body`. */
static enum sl_err call(struct sl_client *client, const char *operation, json_t *body,
	json_t **ret_answer, struct sl_error *reterr)
{
	json_auto_t *owned = body;
	const struct sl_call request = {
		.service = SL_SERVICE_SQS,
		.operation = operation,
		.method = "POST",
		.path = "/",
		.idempotent = true,
	};
	return sl_call_json(client, &request, owned, ret_answer, reterr);
}

static enum sl_err call_for_url(struct sl_client *client, const char *operation, json_t *body,
	char **ret_url, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	enum sl_err err = call(client, operation, body, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *url = json_string_value(json_object_get(answer, "QueueUrl"));
	if (url == NULL) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "SQS's %s has no QueueUrl", operation);
	}
	*ret_url = sl_strdup(url);
	return SL_ERR_OK;
}

enum sl_err sl_sqs_get_queue_url(
	struct sl_client *client, const char *queue, char **ret_url, struct sl_error *reterr)
{
	return call_for_url(
		client, "GetQueueUrl", json_pack("{s:s}", "QueueName", queue), ret_url, reterr);
}

enum sl_err sl_sqs_create_queue(struct sl_client *client, const char *queue,
	const json_t *attributes, char **ret_url, struct sl_error *reterr)
{
	json_t *body = json_pack("{s:s, s:O}", "QueueName", queue, "Attributes", attributes);
	return call_for_url(client, "CreateQueue", body, ret_url, reterr);
}

enum sl_err sl_sqs_get_queue_attributes(
	struct sl_client *client, const char *url, json_t **ret_attributes, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	enum sl_err err = call(client, "GetQueueAttributes",
		json_pack("{s:s, s:[s]}", "QueueUrl", url, "AttributeNames", "All"), &answer,
		reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *attributes = json_object_get(answer, "Attributes");
	*ret_attributes = json_is_object(attributes) ? json_incref(attributes) : json_object();
	return SL_ERR_OK;
}

enum sl_err sl_sqs_set_queue_attributes(struct sl_client *client, const char *url,
	const json_t *attributes, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	return call(client, "SetQueueAttributes",
		json_pack("{s:s, s:O}", "QueueUrl", url, "Attributes", attributes), &answer,
		reterr);
}
