/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_REKOGNITION_H
#define LC_REKOGNITION_H

/* Inside Rekognition: images (rekognition_image.c), the names and families of labels
 * (rekognition_labels.c), stored-video jobs (rekognition_video.c) and their pages
 * (rekognition_pages.c). */

#include "cloud.h"
#include "jobs.h"
#include "vision.h"

#define LC_REKOGNITION_MODEL "3.0"

/** An AWS JSON 1.1 error of Rekognition, with its Code, Logref and Message members. */
void lc_rekognition_refuse(struct lc_reply *reply, const struct lc_request *request,
	const char *code, const char *format, ...) SL_PRINTF(4, 5);

/** Answers with `root` (released); NULL: with what the caller appends to the body. */
void lc_rekognition_answer(struct lc_reply *reply, json_t *root);

json_t *lc_rekognition_box(const struct lc_vision_hit *hit);

/* --- labels -------------------------------------------------------------------------------- */

struct lc_label_filter {
	double min_confidence;
	const json_t *settings; /* GeneralLabels: inclusion and exclusion filters; or NULL */
};

/** The Label objects for what one look has found, the surest first: each class with its
 *  instances, and its ancestors with none. The caller owns the array. */
json_t *lc_rekognition_labels(
	const struct lc_vision_hits *hits, const struct lc_label_filter *filter);

/* --- operations: the body is parsed and an object ------------------------------------------ */

typedef void lc_rekognition_operation(struct lc_cloud *cloud, const struct lc_request *request,
	const json_t *body, struct lc_reply *reply);
lc_rekognition_operation lc_rekognition_recognize_celebrities;
lc_rekognition_operation lc_rekognition_detect_labels;
lc_rekognition_operation lc_rekognition_start_label_detection;
lc_rekognition_operation lc_rekognition_get_label_detection;

/* --- stored videos ------------------------------------------------------------------------- */

/* The member of a job's document that names the replay whose labels it has. */
#define LC_REKOGNITION_REPLAY "localcloudReplay"

/** 1 to `max` characters, alphanumeric or one of `more`. */
bool lc_rekognition_is_word(const char *text, size_t max, const char *more);

/** False when there is no such job; otherwise finish it. */
SL_MUST_CHECK bool lc_rekognition_job(const char *id, struct lc_job *ret);

/** Appends labels `offset` to `offset + limit` of a job; whether more follow. */
bool lc_rekognition_page(
	const char *job_id, bool by_name, int64_t offset, int64_t limit, json_t *labels);

void lc_rekognition_image_start(struct lc_cloud *cloud);
void lc_rekognition_image_stop(void);
void lc_rekognition_video_start(struct lc_cloud *cloud);
void lc_rekognition_video_stop(void);

#endif
