/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a source object to frames, MP4 and audio in the bucket: waiting for an upload, starting
 * the MediaConvert job, asking how it is, and fanning out to the analyses. Worker threads.
 */

#include <stdlib.h>
#include <string.h>

#include "begin.h"
#include "estimate.h"
#include "gate.h"
#include "mediaconvert.h"
#include "mem.h"
#include "provider_job.h"
#include "quota.h"
#include "s3.h"
#include "source.h"
#include "steps.h"
#include "text.h"
#include "transcode_job.h"

/* --- upload -------------------------------------------------------------------------------- */

struct upload {
	const struct sl_config *config;
	const struct sl_video *video;
	const char *id;
	const struct sl_s3_object *object;
};

static enum sl_err uploaded_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct upload *upload = context;
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_video_set_source, NULL, reterr, SL_PG_TEXT(upload->id),
			SL_PG_I64(upload->object->size_bytes), SL_PG_TEXT(upload->object->etag));
	if (err == SL_ERR_OK) {
		err = sl_fsm_video_apply(pg, upload->id, SL_EVENT_UPLOADED, NULL, NULL, reterr);
	}
	/* Its own row is deleted already: now it queues as all others do. */
	if (err == SL_ERR_OK) {
		err = sl_gate_enter(
			pg, upload->id, "video", 0, SL_STEP_TRANSCODE_START, "{}", reterr);
	}
	return err == SL_ERR_OK ? sl_usage_expect(upload->config, pg, upload->id,
					  sl_estimate_upload(upload->config, upload->video,
						  upload->object->size_bytes),
					  true, reterr)
				: err;
}

enum sl_err sl_upload_wait(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_s3_object_finish)
	struct sl_s3_object object = {0};
	const struct sl_video *video = &step->video;
	enum sl_err err =
		sl_s3_head_object(worker->aws, video->bucket, video->key, &object, reterr);
	if (err == SL_ERR_AWS_NOT_FOUND && !video->upload_expired) {
		const struct sl_step_next again = {.kind = SL_STEP_UPLOAD_WAIT,
			.delay_ms = sl_step_poll_delay_ms(worker, step->age_ms)};
		return sl_step_commit(worker, step, &again, NULL, NULL, reterr);
	}
	if (err == SL_ERR_AWS_NOT_FOUND) {
		return sl_error_set(reterr, SL_ERR_UPLOAD_EXPIRED,
			"nothing was put at s3://%s/%s while the upload was valid", video->bucket,
			video->key);
	}
	if (err == SL_ERR_OK) {
		err = sl_source_check_size(object.size_bytes, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	struct upload upload = {worker->config, video, step->video_id, &object};
	const struct sl_step_next queued = {.done = true};
	return sl_step_commit(worker, step, &queued, uploaded_tx, &upload, reterr);
}

/* --- start --------------------------------------------------------------------------------- */

struct started {
	const char *video_id;
	const char *job_id;
};

static enum sl_err started_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct started *started = context;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_video_set_job, NULL, reterr,
		SL_PG_TEXT(started->video_id), SL_PG_TEXT(started->job_id));
	if (err == SL_ERR_OK) {
		err = sl_fsm_video_apply(
			pg, started->video_id, SL_EVENT_TRANSCODE_STARTED, NULL, NULL, reterr);
	}
	return err;
}

/* The second try of a video whose first job failed for want of audio. */
static bool is_silent(const struct sl_step *step)
{
	return json_is_true(json_object_get(step->payload, "silent"));
}

