/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a step that cannot be done now, or not at all: time limits, back-off, the failure
 * of its analysis or video. Worker threads. */

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mem.h"
#include "metrics.h"
#include "provider_job.h"
#include "steps.h"
#include "usage.h"

/* --- time limits --------------------------------------------------------------------------- */

/* How often cancelling a job at its provider is tried before it is left to itself. */
#define MAX_CANCELS 5

static bool step_is_late(const struct sl_worker *worker, const struct sl_step *step)
{
	return step->age_ms > sl_step_limit_s(worker->config, step->kind) * 1000;
}

/* Asked only when a step would have to wait again: what is done is collected however late, since
 * it may have been us who did not look. */
static bool is_late(const struct sl_worker *worker, const struct sl_step *step)
{
	return sl_step_limit_s(worker->config, step->kind) > 0 &&
		(step_is_late(worker, step) ||
			step->video.running_s > worker->config->video_limit_s);
}

/* Ends the job and says so; or the error of cancelling it, while that may still succeed. */
static enum sl_err out_of_time(
	struct sl_worker *worker, const struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	enum sl_err err = sl_provider_job_cancel(worker, &step->video, step->track, &why);
	if (err != SL_ERR_OK && step->failures < MAX_CANCELS) {
		sl_error_move(reterr, &why);
		return err;
	}
	bool step_late = step_is_late(worker, step);
	return sl_error_set(reterr, SL_ERR_TIME_LIMIT, "%s took longer than %lld s%s",
		step_late ? sl_step_kind_name(step->kind) : "the video",
		(long long)(step_late ? sl_step_limit_s(worker->config, step->kind)
				      : worker->config->video_limit_s),
		err == SL_ERR_OK ? "" : "; its job could not be cancelled");
}

enum sl_err sl_step_poll_again(struct sl_worker *worker, struct sl_step *step, sl_tx_fn *fn,
	void *context, struct sl_error *reterr)
{
	if (is_late(worker, step)) {
		return out_of_time(worker, step, reterr);
	}
	const struct sl_step_next again = {.kind = step->kind,
		.delay_ms = sl_step_poll_delay_ms(worker, step->age_ms),
		.payload = step->payload};
	return sl_step_commit(worker, step, &again, fn, context, reterr);
}

/* --- failing ------------------------------------------------------------------------------- */

/* How often an answer that makes no sense is asked for again: for some eight minutes, since it may
 * be something in between that answers. */
#define MAX_NONSENSE 10
#define NONSENSE     "nonsense" /* member of the payload that counts it: throttling is none */
/* Nothing is given up for its age before it was tried so often: it may have been us who were not
 * there. */
#define MIN_FAILURES 8
/* "Too many open jobs" passes when a job ends: minutes, not seconds. */
#define LIMIT_BASE_MS   60000
#define BACKOFF_BASE_MS 500

/* From the half of it to one and a half times. */
static int64_t jittered(int64_t ms)
{
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		SL_BUG("no random bytes");
	}
	return ms / 2 + ms * (int64_t)random / UINT32_MAX;
}

int64_t sl_step_backoff_ms(const struct sl_step *step, const struct sl_error *error)
{
	int64_t delay = error->code == SL_ERR_AWS_LIMIT ? LIMIT_BASE_MS : BACKOFF_BASE_MS;
	for (int64_t i = 0; i < step->failures && delay < SL_STEP_BACKOFF_CAP_MS; i++) {
		delay *= 2;
	}
	delay = jittered(delay < SL_STEP_BACKOFF_CAP_MS ? delay : SL_STEP_BACKOFF_CAP_MS);
	return delay > error->retry_after_ms ? delay : error->retry_after_ms;
}

static bool may_pass(
	const struct sl_worker *worker, const struct sl_step *step, const struct sl_error *error)
{
	switch (error->code) {
	case SL_ERR_DATABASE_UNAVAILABLE:
	case SL_ERR_DATABASE_CONFLICT:
	case SL_ERR_AWS_CREDENTIALS: /* ours to cure, never the video's fault */
	case SL_ERR_AWS_THROTTLED:
	case SL_ERR_AWS_LIMIT: /* there will be room; the time limits bound it */
		return true;
	case SL_ERR_AWS_PROTOCOL:
	case SL_ERR_DATABASE:
	case SL_ERR_INTERNAL:
		return json_integer_value(json_object_get(step->payload, NONSENSE)) + 1 <
			MAX_NONSENSE;
	default:
		return sl_err_retryable(error->code) &&
			(step->failures + 1 < MIN_FAILURES ||
				step->age_ms < worker->config->give_up_s * 1000);
	}
}

enum sl_err sl_step_end_analysis(struct sl_pg *pg, const char *video_id, const char *kind,
	enum sl_event event, const struct sl_error *why, struct sl_error *reterr)
{
	bool moved = false;
	enum sl_err err = sl_fsm_analysis_apply(pg, video_id, kind, event, &moved, reterr);
	if (err != SL_ERR_OK || !moved) {
		return err;
	}
	SL_AUTO(sl_json_decrefp)
	json_t *provider = sl_step_provider_json(&why->provider);
	SL_AUTO(sl_freep)
	char *text = provider != NULL ? sl_json_text(provider) : NULL;
	return sl_pg_exec(pg, SL_SQL_analysis_set_reason, NULL, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(kind), SL_PG_TEXT(sl_err_code(why->code)),
		SL_PG_TEXT(why->detail != NULL ? why->detail : sl_err_title(why->code)),
		SL_PG_TEXT(text));
}

