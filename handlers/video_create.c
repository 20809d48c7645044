/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /videos. In two phases: decode, and for an S3 source hand a HeadObject to the preflight
 * thread while the connection sleeps; then accept in one transaction. A request whose
 * Idempotency-Key is known is answered without either. HTTP threads.
 */

#include <stdlib.h>
#include <string.h>

#include "estimate.h"
#include "fsm.h"
#include "handlers.h"
#include "mem.h"
#include "params.h"
#include "read.h"
#include "submit.h"
#include "text.h"

struct creation {
	struct sl_request *request;
	bool dry_run;
	struct sl_submission submission;
	struct sl_idempotency idempotency;
	/* the preflight's outcome, written by its thread before it resumes us */
	enum sl_err err;
	struct sl_error error;
	struct sl_s3_object object;
	struct sl_mp4_header header;
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

static const struct sl_param params_spec[] = {
	SL_PARAM_BOOL(struct creation, dry_run, "dry_run"),
	SL_PARAM_END,
};

/* On the preflight thread: whether more of the file is wanted to tell how long it is. */
static bool on_piece(void *context, const struct sl_buf *piece, int64_t offset, int64_t *ret_offset)
{
	struct creation *creation = context;
	return sl_mp4_header_find(sl_buf_str(piece), piece->len, offset, &creation->header,
		       ret_offset) == SL_MP4_MORE;
}

/* The header is of use for an estimate only. */
static void look_at_source(struct sl_app *app, struct creation *creation)
{
	bool wanted = creation->dry_run || app->config->monthly_cap_micros >= 0;
	sl_s3_preflight_probe(app->preflight, creation->submission.bucket, creation->submission.key,
		wanted ? on_piece : NULL, SL_MP4_PIECE, SL_MP4_PIECES, on_head, creation);
}

static enum sl_err decode(struct sl_request *request, struct creation *creation)
{
	struct sl_app *app = request->app;
	json_t *root;
	enum sl_err err = sl_params_read(request, params_spec, creation);
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

/* What a request leads to: a video, as GET /videos/{id} has it. */
struct outcome {
	struct sl_buf resource;
	bool awaits_upload;
};

static void outcome_finish(struct outcome *outcome)
{
	sl_buf_finish(&outcome->resource);
}

/* Presigning is done without a connection to the database in hand. */
static enum sl_err reply_accepted(struct sl_request *request, const struct creation *creation,
	struct outcome *outcome, struct sl_reply *reply)
{
	const struct sl_submission *submission = &creation->submission;
	struct sl_buf *body = &outcome->resource;
	if (outcome->awaits_upload) {
		SL_AUTO(sl_json_decrefp)
		json_t *upload = NULL;
		enum sl_err err =
			sl_submission_upload(request->app, submission, &upload, &request->error);
		if (err != SL_ERR_OK) {
			return err;
		}
		SL_AUTO(sl_freep)
		char *text = sl_json_text(upload);
		body->len--; /* the brace that ends the object: it gets one more member */
		sl_buf_printf(body, ",\"upload\":%s}", text);
	}
	SL_AUTO(sl_freep)
	char *location = sl_asprintf("/videos/%s", submission->id);
	sl_reply_header(reply, "Location", location);
	reply->status = 202;
	sl_buf_finish(&reply->body);
	reply->body = *body;
	*body = (struct sl_buf)SL_BUF_INIT;
	return SL_ERR_OK;
}

/* A video that an Idempotency-Key brought back may have its file by now. */
static enum sl_err read_known(struct sl_request *request, struct sl_pg *pg,
	struct creation *creation, const char *id, struct outcome *ret)
{
	struct sl_app *app = request->app;
	struct sl_submission *submission = &creation->submission;
	SL_AUTO(sl_json_decrefp)
	json_t *resource = NULL;
	enum sl_err err = sl_submission_adopt(app->config, pg, submission, id, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_read_video(pg, id, &ret->resource, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = sl_json_parse(
			sl_buf_str(&ret->resource), ret->resource.len, &resource, &request->error);
	}
	const char *state = json_string_value(json_object_get(resource, "state"));
	ret->awaits_upload = submission->is_upload &&
		sl_text_equal(state, sl_fsm_video_state_name(SL_VIDEO_AWAITING_UPLOAD));
	return err;
}

/* Stores nothing, and asks the database only where a cap makes that necessary. */
static enum sl_err reply_estimate(
	struct sl_request *request, const struct creation *creation, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	json_t *root = NULL;
	enum sl_err err = app->config->monthly_cap_micros < 0
		? SL_ERR_OK
		: sl_app_pg_take(app, &held, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_estimate_read(
			app->config, held.pg, &creation->submission, &root, &request->error);
	}
	if (err == SL_ERR_OK) {
		sl_reply_json(reply, 200, root);
	}
	return err;
}

static enum sl_err accept_submission(
	struct sl_request *request, struct creation *creation, struct outcome *ret)
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
	if (strcmp(id, creation->submission.id) != 0) {
		return read_known(request, held.pg, creation, id, ret);
	}
	ret->awaits_upload = creation->submission.is_upload;
	return sl_read_video(held.pg, id, &ret->resource, &request->error);
}

/* What the request's key made before, if anything. */
static enum sl_err find_known(
	struct sl_request *request, struct creation *creation, struct outcome *ret, bool *ret_known)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	char id[SL_UUID_SIZE] = "";
	enum sl_err err = sl_app_pg_take(request->app, &held, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_idempotency_find(held.pg, &creation->idempotency, id, &request->error);
	}
	*ret_known = err == SL_ERR_OK && id[0] != '\0';
	return *ret_known ? read_known(request, held.pg, creation, id, ret) : err;
}

enum sl_err sl_video_create(struct sl_request *request, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	struct creation *creation = request->state;
	SL_AUTO(outcome_finish)
	struct outcome outcome = {SL_BUF_INIT, false};
	if (creation == NULL) {
		creation = sl_calloc(1, sizeof(*creation));
		creation->request = request;
		request->state = creation;
		request->state_free = creation_free;
		bool known = false;
		enum sl_err err = decode(request, creation);
		if (err == SL_ERR_OK && creation->idempotency.key != NULL && !creation->dry_run) {
			err = find_known(request, creation, &outcome, &known);
		}
		if (err == SL_ERR_OK && known) {
			err = reply_accepted(request, creation, &outcome, reply);
		}
		if (err != SL_ERR_OK || known) {
			return err;
		}
		if (!creation->submission.is_upload) {
			sl_request_suspend(request);
			look_at_source(app, creation);
			return SL_REQUEST_SUSPENDED;
		}
	} else {
		creation->submission.header = creation->header;
		enum sl_err err = sl_submission_check_source(&creation->submission, creation->err,
			&creation->object, &creation->error, &request->error);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	if (creation->dry_run) {
		return reply_estimate(request, creation, reply);
	}
	enum sl_err err = accept_submission(request, creation, &outcome);
	return err == SL_ERR_OK ? reply_accepted(request, creation, &outcome, reply) : err;
}