enum sl_err sl_transcode_start(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_mediaconvert_job_finish)
	struct sl_mediaconvert_job job = {0};
	bool with_audio = !is_silent(step);
	enum sl_err err = sl_quota_take(worker, SL_QUOTA_CREATE_JOB, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	err = SL_ERR_AWS_NOT_FOUND;
	if (step->claims > 1 + json_integer_value(json_object_get(step->payload, "deferred"))) {
		/* Someone was here before us: the job may exist though nobody wrote it down. */
		SL_AUTO(sl_error_finish)
		struct sl_error why = SL_ERROR_INIT;
		err = sl_provider_job_find(worker, step->video_id, with_audio, &job, &why);
		if (err != SL_ERR_OK && err != SL_ERR_AWS_NOT_FOUND) {
			sl_error_move(reterr, &why);
			return err;
		}
	}
	if (err == SL_ERR_AWS_NOT_FOUND) {
		SL_AUTO(sl_json_decrefp)
		json_t *body = sl_transcode_job_build(worker->config, &step->video, with_audio);
		err = sl_mediaconvert_create_job(worker->aws, body, &job, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	struct started started = {step->video_id, job.id};
	const struct sl_step_next next = {.kind = SL_STEP_TRANSCODE_POLL,
		.delay_ms = sl_step_poll_delay_ms(worker, 0),
		.payload = step->payload};
	return sl_step_commit(worker, step, &next, started_tx, &started, reterr);
}

/* --- outputs ------------------------------------------------------------------------------- */

struct frame {
	int64_t index;
	char *key;
};

struct outputs {
	const struct sl_config *config;
	const struct sl_video *video;
	char *frames_prefix;
	char *mp4_key;
	char *audio_key; /* NULL: there is no audio */
	struct frame *frames;
	size_t frame_count;
	int64_t duration_ms;
	int64_t width, height;
};

static void outputs_finish(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->frame_count; i++) {
		free(outputs->frames[i].key);
	}
	free(outputs->frames);
	free(outputs->frames_prefix);
	free(outputs->mp4_key);
	free(outputs->audio_key);
}

static void add_frames(struct outputs *outputs, struct sl_s3_listing *listing)
{
	outputs->frames = sl_reallocarray(
		outputs->frames, outputs->frame_count + listing->count, sizeof(*outputs->frames));
	for (size_t i = 0; i < listing->count; i++) {
		const char *key = listing->entries[i].key;
		int64_t index = sl_transcode_job_frame_index(outputs->frames_prefix, key);
		if (index >= 0) {
			outputs->frames[outputs->frame_count++] =
				(struct frame){index, sl_strdup(key)};
		}
	}
}

/* The bucket is the truth about frames: the event names only the last one, if any. */
static enum sl_err list_frames(
	struct sl_worker *worker, struct outputs *outputs, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *token = NULL;
	for (;;) {
		SL_AUTO(sl_s3_listing_finish)
		struct sl_s3_listing listing = {0};
		enum sl_err err = sl_s3_list_objects(worker->aws, worker->config->bucket,
			outputs->frames_prefix, NULL, token, &listing, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		add_frames(outputs, &listing);
		free(token);
		token = sl_take(&listing.next_token);
		if (token == NULL) {
			return SL_ERR_OK;
		}
	}
}

static enum sl_err find_files(
	struct sl_worker *worker, struct outputs *outputs, struct sl_error *reterr)
{
	SL_AUTO(sl_s3_object_finish)
	struct sl_s3_object mp4 = {0};
	SL_AUTO(sl_s3_object_finish)
	struct sl_s3_object audio = {0};
	enum sl_err err = sl_s3_head_object(
		worker->aws, worker->config->bucket, outputs->mp4_key, &mp4, reterr);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		return sl_error_set(reterr, SL_ERR_OUTPUT_MISSING,
			"MediaConvert job %s is complete, but s3://%s/%s does not exist",
			outputs->video->transcode_job_id, worker->config->bucket, outputs->mp4_key);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	err = sl_s3_head_object(
		worker->aws, worker->config->bucket, outputs->audio_key, &audio, reterr);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		sl_error_finish(reterr);
		sl_freep(&outputs->audio_key);
		err = SL_ERR_OK;
	}
	return err;
}

/* Longest duration and the first real picture size in outputGroupDetails. */
static void read_details(const json_t *groups, struct outputs *outputs)
{
	size_t i;
	const json_t *group;
	json_array_foreach (groups, i, group) {
		size_t j;
		const json_t *detail;
		json_array_foreach (json_object_get(group, "outputDetails"), j, detail) {
			int64_t duration =
				json_integer_value(json_object_get(detail, "durationInMs"));
			const json_t *picture = json_object_get(detail, "videoDetails");
			int64_t width = json_integer_value(json_object_get(picture, "widthInPx"));
			if (duration > outputs->duration_ms) {
				outputs->duration_ms = duration;
			}
			if (outputs->width == 0 && width > 0) {
				outputs->width = width;
				outputs->height =
					json_integer_value(json_object_get(picture, "heightInPx"));
			}
		}
	}
}

/* --- fanning out --------------------------------------------------------------------------- */

static struct sl_pg_param known(int64_t number)
{
	return number > 0 ? SL_PG_I64(number) : SL_PG_NULL;
}

static enum sl_err store_outputs(
	struct sl_pg *pg, const struct outputs *outputs, struct sl_error *reterr)
{
	const char *id = outputs->video->id;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_video_set_outputs, NULL, reterr, SL_PG_TEXT(id),
		SL_PG_TEXT(outputs->frames_prefix), SL_PG_I64((int64_t)outputs->frame_count),
		SL_PG_TEXT(outputs->mp4_key), SL_PG_TEXT(outputs->audio_key),
		known(outputs->duration_ms), known(outputs->width), known(outputs->height));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_frames_delete, NULL, reterr, SL_PG_TEXT(id));
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_copy_begin(
			pg, "spotlist_data.frames (video_id, index, time_ms, key)", reterr);
	}
	for (size_t i = 0; err == SL_ERR_OK && i < outputs->frame_count; i++) {
		const struct frame *frame = &outputs->frames[i];
		const struct sl_pg_param row[] = {SL_PG_TEXT(id), SL_PG_I64(frame->index),
			SL_PG_I64(frame->index * outputs->video->frame_interval_ms),
			SL_PG_TEXT(frame->key)};
		err = sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
	}
	return err == SL_ERR_OK ? sl_pg_copy_end(pg, reterr) : err;
}

