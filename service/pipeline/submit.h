/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SUBMIT_H
#define SL_SUBMIT_H

/* Use case: a video is submitted. Checked completely, then accepted in one transaction. */

#include "app.h"
#include "idempotency.h"
#include "mp4_header.h"
#include "s3.h"
#include "uuid.h"
#include "video.h"

struct sl_submission {
	char id[SL_UUID_SIZE];
	bool is_upload;
	char *source; /* S3 URI of the object, also for uploads */
	char *bucket;
	char *key;
	char *content_type; /* uploads: signed into the URL; or NULL */
	char *title;        /* or NULL */
	char *callback_url; /* or NULL */
	json_t *tags;       /* array */
	struct sl_options options;
	json_t *root; /* owns what options borrow */
	/* once known */
	int64_t size_bytes; /* 0: not known yet */
	char *etag;
	int64_t duration_ms;         /* as the client says; 0: it does not */
	struct sl_mp4_header header; /* as the file says */
};
void sl_submission_finish(struct sl_submission *submission);

/** Decodes and checks the body of POST /videos. `root` is kept (a reference is taken). */
SL_MUST_CHECK enum sl_err sl_submission_decode(const struct sl_config *config, json_t *root,
	struct sl_submission *ret, struct sl_error *reterr);

/** BAD_VALUE at /transcript/language when it is no language code. */
SL_MUST_CHECK enum sl_err sl_submission_check_language(const char *tag, struct sl_error *reterr);

/** A submission that nobody sent: an object that appeared under uploads/. */
struct sl_submission sl_submission_of_object(const char *bucket, const char *key);

/** What a HeadObject says about the source, as an error of the submission: SOURCE_*. `err` and
 *  `error` are its outcome. On success the size and ETag are kept. */
SL_MUST_CHECK enum sl_err sl_submission_check_source(struct sl_submission *submission,
	enum sl_err err, const struct sl_s3_object *object, const struct sl_error *error,
	struct sl_error *reterr);

/** Accepts it: video, analyses and first step in one transaction. `ret_id` is the video that
 *  stands for it: its own, or the one that its key made before. */
SL_MUST_CHECK enum sl_err sl_submission_accept(struct sl_app *app, struct sl_pg *pg,
	const struct sl_submission *submission, const struct sl_idempotency *idempotency,
	char ret_id[static SL_UUID_SIZE], struct sl_error *reterr);

/** A video was made of the same request before: the submission stands for that one. An upload
 *  that it still awaits may take as long as the URL it is given now. */
SL_MUST_CHECK enum sl_err sl_submission_adopt(const struct sl_config *config, struct sl_pg *pg,
	struct sl_submission *submission, const char *id, struct sl_error *reterr);

/** The same inside a transaction of the caller. */
SL_MUST_CHECK enum sl_err sl_submission_insert(const struct sl_config *config, struct sl_pg *pg,
	const struct sl_submission *submission, struct sl_error *reterr);

/** {"method", "url", "headers", "expires_at"} for an upload; the caller owns it. */
SL_MUST_CHECK enum sl_err sl_submission_upload(struct sl_app *app,
	const struct sl_submission *submission, json_t **ret, struct sl_error *reterr);

#endif
