/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /videos. In two phases: decode, and for an S3 source hand a HeadObject to the preflight
 * thread while the connection sleeps; then accept in one transaction. A request whose
 * Idempotency-Key is known is answered without either. HTTP threads.
 */

#include <stdlib.h>
#include <string.h>

#include "fsm.h"
#include "handlers.h"
#include "mem.h"
#include "read.h"
#include "submit.h"
#include "text.h"

struct creation {
	struct sl_request *request;
	struct sl_submission submission;
	struct sl_idempotency idempotency;
	/* the preflight's outcome, written by its thread before it resumes us */
	enum sl_err err;
	struct sl_error error;
	struct sl_s3_object object;
};

static void creation_free(void *state)
{
	struct creation *creation = state;
	sl_submission_finish(&creation->submission);
	sl_idempotency_finish(&creation->idempotency);
	sl_error_finish(&creation->error);
	sl_s3_object_finish(&creation->object);
	free(creation);
}

/* On the preflight thread. */
static void on_head(void *context, enum sl_err err, const struct sl_s3_object *object,
	const struct sl_error *error)
{
	struct creation *creation = context;
	creation->err = err;
	if (err == SL_ERR_OK) {
		creation->object.size_bytes = object->size_bytes;
		creation->object.etag = sl_strdup(object->etag);
	} else {
		creation->error.code = err;
		creation->error.detail = sl_strdup(error->detail);
		creation->error.provider = sl_error_copy_provider(&error->provider);
	}
	sl_request_resume(creation->request);
}

static enum sl_err decode(struct sl_request *request, struct creation *creation)
{
	struct sl_app *app = request->app;
	json_t *root;
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	if (err == SL_ERR_OK) {
		err = sl_request_json(request, &root);
	}
	if (err == SL_ERR_OK) {
		err = sl_submission_decode(
			app->config, root, &creation->submission, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = sl_idempotency_read(sl_request_header(request, "Idempotency-Key"),
			request->method, request->target, root, &creation->idempotency,
			&request->error);
	}
	return err;
}

static enum sl_err reply_accepted(struct sl_request *request, struct sl_pg *pg,
	const struct sl_submission *submission, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	json_t *resource = NULL;
	json_t *upload = NULL;
	enum sl_err err = sl_read_video(pg, submission->id, &body, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_json_parse(sl_buf_str(&body), body.len, &resource, &request->error);
	}
	/* A video that an Idempotency-Key brought back may have its file by now. */
	const char *state = json_string_value(json_object_get(resource, "state"));
	if (err == SL_ERR_OK && submission->is_upload &&
		sl_text_equal(state, sl_fsm_video_state_name(SL_VIDEO_AWAITING_UPLOAD))) {
		err = sl_submission_upload(app, submission, &upload, &request->error);
	}
	if (err != SL_ERR_OK) {
		json_decref(resource);
		return err;
	}
	if (upload != NULL) {
		json_object_set_new(resource, "upload", upload);
	}
	SL_AUTO(sl_freep)
	char *location = sl_asprintf("/videos/%s", submission->id);
	sl_reply_header(reply, "Location", location);
	sl_reply_json(reply, 202, resource);
	return SL_ERR_OK;
}

static enum sl_err reply_known(struct sl_request *request, struct sl_pg *pg,
	struct creation *creation, const char *id, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	enum sl_err err =
		sl_submission_adopt(app->config, pg, &creation->submission, id, &request->error);
	return err == SL_ERR_OK ? reply_accepted(request, pg, &creation->submission, reply) : err;
}

static enum sl_err accept_submission(
	struct sl_request *request, struct creation *creation, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	char id[SL_UUID_SIZE];
	enum sl_err err = sl_app_pg_take(app, &held, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_submission_accept(app, held.pg, &creation->submission,
			&creation->idempotency, id, &request->error);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	return strcmp(id, creation->submission.id) == 0
		? reply_accepted(request, held.pg, &creation->submission, reply)
		: reply_known(request, held.pg, creation, id, reply);
}

/* Whether the request was answered by what its key made before. */
static enum sl_err answer_again(struct sl_request *request, struct creation *creation,
	struct sl_reply *reply, bool *ret_answered)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	char id[SL_UUID_SIZE] = "";
	enum sl_err err = sl_app_pg_take(request->app, &held, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_idempotency_find(held.pg, &creation->idempotency, id, &request->error);
	}
	*ret_answered = err == SL_ERR_OK && id[0] != '\0';
	return *ret_answered ? reply_known(request, held.pg, creation, id, reply) : err;
}

enum sl_err sl_video_create(struct sl_request *request, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	struct creation *creation = request->state;
	if (creation == NULL) {
		creation = sl_calloc(1, sizeof(*creation));
		creation->request = request;
		request->state = creation;
		request->state_free = creation_free;
		bool answered = false;
		enum sl_err err = decode(request, creation);
		if (err == SL_ERR_OK && creation->idempotency.key != NULL) {
			err = answer_again(request, creation, reply, &answered);
		}
		if (err != SL_ERR_OK || answered) {
			return err;
		}
		if (!creation->submission.is_upload) {
			sl_request_suspend(request);
			sl_s3_preflight_submit(app->preflight, creation->submission.bucket,
				creation->submission.key, on_head, creation);
			return SL_REQUEST_SUSPENDED;
		}
	} else {
		enum sl_err err = sl_submission_check_source(&creation->submission, creation->err,
			&creation->object, &creation->error, &request->error);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	return accept_submission(request, creation, reply);
}
