/* SPDX-License-Identifier: Apache-2.0 */
/* The table of steps, and how a step ends: committed, put off, or failed. Worker threads. */

#include "steps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mem.h"
#include "text.h"

static const struct {
	const char *name;
	sl_step_fn *run;
} kinds[SL_STEP_KINDS_] = {
	[SL_STEP_UPLOAD_WAIT] = {"upload_wait", sl_upload_wait},
	[SL_STEP_TRANSCODE_START] = {"transcode_start", sl_transcode_start},
	[SL_STEP_TRANSCODE_POLL] = {"transcode_poll", sl_transcode_poll},
	[SL_STEP_CELEBRITIES_FRAMES] = {"celebrities_frames", sl_celebrities_frames},
	[SL_STEP_LABELS_START] = {"labels_start", sl_labels_start},
	[SL_STEP_LABELS_POLL] = {"labels_poll", sl_labels_poll},
	[SL_STEP_TRANSCRIPT_START] = {"transcript_start", sl_transcript_start},
	[SL_STEP_TRANSCRIPT_POLL] = {"transcript_poll", sl_transcript_poll},
	[SL_STEP_SETTLE] = {"settle", sl_settle},
	[SL_STEP_SNS_CONFIRM] = {"sns_confirm", sl_sns_confirm},
};

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
	return kinds[step->kind].run(worker, step, reterr);
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
};

static enum sl_err hand_on(struct sl_pg *pg, const struct commit *commit, struct sl_error *reterr)
{
	const struct sl_step *step = commit->step;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err;
	if (commit->next->done) {
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

static enum sl_err commit_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct commit *commit = context;
	const struct sl_step *step = commit->step;
	enum sl_err err = SL_ERR_OK;
	if (step->video_id != NULL) {
		err = sl_pg_exec(pg, SL_SQL_video_lock, NULL, reterr, SL_PG_TEXT(step->video_id));
	}
	/* Handed on first: a lost lease must not let `fn` do its work. */
	if (err == SL_ERR_OK) {
		err = hand_on(pg, commit, reterr);
	}
	if (err == SL_ERR_OK && commit->fn != NULL) {
		err = commit->fn(pg, commit->context, reterr);
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
	struct commit commit = {step, next, fn, context};
	return sl_pg_tx(worker->pg, kinds[step->kind].name, commit_tx, &commit, reterr);
}

enum sl_err sl_step_renew(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_step_renew, &rows, reterr,
		SL_PG_I64(step->id), SL_PG_I64(step->claims), SL_PG_I64(worker->config->lease_ms));
	if (err == SL_ERR_OK && rows.count == 0) {
		err = sl_error_set(reterr, SL_ERR_LEASE_LOST,
			"step %lld was taken over by another worker", (long long)step->id);
	}
	return err;
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

/* --- failing ------------------------------------------------------------------------------- */

/* How often an answer that makes no sense is asked for again. */
#define MAX_NONSENSE 5
/* "Too many open jobs" passes when a job ends: minutes, not seconds. */
#define LIMIT_BASE_MS   60000
#define BACKOFF_BASE_MS 500
#define BACKOFF_CAP_MS  300000

/* Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
static int64_t backoff_ms(const struct sl_step *step, const struct sl_error *error)
{
	int64_t base = error->code == SL_ERR_AWS_LIMIT ? LIMIT_BASE_MS : BACKOFF_BASE_MS;
	int64_t ceiling = base;
	for (int64_t i = 0; i < step->failures && ceiling < BACKOFF_CAP_MS; i++) {
		ceiling *= 2;
	}
	if (ceiling > BACKOFF_CAP_MS) {
		ceiling = BACKOFF_CAP_MS;
	}
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		SL_BUG("no random bytes");
	}
	int64_t delay = base / 2 + ceiling * (int64_t)random / UINT32_MAX;
	return delay > error->retry_after_ms ? delay : error->retry_after_ms;
}

static bool may_pass(
	const struct sl_worker *worker, const struct sl_step *step, const struct sl_error *error)
{
	switch (error->code) {
	case SL_ERR_DATABASE_UNAVAILABLE:
	case SL_ERR_DATABASE_CONFLICT:
		return true; /* ours to cure, never the video's fault */
	case SL_ERR_AWS_PROTOCOL:
	case SL_ERR_DATABASE:
	case SL_ERR_INTERNAL:
		return step->failures + 1 < MAX_NONSENSE;
	default:
		return sl_err_retryable(error->code) &&
			step->age_ms < worker->config->give_up_s * 1000;
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

static enum sl_err put_off(struct sl_worker *worker, const struct sl_step *step, int64_t delay_ms,
	struct sl_error *reterr)
{
	return sl_pg_exec(worker->pg, SL_SQL_step_retry, NULL, reterr, SL_PG_I64(step->id),
		SL_PG_I64(step->claims), SL_PG_I64(delay_ms));
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
	/* The record must be written whatever it takes: settling is never given up. */
	if (step->kind == SL_STEP_SETTLE || may_pass(worker, step, error)) {
		return put_off(worker, step, backoff_ms(step, error), reterr);
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
