/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker threads: claim, run, commit or put off; and one thread that renews the leases of what
 * they hold. Shared, under one mutex: wake-ups, gates to look after, leases; everything else
 * belongs to one thread. Entry: sl_workers_create.
 */

#include "worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cond.h"
#include "log.h"
#include "maintenance.h"
#include "mem.h"
#include "metrics.h"
#include "outage.h"
#include "steps.h"

struct sl_thread {
	struct sl_workers *workers;
	struct sl_worker worker;
	pthread_t id;
	/* the step in hand; guarded by workers->lock */
	int64_t held_id; /* 0: none */
	int64_t held_claims;
	bool lost; /* its lease was found taken over */
};

struct sl_workers {
	const struct sl_config *config;
	struct sl_pg_listener *listener;
	struct sl_outages *outages; /* has its own mutex */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* stopping or running changed */
	pthread_cond_t news;    /* wakeups is not 0, or stopping */
	unsigned wakeups;       /* how many threads have something to look for, at most all */
	int64_t alarm_ms; /* monotonic time at which a sleeping thread looks; the others need not */
	unsigned gates;   /* bit set: someone waits there, or a place has become free */
	int64_t gates_ms; /* monotonic time at which all are looked at, told or not */
	int64_t maintain_ms; /* monotonic time of the next maintenance */
	bool stopping;
	unsigned running; /* threads that are not finished */
	unsigned count;
	struct sl_worker keeper; /* of the thread that renews leases */
	pthread_t keeper_id;
	bool keeper_started;
	struct sl_thread threads[];
};

#define DATABASE_DOWN_MS 1000
#define MAINTAIN_MS      60000

/* Under the lock. */
static void wake_one(struct sl_workers *workers)
{
	if (workers->wakeups < workers->count) {
		workers->wakeups++;
	}
	pthread_cond_signal(&workers->news);
}

/* The payload names the gate that a step waits at now; "" is any other news; NULL comes with a new
 * connection, when some may have been missed. */
static void on_notify(void *context, const char *payload)
{
	struct sl_workers *workers = context;
	unsigned told = SL_GATES_ALL;
	if (payload != NULL) {
		int gate = sl_gate_parse(payload);
		told = gate >= 0 ? 1U << gate : 0;
	}
	pthread_mutex_lock(&workers->lock);
	workers->gates |= told;
	wake_one(workers);
	pthread_mutex_unlock(&workers->lock);
}

/*
 * Until woken, stopping, or `wait_ms` have passed. One thread that wakes when the next step is due
 * is enough: it wakes the next one when it has found something.
 */
static void sleep_until_woken(struct sl_workers *workers, int64_t wait_ms)
{
	pthread_mutex_lock(&workers->lock);
	int64_t alarm_ms = sl_clock_monotonic_ms() + wait_ms;
	if (wait_ms < SL_WORKERS_LOOK_MS && workers->alarm_ms <= alarm_ms) {
		wait_ms = SL_WORKERS_LOOK_MS;
	} else {
		workers->alarm_ms = alarm_ms;
	}
	struct timespec until = sl_cond_deadline(wait_ms);
	int timed_out = 0;
	while (!workers->stopping && workers->wakeups == 0 && timed_out == 0) {
		timed_out = pthread_cond_timedwait(&workers->news, &workers->lock, &until);
	}
	if (workers->wakeups > 0) {
		workers->wakeups--;
	}
	if (workers->alarm_ms == alarm_ms) {
		workers->alarm_ms = INT64_MAX;
	}
	pthread_mutex_unlock(&workers->lock);
}

static bool is_stopping(struct sl_workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	bool stopping = workers->stopping;
	pthread_mutex_unlock(&workers->lock);
	return stopping;
}

