/* SPDX-License-Identifier: Apache-2.0 */
/* The table of steps, and how a step ends: committed, put off, or failed. Worker threads. */

#include "steps.h"

#include <stddef.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "end.h"
#include "gate.h"
#include "log.h"
#include "mem.h"
#include "provider_job.h"
#include "worker.h"

#define LIMIT(member) offsetof(struct sl_config, member)
#define NO_LIMIT      0 /* never the offset of a limit: the first member is an address */

/* clang-format off */
static const struct {
	const char *name;
	sl_step_fn *run;
	size_t limit; /* offset in struct sl_config of the seconds that it may take */
} kinds[SL_STEP_KINDS_] = {
	[SL_STEP_UPLOAD_WAIT] =        {"upload_wait",        sl_upload_wait,        NO_LIMIT},
	[SL_STEP_TRANSCODE_START] =    {"transcode_start",    sl_transcode_start,    LIMIT(transcode_limit_s)},
	[SL_STEP_TRANSCODE_POLL] =     {"transcode_poll",     sl_transcode_poll,     LIMIT(transcode_limit_s)},
	[SL_STEP_CELEBRITIES_FRAMES] = {"celebrities_frames", sl_celebrities_frames, LIMIT(celebrities_limit_s)},
	[SL_STEP_LABELS_START] =       {"labels_start",       sl_labels_start,       LIMIT(labels_limit_s)},
	[SL_STEP_LABELS_POLL] =        {"labels_poll",        sl_labels_poll,        LIMIT(labels_limit_s)},
	[SL_STEP_TRANSCRIPT_START] =   {"transcript_start",   sl_transcript_start,   LIMIT(transcript_limit_s)},
	[SL_STEP_TRANSCRIPT_POLL] =    {"transcript_poll",    sl_transcript_poll,    LIMIT(transcript_limit_s)},
	[SL_STEP_SETTLE] =             {"settle",             sl_settle,             NO_LIMIT},
	[SL_STEP_SNS_CONFIRM] =        {"sns_confirm",        sl_sns_confirm,        NO_LIMIT},
	[SL_STEP_END] =                {"end",                sl_end,                NO_LIMIT},
	[SL_STEP_UPLOAD_REMOVE] =      {"upload_remove",      sl_upload_remove,      NO_LIMIT},
	[SL_STEP_ANALYSIS_BEGIN] =     {"analysis_begin",     sl_analysis_begin,     NO_LIMIT},
};
/* clang-format on */

const char *sl_step_kind_name(enum sl_step_kind kind)
{
	return kinds[kind].name;
}

int sl_step_kind_parse(const char *name)
{
	for (int i = 0; i < SL_STEP_KINDS_; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return i;
		}
	}
	return -1;
}

void sl_step_finish(struct sl_step *step)
{
	free(step->video_id);
	free(step->track);
	json_decref(step->payload);
	sl_video_finish(&step->video);
	*step = (struct sl_step){0};
}

