/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_MEDIACONVERT_H
#define SL_MEDIACONVERT_H

/*
 * AWS Elemental MediaConvert: https://docs.aws.amazon.com/mediaconvert/latest/apireference/.
 * The wire is camelCase where SDKs and the documentation show PascalCase. Requests go straight
 * to the regional endpoint; DescribeEndpoints is deprecated and rate-limited.
 */

#include "client.h"

enum sl_mediaconvert_status {
	SL_MEDIACONVERT_SUBMITTED,
	SL_MEDIACONVERT_PROGRESSING,
	SL_MEDIACONVERT_COMPLETE,
	SL_MEDIACONVERT_CANCELED,
	SL_MEDIACONVERT_ERROR,
};

/* What CreateJob and GetJob tell of a job. Strings are owned. */
struct sl_mediaconvert_job {
	char *id;
	enum sl_mediaconvert_status status;
	int64_t percent;              /* 0..100 */
	int64_t error_code;           /* 0: none */
	char *error_message;          /* or NULL */
	json_t *output_group_details; /* array or NULL: outputDetails[].durationInMs, videoDetails
				       */
	json_t *user_metadata;        /* object or NULL */
};
void sl_mediaconvert_job_finish(struct sl_mediaconvert_job *job);

/** CreateJob with a body in wire form (camelCase). Not retried blindly unless the body holds a
 *  clientRequestToken. */
SL_MUST_CHECK enum sl_err sl_mediaconvert_create_job(struct sl_client *client, const json_t *body,
	struct sl_mediaconvert_job *ret, struct sl_error *reterr);

/** GetJob. Never has file paths. */
SL_MUST_CHECK enum sl_err sl_mediaconvert_get_job(struct sl_client *client, const char *id,
	struct sl_mediaconvert_job *ret, struct sl_error *reterr);

/** CancelJob. A job that has already ended is AWS_CONFLICT or AWS_REJECTED. */
SL_MUST_CHECK enum sl_err sl_mediaconvert_cancel_job(
	struct sl_client *client, const char *id, struct sl_error *reterr);

/**
 * Looks through ListJobs (newest first, at most `max_pages` of 20) for a job whose userMetadata
 * has `key` = `value`: how a crash between CreateJob and our commit is found out, since a
 * ClientRequestToken holds for one minute only. AWS_NOT_FOUND when there is none.
 */
SL_MUST_CHECK enum sl_err sl_mediaconvert_find_job(struct sl_client *client, const char *queue,
	const char *key, const char *value, int max_pages, struct sl_mediaconvert_job *ret,
	struct sl_error *reterr);

/** ListJobs, one page; the caller owns `*ret_page` (the wire object: jobs, nextToken). */
SL_MUST_CHECK enum sl_err sl_mediaconvert_list_jobs(struct sl_client *client, const char *queue,
	const char *status, const char *token, json_t **ret_page, struct sl_error *reterr);

#endif
