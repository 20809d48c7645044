/* SPDX-License-Identifier: Apache-2.0 */
/* The table of steps, and how a step's outcome is committed. Failures are in steps_failed.c.
 * Worker threads. */

#include "steps.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "end.h"
#include "gate.h"
#include "mem.h"
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

int64_t sl_step_limit_s(const struct sl_config *config, enum sl_step_kind kind)
{
	size_t offset = kinds[kind].limit;
	return offset == NO_LIMIT ? 0 : *(const int64_t *)((const char *)config + offset);
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

enum sl_err sl_step_lost(const struct sl_step *step, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_LEASE_LOST, "step %lld was taken over by another worker",
		(long long)step->id);
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
		err = sl_step_lost(step, reterr);
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

enum sl_err sl_step_check_lease(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	return sl_worker_lost_lease(worker) ? sl_step_lost(step, reterr) : SL_ERR_OK;
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