enum sl_err sl_step_run(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	if (step->video_id != NULL) {
		enum sl_err err = sl_video_load(worker->pg, step->video_id, &step->video, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	if (step->video_id != NULL &&
		sl_end_overtakes(sl_fsm_video_state_parse(step->video.state), step->track,
			step->part, step->kind)) {
		const struct sl_step_next gone = {.done = true};
		return sl_step_commit(worker, step, &gone, NULL, NULL, reterr);
	}
	return kinds[step->kind].run(worker, step, reterr);
}

int64_t sl_step_poll_delay_ms(const struct sl_worker *worker, int64_t age_ms)
{
	int64_t interval_ms = worker->config->poll_interval_ms;
	int64_t delay_ms = age_ms / 2;
	if (delay_ms < interval_ms / 8) {
		delay_ms = interval_ms / 8;
	}
	return delay_ms < interval_ms / 2 ? delay_ms : interval_ms / 2;
}

json_t *sl_step_provider_json(const struct sl_provider_error *provider)
{
	if (provider->service == NULL) {
		return NULL;
	}
	json_t *root = json_object();
	json_object_set_new(root, "service", json_string(provider->service));
	const struct {
		const char *name;
		const char *value;
	} members[] = {
		{"operation", provider->operation},
		{"code", provider->code},
		{"message", provider->message},
		{"request_id", provider->request_id},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(members); i++) {
		if (members[i].value != NULL) {
			json_object_set_new(root, members[i].name, json_string(members[i].value));
		}
	}
	return root;
}

enum sl_err sl_step_job_failed(struct sl_error *reterr, const char *title, const char *service,
	const char *operation, const char *message)
{
	sl_error_set(reterr, SL_ERR_JOB_FAILED, "%s: %s", title,
		message != NULL ? message : "no reason given");
	if (reterr != NULL) {
		reterr->provider.service = sl_strdup(service);
		reterr->provider.operation = sl_strdup(operation);
		reterr->provider.message = sl_strdup(message);
	}
	return SL_ERR_JOB_FAILED;
}

/* --- committing ---------------------------------------------------------------------------- */

struct commit {
	struct sl_step *step;
	const struct sl_step_next *next;
	sl_tx_fn *fn;
	void *context;
	bool overtaken; /* found out under the video's lock */
};

static enum sl_err hand_on(struct sl_pg *pg, const struct commit *commit, struct sl_error *reterr)
{
	const struct sl_step *step = commit->step;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err;
	if (commit->next->done || commit->overtaken) {
		err = sl_pg_exec(pg, SL_SQL_step_delete, &rows, reterr, SL_PG_I64(step->id),
			SL_PG_I64(step->claims));
	} else {
		SL_AUTO(sl_freep)
		char *payload = commit->next->payload != NULL ? sl_json_text(commit->next->payload)
							      : sl_strdup("{}");
		err = sl_pg_exec(pg, SL_SQL_step_move, &rows, reterr, SL_PG_I64(step->id),
			SL_PG_I64(step->claims), SL_PG_TEXT(kinds[commit->next->kind].name),
			SL_PG_I64(commit->next->delay_ms), SL_PG_TEXT(payload));
	}
	if (err == SL_ERR_OK && rows.count == 0) {
		err = sl_error_set(reterr, SL_ERR_LEASE_LOST,
			"step %lld was taken over by another worker", (long long)step->id);
	}
	return err;
}

/* When every analysis is final, the video can be settled. The video's row is locked. */
static enum sl_err settle_when_done(
	struct sl_pg *pg, const struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows video = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_video_lock, &video, reterr, SL_PG_TEXT(step->video_id));
	if (err != SL_ERR_OK || video.count == 0 ||
		sl_fsm_video_state_parse(sl_pg_text(&video, 0, "state")) != SL_VIDEO_ANALYZING) {
		return err;
	}
	err = sl_pg_exec(pg, SL_SQL_analysis_list, &rows, reterr, SL_PG_TEXT(step->video_id));
	if (err != SL_ERR_OK) {
		return err;
	}
	for (int i = 0; i < rows.count; i++) {
		if (!sl_fsm_analysis_is_final(
			    sl_fsm_analysis_state_parse(sl_pg_text(&rows, i, "state")))) {
			return SL_ERR_OK;
		}
	}
	return sl_pg_exec(pg, SL_SQL_step_insert, NULL, reterr, SL_PG_TEXT(step->video_id),
		SL_PG_TEXT("video"), SL_PG_I64(0), SL_PG_TEXT(kinds[SL_STEP_SETTLE].name),
		SL_PG_I64(0), SL_PG_TEXT("{}"));
}

/* Locks the video, and looks whether it was cancelled or deleted while the step was held. */
static enum sl_err lock_video(struct sl_pg *pg, struct commit *commit, struct sl_error *reterr)
{
	const struct sl_step *step = commit->step;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows video = {0};
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_video_lock, &video, reterr, SL_PG_TEXT(step->video_id));
	if (err == SL_ERR_OK && video.count > 0) {
		commit->overtaken =
			sl_end_overtakes(sl_fsm_video_state_parse(sl_pg_text(&video, 0, "state")),
				step->track, step->part, step->kind);
	}
	return err;
}

