/* SPDX-License-Identifier: Apache-2.0 */
/* POST /videos as a use case: decode, check, accept. HTTP threads; calls AWS only to presign. */

#include "submit.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "estimate.h"
#include "gate.h"
#include "mem.h"
#include "source.h"
#include "steps.h"
#include "webhook.h"
#include "worker.h"

struct callback {
	const char *url;
};

struct body {
	const char *source;
	const char *filename;
	const char *content_type;
	const char *title;
	int64_t duration_ms;
	struct sl_json_strv tags;
	struct sl_options options;
	struct callback callback;
};

static const struct sl_json_field callback_spec[] = {
	SL_STR(struct callback, url, 1, 2048, SL_REQUIRED),
	SL_JSON_END,
};

static const struct sl_json_field body_spec[] = {
	SL_STR(struct body, source, 1, 2048, SL_REQUIRED),
	SL_STR(struct body, filename, 1, 255, SL_OPTIONAL),
	SL_STR(struct body, content_type, 3, 127, SL_OPTIONAL),
	SL_STR(struct body, title, 1, 500, SL_OPTIONAL),
	SL_I64(struct body, duration_ms, 1, SL_COST_MAX_MS, SL_OPTIONAL),
	SL_STRV(struct body, tags, 0, 20, 1, 64, SL_OPTIONAL),
	{.name = "analyses",
		.kind = SL_JSON_ENUMS,
		.offset = offsetof(struct body, options.analyses),
		.flags = SL_OPTIONAL,
		.names = sl_analysis_names,
		.min = 1,
		.max = SL_ANALYSIS_KINDS_},
	{.name = "frames",
		.kind = SL_JSON_OBJ,
		.offset = offsetof(struct body, options.frames),
		.flags = SL_OPTIONAL,
		.spec = sl_options_frames_spec},
	{.name = "labels",
		.kind = SL_JSON_OBJ,
		.offset = offsetof(struct body, options.labels),
		.flags = SL_OPTIONAL,
		.spec = sl_options_labels_spec},
	{.name = "transcript",
		.kind = SL_JSON_OBJ,
		.offset = offsetof(struct body, options.transcript),
		.flags = SL_OPTIONAL,
		.spec = sl_options_transcript_spec},
	SL_OBJ(struct body, callback, callback_spec, SL_OPTIONAL),
	SL_JSON_END,
};

void sl_submission_finish(struct sl_submission *submission)
{
	free(submission->source);
	free(submission->bucket);
	free(submission->key);
	free(submission->content_type);
	free(submission->title);
	free(submission->callback_url);
	free(submission->etag);
	json_decref(submission->tags);
	json_decref(submission->root);
	*submission = (struct sl_submission){0};
}

/* --- checking ------------------------------------------------------------------------------ */

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f) {
			return true;
		}
	}
	return false;
}

