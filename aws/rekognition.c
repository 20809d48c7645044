/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon Rekognition: RecognizeCelebrities on frames, StartLabelDetection and GetLabelDetection
 * on the video. Everything runs on the thread of the client.
 */
#include "rekognition.h"

#include <string.h>

#include "call.h"
#include "json_spec.h"
#include "mem.h"

/* A page of 1,000 labels with their instances. */
#define MAX_LABELS_ANSWER (32u << 20)

static struct sl_call make_call(const char *operation, bool idempotent)
{
	return (struct sl_call){
		.service = SL_SERVICE_REKOGNITION,
		.operation = operation,
		.method = "POST",
		.path = "/",
		.idempotent = idempotent,
	};
}

/* `body` is NULL when a string in it was not UTF-8. */
static enum sl_err call_json(struct sl_client *client, const struct sl_call *call,
	const json_t *body, json_t **ret, struct sl_error *reterr)
{
	if (body == NULL) {
		return sl_error_set(reterr, SL_ERR_BAD_VALUE,
			"Rekognition's %s was asked for something that is not UTF-8",
			call->operation);
	}
	return sl_call_json(client, call, body, ret, reterr);
}

static enum sl_err protocol_error(
	const char *operation, const struct sl_error *why, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
		"Rekognition's %s is not understood: %s %s", operation,
		why->pointer != NULL ? why->pointer : "", why->detail);
}

enum sl_err sl_rekognition_recognize_celebrities(struct sl_client *client, const char *bucket,
	const char *key, json_t **ret_answer, struct sl_error *reterr)
{
	const struct sl_call call = make_call("RecognizeCelebrities", /* idempotent= */ true);
	SL_AUTO(sl_json_decrefp)
	json_t *body =
		json_pack("{s:{s:{s:s, s:s}}}", "Image", "S3Object", "Bucket", bucket, "Name", key);
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = call_json(client, &call, body, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (!json_is_array(json_object_get(answer, "CelebrityFaces"))) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"Rekognition's RecognizeCelebrities has no CelebrityFaces");
	}
	*ret_answer = sl_take(&answer);
	return SL_ERR_OK;
}

/* --- labels --------------------------------------------------------------------------------- */

struct wire_started {
	const char *job_id;
};
static const struct sl_json_field started_spec[] = {
	SL_JSON_FIELD_(struct wire_started, job_id, "JobId", SL_JSON_STR, SL_REQUIRED, .min = 1,
		.max = 64),
	SL_JSON_END,
};

enum sl_err sl_rekognition_start_label_detection(struct sl_client *client,
	const struct sl_rekognition_label_request *request, char **ret_job_id,
	struct sl_error *reterr)
{
	const struct sl_call call =
		make_call("StartLabelDetection", /* idempotent= */ request->token != NULL);
	/* s* leaves out what is NULL. */
	SL_AUTO(sl_json_decrefp)
	json_t *body = json_pack("{s:{s:{s:s, s:s}}, s:f, s:s*, s:s*}", "Video", "S3Object",
		"Bucket", request->bucket, "Name", request->key, "MinConfidence",
		request->min_confidence, "ClientRequestToken", request->token, "JobTag",
		request->job_tag);
	if (request->topic_arn != NULL) {
		json_object_set_new(body, "NotificationChannel",
			json_pack("{s:s, s:s*}", "SNSTopicArn", request->topic_arn, "RoleArn",
				request->role_arn));
	}
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = call_json(client, &call, body, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct wire_started started = {NULL};
	if (sl_json_decode(answer, started_spec, SL_JSON_LENIENT, &started, &error) != SL_ERR_OK) {
		return protocol_error("StartLabelDetection", &error, reterr);
	}
	*ret_job_id = sl_strdup(started.job_id);
	return SL_ERR_OK;
}

static const char *const status_names[] = {
	[SL_REKOGNITION_IN_PROGRESS] = "IN_PROGRESS",
	[SL_REKOGNITION_SUCCEEDED] = "SUCCEEDED",
	[SL_REKOGNITION_FAILED] = "FAILED",
	NULL,
};

struct wire_labels {
	int status;
	const char *status_message;
	const char *next_token;
	json_t *labels;
	json_t *video;
	const char *model_version;
};
static const struct sl_json_field labels_spec[] = {
	SL_JSON_FIELD_(struct wire_labels, status, "JobStatus", SL_JSON_ENUM, SL_REQUIRED,
		.names = status_names),
	SL_STR_AS(struct wire_labels, status_message, "StatusMessage", SL_OPTIONAL),
	SL_STR_AS(struct wire_labels, next_token, "NextToken", SL_OPTIONAL),
	SL_ANY_AS(struct wire_labels, labels, "Labels", SL_OPTIONAL),
	SL_ANY_AS(struct wire_labels, video, "VideoMetadata", SL_OPTIONAL),
	SL_STR_AS(struct wire_labels, model_version, "LabelModelVersion", SL_OPTIONAL),
	SL_JSON_END,
};

void sl_rekognition_labels_finish(struct sl_rekognition_labels *page)
{
	free(page->status_message);
	free(page->next_token);
	json_decref(page->labels);
	json_decref(page->video);
	free(page->model_version);
	memset(page, 0, sizeof *page);
}

static enum sl_err read_labels(
	const json_t *answer, struct sl_rekognition_labels *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct wire_labels wire = {0};
	if (sl_json_decode(answer, labels_spec, SL_JSON_LENIENT, &wire, &error) != SL_ERR_OK) {
		return protocol_error("GetLabelDetection", &error, reterr);
	}
	bool has_labels = json_is_array(wire.labels);
	if (wire.labels != NULL && !has_labels) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"Rekognition's GetLabelDetection has Labels that are no array");
	}
	/* An empty token has been seen on last pages; following it would start over. */
	bool has_next = wire.next_token != NULL && wire.next_token[0] != '\0';
	*ret = (struct sl_rekognition_labels){
		.status = (enum sl_rekognition_status)wire.status,
		.status_message = sl_strdup(wire.status_message),
		.next_token = has_next ? sl_strdup(wire.next_token) : NULL,
		.labels = has_labels ? json_incref(wire.labels) : NULL,
		.video = json_is_object(wire.video) ? json_incref(wire.video) : NULL,
		.model_version = sl_strdup(wire.model_version),
	};
	return SL_ERR_OK;
}

enum sl_err sl_rekognition_get_label_detection(struct sl_client *client, const char *job_id,
	const char *token, int max_results, struct sl_rekognition_labels *ret,
	struct sl_error *reterr)
{
	struct sl_call call = make_call("GetLabelDetection", /* idempotent= */ true);
	call.max_answer = MAX_LABELS_ANSWER;
	SL_AUTO(sl_json_decrefp)
	json_t *body = json_pack("{s:s, s:i, s:s, s:s*}", "JobId", job_id, "MaxResults",
		max_results, "SortBy", "TIMESTAMP", "NextToken", token);
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = call_json(client, &call, body, &answer, reterr);
	return err != SL_ERR_OK ? err : read_labels(answer, ret, reterr);
}