/* What the conversion cost is known now, and so is what the analyses will. */
static enum sl_err count_cost(
	struct sl_pg *pg, const struct outputs *outputs, struct sl_error *reterr)
{
	const struct sl_video *video = outputs->video;
	bool audio = outputs->audio_key != NULL;
	const struct sl_cost_facts facts = {
		.duration_ms = outputs->duration_ms,
		.width = outputs->width,
		.height = outputs->height,
		.frame_rate = video->frame_rate,
		.audio = audio,
		.transcode = true,
	};
	enum sl_err err = sl_usage_charge(
		outputs->config, pg, video->id, SL_COST_TRANSCODE, &facts, false, reterr);
	int64_t rest = sl_estimate_analyses(outputs->config, video->options.analyses,
		outputs->duration_ms, (int64_t)outputs->frame_count, audio);
	return err == SL_ERR_OK
		? sl_usage_expect(outputs->config, pg, video->id, rest, false, reterr)
		: err;
}

static enum sl_err fan_out_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct outputs *outputs = context;
	const struct sl_video *video = outputs->video;
	enum sl_err err = store_outputs(pg, outputs, reterr);
	if (err == SL_ERR_OK) {
		err = count_cost(pg, outputs, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_fsm_video_apply(pg, video->id, SL_EVENT_TRANSCODED, NULL, NULL, reterr);
	}
	const struct sl_begin begin = {
		.video_id = video->id,
		.frames_prefix = outputs->frames_prefix,
		.audio_key = outputs->audio_key,
		.frame_count = (int64_t)outputs->frame_count,
		.last_frame = outputs->frame_count > 0
			? outputs->frames[outputs->frame_count - 1].index
			: 0,
		.duration_ms = outputs->duration_ms,
	};
	for (int kind = 0; err == SL_ERR_OK && kind < SL_ANALYSIS_KINDS_; kind++) {
		if (video->options.analyses & 1U << kind) {
			err = sl_begin_analysis(pg, &begin, (enum sl_analysis_kind)kind, reterr);
		}
	}
	return err;
}

