/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_MEDIACONVERT_H
#define LC_MEDIACONVERT_H

/*
 * Inside MediaConvert. A job's document (struct lc_job's doc) is the wire form of Job, camelCase,
 * exactly as GetJob answers it; its status is also the job's state.
 */

#include "jobs.h"
#include "media.h"

/** Checks a CreateJob body as far as this stand-in goes. NULL when it is fine, otherwise the
 *  message of the BadRequestException, owned. */
char *lc_mediaconvert_check(const json_t *body);

/* --- names of outputs ---------------------------------------------------------------------- */

struct lc_mediaconvert_names {
	const char *input_key;
	int64_t started_ms; /* for $dt$, $d$, $t$ */
	int width, height;  /* for $w$, $h$ */
	double frame_rate;  /* for $f$ */
	int64_t bitrate;    /* for $rv$, $ra$, $rc$ */
	const char *extension;
};

/** Destination and NameModifier with the format identifiers expanded: bucket and key without the
 *  extension. The caller owns both. */
void lc_mediaconvert_name(const char *destination, const char *modifier,
	const struct lc_mediaconvert_names *names, char **ret_bucket, char **ret_key);

/* --- events -------------------------------------------------------------------------------- */

/** Puts "MediaConvert Job State Change" with this status; the members of `more` (may be NULL;
 *  released) are added to the detail. */
void lc_mediaconvert_event(const struct lc_job *job, const char *status, json_t *more);

/** INPUT_INFORMATION's inputDetails. */
json_t *lc_mediaconvert_input_details(const char *uri, const struct lc_media *media);

/** STATUS_UPDATE's jobProgress, while transcoding is at `percent`. */
json_t *lc_mediaconvert_progress(int percent, bool uploading);

/* --- running ------------------------------------------------------------------------------- */

/* One output of a job, as ffmpeg is told to make it. */
struct lc_mediaconvert_output {
	size_t group, index;
	const json_t *wire;  /* borrowed: the output's settings */
	const char *codec;   /* "FRAME_CAPTURE", "H_264", or NULL: audio only */
	const json_t *audio; /* AacSettings, or NULL */
	const char *extension;
	char *dir;     /* where ffmpeg writes */
	char *bucket;  /* where it goes */
	char *key;     /* without the extension */
	bool left_out; /* audio only, and the input has none */
	/* afterwards */
	size_t files;
	int64_t duration_ms;
	int width, height;
	char *last_uri; /* of its last file */
};

/** Appends one output's ffmpeg options to `argv`; strings it makes are owned by `strings`. */
struct lc_argv {
	const char **items;
	size_t count;
	char **strings;
	size_t string_count;
};
void lc_argv_add(struct lc_argv *argv, const char *text);
void lc_argv_addf(struct lc_argv *argv, const char *format, ...) SL_PRINTF(2, 3);
void lc_argv_finish(struct lc_argv *argv);
void lc_mediaconvert_output_args(struct lc_argv *argv, const struct lc_mediaconvert_output *output,
	const struct lc_media *media);

/** Runs ffmpeg with progress told to the job, and kills it when the job is cancelled. The exit
 *  status is ffmpeg's; `ret_end_ms` is how far the outputs went. */
int lc_mediaconvert_transcode(struct lc_jobs *jobs, const struct lc_job *job, const char *tmp,
	const struct lc_argv *outputs, const struct lc_media *media, struct sl_buf *err,
	int64_t *ret_end_ms);

/** The worker: runs one job to its end. */
void lc_mediaconvert_run(struct lc_jobs *jobs, void *worker, const struct lc_job *job);

#endif
