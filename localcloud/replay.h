/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_REPLAY_H
#define LC_REPLAY_H

/*
 * Given provider answers for given objects (`--replay DIR`, docs/localcloud.md): an object whose
 * content begins with "localcloud replay <name>" stands for the video that DIR/<name> describes,
 * and the media services answer from there instead of looking at pictures. Any thread; the indexes
 * over the files are guarded by a mutex.
 */

#include "jobs.h"
#include "media.h"
#include "replay_text.h"

/* DIR/<name>/manifest.json */
struct lc_replay {
	char name[LC_REPLAY_NAME_MAX + 1];
	int64_t frame; /* of which frame the object is, -1: of the whole video */
	int64_t duration_ms, frames, width, height;
	double frame_rate;
	char *codec; /* ffprobe's name, "h264" */
	bool audio;
	int64_t transcode_ms, labels_ms, transcript_ms;       /* how long the jobs take */
	char *fail_transcode, *fail_labels, *fail_transcript; /* the job fails so; or NULL */
};

/** `dir` may be NULL: nothing is replayed. Exits with a log line when it is no directory. */
void lc_replay_start(const char *dir);
void lc_replay_stop(void);

/** Whether the object is bound to a replay that is there. The caller finishes `ret`. */
SL_MUST_CHECK bool lc_replay_of_object(const char *bucket, const char *key, struct lc_replay *ret);

/** The same for a file. */
SL_MUST_CHECK bool lc_replay_of_file(const char *path, struct lc_replay *ret);

/** The replay of this name. */
SL_MUST_CHECK bool lc_replay_load(const char *name, struct lc_replay *ret);

void lc_replay_finish(struct lc_replay *replay);

/** What ffprobe would tell of it; finish it. */
void lc_replay_media(const struct lc_replay *replay, struct lc_media *ret);

/** The content of the objects that stand for the video, and for one of its frames; owned. */
char *lc_replay_video_content(const char *name);
char *lc_replay_frame_content(const char *name, int64_t frame);

/** Appends the CelebrityFaces array of a frame, as the file spells it. */
void lc_replay_faces(const char *name, int64_t frame, struct sl_buf *out);

/** Appends the Labels array from element `from` on, at most `max` of them; how many those are.
 *  `ret_more`: whether others follow. */
int64_t lc_replay_labels(
	const char *name, int64_t from, int64_t max, struct sl_buf *out, bool *ret_more);

/** Appends the transcript's file. False when it is not there, or larger than 256 MiB. */
SL_MUST_CHECK bool lc_replay_transcript(const char *name, struct sl_buf *out);

/** Waits for `ms` as a job that is at work. False when localcloud is stopping, or the job has left
 *  `state` (was cancelled, deleted) meanwhile. */
SL_MUST_CHECK bool lc_replay_work(
	struct lc_jobs *jobs, const struct lc_job *job, const char *state, int64_t ms);

#endif
