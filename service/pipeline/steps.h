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
#include "step_kind.h"
#include "video.h"

/* One worker: a thread with a connection and a client of its own. */
struct sl_worker {
	const struct sl_config *config;
	struct sl_pg *pg;
	struct sl_client *aws;
	const char *region;       /* AWS's, borrowed */
	char holder[80];          /* "host:pid:n", in steps.holder */
	struct sl_thread *thread; /* worker.c's; NULL outside of it */
};

struct sl_step {
	int64_t id;
	int64_t claims; /* fencing token */
	char *video_id; /* NULL on the sns track */
	char *track;
	int64_t part;
	enum sl_step_kind kind;
	int gate;         /* the gate that it has a place at, or -1 */
	int64_t failures; /* in a row */
	int64_t age_ms;   /* since its kind began; waiting at a gate does not count */
	json_t *payload;
	struct sl_video video; /* empty on the sns track */
};
void sl_step_finish(struct sl_step *step);

/** Seconds that a step of this kind may take, by the configuration; 0: as long as it wants. */
int64_t sl_step_limit_s(const struct sl_config *config, enum sl_step_kind kind);

/** Does a step. An error is turned into a retry or a failure by
 * sl_step_failed(). */
SL_MUST_CHECK enum sl_err sl_step_run(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr);

/** Decides what becomes of a step that returned `error`: back-off, or the failure of its analysis
 *  or video. */
SL_MUST_CHECK enum sl_err sl_step_failed(struct sl_worker *worker, struct sl_step *step,
	const struct sl_error *error, struct sl_error *reterr);

/* The longest that a failure puts a step off, but for a provider's own word. */
#define SL_STEP_BACKOFF_CAP_MS INT64_C(300000)

/** How long to wait after a failure that may pass: doubles with each in a row, jittered by half.
 *  https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
int64_t sl_step_backoff_ms(const struct sl_step *step, const struct sl_error *error);

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

/** Commits that the job still runs: asked for again later with the same payload. TIME_LIMIT when
 *  it, or the video, has run for too long; the job is then cancelled at its provider. */
SL_MUST_CHECK enum sl_err sl_step_poll_again(struct sl_worker *worker, struct sl_step *step,
	sl_tx_fn *fn, void *context, struct sl_error *reterr);

/** LEASE_LOST when another worker has taken the step over: a long step looks now and then and
 *  ends early. The lease itself is renewed by a thread of its own (worker.c). */
SL_MUST_CHECK enum sl_err sl_step_check_lease(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr);

/**
 * When to ask for a job that does not call back: gaps grow with the step's age, from an eighth to
 * half of SPOTLIST_POLL_INTERVAL_MS. Two jobs follow each other in a video, so that together they
 * delay it by one interval at most.
 */
int64_t sl_step_poll_delay_ms(const struct sl_worker *worker, int64_t age_ms);

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

/** LEASE_LOST, in words. */
enum sl_err sl_step_lost(const struct sl_step *step, struct sl_error *reterr);

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
sl_step_fn sl_end;
sl_step_fn sl_upload_remove;  /* end.c */
sl_step_fn sl_analysis_begin; /* rerun.c */

#endif