static enum sl_err collect_outputs(struct sl_worker *worker, struct sl_step *step,
	const struct sl_mediaconvert_job *job, struct sl_error *reterr)
{
	SL_AUTO(outputs_finish)
	struct outputs outputs = {
		.config = worker->config,
		.video = &step->video,
		.frames_prefix = sl_video_frames_prefix(step->video_id),
		.mp4_key = sl_video_mp4_key(step->video_id),
		.audio_key = sl_video_audio_key(step->video_id),
	};
	read_details(job->output_group_details, &outputs);
	enum sl_err err = find_files(worker, &outputs, reterr);
	if (err == SL_ERR_OK) {
		err = list_frames(worker, &outputs, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_step_next done = {.done = true};
	return sl_step_commit(worker, step, &done, fan_out_tx, &outputs, reterr);
}

/* --- polling ------------------------------------------------------------------------------- */

static enum sl_err job_error(const struct sl_mediaconvert_job *job, struct sl_error *reterr)
{
	if (job->status == SL_MEDIACONVERT_CANCELED) {
		sl_error_set(reterr, SL_ERR_JOB_CANCELED,
			"MediaConvert job %s was cancelled at AWS", job->id);
	} else {
		sl_error_set(reterr, SL_ERR_TRANSCODE_FAILED, "MediaConvert: %s",
			job->error_message != NULL ? job->error_message : "no reason given");
	}
	if (reterr != NULL) {
		reterr->provider.service = sl_strdup("mediaconvert");
		reterr->provider.operation = sl_strdup("CreateJob");
		reterr->provider.code = job->error_code != 0
			? sl_asprintf("%lld", (long long)job->error_code)
			: NULL;
		reterr->provider.message = sl_strdup(job->error_message);
	}
	return job->status == SL_MEDIACONVERT_CANCELED ? SL_ERR_JOB_CANCELED
						       : SL_ERR_TRANSCODE_FAILED;
}

struct progress {
	const char *id;
	int64_t percent;
};

static enum sl_err percent_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct progress *progress = context;
	return sl_pg_exec(pg, SL_SQL_video_set_percent, NULL, reterr, SL_PG_TEXT(progress->id),
		SL_PG_I64(progress->percent));
}

/*
 * MediaConvert is documented to leave out audio that an input lacks, and is reported to fail such
 * jobs all the same ("Audio track [1] not found in input container",
 * github.com/aws-solutions-library-samples/video-on-demand-on-aws issues 45 and 75). So a failure
 * that speaks of an audio track is tried once more without any.
 */
static bool lacks_audio(const struct sl_step *step, const struct sl_mediaconvert_job *job)
{
	return !is_silent(step) && job->error_message != NULL &&
		strcasestr(job->error_message, "audio track") != NULL;
}

static enum sl_err start_silent(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *payload = json_pack("{s:b}", "silent", true);
	const struct sl_step_next next = {.kind = SL_STEP_TRANSCODE_START, .payload = payload};
	return sl_step_commit(worker, step, &next, NULL, NULL, reterr);
}

enum sl_err sl_transcode_poll(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_mediaconvert_job_finish)
	struct sl_mediaconvert_job job = {0};
	enum sl_err err = sl_quota_take(worker, SL_QUOTA_GET_JOB, reterr);
	if (err == SL_ERR_OK) {
		err = sl_mediaconvert_get_job(
			worker->aws, step->video.transcode_job_id, &job, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	switch (job.status) {
	case SL_MEDIACONVERT_COMPLETE:
		return collect_outputs(worker, step, &job, reterr);
	case SL_MEDIACONVERT_ERROR:
		return lacks_audio(step, &job) ? start_silent(worker, step, reterr)
					       : job_error(&job, reterr);
	case SL_MEDIACONVERT_CANCELED:
		return job_error(&job, reterr);
	default:
		break;
	}
	struct progress progress = {step->video_id, job.percent};
	return sl_step_poll_again(worker, step, percent_tx, &progress, reterr);
}
