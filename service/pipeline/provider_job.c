/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and cancelling jobs at MediaConvert and Transcribe. Worker threads. */

#include "provider_job.h"

#include <string.h>

#include "mem.h"
#include "transcode_job.h"
#include "transcribe.h"

/* Newest jobs to look through for one that a crash made us forget: 5 pages of 20. */
#define FIND_PAGES 5

enum sl_err sl_provider_job_find(struct sl_worker *worker, const char *video_id, bool with_audio,
	struct sl_mediaconvert_job *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *mark = sl_transcode_job_token(video_id, with_audio);
	return sl_mediaconvert_find_job(worker->aws, worker->config->mediaconvert_queue,
		SL_TRANSCODE_JOB_MARK, mark, FIND_PAGES, ret, reterr);
}

/* Cancelling what has ended, or never was, is what was wanted. */
static enum sl_err ended_is_fine(enum sl_err err, struct sl_error *reterr)
{
	if (err == SL_ERR_AWS_CONFLICT || err == SL_ERR_AWS_REJECTED ||
		err == SL_ERR_AWS_NOT_FOUND) {
		sl_error_finish(reterr);
		return SL_ERR_OK;
	}
	return err;
}

static enum sl_err cancel_forgotten(
	struct sl_worker *worker, const char *video_id, bool with_audio, struct sl_error *reterr)
{
	SL_AUTO(sl_mediaconvert_job_finish)
	struct sl_mediaconvert_job job = {0};
	enum sl_err err = sl_provider_job_find(worker, video_id, with_audio, &job, reterr);
	if (err == SL_ERR_OK) {
		err = sl_mediaconvert_cancel_job(worker->aws, job.id, reterr);
	}
	return ended_is_fine(err, reterr);
}

static enum sl_err cancel_transcode(
	struct sl_worker *worker, const struct sl_video *video, struct sl_error *reterr)
{
	if (video->transcode_job_id != NULL) {
		return ended_is_fine(
			sl_mediaconvert_cancel_job(worker->aws, video->transcode_job_id, reterr),
			reterr);
	}
	enum sl_err err = cancel_forgotten(worker, video->id, true, reterr);
	return err == SL_ERR_OK ? cancel_forgotten(worker, video->id, false, reterr) : err;
}

static enum sl_err cancel_transcript(
	struct sl_worker *worker, const struct sl_video *video, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows analysis = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_analysis_get, &analysis, reterr,
		SL_PG_TEXT(video->id), SL_PG_TEXT(sl_analysis_names[SL_TRANSCRIPT]));
	if (err != SL_ERR_OK || analysis.count == 0) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *name = sl_video_transcript_job(video->id, sl_pg_i64(&analysis, 0, "attempt"));
	return ended_is_fine(sl_transcribe_delete_job(worker->aws, name, reterr), reterr);
}

enum sl_err sl_provider_job_cancel(struct sl_worker *worker, const struct sl_video *video,
	const char *track, struct sl_error *reterr)
{
	if (strcmp(track, "video") == 0) {
		return cancel_transcode(worker, video, reterr);
	}
	if (strcmp(track, sl_analysis_names[SL_TRANSCRIPT]) == 0) {
		return cancel_transcript(worker, video, reterr);
	}
	return SL_ERR_OK;
}
