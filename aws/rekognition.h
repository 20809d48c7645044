/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REKOGNITION_H
#define SL_REKOGNITION_H

/* Amazon Rekognition: https://docs.aws.amazon.com/rekognition/latest/APIReference/. */

#include "client.h"

/** RecognizeCelebrities on an S3 image. The caller owns `*ret_answer`, the whole reply
 *  (CelebrityFaces, UnrecognizedFaces); CelebrityFaces is checked to be an array. */
SL_MUST_CHECK enum sl_err sl_rekognition_recognize_celebrities(struct sl_client *client,
	const char *bucket, const char *key, json_t **ret_answer, struct sl_error *reterr);

struct sl_rekognition_label_request {
	const char *bucket;
	const char *key;
	double min_confidence; /* 0..100 */
	const char *token;     /* ClientRequestToken, 1..64 of [a-zA-Z0-9-_] */
	const char *job_tag;   /* JobTag, or NULL */
	const char *topic_arn; /* NotificationChannel; NULL: none */
	const char *role_arn;
};

/** StartLabelDetection. With a token that was used before it returns the old JobId and AWS sends
 *  no notification: poll. AWS_LIMIT: too many open jobs. The caller owns `*ret_job_id`. */
SL_MUST_CHECK enum sl_err sl_rekognition_start_label_detection(struct sl_client *client,
	const struct sl_rekognition_label_request *request, char **ret_job_id,
	struct sl_error *reterr);

enum sl_rekognition_status {
	SL_REKOGNITION_IN_PROGRESS,
	SL_REKOGNITION_SUCCEEDED,
	SL_REKOGNITION_FAILED,
};

/* One page of GetLabelDetection. */
struct sl_rekognition_labels {
	enum sl_rekognition_status status;
	char *status_message; /* or NULL */
	char *next_token;     /* NULL on the last page; an empty one is taken as none */
	json_t *labels;       /* the Labels array, owned; NULL when absent */
	json_t *video;        /* VideoMetadata, owned; NULL when absent */
	char *model_version;  /* LabelModelVersion or NULL */
};
void sl_rekognition_labels_finish(struct sl_rekognition_labels *page);

/** GetLabelDetection, sorted by TIMESTAMP, at most `max_results` (1..1000). */
SL_MUST_CHECK enum sl_err sl_rekognition_get_label_detection(struct sl_client *client,
	const char *job_id, const char *token, int max_results, struct sl_rekognition_labels *ret,
	struct sl_error *reterr);

#endif
