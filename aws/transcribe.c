/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon Transcribe: StartTranscriptionJob, GetTranscriptionJob, DeleteTranscriptionJob. Where the
 * transcript lies is known from the request; the URI in the answer (https, presigned or not) is not
 * read. Everything runs on the thread of the client.
 */
#include "transcribe.h"

#include <string.h>

#include "call.h"
#include "json_spec.h"
#include "mem.h"

static const char *const status_names[] = {
	[SL_TRANSCRIBE_QUEUED] = "QUEUED",
	[SL_TRANSCRIBE_IN_PROGRESS] = "IN_PROGRESS",
	[SL_TRANSCRIBE_COMPLETED] = "COMPLETED",
	[SL_TRANSCRIBE_FAILED] = "FAILED",
	NULL,
};

struct wire_job {
	const char *name;
	int status;
	const char *failure_reason;
	const char *language_code;
};
static const struct sl_json_field job_spec[] = {
	SL_STR_AS(struct wire_job, name, "TranscriptionJobName", SL_REQUIRED),
	SL_JSON_FIELD_(struct wire_job, status, "TranscriptionJobStatus", SL_JSON_ENUM, SL_REQUIRED,
		.names = status_names),
	SL_STR_AS(struct wire_job, failure_reason, "FailureReason", SL_OPTIONAL),
	SL_STR_AS(struct wire_job, language_code, "LanguageCode", SL_OPTIONAL),
	SL_JSON_END,
};

struct wire_answer {
	struct wire_job job;
};
static const struct sl_json_field answer_spec[] = {
	SL_OBJ_AS(struct wire_answer, job, "TranscriptionJob", job_spec, SL_REQUIRED),
	SL_JSON_END,
};

void sl_transcribe_job_finish(struct sl_transcribe_job *job)
{
	free(job->name);
	free(job->failure_reason);
	free(job->language_code);
	memset(job, 0, sizeof *job);
}

static enum sl_err call_for_job(struct sl_client *client, const char *operation, bool idempotent,
	const json_t *body, struct sl_transcribe_job *ret, struct sl_error *reterr)
{
	const struct sl_call call = {
		.service = SL_SERVICE_TRANSCRIBE,
		.operation = operation,
		.method = "POST",
		.path = "/",
		.idempotent = idempotent,
	};
	if (body == NULL) {
		return sl_error_set(reterr, SL_ERR_BAD_VALUE,
			"Transcribe's %s was asked for something that is not UTF-8", operation);
	}
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = sl_call_json(client, &call, body, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct wire_answer wire = {{0}};
	if (sl_json_decode(answer, answer_spec, SL_JSON_LENIENT, &wire, &error) != SL_ERR_OK) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"Transcribe's %s is not understood: %s %s", operation,
			error.pointer != NULL ? error.pointer : "", error.detail);
	}
	*ret = (struct sl_transcribe_job){
		.name = sl_strdup(wire.job.name),
		.status = (enum sl_transcribe_status)wire.job.status,
		.failure_reason = sl_strdup(wire.job.failure_reason),
		.language_code = sl_strdup(wire.job.language_code),
	};
	return SL_ERR_OK;
}

enum sl_err sl_transcribe_start_job(struct sl_client *client,
	const struct sl_transcribe_request *request, struct sl_transcribe_job *ret,
	struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *body = json_pack("{s:s, s:{s:s}, s:s*, s:s*, s:s*, s:s*}", "TranscriptionJobName",
		request->name, "Media", "MediaFileUri", request->media_uri, "MediaFormat",
		request->media_format, "LanguageCode", request->language_code, "OutputBucketName",
		request->output_bucket, "OutputKey", request->output_key);
	if (request->language_code == NULL) {
		json_object_set_new(body, "IdentifyLanguage", json_true());
	}
	if (request->max_speakers > 0) {
		json_object_set_new(body, "Settings",
			json_pack("{s:b, s:I}", "ShowSpeakerLabels", 1, "MaxSpeakerLabels",
				(json_int_t)request->max_speakers));
	}
	/* The name is unique: a second start of what already runs is a conflict, and no second job.
	 */
	return call_for_job(
		client, "StartTranscriptionJob", /* idempotent= */ true, body, ret, reterr);
}

enum sl_err sl_transcribe_get_job(struct sl_client *client, const char *name,
	struct sl_transcribe_job *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *body = json_pack("{s:s}", "TranscriptionJobName", name);
	return call_for_job(
		client, "GetTranscriptionJob", /* idempotent= */ true, body, ret, reterr);
}

enum sl_err sl_transcribe_delete_job(
	struct sl_client *client, const char *name, struct sl_error *reterr)
{
	const struct sl_call call = {
		.service = SL_SERVICE_TRANSCRIBE,
		.operation = "DeleteTranscriptionJob",
		.method = "POST",
		.path = "/",
		.idempotent = true,
	};
	SL_AUTO(sl_json_decrefp)
	json_t *body = json_pack("{s:s}", "TranscriptionJobName", name);
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_call_json(client, &call, body, &answer, &error);
	/* Deleted before, by a call whose answer was lost, or at AWS after 90 days. */
	if (err == SL_ERR_OK || err == SL_ERR_AWS_NOT_FOUND) {
		return SL_ERR_OK;
	}
	sl_error_move(reterr, &error);
	return err;
}