/* Language codes as Transcribe writes them: "en-US", "zh-CN"; or "auto". */
static bool language_valid(const char *tag)
{
	if (strcmp(tag, "auto") == 0) {
		return true;
	}
	size_t letters = strspn(tag, "abcdefghijklmnopqrstuvwxyz");
	if (letters < 2 || letters > 3) {
		return false;
	}
	const char *region = tag + letters;
	return *region == '-' && strlen(region) == 3 &&
		strspn(region + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2;
}

enum sl_err sl_submission_check_language(const char *tag, struct sl_error *reterr)
{
	return language_valid(tag)
		? SL_ERR_OK
		: sl_error_set_at(reterr, SL_ERR_BAD_VALUE, "/transcript/language",
			  "must be a language code such as \"en-US\", or \"auto\"");
}

static enum sl_err check_texts(const struct body *body, struct sl_error *reterr)
{
	if (body->title != NULL && has_control(body->title)) {
		return sl_error_set_at(
			reterr, SL_ERR_BAD_VALUE, "/title", "must not have control characters");
	}
	for (size_t i = 0; i < body->tags.count; i++) {
		if (has_control(body->tags.items[i])) {
			SL_AUTO(sl_freep)
			char *pointer = sl_asprintf("/tags/%zu", i);
			return sl_error_set_at(reterr, SL_ERR_BAD_VALUE, pointer,
				"must not have control characters");
		}
	}
	return sl_submission_check_language(body->options.transcript.language, reterr);
}

static enum sl_err decode_upload(const struct sl_config *config, const struct body *body,
	struct sl_submission *submission, struct sl_error *reterr)
{
	if (body->filename == NULL) {
		return sl_error_set_at(reterr, SL_ERR_MISSING_FIELD, "/filename",
			"is required with \"source\": \"upload\"");
	}
	/* HTTP clients resolve dot segments in URLs before they sign or send them. */
	bool dots = strcmp(body->filename, ".") == 0 || strcmp(body->filename, "..") == 0;
	if (dots || has_control(body->filename) || strchr(body->filename, '/') != NULL) {
		return sl_error_set_at(reterr, SL_ERR_BAD_VALUE, "/filename",
			"must be a file name without '/' and control characters");
	}
	if (body->content_type != NULL &&
		(has_control(body->content_type) || strchr(body->content_type, '/') == NULL)) {
		return sl_error_set_at(reterr, SL_ERR_BAD_VALUE, "/content_type",
			"must be a media type such as \"video/mp4\"");
	}
	submission->is_upload = true;
	submission->bucket = sl_strdup(config->bucket);
	submission->key = sl_asprintf("uploads/%s/%s", submission->id, body->filename);
	submission->content_type = sl_strdup(body->content_type);
	submission->source = sl_asprintf("s3://%s/%s", submission->bucket, submission->key);
	return SL_ERR_OK;
}

static enum sl_err decode_source(const struct sl_config *config, const struct body *body,
	struct sl_submission *submission, struct sl_error *reterr)
{
	if (strcmp(body->source, "upload") == 0) {
		return decode_upload(config, body, submission, reterr);
	}
	const char *only_uploads = body->filename != NULL ? "/filename"
		: body->content_type != NULL              ? "/content_type"
							  : NULL;
	if (only_uploads != NULL) {
		return sl_error_set_at(reterr, SL_ERR_BAD_VALUE, only_uploads,
			"is only allowed with \"source\": \"upload\"");
	}
	submission->source = sl_strdup(body->source);
	return sl_source_parse(body->source, &submission->bucket, &submission->key, reterr);
}

enum sl_err sl_submission_decode(const struct sl_config *config, json_t *root,
	struct sl_submission *ret, struct sl_error *reterr)
{
	struct body body = {.options = sl_options_default()};
	enum sl_err err = sl_json_decode(root, body_spec, SL_JSON_STRICT, &body, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_submission_finish)
	struct sl_submission submission = {
		.options = body.options,
		.title = sl_strdup(body.title),
		.duration_ms = body.duration_ms,
		.callback_url = sl_strdup(body.callback.url),
		.tags = json_array(),
		.root = json_incref(root),
	};
	sl_uuid_create(submission.id);
	for (size_t i = 0; i < body.tags.count; i++) {
		json_array_append_new(submission.tags, json_string(body.tags.items[i]));
	}
	err = check_texts(&body, reterr);
	if (err == SL_ERR_OK) {
		err = decode_source(config, &body, &submission, reterr);
	}
	if (err == SL_ERR_OK && body.callback.url != NULL) {
		err = sl_webhook_check(config, body.callback.url, reterr);
	}
	sl_json_finish(body_spec, &body);
	if (err != SL_ERR_OK) {
		return err;
	}
	*ret = submission;
	submission = (struct sl_submission){0};
	return SL_ERR_OK;
}

struct sl_submission sl_submission_of_object(const char *bucket, const char *key)
{
	struct sl_submission submission = {
		.options = sl_options_default(),
		.source = sl_asprintf("s3://%s/%s", bucket, key),
		.bucket = sl_strdup(bucket),
		.key = sl_strdup(key),
		.tags = json_array(),
	};
	sl_uuid_create(submission.id);
	return submission;
}

static enum sl_err source_error(enum sl_err err, const struct sl_error *error)
{
	switch (err) {
	case SL_ERR_AWS_NOT_FOUND:
		return SL_ERR_SOURCE_NOT_FOUND;
	case SL_ERR_AWS_FORBIDDEN:
		return SL_ERR_SOURCE_FORBIDDEN;
	case SL_ERR_AWS_REJECTED:
		return error->provider.http_status == 301 ? SL_ERR_SOURCE_WRONG_REGION
							  : SL_ERR_SOURCE_UNCHECKED;
	case SL_ERR_SHUTTING_DOWN:
	case SL_ERR_OVERLOADED:
		return err;
	default:
		return SL_ERR_SOURCE_UNCHECKED;
	}
}

enum sl_err sl_submission_check_source(struct sl_submission *submission, enum sl_err err,
	const struct sl_s3_object *object, const struct sl_error *error, struct sl_error *reterr)
{
	if (err != SL_ERR_OK) {
		enum sl_err code = source_error(err, error);
		/* What is not about the source is the operator's to mend: say what it was. */
		bool ours = code == SL_ERR_SOURCE_UNCHECKED && error->detail != NULL;
		sl_error_set_at(reterr, code, "/source", "%s: %s%s%s", sl_err_title(code),
			submission->source, ours ? ": " : "", ours ? error->detail : "");
		reterr->provider = sl_error_copy_provider(&error->provider);
		return code;
	}
	err = sl_source_check_size(object->size_bytes, reterr);
	if (err == SL_ERR_OK) {
		submission->size_bytes = object->size_bytes;
		submission->etag = sl_strdup(object->etag);
	}
	return err;
}

/* --- accepting ----------------------------------------------------------------------------- */

/* The first step of an upload looks whether it has come. Workers look by themselves before that is
 * due, unless it is soon: then they are told. All others wait in front of the gate, and whoever
 * admits must be told. */
struct first_step {
	const char *message; /* of the timeline */
	enum sl_step_kind kind;
	const char *gate; /* or NULL */
	int64_t delay_ms;
	const char *news; /* or NULL */
};

static struct first_step first_step(const struct sl_config *config, bool is_upload)
{
	const char *gate = sl_gate_name(SL_GATE_TRANSCODE);
	int64_t look_ms = config->poll_interval_ms / 8;
	return is_upload
		? (struct first_step){"accepted; waiting for the upload", SL_STEP_UPLOAD_WAIT, NULL,
			  look_ms, look_ms < SL_WORKERS_LOOK_MS ? "" : NULL}
		: (struct first_step){"accepted", SL_STEP_TRANSCODE_START, gate, 0, gate};
}

enum sl_err sl_submission_insert(const struct sl_config *config, struct sl_pg *pg,
	const struct sl_submission *submission, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *options_json = sl_options_encode(&submission->options);
	SL_AUTO(sl_freep)
	char *options = sl_json_text(options_json);
	SL_AUTO(sl_freep)
	char *tags = sl_json_text(submission->tags);
	bool is_upload = submission->is_upload;
	enum sl_video_state state = is_upload ? SL_VIDEO_AWAITING_UPLOAD : SL_VIDEO_QUEUED;
	const struct first_step step = first_step(config, is_upload);
	return sl_pg_exec(pg, SL_SQL_video_accept, NULL, reterr, SL_PG_TEXT(submission->id),
		SL_PG_TEXT(sl_fsm_video_state_name(state)), SL_PG_TEXT(submission->source),
		SL_PG_TEXT(submission->bucket), SL_PG_TEXT(submission->key),
		submission->size_bytes > 0 ? SL_PG_I64(submission->size_bytes) : SL_PG_NULL,
		SL_PG_TEXT(submission->etag), SL_PG_TEXT(submission->title), SL_PG_TEXT(tags),
		SL_PG_TEXT(options), SL_PG_I64(submission->options.frames.interval_ms),
		is_upload ? SL_PG_I64(config->upload_expiry_s) : SL_PG_NULL,
		SL_PG_TEXT(submission->callback_url), SL_PG_TEXT(step.message),
		SL_PG_TEXT(sl_step_kind_name(step.kind)), SL_PG_TEXT(step.gate),
		SL_PG_I64(step.delay_ms), SL_PG_TEXT(step.news));
}

struct acceptance {
	const struct sl_config *config;
	const struct sl_submission *submission;
	const struct sl_idempotency *idempotency;
	char *id;
};

static enum sl_err accept_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct acceptance *acceptance = context;
	enum sl_err err = sl_idempotency_hold(pg, acceptance->idempotency, acceptance->id, reterr);
	if (err != SL_ERR_OK || acceptance->id[0] != '\0') {
		return err;
	}
	err = sl_submission_insert(acceptance->config, pg, acceptance->submission, reterr);
	if (err == SL_ERR_OK) {
		err = sl_estimate_reserve(
			acceptance->config, pg, acceptance->submission, false, reterr);
	}
	if (err == SL_ERR_OK) {
		memcpy(acceptance->id, acceptance->submission->id, SL_UUID_SIZE);
		err = sl_idempotency_keep(pg, acceptance->idempotency, acceptance->id, reterr);
	}
	return err;
}

