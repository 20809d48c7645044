/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transcript: StartTranscriptionJob on the audio, then the transcript JSON out of our bucket
 * and its record in DynamoDB. Worker threads.
 */

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "quota.h"
#include "record.h"
#include "s3.h"
#include "steps.h"
#include "transcribe.h"
#include "transcript_mirror.h"
#include "usage.h"

/* Four hours of speech are about 10 MB of JSON; alternatives and speakers multiply that. */
#define MAX_TRANSCRIPT_BYTES (256UL * 1024 * 1024)

static enum sl_err load_attempt(struct sl_worker *worker, const struct sl_step *step,
	int64_t *ret_attempt, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows analysis = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_analysis_get, &analysis, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_TEXT(step->track));
	if (err == SL_ERR_OK) {
		*ret_attempt = sl_pg_i64(&analysis, 0, "attempt");
	}
	return err;
}

/* --- start --------------------------------------------------------------------------------- */

struct start {
	const struct sl_config *config;
	const struct sl_step *step;
	const char *job;
	const char *key;
};

static enum sl_err started_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct start *start = context;
	const struct sl_step *step = start->step;
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_analysis_set_job, NULL, reterr, SL_PG_TEXT(step->video_id),
			SL_PG_TEXT(step->track), SL_PG_TEXT(start->job), SL_PG_NULL);
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_video_set_transcript_key, NULL, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_TEXT(start->key));
	}
	if (err == SL_ERR_OK) {
		err = sl_fsm_analysis_apply(
			pg, step->video_id, step->track, SL_EVENT_ANALYSIS_STARTED, NULL, reterr);
	}
	const struct sl_cost_facts facts = {.duration_ms = step->video.duration_ms,
		.audio = true,
		.analyses = 1U << SL_TRANSCRIPT};
	return err == SL_ERR_OK ? sl_usage_charge(start->config, pg, step->video_id, step->track,
					  &facts, false, reterr)
				: err;
}

enum sl_err sl_transcript_start(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	int64_t attempt;
	enum sl_err err = load_attempt(worker, step, &attempt, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_video *video = &step->video;
	const char *language = video->options.transcript.language;
	SL_AUTO(sl_freep)
	char *name = sl_video_transcript_job(video->id, attempt);
	SL_AUTO(sl_freep)
	char *key = sl_video_transcript_key(video->id, attempt);
	SL_AUTO(sl_freep)
	char *uri = sl_asprintf("s3://%s/%s", worker->config->bucket, video->audio_key);
	const struct sl_transcribe_request request = {
		.name = name,
		.media_uri = uri,
		.media_format = "m4a",
		.language_code = strcmp(language, "auto") == 0 ? NULL : language,
		.output_bucket = worker->config->bucket,
		.output_key = key,
		.max_speakers = video->options.transcript.max_speakers,
	};
	SL_AUTO(sl_transcribe_job_finish)
	struct sl_transcribe_job job = {0};
	err = sl_quota_take(worker, SL_QUOTA_START_TRANSCRIPTION_JOB, reterr);
	if (err == SL_ERR_OK) {
		err = sl_transcribe_start_job(worker->aws, &request, &job, reterr);
	}
	if (err == SL_ERR_AWS_CONFLICT) {
		/* The name derives from the video: the job is ours, from before a crash. */
		sl_error_finish(reterr);
		err = SL_ERR_OK;
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	struct start start = {worker->config, step, name, key};
	const struct sl_step_next next = {
		.kind = SL_STEP_TRANSCRIPT_POLL, .delay_ms = sl_step_poll_delay_ms(worker, 0)};
	return sl_step_commit(worker, step, &next, started_tx, &start, reterr);
}

/* --- collect ------------------------------------------------------------------------------- */

struct collection {
	struct sl_worker *worker;
	struct sl_step *step;
	json_t *root;
	struct sl_transcript transcript;
};

static void collection_finish(struct collection *collection)
{
	sl_transcript_finish(&collection->transcript);
	json_decref(collection->root);
}

static enum sl_err fetch(struct collection *collection, struct sl_error *reterr)
{
	struct sl_worker *worker = collection->worker;
	const char *key = collection->step->video.transcript_key;
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	enum sl_err err = sl_s3_get_object(worker->aws, worker->config->bucket, key, 0, -1,
		MAX_TRANSCRIPT_BYTES, &body, reterr);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		return sl_error_set(reterr, SL_ERR_OUTPUT_MISSING,
			"Transcribe's job is complete, but s3://%s/%s does not exist",
			worker->config->bucket, key);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	if (sl_json_parse(sl_buf_str(&body), body.len, &collection->root, &why) != SL_ERR_OK) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "the transcript %s: %s", key, why.detail);
	}
	return sl_transcript_parse(collection->root, &collection->transcript, reterr);
}

