/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_STEPS_H
#define SL_STEPS_H

/*
 * The steps of a video: what kinds there are, and how one ends. A step calls AWS outside any
 * transaction and then commits its outcome with sl_step_commit(), which also hands the step's row
 * on, fenced by its lease. A step may run twice; each is written so that this is harmless.
 */

#include "client.h"
#include "config.h"
#include "fsm.h"
#include "pg.h"
#include "video.h"

enum sl_step_kind {
	SL_STEP_UPLOAD_WAIT,        /* look for the uploaded object */
	SL_STEP_TRANSCODE_START,    /* CreateJob */
	SL_STEP_TRANSCODE_POLL,     /* GetJob; when complete, find the outputs and fan out */
	SL_STEP_CELEBRITIES_FRAMES, /* RecognizeCelebrities on one part of the frames */
	SL_STEP_LABELS_START,       /* StartLabelDetection */
	SL_STEP_LABELS_POLL,        /* GetLabelDetection; when done, collect every page */
	SL_STEP_TRANSCRIPT_START,   /* StartTranscriptionJob */
	SL_STEP_TRANSCRIPT_POLL,    /* GetTranscriptionJob; when done, collect */
	SL_STEP_SETTLE,             /* write the record and the final state */
	SL_STEP_SNS_CONFIRM,        /* ConfirmSubscription */
	SL_STEP_KINDS_
};

/* One worker: a thread with a connection and a client of its own. */
struct sl_worker {
	const struct sl_config *config;
	struct sl_pg *pg;
	struct sl_client *aws;
	char holder[80]; /* "host:pid:n", in steps.holder */
};

struct sl_step {
	int64_t id;
	int64_t claims; /* fencing token */
	char *video_id; /* NULL on the sns track */
	char *track;
	int64_t part;
	enum sl_step_kind kind;
	int64_t failures;
	int64_t age_ms;
	json_t *payload;
	struct sl_video video; /* empty on the sns track */
};
void sl_step_finish(struct sl_step *step);

const char *sl_step_kind_name(enum sl_step_kind kind);
/** -1 for a name that this version does not know. */
int sl_step_kind_parse(const char *name);

/** Does a step. An error is turned into a retry or a failure by sl_step_failed(). */
SL_MUST_CHECK enum sl_err sl_step_run(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr);

/** Decides what becomes of a step that returned `error`: back-off, or the failure of its analysis
 *  or video. */
SL_MUST_CHECK enum sl_err sl_step_failed(struct sl_worker *worker, struct sl_step *step,
	const struct sl_error *error, struct sl_error *reterr);

/* What the row becomes. */
struct sl_step_next {
	bool done;              /* delete the row */
	enum sl_step_kind kind; /* else: this kind, */
	int64_t delay_ms;       /* due after this delay, */
	json_t *payload;        /* borrowed; NULL: {} */
};

/**
 * Commits an outcome in one transaction: locks the video, runs `fn` (may be NULL), hands the row
 * on; when the row is deleted and no analysis is open any more, adds the settle step. LEASE_LOST
 * when another worker has taken the step over: nothing is changed then.
 */
SL_MUST_CHECK enum sl_err sl_step_commit(struct sl_worker *worker, struct sl_step *step,
	const struct sl_step_next *next, sl_tx_fn *fn, void *context, struct sl_error *reterr);

/** Prolongs the lease in the middle of a long step; LEASE_LOST when it is gone. */
SL_MUST_CHECK enum sl_err sl_step_renew(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr);

/** For transaction functions: fails or skips an analysis with a reason. The video is locked. */
SL_MUST_CHECK enum sl_err sl_step_end_analysis(struct sl_pg *pg, const char *video_id,
	const char *kind, enum sl_event event, const struct sl_error *why, struct sl_error *reterr);

/** Tells, before a long collection, that the provider has finished. */
SL_MUST_CHECK enum sl_err sl_step_mark_collecting(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr);

/** JOB_FAILED, in the provider's words. `title` is the service as people write it ("Transcribe"),
 *  `service` and `operation` as errors do; `message` may be NULL. */
enum sl_err sl_step_job_failed(struct sl_error *reterr, const char *title, const char *service,
	const char *operation, const char *message);

/** The provider part of an error as a JSON object, or NULL; the caller owns it. */
json_t *sl_step_provider_json(const struct sl_provider_error *provider);

/* Frames in one celebrities step: few enough to spread over workers, enough to be worth a row. */
#define SL_FRAMES_PER_PART 25

/* One function per kind, in the file of its subject. */
typedef enum sl_err sl_step_fn(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr);
sl_step_fn sl_upload_wait;     /* transcode.c */
sl_step_fn sl_transcode_start; /* transcode.c */
sl_step_fn sl_transcode_poll;  /* transcode.c */
sl_step_fn sl_celebrities_frames;
sl_step_fn sl_labels_start;
sl_step_fn sl_labels_poll;
sl_step_fn sl_transcript_start;
sl_step_fn sl_transcript_poll;
sl_step_fn sl_settle;
sl_step_fn sl_sns_confirm; /* notify.c */

#endif
