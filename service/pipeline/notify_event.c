/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to steps. An event only makes a step due: what is true is asked from the provider, so a
 * lost, doubled, late or early event changes nothing but the time. HTTP threads.
 */

#include "notify_event.h"

#include <string.h>

#include "buf.h"
#include "estimate.h"
#include "mem.h"
#include "steps.h"
#include "submit.h"
#include "text.h"

static const char *text_at(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* --- reading ------------------------------------------------------------------------------- */

static void read_echo(struct sl_notify_event *event, const char *echo)
{
	if (echo != NULL && sl_uuid_valid(echo)) {
		memcpy(event->echo, echo, SL_UUID_SIZE);
	}
}

static void read_mediaconvert(struct sl_notify_event *event, const json_t *detail)
{
	event->kind = SL_NOTIFY_MEDIACONVERT;
	event->mediaconvert_job = text_at(detail, "jobId");
	read_echo(event, text_at(json_object_get(detail, "userMetadata"), "videoId"));
	const char *status = text_at(detail, "status");
	if (sl_text_equal(status, "COMPLETE") || sl_text_equal(status, "ERROR") ||
		sl_text_equal(status, "CANCELED")) {
		event->track = "video";
	}
	event->applies = sl_text_equal(status, "INPUT_INFORMATION") ||
		sl_text_equal(status, "STATUS_UPDATE");
}

static void read_transcribe(struct sl_notify_event *event, const json_t *detail)
{
	event->kind = SL_NOTIFY_TRANSCRIBE;
	event->track = sl_analysis_names[SL_TRANSCRIPT];
	const char *job = text_at(detail, "TranscriptionJobName");
	char echo[SL_UUID_SIZE] = "";
	if (job != NULL) {
		sl_video_id_of_transcript_job(job, echo);
	}
	read_echo(event, echo);
}

static void read_rekognition(struct sl_notify_event *event, const json_t *root)
{
	event->kind = SL_NOTIFY_REKOGNITION;
	event->track = sl_analysis_names[SL_LABELS];
	event->rekognition_job = text_at(root, "JobId");
	read_echo(event, text_at(root, "JobTag"));
}

struct sl_notify_event sl_notify_event_read(const json_t *root)
{
	struct sl_notify_event event = {.kind = SL_NOTIFY_OTHER, .root = root};
	const char *source = text_at(root, "source");
	const json_t *detail = json_object_get(root, "detail");
	if (sl_text_equal(source, "aws.mediaconvert")) {
		read_mediaconvert(&event, detail);
	} else if (sl_text_equal(source, "aws.transcribe")) {
		read_transcribe(&event, detail);
	} else if (text_at(root, "JobId") != NULL && text_at(root, "API") != NULL) {
		read_rekognition(&event, root);
	} else if (json_is_array(json_object_get(root, "Records"))) {
		event.kind = SL_NOTIFY_S3;
		event.applies = true;
	}
	return event;
}

/* --- MediaConvert -------------------------------------------------------------------------- */

struct input_video {
	const char *codec;
	double frame_rate;
	int64_t width, height;
};

static const struct sl_json_field input_video_spec[] = {
	SL_STR_AS(struct input_video, codec, "codec", SL_OPTIONAL),
	SL_F64_AS(struct input_video, frame_rate, "frameRate", SL_OPTIONAL),
	SL_I64_AS(struct input_video, width, "width", SL_OPTIONAL),
	SL_I64_AS(struct input_video, height, "height", SL_OPTIONAL),
	SL_JSON_END,
};

/* The only place that tells codec and frame rate of the input, and whether it has audio. */
static enum sl_err apply_input(
	struct sl_pg *pg, const char *video_id, const json_t *detail, struct sl_error *reterr)
{
	const json_t *input = json_array_get(json_object_get(detail, "inputDetails"), 0);
	struct input_video video = {0};
	if (input == NULL ||
		sl_json_decode(json_array_get(json_object_get(input, "video"), 0), input_video_spec,
			SL_JSON_LENIENT, &video, NULL) != SL_ERR_OK) {
		return SL_ERR_OK;
	}
	bool audio = json_array_size(json_object_get(input, "audio")) > 0;
	return sl_pg_exec(pg, SL_SQL_video_set_input, NULL, reterr, SL_PG_TEXT(video_id),
		video.width > 0 ? SL_PG_I64(video.width) : SL_PG_NULL,
		video.height > 0 ? SL_PG_I64(video.height) : SL_PG_NULL,
		video.frame_rate > 0 ? SL_PG_F64(video.frame_rate) : SL_PG_NULL,
		SL_PG_TEXT(video.codec), SL_PG_BOOL(audio));
}

static enum sl_err apply_mediaconvert(
	struct sl_pg *pg, const char *video_id, const json_t *detail, struct sl_error *reterr)
{
	const char *status = text_at(detail, "status");
	if (sl_text_equal(status, "INPUT_INFORMATION")) {
		return apply_input(pg, video_id, detail, reterr);
	}
	if (sl_text_equal(status, "STATUS_UPDATE")) {
		int64_t percent = json_integer_value(json_object_get(
			json_object_get(detail, "jobProgress"), "jobPercentComplete"));
		if (percent < 0 || percent > 100) {
			return SL_ERR_OK;
		}
		enum sl_err err =
			sl_pg_exec(pg, SL_SQL_video_lock, NULL, reterr, SL_PG_TEXT(video_id));
		return err != SL_ERR_OK ? err
					: sl_pg_exec(pg, SL_SQL_video_set_percent, NULL, reterr,
						  SL_PG_TEXT(video_id), SL_PG_I64(percent));
	}
	return SL_ERR_OK;
}

static const char uploads[] = "uploads/";

/* --- S3 ------------------------------------------------------------------------------------ */

static enum sl_err submit_object(struct sl_pg *pg, const struct sl_config *config, const char *key,
	int64_t size, const char *etag, struct sl_error *reterr)
{
	SL_AUTO(sl_submission_finish)
	struct sl_submission submission = sl_submission_of_object(config->bucket, key);
	submission.size_bytes = size;
	submission.etag = sl_strdup(etag);
	enum sl_err err = sl_submission_insert(config, pg, &submission, reterr);
	/* It is there already and nobody would hear a refusal: it counts, whatever the cap. */
	return err == SL_ERR_OK ? sl_estimate_reserve(config, pg, &submission, true, reterr) : err;
}

/* The id in uploads/<id>/…; "" when there is none. */
static void upload_id(const char *key, char ret[static SL_UUID_SIZE])
{
	size_t skip = sizeof(uploads) - 1;
	ret[0] = '\0';
	if (strlen(key) > skip + SL_UUID_SIZE && key[skip + SL_UUID_SIZE - 1] == '/') {
		memcpy(ret, key + skip, SL_UUID_SIZE - 1);
		ret[SL_UUID_SIZE - 1] = '\0';
	}
	if (!sl_uuid_valid(ret)) {
		ret[0] = '\0';
	}
}

/* Whether the object came by the upload URL of a video that is deleted, or about to be. It goes
 * as well, instead of becoming a video of its own. */
static enum sl_err remove_late_upload(struct sl_pg *pg, const char *key, const char *state,
	bool *ret_late, struct sl_error *reterr)
{
	char id[SL_UUID_SIZE];
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	upload_id(key, id);
	*ret_late = state != NULL && strcmp(state, "deleting") == 0;
	if (id[0] != '\0' && state == NULL) {
		enum sl_err err =
			sl_pg_exec(pg, SL_SQL_video_was_deleted, &rows, reterr, SL_PG_TEXT(id));
		if (err != SL_ERR_OK) {
			return err;
		}
		*ret_late = rows.count > 0;
	}
	if (!*ret_late || id[0] == '\0') {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_json_decrefp)
	json_t *payload = json_pack("{s:s}", "key", key);
	SL_AUTO(sl_freep)
	char *text = sl_json_text(payload);
	return sl_pg_exec(pg, SL_SQL_step_enqueue, NULL, reterr,
		SL_PG_TEXT(sl_step_kind_name(SL_STEP_UPLOAD_REMOVE)), SL_PG_TEXT(text));
}

/* An object below uploads/: either an upload that we wait for, or a video by itself. */
static enum sl_err apply_object(struct sl_pg *pg, const struct sl_config *config, const char *key,
	const json_t *object, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_object_lock, NULL, reterr, SL_PG_TEXT(key));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_video_by_object, &rows, reterr,
			SL_PG_TEXT(config->bucket), SL_PG_TEXT(key));
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	bool late = false;
	err = remove_late_upload(
		pg, key, rows.count > 0 ? sl_pg_text(&rows, 0, "state") : NULL, &late, reterr);
	if (err != SL_ERR_OK || late) {
		return err;
	}
	if (rows.count > 0) {
		return strcmp(sl_pg_text(&rows, 0, "state"), "awaiting_upload") == 0
			? sl_pg_exec(pg, SL_SQL_step_wake, NULL, reterr,
				  SL_PG_TEXT(sl_pg_text(&rows, 0, "id")), SL_PG_TEXT("video"))
			: SL_ERR_OK; /* the same object again: at-least-once delivery */
	}
	int64_t size = json_integer_value(json_object_get(object, "size"));
	return size > 0 ? submit_object(pg, config, key, size, text_at(object, "eTag"), reterr)
			: SL_ERR_OK; /* a "folder" or an empty file */
}