static enum sl_err commit_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct commit *commit = context;
	const struct sl_step *step = commit->step;
	enum sl_err err = SL_ERR_OK;
	commit->overtaken = false;
	if (step->video_id != NULL) {
		err = lock_video(pg, commit, reterr);
	}
	/* Handed on first: a lost lease must not let `fn` do its work. */
	if (err == SL_ERR_OK) {
		err = hand_on(pg, commit, reterr);
	}
	bool wanted = !commit->overtaken || sl_end_keeps_outcome(step->kind);
	if (err == SL_ERR_OK && commit->fn != NULL && wanted) {
		err = commit->fn(pg, commit->context, reterr);
	}
	if (err == SL_ERR_OK && commit->overtaken) {
		return sl_pg_exec(pg, SL_SQL_step_wake, NULL, reterr, SL_PG_TEXT(step->video_id),
			SL_PG_TEXT("end"));
	}
	if (err == SL_ERR_OK && commit->next->done && step->video_id != NULL &&
		step->kind != SL_STEP_SETTLE) {
		err = settle_when_done(pg, step, reterr);
	}
	return err;
}

enum sl_err sl_step_commit(struct sl_worker *worker, struct sl_step *step,
	const struct sl_step_next *next, sl_tx_fn *fn, void *context, struct sl_error *reterr)
{
	struct commit commit = {step, next, fn, context, false};
	enum sl_err err = sl_pg_tx(worker->pg, kinds[step->kind].name, commit_tx, &commit, reterr);
	if (err == SL_ERR_OK && (next->done || commit.overtaken) && step->gate >= 0) {
		sl_worker_gate_changed(worker, (enum sl_gate)step->gate);
	}
	return err;
}

enum sl_err sl_step_renew(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	if (!sl_worker_lost_lease(worker)) {
		return SL_ERR_OK;
	}
	return sl_error_set(reterr, SL_ERR_LEASE_LOST, "step %lld was taken over by another worker",
		(long long)step->id);
}

static enum sl_err mark_collecting_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct sl_step *step = context;
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_video_lock, NULL, reterr, SL_PG_TEXT(step->video_id));
	if (err == SL_ERR_OK) {
		err = sl_fsm_analysis_apply(pg, step->video_id, step->track,
			SL_EVENT_ANALYSIS_FINISHED_BY_PROVIDER, NULL, reterr);
	}
	return err;
}

enum sl_err sl_step_mark_collecting(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	return sl_pg_tx(worker->pg, "mark_collecting", mark_collecting_tx, step, reterr);
}

/* --- time limits --------------------------------------------------------------------------- */

/* How often cancelling a job at its provider is tried before it is left to itself. */
#define MAX_CANCELS 5

static int64_t limit_s(const struct sl_worker *worker, const struct sl_step *step)
{
	return *(const int64_t *)((const char *)worker->config + kinds[step->kind].limit);
}

static bool step_is_late(const struct sl_worker *worker, const struct sl_step *step)
{
	return step->age_ms > limit_s(worker, step) * 1000;
}

/* Asked only when a step would have to wait again: what is done is collected however late, since
 * it may have been us who did not look. */
static bool is_late(const struct sl_worker *worker, const struct sl_step *step)
{
	return kinds[step->kind].limit != NO_LIMIT &&
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
		step_late ? kinds[step->kind].name : "the video",
		(long long)(step_late ? limit_s(worker, step) : worker->config->video_limit_s),
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

enum sl_err sl_step_failed(struct sl_worker *worker, struct sl_step *step,
	const struct sl_error *error, struct sl_error *reterr)
{
	if (error->code == SL_ERR_LEASE_LOST) {
		return SL_ERR_OK;
	}
	if (error->code == SL_ERR_SHUTTING_DOWN) {
		return sl_pg_exec(worker->pg, SL_SQL_step_release, NULL, reterr,
			SL_PG_I64(step->id), SL_PG_I64(step->claims));
	}
	if (error->code == SL_ERR_QUOTA_WAIT) {
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