struct failure {
	const struct sl_step *step;
	const struct sl_error *error;
};

static enum sl_err fail_analysis_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct failure *failure = context;
	const struct sl_step *step = failure->step;
	enum sl_err err = sl_step_end_analysis(
		pg, step->video_id, step->track, SL_EVENT_ANALYSIS_FAILED, failure->error, reterr);
	if (err == SL_ERR_OK) {
		err = failure->error->code == SL_ERR_JOB_FAILED
			? sl_usage_refund(pg, step->video_id, step->track, reterr)
			: SL_ERR_OK;
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_step_delete_track, NULL, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_TEXT(step->track));
	}
	return err;
}

static enum sl_err fail_video_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct failure *failure = context;
	const struct sl_error *error = failure->error;
	SL_AUTO(sl_json_decrefp)
	json_t *provider = sl_step_provider_json(&error->provider);
	SL_AUTO(sl_freep)
	char *text = provider != NULL ? sl_json_text(provider) : NULL;
	return sl_pg_exec(pg, SL_SQL_video_set_error, NULL, reterr,
		SL_PG_TEXT(failure->step->video_id), SL_PG_TEXT(sl_err_code(error->code)),
		SL_PG_TEXT(error->detail != NULL ? error->detail : sl_err_title(error->code)),
		SL_PG_TEXT(text));
}

/* What the payload counts apart from failures in a row, or NULL. */
static const char *counted(enum sl_err why)
{
	switch (why) {
	case SL_ERR_QUOTA_WAIT:
		return "deferred";
	case SL_ERR_AWS_PROTOCOL:
	case SL_ERR_DATABASE:
	case SL_ERR_INTERNAL:
		return NONSENSE;
	default:
		return NULL;
	}
}

static enum sl_err put_off(struct sl_worker *worker, const struct sl_step *step, int64_t delay_ms,
	enum sl_err why, struct sl_error *reterr)
{
	return sl_pg_exec(worker->pg, SL_SQL_step_defer, NULL, reterr, SL_PG_I64(step->id),
		SL_PG_I64(step->claims), SL_PG_I64(delay_ms), SL_PG_BOOL(why != SL_ERR_QUOTA_WAIT),
		SL_PG_TEXT(counted(why)));
}

static void count(const struct sl_step *step, const char *outcome)
{
	sl_metric_add(SL_METRIC_STEPS, 1, SL_LABELS(sl_step_kind_name(step->kind), outcome));
}

enum sl_err sl_step_failed(struct sl_worker *worker, struct sl_step *step,
	const struct sl_error *error, struct sl_error *reterr)
{
	if (error->code == SL_ERR_LEASE_LOST) {
		count(step, "lost");
		return SL_ERR_OK;
	}
	if (error->code == SL_ERR_SHUTTING_DOWN) {
		count(step, "released");
		return sl_pg_exec(worker->pg, SL_SQL_step_release, NULL, reterr,
			SL_PG_I64(step->id), SL_PG_I64(step->claims));
	}
	if (error->code == SL_ERR_QUOTA_WAIT) {
		count(step, "deferred");
		return put_off(worker, step, jittered(error->retry_after_ms), error->code, reterr);
	}
	SL_AUTO(sl_error_finish)
	struct sl_error late = SL_ERROR_INIT;
	/* The record must be written, and what is to go removed, whatever it takes: settling and
	 * ending are never given up. */
	bool passes = step->kind == SL_STEP_SETTLE || step->kind == SL_STEP_END ||
		may_pass(worker, step, error);
	if (passes && step->failures + 1 >= MIN_FAILURES && is_late(worker, step)) {
		passes = out_of_time(worker, step, &late) != SL_ERR_TIME_LIMIT;
		late.provider = passes ? late.provider : sl_error_copy_provider(&error->provider);
		error = &late;
	}
	count(step, passes ? "retried" : "failed");
	if (passes) {
		return put_off(worker, step, sl_step_backoff_ms(step, error), error->code, reterr);
	}
	struct failure failure = {step, error};
	if (step->video_id == NULL || error->code == SL_ERR_VIDEO_NOT_FOUND) {
		const struct sl_step_next gone = {.done = true};
		return sl_step_commit(worker, step, &gone, NULL, NULL, reterr);
	}
	if (strcmp(step->track, "video") == 0) {
		const struct sl_step_next settle = {.kind = SL_STEP_SETTLE};
		return sl_step_commit(worker, step, &settle, fail_video_tx, &failure, reterr);
	}
	const struct sl_step_next done = {.done = true};
	return sl_step_commit(worker, step, &done, fail_analysis_tx, &failure, reterr);
}