static enum sl_err read_step(
	const struct sl_pg_rows *rows, struct sl_step *ret, struct sl_error *reterr)
{
	const char *name = sl_pg_text(rows, 0, "kind");
	int kind = sl_step_kind_parse(name);
	if (kind < 0) {
		return sl_error_set(reterr, SL_ERR_SCHEMA_OUTDATED,
			"a newer spotlist left a step \"%s\" that this one does not know: upgrade "
			"this one",
			name);
	}
	const char *payload = sl_pg_text(rows, 0, "payload");
	json_t *root = NULL;
	enum sl_err err = sl_json_parse(payload, strlen(payload), &root, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	*ret = (struct sl_step){
		.id = sl_pg_i64(rows, 0, "id"),
		.claims = sl_pg_i64(rows, 0, "claims"),
		.video_id = sl_strdup(sl_pg_text(rows, 0, "video_id")),
		.track = sl_strdup(sl_pg_text(rows, 0, "track")),
		.part = sl_pg_i64(rows, 0, "part"),
		.kind = (enum sl_step_kind)kind,
		.gate = sl_pg_null(rows, 0, "gate") ? -1
						    : sl_gate_parse(sl_pg_text(rows, 0, "gate")),
		.failures = sl_pg_i64(rows, 0, "failures"),
		.age_ms = sl_pg_i64(rows, 0, "age_ms"),
		.payload = root,
	};
	return SL_ERR_OK;
}

/* An outage, or a wrong setting, fails the steps of all videos: that is a line, not thousands. */
static void log_failure(struct sl_worker *worker, const struct sl_step *step,
	const struct sl_error *error, int64_t ms)
{
	bool quiet = error->code == SL_ERR_SHUTTING_DOWN || error->code == SL_ERR_LEASE_LOST;
	int64_t repeated = 0;
	bool tell = error->code != SL_ERR_QUOTA_WAIT &&
		sl_outages_tell(worker->thread->workers->outages, error, sl_clock_monotonic_ms(),
			&repeated);
	SL_AUTO(sl_freep)
	char *more = repeated > 0 ? sl_asprintf("%lld", (long long)repeated) : NULL;
	enum sl_log_level level = quiet ? SL_LOG_INFO : SL_LOG_WARN;
	sl_log_error(tell ? level : SL_LOG_DEBUG, "step failed", error,
		SL_F("step", sl_step_kind_name(step->kind)), SL_F("video_id", step->video_id),
		SL_F_I64("part", step->part), SL_F_I64("failures", step->failures + 1),
		SL_F_I64("ms", ms), SL_F("repeated", more), SL_F_END);
}

static void run_step(struct sl_worker *worker, struct sl_step *step)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	int64_t begin_us = sl_clock_monotonic_us();
	enum sl_err err = sl_step_run(worker, step, &error);
	int64_t us = sl_clock_monotonic_us() - begin_us;
	int64_t ms = us / 1000;
	sl_metric_observe_us(SL_METRIC_STEP_SECONDS, us, SL_LABELS(sl_step_kind_name(step->kind)));
	if (err == SL_ERR_OK) {
		sl_metric_add(SL_METRIC_STEPS, 1, SL_LABELS(sl_step_kind_name(step->kind), "done"));
		sl_log(SL_LOG_INFO, "step done", SL_F("step", sl_step_kind_name(step->kind)),
			SL_F("video_id", step->video_id), SL_F_I64("part", step->part),
			SL_F_I64("ms", ms), SL_F_END);
		return;
	}
	error.code = err;
	log_failure(worker, step, &error, ms);
	SL_AUTO(sl_error_finish)
	struct sl_error again = SL_ERROR_INIT;
	if (sl_step_failed(worker, step, &error, &again) != SL_ERR_OK) {
		/* Its lease will run out and another worker takes it over. */
		sl_log_error(SL_LOG_ERROR, "step outcome not stored", &again,
			SL_F("step", sl_step_kind_name(step->kind)),
			SL_F("video_id", step->video_id), SL_F_END);
	}
}

static void hold(struct sl_thread *thread, int64_t id, int64_t claims)
{
	pthread_mutex_lock(&thread->workers->lock);
	thread->held_id = id;
	thread->held_claims = claims;
	thread->lost = false;
	if (id != 0) {
		wake_one(thread->workers); /* where one was, there may be more */
	}
	pthread_mutex_unlock(&thread->workers->lock);
}