enum sl_err sl_submission_adopt(const struct sl_config *config, struct sl_pg *pg,
	struct sl_submission *submission, const char *id, struct sl_error *reterr)
{
	memcpy(submission->id, id, SL_UUID_SIZE);
	if (!submission->is_upload) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_freep)
	char *key = sl_take(&submission->key);
	submission->key = sl_asprintf("uploads/%s/%s", id, strrchr(key, '/') + 1);
	return sl_pg_exec(pg, SL_SQL_video_extend_upload, NULL, reterr, SL_PG_TEXT(id),
		SL_PG_I64(config->upload_expiry_s));
}

enum sl_err sl_submission_accept(struct sl_app *app, struct sl_pg *pg,
	const struct sl_submission *submission, const struct sl_idempotency *idempotency,
	char ret_id[static SL_UUID_SIZE], struct sl_error *reterr)
{
	enum sl_err err = sl_gate_check_queue(pg, app->config, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	bool capped = app->config->monthly_cap_micros >= 0;
	if (idempotency->key == NULL && !capped) { /* one statement is a transaction by itself */
		memcpy(ret_id, submission->id, SL_UUID_SIZE);
		return sl_submission_insert(app->config, pg, submission, reterr);
	}
	struct acceptance acceptance = {app->config, submission, idempotency, ret_id};
	return sl_pg_tx(pg, "video_create", accept_tx, &acceptance, reterr);
}

enum sl_err sl_submission_upload(struct sl_app *app, const struct sl_submission *submission,
	json_t **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *url = NULL;
	int64_t expires_ms;
	const struct sl_s3_grant grant = {
		.method = "PUT",
		.bucket = submission->bucket,
		.key = submission->key,
		.content_type = submission->content_type,
		.expires_s = app->config->upload_expiry_s,
	};
	enum sl_err err = sl_s3_presign(app->aws, &grant, &url, &expires_ms, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	char expires[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(expires_ms, expires);
	json_t *headers = json_object();
	if (submission->content_type != NULL) {
		json_object_set_new(headers, "Content-Type", json_string(submission->content_type));
	}
	*ret = json_pack("{s:s, s:s, s:o, s:s}", "method", "PUT", "url", url, "headers", headers,
		"expires_at", expires);
	return SL_ERR_OK;
}