static enum sl_err apply_record(struct sl_pg *pg, const struct sl_config *config,
	const json_t *record, struct sl_error *reterr)
{
	const char *event = text_at(record, "eventName");
	const json_t *s3 = json_object_get(record, "s3");
	const json_t *object = json_object_get(s3, "object");
	const char *bucket = text_at(json_object_get(s3, "bucket"), "name");
	const char *encoded = text_at(object, "key");
	SL_AUTO(sl_buf_finish)
	struct sl_buf key = SL_BUF_INIT;
	bool created = event != NULL && (sl_text_starts_with(event, "ObjectCreated:"));
	if (!created || encoded == NULL || !sl_text_equal(bucket, config->bucket) ||
		!sl_text_percent_decode(&key, encoded, strlen(encoded), true) ||
		!sl_text_is_utf8(sl_buf_str(&key), key.len) ||
		strlen(sl_buf_str(&key)) != key.len ||
		!sl_text_starts_with(sl_buf_str(&key), uploads)) {
		return SL_ERR_OK;
	}
	return apply_object(pg, config, sl_buf_str(&key), object, reterr);
}

static enum sl_err apply_s3(struct sl_pg *pg, const struct sl_config *config, const json_t *event,
	struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	size_t i;
	const json_t *record;
	json_array_foreach (json_object_get(event, "Records"), i, record) {
		if (err == SL_ERR_OK) {
			err = apply_record(pg, config, record, reterr);
		}
	}
	return err;
}

enum sl_err sl_notify_event_apply(struct sl_pg *pg, const struct sl_config *config,
	const struct sl_notify_event *event, const char *video_id, struct sl_error *reterr)
{
	if (event->kind == SL_NOTIFY_S3) {
		return apply_s3(pg, config, event->root, reterr);
	}
	return video_id != NULL
		? apply_mediaconvert(pg, video_id, json_object_get(event->root, "detail"), reterr)
		: SL_ERR_OK;
}
