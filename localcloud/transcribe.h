/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_TRANSCRIBE_H
#define LC_TRANSCRIBE_H

/* Inside Transcribe. A job's document holds the members of its StartTranscriptionJob request and
 * of its answer, under AWS's names; its state is TranscriptionJobStatus. */

#include "jobs.h"
#include "speech.h"

/** Checks a StartTranscriptionJob body. NULL when it is fine, otherwise the message of the
 *  BadRequestException, owned. */
char *lc_transcribe_check(const json_t *body);

/** Splits s3://bucket/key or a path-style https URL of S3. The caller owns both strings. */
bool lc_transcribe_media_uri(const char *uri, char **ret_bucket, char **ret_key);

/** AWS's transcript file. With `speakers` every item is said to be by one speaker, spk_0. */
json_t *lc_transcribe_transcript(
	const char *job_name, const struct lc_speech_words *words, bool speakers);

/* The worker. */
void *lc_transcribe_worker_start(struct lc_cloud *cloud);
void lc_transcribe_worker_stop(void *worker);
void lc_transcribe_run(struct lc_jobs *jobs, void *worker, const struct lc_job *job);

#endif