static struct sl_record_parts parts_of(
	const struct collection *collection, const char *attribute, bool is_array)
{
	return (struct sl_record_parts){
		.aws = collection->worker->aws,
		.table = collection->worker->config->table,
		.file_name = collection->step->video.transcript_key,
		.video_id = collection->step->video_id,
		.attribute = attribute,
		.is_array = is_array,
		.current = SL_BUF_INIT,
	};
}

static enum sl_err record_text(
	const struct collection *collection, json_t *item, struct sl_error *reterr)
{
	SL_AUTO(sl_record_parts_finish)
	struct sl_record_parts parts = parts_of(collection, "transcript", false);
	enum sl_err err = sl_record_parts_add_text(&parts, collection->transcript.text, reterr);
	return err == SL_ERR_OK ? sl_record_parts_end(&parts, item, reterr) : err;
}

static enum sl_err record_array(const struct collection *collection, const char *attribute,
	const json_t *array, json_t *item, struct sl_error *reterr)
{
	SL_AUTO(sl_record_parts_finish)
	struct sl_record_parts parts = parts_of(collection, attribute, true);
	enum sl_err err = SL_ERR_OK;
	size_t i;
	const json_t *element;
	json_array_foreach (array, i, element) {
		SL_AUTO(sl_freep)
		char *text = sl_json_text(element);
		if (err == SL_ERR_OK) {
			err = sl_record_parts_add(&parts, text, reterr);
		}
	}
	return err == SL_ERR_OK ? sl_record_parts_end(&parts, item, reterr) : err;
}

/* Transcribe's arrays are kept whole, under their own names in our spelling. */
static enum sl_err put_record(const struct collection *collection, struct sl_error *reterr)
{
	static const struct {
		const char *member;
		const char *attribute;
	} arrays[] = {
		{"items", "items"},
		{"audio_segments", "audioSegments"},
	};
	const json_t *results = json_object_get(collection->root, "results");
	SL_AUTO(sl_json_decrefp)
	json_t *item =
		sl_record_item(collection->step->video.transcript_key, collection->step->video_id);
	sl_record_set_text(item, "language", collection->transcript.language);
	enum sl_err err = record_text(collection, item, reterr);
	for (size_t i = 0; err == SL_ERR_OK && i < SL_ARRAY_SIZE(arrays); i++) {
		const json_t *array = json_object_get(results, arrays[i].member);
		if (json_is_array(array)) {
			err = record_array(collection, arrays[i].attribute, array, item, reterr);
		}
	}
	const json_t *speakers =
		json_object_get(json_object_get(results, "speaker_labels"), "segments");
	if (err == SL_ERR_OK && json_is_array(speakers)) {
		err = record_array(collection, "speakerSegments", speakers, item, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_dynamodb_put_item(
			collection->worker->aws, collection->worker->config->table, item, reterr);
	}
	return err;
}

static enum sl_err store_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct collection *collection = context;
	const struct sl_step *step = collection->step;
	enum sl_err err =
		sl_transcript_mirror_load(pg, step->video_id, &collection->transcript, reterr);
	if (err == SL_ERR_OK) {
		err = sl_fsm_analysis_apply(
			pg, step->video_id, step->track, SL_EVENT_ANALYSIS_COLLECTED, NULL, reterr);
	}
	return err;
}

static enum sl_err collect(struct sl_worker *worker, struct sl_step *step,
	const struct sl_transcribe_job *job, struct sl_error *reterr)
{
	SL_AUTO(collection_finish)
	struct collection collection = {.worker = worker, .step = step};
	enum sl_err err = sl_step_mark_collecting(worker, step, reterr);
	if (err == SL_ERR_OK) {
		err = fetch(&collection, reterr);
	}
	if (err == SL_ERR_OK && collection.transcript.language == NULL) {
		collection.transcript.language = job->language_code;
	}
	if (err == SL_ERR_OK) {
		err = put_record(&collection, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_step_next done = {.done = true};
	return sl_step_commit(worker, step, &done, store_tx, &collection, reterr);
}

enum sl_err sl_transcript_poll(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	int64_t attempt;
	enum sl_err err = load_attempt(worker, step, &attempt, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *name = sl_video_transcript_job(step->video_id, attempt);
	SL_AUTO(sl_transcribe_job_finish)
	struct sl_transcribe_job job = {0};
	err = sl_quota_take(worker, SL_QUOTA_GET_TRANSCRIPTION_JOB, reterr);
	if (err == SL_ERR_OK) {
		err = sl_transcribe_get_job(worker->aws, name, &job, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	switch (job.status) {
	case SL_TRANSCRIBE_COMPLETED:
		return collect(worker, step, &job, reterr);
	case SL_TRANSCRIBE_FAILED:
		return sl_step_job_failed(reterr, "Transcribe", "transcribe",
			"StartTranscriptionJob", job.failure_reason);
	default:
		break;
	}
	return sl_step_poll_again(worker, step, NULL, NULL, reterr);
}