static enum sl_err claim_and_run(
	struct sl_thread *thread, bool *ret_claimed, struct sl_error *reterr)
{
	struct sl_worker *worker = &thread->worker;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	SL_AUTO(sl_step_finish)
	struct sl_step step = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_step_claim, &rows, reterr,
		SL_PG_TEXT(worker->holder), SL_PG_I64(worker->config->lease_ms));
	if (err != SL_ERR_OK || rows.count == 0) {
		return err;
	}
	err = read_step(&rows, &step, reterr);
	if (err == SL_ERR_OK) {
		if (sl_pg_bool(&rows, 0, "taken_over")) {
			sl_metric_add(SL_METRIC_STEPS_TAKEN_OVER, 1,
				SL_LABELS(sl_step_kind_name(step.kind)));
		}
		hold(thread, step.id, step.claims);
		run_step(worker, &step);
		hold(thread, 0, 0);
		*ret_claimed = true;
	}
	return err;
}

static enum sl_err next_due(struct sl_worker *worker, int64_t *ret_wait_ms, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows due = {0};
	enum sl_err err = sl_pg_run(worker->pg, SL_SQL_step_next_due, NULL, 0, &due, reterr);
	if (err == SL_ERR_OK && due.count > 0) {
		int64_t wait_ms = sl_pg_i64(&due, 0, "wait_ms");
		wait_ms = wait_ms < 1 ? 1 : wait_ms;
		*ret_wait_ms = wait_ms < SL_WORKERS_LOOK_MS ? wait_ms : SL_WORKERS_LOOK_MS;
	}
	return err;
}

/* Those that somebody told of; and all, now and then: who frees a place may die before he tells. */
static unsigned take_gates(struct sl_workers *workers, bool *ret_maintain)
{
	int64_t now_ms = sl_clock_monotonic_ms();
	pthread_mutex_lock(&workers->lock);
	unsigned gates = workers->gates;
	workers->gates = 0;
	if (now_ms >= workers->gates_ms) {
		gates = SL_GATES_ALL;
		workers->gates_ms = now_ms + SL_WORKERS_LOOK_MS;
	}
	*ret_maintain = now_ms >= workers->maintain_ms;
	if (*ret_maintain) {
		workers->maintain_ms = now_ms + MAINTAIN_MS;
	}
	pthread_mutex_unlock(&workers->lock);
	return gates;
}

/* What is to be done for all: places at gates, and once a minute the tables. */
static enum sl_err look_after(struct sl_thread *thread, struct sl_error *reterr)
{
	struct sl_worker *worker = &thread->worker;
	bool maintain;
	unsigned gates = take_gates(thread->workers, &maintain);
	enum sl_err err = SL_ERR_OK;
	for (unsigned i = 0; err == SL_ERR_OK && i < SL_GATES_; i++) {
		if (gates & 1U << i) {
			err = sl_gate_admit(worker->pg, worker->config, (enum sl_gate)i, reterr);
		}
	}
	if (err == SL_ERR_OK && maintain) {
		err = sl_maintain(worker->pg, worker->config, reterr);
	}
	if (err != SL_ERR_OK) { /* not forgotten, only put off */
		pthread_mutex_lock(&thread->workers->lock);
		thread->workers->gates |= gates;
		pthread_mutex_unlock(&thread->workers->lock);
	}
	return err;
}

/* One round; how long to sleep after it, 0: not at all. */
static int64_t work(struct sl_thread *thread)
{
	struct sl_worker *worker = &thread->worker;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	bool claimed = false;
	int64_t wait_ms = SL_WORKERS_LOOK_MS;
	if (worker->pg == NULL) {
		worker->pg = sl_pg_create(worker->config->database_url, "spotlist worker");
	}
	enum sl_err err = look_after(thread, &error);
	if (err == SL_ERR_OK) {
		err = claim_and_run(thread, &claimed, &error);
	}
	if (err == SL_ERR_OK && !claimed) {
		err = next_due(worker, &wait_ms, &error);
	}
	if (err != SL_ERR_OK) {
		/* An outage is told once, by who watches the database. */
		sl_log_error(err == SL_ERR_DATABASE_UNAVAILABLE ? SL_LOG_DEBUG : SL_LOG_WARN,
			"cannot claim a step", &error, SL_F_END);
		return DATABASE_DOWN_MS;
	}
	return claimed ? 0 : wait_ms;
}

