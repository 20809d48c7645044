/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /videos. In two phases: decode, and for an S3 source hand a HeadObject to the preflight
 * thread while the connection sleeps; then accept in one transaction. HTTP threads.
 */

#include <stdlib.h>

#include "handlers.h"
#include "mem.h"
#include "read.h"
#include "submit.h"

struct creation {
	struct sl_request *request;
	struct sl_submission submission;
	/* the preflight's outcome, written by its thread before it resumes us */
	enum sl_err err;
	struct sl_error error;
	struct sl_s3_object object;
};

static void creation_free(void *state)
{
	struct creation *creation = state;
	sl_submission_finish(&creation->submission);
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
	if (err == SL_ERR_OK && submission->is_upload) {
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

static enum sl_err accept_submission(
	struct sl_request *request, const struct sl_submission *submission, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_app_pg_take(app, &held, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_submission_accept(app, held.pg, submission, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = reply_accepted(request, held.pg, submission, reply);
	}
	return err;
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
		enum sl_err err = decode(request, creation);
		if (err != SL_ERR_OK) {
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
	return accept_submission(request, &creation->submission, reply);
}
