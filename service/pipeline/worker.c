/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker threads: claim, run, commit or put off. Shared: a mutex, a condition and a counter
 * of wake-ups; everything else belongs to one thread. Entry: sl_workers_create.
 */

#include "worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "steps.h"

struct thread {
	struct sl_workers *workers;
	struct sl_worker worker;
	pthread_t id;
};

struct sl_workers {
	const struct sl_config *config;
	struct sl_pg_listener *listener;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* wakeups or stopping or running changed */
	uint64_t wakeups;
	bool stopping;
	unsigned running; /* threads that are not finished */
	unsigned count;
	struct thread threads[];
};

/* A worker looks for itself this often even if nobody wakes it: a lost notification costs
 * seconds, not a video. */
#define LOOK_AGAIN_MS    5000
#define DATABASE_DOWN_MS 1000

static void on_notify(void *context, const char *payload)
{
	(void)payload;
	struct sl_workers *workers = context;
	pthread_mutex_lock(&workers->lock);
	workers->wakeups++;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
}

/* Until woken, stopping, or `wait_ms` have passed. */
static void sleep_until_woken(struct sl_workers *workers, uint64_t seen, int64_t wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&workers->lock);
	int timed_out = 0;
	while (!workers->stopping && workers->wakeups == seen && timed_out == 0) {
		timed_out = pthread_cond_timedwait(&workers->changed, &workers->lock, &until);
	}
	pthread_mutex_unlock(&workers->lock);
}

static bool look(struct sl_workers *workers, uint64_t *ret_seen)
{
	pthread_mutex_lock(&workers->lock);
	*ret_seen = workers->wakeups;
	bool stopping = workers->stopping;
	pthread_mutex_unlock(&workers->lock);
	return !stopping;
}

static enum sl_err read_step(
	const struct sl_pg_rows *rows, struct sl_step *ret, struct sl_error *reterr)
{
	const char *name = sl_pg_text(rows, 0, "kind");
	int kind = sl_step_kind_parse(name);
	if (kind < 0) {
		return sl_error_set(reterr, SL_ERR_SCHEMA_OUTDATED,
			"a newer spotlist left a step \"%s\" that this one does not know", name);
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
		.failures = sl_pg_i64(rows, 0, "failures"),
		.age_ms = sl_pg_i64(rows, 0, "age_ms"),
		.payload = root,
	};
	return SL_ERR_OK;
}

static void run_step(struct sl_worker *worker, struct sl_step *step)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	int64_t begin = sl_clock_monotonic_ms();
	enum sl_err err = sl_step_run(worker, step, &error);
	int64_t ms = sl_clock_monotonic_ms() - begin;
	if (err == SL_ERR_OK) {
		sl_log(SL_LOG_INFO, "step done", SL_F("step", sl_step_kind_name(step->kind)),
			SL_F("video_id", step->video_id), SL_F_I64("part", step->part),
			SL_F_I64("ms", ms), SL_F_END);
		return;
	}
	error.code = err;
	bool quiet = err == SL_ERR_SHUTTING_DOWN || err == SL_ERR_LEASE_LOST;
	sl_log_error(quiet ? SL_LOG_INFO : SL_LOG_WARN, "step failed", &error,
		SL_F("step", sl_step_kind_name(step->kind)), SL_F("video_id", step->video_id),
		SL_F_I64("part", step->part), SL_F_I64("failures", step->failures + 1),
		SL_F_I64("ms", ms), SL_F_END);
	SL_AUTO(sl_error_finish)
	struct sl_error again = SL_ERROR_INIT;
	if (sl_step_failed(worker, step, &error, &again) != SL_ERR_OK) {
		/* Its lease will run out and another worker takes it over. */
		sl_log_error(SL_LOG_ERROR, "step outcome not stored", &again,
			SL_F("step", sl_step_kind_name(step->kind)),
			SL_F("video_id", step->video_id), SL_F_END);
	}
}

