/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a video's row, and the names that derive from its id. Any thread. */

#include "video.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"
#include "uuid.h"

const char *const sl_analysis_names[] = {"celebrities", "labels", "transcript", NULL};

typedef __typeof__(((struct sl_options *)NULL)->frames) frames_options;
typedef __typeof__(((struct sl_options *)NULL)->labels) labels_options;
typedef __typeof__(((struct sl_options *)NULL)->transcript) transcript_options;

const struct sl_json_field sl_options_frames_spec[] = {
	SL_I64(frames_options, interval_ms, 100, 600000, SL_OPTIONAL),
	SL_JSON_END,
};

const struct sl_json_field sl_options_labels_spec[] = {
	SL_F64(labels_options, min_confidence, 0, 100, SL_OPTIONAL),
	SL_JSON_END,
};

const struct sl_json_field sl_options_transcript_spec[] = {
	SL_STR(transcript_options, language, 2, 16, SL_OPTIONAL),
	SL_I64(transcript_options, max_speakers, 2, 30, SL_OPTIONAL),
	SL_JSON_END,
};

const struct sl_json_field sl_options_spec[] = {
	SL_ENUMS(
		struct sl_options, analyses, sl_analysis_names, 1, SL_ANALYSIS_KINDS_, SL_OPTIONAL),
	SL_OBJ(struct sl_options, frames, sl_options_frames_spec, SL_OPTIONAL),
	SL_OBJ(struct sl_options, labels, sl_options_labels_spec, SL_OPTIONAL),
	SL_OBJ(struct sl_options, transcript, sl_options_transcript_spec, SL_OPTIONAL),
	SL_JSON_END,
};

struct sl_options sl_options_default(void)
{
	return (struct sl_options){
		.analyses = (1U << SL_ANALYSIS_KINDS_) - 1,
		.frames = {.interval_ms = 1000},
		.labels = {.min_confidence = 85},
		.transcript = {.language = "en-US", .max_speakers = 0},
	};
}

json_t *sl_options_encode(const struct sl_options *options)
{
	json_t *root = sl_json_encode(sl_options_spec, options);
	if (options->transcript.max_speakers == 0) {
		json_object_del(json_object_get(root, "transcript"), "max_speakers");
	}
	return root;
}

static char *column(const struct sl_pg_rows *rows, const char *name)
{
	return sl_strdup(sl_pg_text(rows, 0, name));
}

enum sl_err sl_video_load(
	struct sl_pg *pg, const char *id, struct sl_video *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_video_get, &rows, reterr, SL_PG_TEXT(id));
	if (err != SL_ERR_OK) {
		return err;
	}
	if (rows.count == 0) {
		return sl_error_set(reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", id);
	}
	const char *options = sl_pg_text(&rows, 0, "options");
	SL_AUTO(sl_json_decrefp)
	json_t *options_json = NULL;
	err = sl_json_parse(options, strlen(options), &options_json, reterr);
	struct sl_options decoded = sl_options_default();
	if (err == SL_ERR_OK) {
		err = sl_json_decode(
			options_json, sl_options_spec, SL_JSON_LENIENT, &decoded, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	*ret = (struct sl_video){
		.id = column(&rows, "id"),
		.state = column(&rows, "state"),
		.source = column(&rows, "source"),
		.bucket = column(&rows, "bucket"),
		.key = column(&rows, "key"),
		.transcode_job_id = column(&rows, "transcode_job_id"),
		.frames_prefix = column(&rows, "frames_prefix"),
		.mp4_key = column(&rows, "mp4_key"),
		.audio_key = column(&rows, "audio_key"),
		.transcript_key = column(&rows, "transcript_key"),
		.frame_interval_ms = sl_pg_i64(&rows, 0, "frame_interval_ms"),
		.duration_ms = sl_pg_i64(&rows, 0, "duration_ms"),
		.frame_rate = sl_pg_f64(&rows, 0, "frame_rate"),
		.frame_count = sl_pg_i64(&rows, 0, "frame_count"),
		.running_s = sl_pg_i64(&rows, 0, "running_s"),
		.upload_expired = sl_pg_bool(&rows, 0, "upload_expired"),
		.options = decoded,
		.options_json = sl_take(&options_json),
	};
	return SL_ERR_OK;
}

void sl_video_finish(struct sl_video *video)
{
	free(video->id);
	free(video->state);
	free(video->source);
	free(video->bucket);
	free(video->key);
	free(video->transcode_job_id);
	free(video->frames_prefix);
	free(video->mp4_key);
	free(video->audio_key);
	free(video->transcript_key);
	json_decref(video->options_json);
	*video = (struct sl_video){0};
}

char *sl_video_frames_prefix(const char *id)
{
	return sl_asprintf("thumbs/%s/", id);
}

char *sl_video_mp4_key(const char *id)
{
	return sl_asprintf("mp4/%s/video.mp4", id);
}

char *sl_video_audio_key(const char *id)
{
	return sl_asprintf("audio/%s/audio.m4a", id);
}

char *sl_video_transcript_key(const char *id, int64_t attempt)
{
	return sl_asprintf("transcripts/%s/%lld.json", id, (long long)attempt);
}

char *sl_video_labels_token(const char *id, int64_t attempt)
{
	return sl_asprintf("%s-labels-%lld", id, (long long)attempt);
}

static const char transcript_job_prefix[] = "spotlist-";

char *sl_video_transcript_job(const char *id, int64_t attempt)
{
	return sl_asprintf("%s%s-%lld", transcript_job_prefix, id, (long long)attempt);
}

void sl_video_id_of_transcript_job(const char *job, char ret[static 37])
{
	ret[0] = '\0';
	size_t skip = sizeof(transcript_job_prefix) - 1;
	if (!sl_text_starts_with(job, transcript_job_prefix) || strlen(job + skip) < 36) {
		return;
	}
	memcpy(ret, job + skip, 36);
	ret[36] = '\0';
	if (!sl_uuid_valid(ret)) {
		ret[0] = '\0';
	}
}
