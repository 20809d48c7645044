/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_JOBS_H
#define LC_JOBS_H

/*
 * The job store and queue that MediaConvert, Rekognition and Transcribe share: jobs live in one
 * SQLite table per service, workers take the oldest of the highest priority, and what a restart
 * interrupted is queued again. `state` is the service's own word ("PROGRESSING"); `phase` is what
 * the queue goes by. Any thread; guarded by a mutex per store.
 */

#include "cloud.h"

enum lc_job_phase {
	LC_JOB_QUEUED,
	LC_JOB_RUNNING,
	LC_JOB_ENDED,
	LC_JOB_DELETED, /* kept for the journal only */
};

struct lc_job {
	int64_t seq; /* order of creation, set by the store */
	char *id;
	char *state;
	enum lc_job_phase phase;
	int64_t priority;
	int64_t created_ms;
	char *token;  /* the client's request token, or NULL */
	char *digest; /* of the request, to know a token's parameters again; or NULL */
	json_t *doc;  /* everything else, the service's own */
	bool light;   /* costs next to nothing (a replay): has workers of its own */
};
void lc_job_finish(struct lc_job *job);

struct lc_jobs;

struct lc_jobs_service {
	const char *name; /* of the database, "mediaconvert" */
	int workers;
	int light_workers; /* more of them, for the light jobs only */
	/* Per worker thread, may be NULL: e.g. a recogniser with its models. Light jobs' workers
	 * have none: they run with NULL. */
	void *(*worker_start)(struct lc_cloud *cloud);
	void (*worker_stop)(void *worker);
	/* Runs a job to its end and ends it with lc_jobs_change. When it returns with lc_stopping()
	 * and the job still running, the next start runs it again. */
	void (*run)(struct lc_jobs *jobs, void *worker, const struct lc_job *job);
};

/** Opens the store and starts the workers; `service` must outlive it. */
struct lc_jobs *lc_jobs_open(struct lc_cloud *cloud, const struct lc_jobs_service *service);

/** Tells the workers to stop, waits for them, and closes the store. NULL is fine. */
void lc_jobs_close(struct lc_jobs *jobs);

struct lc_cloud *lc_jobs_cloud(struct lc_jobs *jobs);

/** Whether the workers are to stop: a long run looks at it now and then. */
bool lc_jobs_stopping(struct lc_jobs *jobs);

/** Waits for `ms`, or less when the workers are to stop; then false. */
SL_MUST_CHECK bool lc_jobs_wait(struct lc_jobs *jobs, int64_t ms);

/** Stores a new job (seq is ignored) and wakes a worker. False when the id is taken. */
bool lc_jobs_insert(struct lc_jobs *jobs, const struct lc_job *job);

/** False when there is no such job; else the caller owns what `ret` holds. */
bool lc_jobs_get(struct lc_jobs *jobs, const char *id, struct lc_job *ret);

/** The youngest job with this token that was created at or after `since_ms`. */
bool lc_jobs_find_token(
	struct lc_jobs *jobs, const char *token, int64_t since_ms, struct lc_job *ret);

/**
 * In one step: when the job is in state `from` (NULL: in any), gives it state `to` (NULL: the
 * same) and phase, and merges the members of `patch` (may be NULL; released; null removes a
 * member). False when there is no such job or it is in another state: nothing changes.
 */
bool lc_jobs_change(struct lc_jobs *jobs, const char *id, const char *from, const char *to,
	enum lc_job_phase phase, json_t *patch);

/** Takes its id from it and stops it from being run or listed. False when there is no such job. */
bool lc_jobs_delete(struct lc_jobs *jobs, const char *id);

/** How many jobs are in `phase`. */
int64_t lc_jobs_count(struct lc_jobs *jobs, enum lc_job_phase phase);

struct lc_jobs_query {
	const char *state;       /* or NULL */
	const char *id_contains; /* or NULL */
	bool newest_first;
	bool deleted_too;  /* these have '#' and a number behind their id */
	int64_t after_seq; /* continues behind this job; 0: from the start */
	int limit;
};

/** Lists jobs; the caller frees `*ret_jobs` with lc_jobs_free. Returns their number. */
size_t lc_jobs_list(
	struct lc_jobs *jobs, const struct lc_jobs_query *query, struct lc_job **ret_jobs);
void lc_jobs_free(struct lc_job *jobs, size_t count);

#endif