/* True when a step was claimed (and done); otherwise `*ret_wait_ms` says how long to sleep. */
static bool claim_and_run(struct sl_worker *worker, int64_t *ret_wait_ms)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	SL_AUTO(sl_step_finish)
	struct sl_step step = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_step_claim, &rows, &error,
		SL_PG_TEXT(worker->holder), SL_PG_I64(worker->config->lease_ms));
	if (err == SL_ERR_OK && rows.count > 0) {
		err = read_step(&rows, &step, &error);
		if (err == SL_ERR_OK) {
			run_step(worker, &step);
			return true;
		}
	}
	*ret_wait_ms = LOOK_AGAIN_MS;
	if (err == SL_ERR_OK) {
		SL_AUTO(sl_pg_rows_finish)
		struct sl_pg_rows due = {0};
		err = sl_pg_run(worker->pg, SL_SQL_step_next_due, NULL, 0, &due, &error);
		if (err == SL_ERR_OK && due.count > 0) {
			int64_t wait_ms = sl_pg_i64(&due, 0, "wait_ms");
			wait_ms = wait_ms < 1 ? 1 : wait_ms;
			*ret_wait_ms = wait_ms < LOOK_AGAIN_MS ? wait_ms : LOOK_AGAIN_MS;
		}
	}
	if (err != SL_ERR_OK) {
		sl_log_error(SL_LOG_WARN, "cannot claim a step", &error, SL_F_END);
		*ret_wait_ms = DATABASE_DOWN_MS;
	}
	return false;
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	struct sl_workers *workers = thread->workers;
	uint64_t seen;
	while (look(workers, &seen)) {
		int64_t wait_ms;
		if (!claim_and_run(&thread->worker, &wait_ms)) {
			sleep_until_woken(workers, seen, wait_ms);
		}
	}
	pthread_mutex_lock(&workers->lock);
	workers->running--;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

static void init_worker(struct thread *thread, unsigned index, struct sl_aws *aws)
{
	char host[64] = "";
	gethostname(host, sizeof(host) - 1);
	snprintf(thread->worker.holder, sizeof(thread->worker.holder), "%s:%d:%u", host,
		(int)getpid(), index);
	thread->worker.config = thread->workers->config;
	thread->worker.aws = sl_client_create(aws);
}

enum sl_err sl_workers_create(const struct sl_config *config, struct sl_aws *aws,
	struct sl_workers **ret, struct sl_error *reterr)
{
	unsigned count = (unsigned)config->workers;
	struct sl_workers *workers =
		sl_calloc(1, sizeof(*workers) + count * sizeof(workers->threads[0]));
	workers->config = config;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&workers->changed, &attributes);
	pthread_condattr_destroy(&attributes);

	enum sl_err err = sl_pg_listener_create(config->database_url, "spotlist_steps", on_notify,
		workers, &workers->listener, reterr);
	for (unsigned i = 0; err == SL_ERR_OK && i < count; i++) {
		struct thread *thread = &workers->threads[i];
		thread->workers = workers;
		err = sl_pg_connect(
			config->database_url, "spotlist worker", &thread->worker.pg, reterr);
		if (err != SL_ERR_OK) {
			break;
		}
		init_worker(thread, i, aws);
		pthread_mutex_lock(&workers->lock);
		workers->running++;
		workers->count++;
		pthread_mutex_unlock(&workers->lock);
		if (pthread_create(&thread->id, NULL, thread_main, thread) != 0) {
			SL_BUG("no thread for a worker");
		}
	}
	if (err != SL_ERR_OK) {
		sl_workers_destroy(workers, 0);
		return err;
	}
	*ret = workers;
	return SL_ERR_OK;
}

static void wait_for_end(struct sl_workers *workers, int64_t grace_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += grace_ms / 1000;
	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->changed);
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
		struct thread *thread = &workers->threads[i];
		pthread_join(thread->id, NULL);
		sl_client_destroy(thread->worker.aws);
		sl_pg_destroy(thread->worker.pg);
	}
	sl_pg_listener_destroy(workers->listener);
	pthread_cond_destroy(&workers->changed);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}