static void *thread_main(void *argument)
{
	struct sl_thread *thread = argument;
	struct sl_workers *workers = thread->workers;
	while (!is_stopping(workers)) {
		int64_t wait_ms = work(thread);
		if (wait_ms > 0) {
			sleep_until_woken(workers, wait_ms);
		}
	}
	pthread_mutex_lock(&workers->lock);
	workers->running--;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

/* --- keeping leases ------------------------------------------------------------------------ */

/* False when another worker has the step by now. */
static enum sl_err renew(struct sl_workers *workers, int64_t id, int64_t claims, bool *ret_ours,
	struct sl_error *reterr)
{
	struct sl_worker *keeper = &workers->keeper;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(keeper->pg, SL_SQL_step_renew, &rows, reterr, SL_PG_I64(id),
		SL_PG_I64(claims), SL_PG_I64(workers->config->lease_ms));
	*ret_ours = rows.count > 0;
	return err;
}

static enum sl_err renew_all(struct sl_workers *workers, struct sl_error *reterr)
{
	struct sl_worker *keeper = &workers->keeper;
	if (keeper->pg == NULL) {
		keeper->pg = sl_pg_create(workers->config->database_url, "spotlist leases");
	}
	enum sl_err err = SL_ERR_OK;
	for (unsigned i = 0; err == SL_ERR_OK && i < workers->count; i++) {
		struct sl_thread *thread = &workers->threads[i];
		pthread_mutex_lock(&workers->lock);
		int64_t id = thread->held_id;
		int64_t claims = thread->held_claims;
		pthread_mutex_unlock(&workers->lock);
		bool ours = true;
		if (id != 0) {
			err = renew(workers, id, claims, &ours, reterr);
		}
		if (err == SL_ERR_OK && !ours) {
			pthread_mutex_lock(&workers->lock);
			/* Unless it was committed just now, which also leaves nothing to renew. */
			if (thread->held_id == id && thread->held_claims == claims) {
				thread->lost = true;
			}
			pthread_mutex_unlock(&workers->lock);
		}
	}
	return err;
}

static void *keeper_main(void *argument)
{
	struct sl_workers *workers = argument;
	struct timespec until = sl_cond_deadline(workers->config->lease_ms / 3);
	pthread_mutex_lock(&workers->lock);
	/* Also while stopping: running steps are still to end well. */
	while (workers->running > 0) {
		if (pthread_cond_timedwait(&workers->changed, &workers->lock, &until) == 0) {
			continue;
		}
		pthread_mutex_unlock(&workers->lock);
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (renew_all(workers, &error) != SL_ERR_OK) {
			sl_log_error(SL_LOG_WARN, "leases not renewed", &error, SL_F_END);
		}
		until = sl_cond_deadline(workers->config->lease_ms / 3);
		pthread_mutex_lock(&workers->lock);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

/* --- for steps ----------------------------------------------------------------------------- */

bool sl_worker_wait(struct sl_worker *worker, int64_t ms)
{
	struct sl_workers *workers = worker->thread->workers;
	struct timespec until = sl_cond_deadline(ms);
	pthread_mutex_lock(&workers->lock);
	int timed_out = 0;
	while (!workers->stopping && timed_out == 0) {
		timed_out = pthread_cond_timedwait(&workers->changed, &workers->lock, &until);
	}
	bool stopping = workers->stopping;
	pthread_mutex_unlock(&workers->lock);
	return !stopping;
}

bool sl_worker_lost_lease(const struct sl_worker *worker)
{
	struct sl_workers *workers = worker->thread->workers;
	pthread_mutex_lock(&workers->lock);
	bool lost = worker->thread->lost;
	pthread_mutex_unlock(&workers->lock);
	return lost;
}

void sl_worker_gate_changed(struct sl_worker *worker, enum sl_gate gate)
{
	struct sl_workers *workers = worker->thread->workers;
	pthread_mutex_lock(&workers->lock);
	workers->gates |= 1U << gate;
	pthread_mutex_unlock(&workers->lock);
}

/* --- life ---------------------------------------------------------------------------------- */

static void init_worker(struct sl_thread *thread, unsigned index, struct sl_aws *aws)
{
	char host[64] = "";
	gethostname(host, sizeof(host) - 1);
	struct sl_worker *worker = &thread->worker;
	snprintf(worker->holder, sizeof(worker->holder), "%s:%d:%u", host, (int)getpid(), index);
	worker->config = thread->workers->config;
	worker->aws = sl_client_create(aws);
	worker->region = sl_aws_region(aws);
	worker->thread = thread;
}

static void start_threads(struct sl_workers *workers, struct sl_aws *aws)
{
	unsigned count = (unsigned)workers->config->workers;
	for (unsigned i = 0; i < count; i++) {
		workers->threads[i].workers = workers;
		init_worker(&workers->threads[i], i, aws);
	}
	/* Before any starts: the others look at these, and the listener does already. */
	pthread_mutex_lock(&workers->lock);
	workers->running = workers->count = count;
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < count; i++) {
		struct sl_thread *thread = &workers->threads[i];
		if (pthread_create(&thread->id, NULL, thread_main, thread) != 0) {
			SL_BUG("no thread for a worker");
		}
	}
	if (pthread_create(&workers->keeper_id, NULL, keeper_main, workers) != 0) {
		SL_BUG("no thread to keep leases");
	}
	workers->keeper_started = true;
}

enum sl_err sl_workers_create(const struct sl_config *config, struct sl_aws *aws,
	struct sl_workers **ret, struct sl_error *reterr)
{
	struct sl_workers *workers = sl_calloc(
		1, sizeof(*workers) + (size_t)config->workers * sizeof(workers->threads[0]));
	workers->config = config;
	workers->outages = sl_outages_create();
	workers->alarm_ms = INT64_MAX;
	pthread_mutex_init(&workers->lock, NULL);
	sl_cond_init(&workers->changed);
	sl_cond_init(&workers->news);

	/* Nothing connects yet: a database that is away now is there later. */
	enum sl_err err = sl_pg_listener_create(config->database_url, "spotlist_steps", on_notify,
		workers, &workers->listener, reterr);
	if (err != SL_ERR_OK) {
		sl_workers_destroy(workers, 0);
		return err;
	}
	start_threads(workers, aws);
	*ret = workers;
	return SL_ERR_OK;
}

static void wait_for_end(struct sl_workers *workers, int64_t grace_ms)
{
	struct timespec until = sl_cond_deadline(grace_ms);
	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->changed);
	pthread_cond_broadcast(&workers->news);
	int timed_out = 0;
	while (workers->running > 0 && timed_out == 0) {
		timed_out = pthread_cond_timedwait(&workers->changed, &workers->lock, &until);
	}
	pthread_mutex_unlock(&workers->lock);
}

void sl_workers_destroy(struct sl_workers *workers, int64_t grace_ms)
{
	if (workers == NULL) {
		return;
	}
	wait_for_end(workers, grace_ms);
	for (unsigned i = 0; i < workers->count; i++) {
		sl_client_interrupt(workers->threads[i].worker.aws);
	}
	for (unsigned i = 0; i < workers->count; i++) {
		struct sl_thread *thread = &workers->threads[i];
		pthread_join(thread->id, NULL);
		sl_client_destroy(thread->worker.aws);
		sl_pg_destroy(thread->worker.pg);
	}
	if (workers->keeper_started) {
		pthread_join(workers->keeper_id, NULL);
	}
	sl_pg_destroy(workers->keeper.pg);
	sl_pg_listener_destroy(workers->listener);
	sl_outages_destroy(workers->outages);
	pthread_cond_destroy(&workers->changed);
	pthread_cond_destroy(&workers->news);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}
