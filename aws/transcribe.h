/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TRANSCRIBE_H
#define SL_TRANSCRIBE_H

/* Amazon Transcribe: https://docs.aws.amazon.com/transcribe/latest/APIReference/. */

#include "client.h"

struct sl_transcribe_request {
	const char *name;          /* [0-9a-zA-Z._-]{1,200}, unique per account for 90 days */
	const char *media_uri;     /* s3://bucket/key */
	const char *media_format;  /* "mp4", "m4a", … */
	const char *language_code; /* "en-US", or NULL: IdentifyLanguage */
	const char *output_bucket;
	const char *output_key; /* [a-zA-Z0-9-_.!*'()/], ending in ".json" */
	int64_t max_speakers;   /* 2..30: ShowSpeakerLabels; 0: none */
};

enum sl_transcribe_status {
	SL_TRANSCRIBE_QUEUED,
	SL_TRANSCRIBE_IN_PROGRESS,
	SL_TRANSCRIBE_COMPLETED,
	SL_TRANSCRIBE_FAILED,
};

/* Strings are owned. */
struct sl_transcribe_job {
	char *name;
	enum sl_transcribe_status status;
	char *failure_reason; /* or NULL */
	char *language_code;  /* or NULL */
};
void sl_transcribe_job_finish(struct sl_transcribe_job *job);

/** StartTranscriptionJob. A taken name is AWS_CONFLICT: ask with GetTranscriptionJob. */
SL_MUST_CHECK enum sl_err sl_transcribe_start_job(struct sl_client *client,
	const struct sl_transcribe_request *request, struct sl_transcribe_job *ret,
	struct sl_error *reterr);

/** GetTranscriptionJob. An unknown job (BadRequestException "couldn't be found") is
 *  AWS_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_transcribe_get_job(struct sl_client *client, const char *name,
	struct sl_transcribe_job *ret, struct sl_error *reterr);

/** DeleteTranscriptionJob: whatever state it is in; the transcript in the caller's bucket stays.
 *  An unknown job is a success. */
SL_MUST_CHECK enum sl_err sl_transcribe_delete_job(
	struct sl_client *client, const char *name, struct sl_error *reterr);

#endif
