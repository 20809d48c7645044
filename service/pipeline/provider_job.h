/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROVIDER_JOB_H
#define SL_PROVIDER_JOB_H

/* Ending a job at its provider, when a time limit has passed or nobody wants it any more. */

#include "mediaconvert.h"
#include "steps.h"

/**
 * Cancels what a track of a video has running: "video": MediaConvert's CancelJob, also of a job
 * that a crash made us forget; "transcript": DeleteTranscriptionJob. Rekognition has no such
 * operation for stored video: its job runs out, and nobody looks. A job that has ended already, or
 * never was, is fine. May run twice.
 */
SL_MUST_CHECK enum sl_err sl_provider_job_cancel(struct sl_worker *worker,
	const struct sl_video *video, const char *track, struct sl_error *reterr);

/** The MediaConvert job of a video that nobody wrote down, found by its mark (the token), which
 *  ListJobs tells: how a crash between CreateJob and our commit is found out. AWS_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_provider_job_find(struct sl_worker *worker, const char *video_id,
	bool with_audio, struct sl_mediaconvert_job *ret, struct sl_error *reterr);

#endif
