/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_VIDEO_H
#define SL_VIDEO_H

/* A video as the pipeline sees it: its row, its options, and the names that derive from its id. */

#include <jansson.h>

#include "json_spec.h"
#include "pg.h"

enum sl_analysis_kind { SL_CELEBRITIES, SL_LABELS, SL_TRANSCRIPT, SL_ANALYSIS_KINDS_ };

extern const char *const sl_analysis_names[]; /* NULL-terminated, in the order of the enum */

/* What a submission asks for; stored as JSON in videos.options. */
struct sl_options {
	unsigned analyses; /* bit set over enum sl_analysis_kind */
	struct {
		int64_t interval_ms;
	} frames;
	struct {
		double min_confidence;
	} labels;
	struct {
		const char *language; /* "auto": let Transcribe find out */
		int64_t max_speakers; /* 0: speakers are not told apart */
	} transcript;
};

/* The tables of the whole and of its parts. */
extern const struct sl_json_field sl_options_spec[];
extern const struct sl_json_field sl_options_frames_spec[];
extern const struct sl_json_field sl_options_labels_spec[];
extern const struct sl_json_field sl_options_transcript_spec[];

/** The options that hold where a submission says nothing. */
struct sl_options sl_options_default(void);

/** The options as JSON, as they are stored and shown; the caller owns it. */
json_t *sl_options_encode(const struct sl_options *options);

struct sl_video {
	char *id;
	char *state;
	char *source, *bucket, *key;
	char *transcode_job_id;
	char *frames_prefix, *mp4_key, *audio_key, *transcript_key;
	int64_t frame_interval_ms;
	int64_t duration_ms; /* 0: not known */
	double frame_rate;   /* of the source; 0: not known */
	int64_t frame_count;
	int64_t running_s; /* since it left the queue */
	bool upload_expired;
	struct sl_options options; /* strings borrowed from options_json */
	json_t *options_json;
};

/** Loads a video; VIDEO_NOT_FOUND when it is gone. `ret` must be zeroed. */
SL_MUST_CHECK enum sl_err sl_video_load(
	struct sl_pg *pg, const char *id, struct sl_video *ret, struct sl_error *reterr);
void sl_video_finish(struct sl_video *video);

/* Names that derive from a video's id, so that a crash never makes a second one. Owned. */
char *sl_video_frames_prefix(const char *id); /* "thumbs/<id>/" */
char *sl_video_mp4_key(const char *id);       /* "mp4/<id>/video.mp4" */
char *sl_video_audio_key(const char *id);     /* "audio/<id>/audio.m4a" */
char *sl_video_transcript_key(const char *id, int64_t attempt);
char *sl_video_labels_token(const char *id, int64_t attempt);
char *sl_video_transcript_job(const char *id, int64_t attempt);

/** The video id inside a transcription job's name, "" when it is not one of ours. */
void sl_video_id_of_transcript_job(const char *job, char ret[static 37]);

#endif
