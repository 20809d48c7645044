/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs in SQLite and the threads that run them. Entry points: lc_jobs_open, lc_jobs_insert,
 * lc_jobs_change, lc_jobs_list. Any thread; the connection is guarded by the store's mutex.
 */
#include "jobs.h"

#include <pthread.h>
#include <string.h>

#include "cond.h"
#include "json_spec.h"

#define COLUMNS "seq, id, state, phase, priority, created_ms, token, digest, doc, light"

struct lc_jobs {
	struct lc_cloud *cloud;
	const struct lc_jobs_service *service;
	sqlite3 *db;
	pthread_mutex_t lock;
	pthread_cond_t wake[2]; /* of the ordinary workers, and of those of light jobs */
	pthread_cond_t stop;    /* for lc_jobs_wait; monotonic */
	bool stopping;
	pthread_t *threads;
	int thread_count;
};

struct worker_start {
	struct lc_jobs *jobs;
	bool light;
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS jobs (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE "
	"NOT NULL,"
	" state TEXT NOT NULL, phase INTEGER NOT NULL, priority INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, token TEXT, digest TEXT, doc TEXT NOT NULL,"
	" light INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX IF NOT EXISTS jobs_queue ON jobs (phase, priority DESC, seq);"
	"CREATE INDEX IF NOT EXISTS jobs_token ON jobs (token);";

void lc_job_finish(struct lc_job *job)
{
	free(job->id);
	free(job->state);
	free(job->token);
	free(job->digest);
	json_decref(job->doc);
	*job = (struct lc_job){0};
}

void lc_jobs_free(struct lc_job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		lc_job_finish(&jobs[i]);
	}
	free(jobs);
}

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

static sqlite3_stmt *prepare(struct lc_jobs *jobs, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(jobs->db, sql, -1, &statement, NULL) != SQLITE_OK) {
		sl_log(SL_LOG_ERROR, "bad statement", SL_F("reason", sqlite3_errmsg(jobs->db)),
			SL_F_END);
		SL_BUG("a statement of the job store does not compile");
	}
	return statement;
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

/* Runs a statement that changes; false when it changed nothing (or met a constraint). */
static bool step_change(struct lc_jobs *jobs, sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);
	if (result == SQLITE_DONE) {
		return sqlite3_changes(jobs->db) > 0;
	}
	if ((result & 0xff) != SQLITE_CONSTRAINT) {
		sl_log(SL_LOG_ERROR, "job store failed", SL_F("service", jobs->service->name),
			SL_F("reason", sqlite3_errmsg(jobs->db)), SL_F_END);
	}
	return false;
}

static char *column_text(sqlite3_stmt *statement, int column)
{
	return sl_strdup((const char *)sqlite3_column_text(statement, column));
}

static void read_job(sqlite3_stmt *statement, struct lc_job *ret)
{
	*ret = (struct lc_job){
		.seq = sqlite3_column_int64(statement, 0),
		.id = column_text(statement, 1),
		.state = column_text(statement, 2),
		.phase = (enum lc_job_phase)sqlite3_column_int(statement, 3),
		.priority = sqlite3_column_int64(statement, 4),
		.created_ms = sqlite3_column_int64(statement, 5),
		.token = column_text(statement, 6),
		.digest = column_text(statement, 7),
		.doc = json_loads((const char *)sqlite3_column_text(statement, 8), 0, NULL),
		.light = sqlite3_column_int(statement, 9) != 0,
	};
	if (!ret->doc) {
		SL_BUG("a stored job is not JSON");
	}
}

static bool get_locked(struct lc_jobs *jobs, const char *id, struct lc_job *ret)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement = prepare(jobs, "SELECT " COLUMNS " FROM jobs WHERE id = ?");
	bind_text(statement, 1, id);
	if (sqlite3_step(statement) != SQLITE_ROW) {
		return false;
	}
	read_job(statement, ret);
	return true;
}

/* Takes the next job off the queue: it is running from now on. */
static bool claim_locked(struct lc_jobs *jobs, bool light, struct lc_job *ret)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement = prepare(jobs,
		"UPDATE jobs SET phase = 1 WHERE seq = (SELECT seq FROM jobs WHERE phase = 0"
		" AND light = ? ORDER BY priority DESC, seq LIMIT 1) RETURNING " COLUMNS);
	sqlite3_bind_int(statement, 1, light);
	bool found = sqlite3_step(statement) == SQLITE_ROW;
	if (found) {
		read_job(statement, ret);
		(void)sqlite3_step(statement);
	}
	return found;
}

static void *work(void *argument)
{
	SL_AUTO(sl_freep)
	struct worker_start *start = argument;
	struct lc_jobs *jobs = start->jobs;
	const struct lc_jobs_service *service = jobs->service;
	bool has_own = !start->light && service->worker_start;
	void *worker = has_own ? service->worker_start(jobs->cloud) : NULL;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping) {
		SL_AUTO(lc_job_finish)
		struct lc_job job = {0};
		if (!claim_locked(jobs, start->light, &job)) {
			pthread_cond_wait(&jobs->wake[start->light], &jobs->lock);
			continue;
		}
		pthread_mutex_unlock(&jobs->lock);
		service->run(jobs, worker, &job);
		pthread_mutex_lock(&jobs->lock);
	}
	pthread_mutex_unlock(&jobs->lock);
	if (has_own && service->worker_stop) {
		service->worker_stop(worker);
	}
	return NULL;
}

/* A directory of an earlier version has no column `light`; otherwise this changes nothing. */
static void add_column(sqlite3 *db)
{
	(void)sqlite3_exec(db, "ALTER TABLE jobs ADD COLUMN light INTEGER NOT NULL DEFAULT 0", NULL,
		NULL, NULL);
}

static void start_workers(struct lc_jobs *jobs)
{
	const struct lc_jobs_service *service = jobs->service;
	jobs->thread_count = service->workers + service->light_workers;
	jobs->threads = sl_calloc((size_t)jobs->thread_count, sizeof *jobs->threads);
	for (int i = 0; i < jobs->thread_count; i++) {
		struct worker_start *start = sl_calloc(1, sizeof *start);
		*start = (struct worker_start){jobs, i >= service->workers};
		if (pthread_create(&jobs->threads[i], NULL, work, start) != 0) {
			SL_BUG("cannot start a worker thread");
		}
	}
}

static void init_locks(struct lc_jobs *jobs)
{
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->wake[0], NULL);
	pthread_cond_init(&jobs->wake[1], NULL);
	sl_cond_init(&jobs->stop);
}

struct lc_jobs *lc_jobs_open(struct lc_cloud *cloud, const struct lc_jobs_service *service)
{
	struct lc_jobs *jobs = sl_calloc(1, sizeof *jobs);
	jobs->cloud = cloud;
	jobs->service = service;
	jobs->db = lc_db_open(cloud, service->name, schema);
	add_column(jobs->db);
	init_locks(jobs);
	if (sqlite3_exec(jobs->db, "UPDATE jobs SET phase = 0 WHERE phase = 1", NULL, NULL, NULL) !=
		SQLITE_OK) {
		SL_BUG("cannot resume jobs");
	}
	start_workers(jobs);
	return jobs;
}

void lc_jobs_close(struct lc_jobs *jobs)
{
	if (!jobs) {
		return;
	}
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->wake[0]);
	pthread_cond_broadcast(&jobs->wake[1]);
	pthread_cond_broadcast(&jobs->stop);
	pthread_mutex_unlock(&jobs->lock);
	for (int i = 0; i < jobs->thread_count; i++) {
		pthread_join(jobs->threads[i], NULL);
	}
	free(jobs->threads);
	sqlite3_close(jobs->db);
	pthread_cond_destroy(&jobs->wake[0]);
	pthread_cond_destroy(&jobs->wake[1]);
	pthread_cond_destroy(&jobs->stop);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}

struct lc_cloud *lc_jobs_cloud(struct lc_jobs *jobs)
{
	return jobs->cloud;
}

bool lc_jobs_stopping(struct lc_jobs *jobs)
{
	if (lc_stopping()) {
		return true;
	}
	pthread_mutex_lock(&jobs->lock);
	bool stopping = jobs->stopping;
	pthread_mutex_unlock(&jobs->lock);
	return stopping;
}

bool lc_jobs_wait(struct lc_jobs *jobs, int64_t ms)
{
	struct timespec until = sl_cond_deadline(ms);
	pthread_mutex_lock(&jobs->lock);
	int result = 0;
	while (!jobs->stopping && result == 0) {
		result = pthread_cond_timedwait(&jobs->stop, &jobs->lock, &until);
	}
	pthread_mutex_unlock(&jobs->lock);
	return !lc_jobs_stopping(jobs);
}

bool lc_jobs_insert(struct lc_jobs *jobs, const struct lc_job *job)
{
	SL_AUTO(sl_freep)
	char *doc = sl_json_text(job->doc);

	pthread_mutex_lock(&jobs->lock);
	sqlite3_stmt *statement = prepare(jobs,
		"INSERT INTO jobs (id, state, phase, priority, created_ms, token, digest, doc, "
		"light) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bind_text(statement, 1, job->id);
	bind_text(statement, 2, job->state);
	sqlite3_bind_int(statement, 3, (int)job->phase);
	sqlite3_bind_int64(statement, 4, job->priority);
	sqlite3_bind_int64(statement, 5, job->created_ms);
	bind_text(statement, 6, job->token);
	bind_text(statement, 7, job->digest);
	bind_text(statement, 8, doc);
	sqlite3_bind_int(statement, 9, job->light);
	bool stored = step_change(jobs, statement);
	sqlite3_finalize(statement);
	pthread_cond_signal(&jobs->wake[job->light]);
	pthread_mutex_unlock(&jobs->lock);
	return stored;
}

bool lc_jobs_get(struct lc_jobs *jobs, const char *id, struct lc_job *ret)
{
	pthread_mutex_lock(&jobs->lock);
	bool found = get_locked(jobs, id, ret);
	pthread_mutex_unlock(&jobs->lock);
	return found;
}

bool lc_jobs_find_token(
	struct lc_jobs *jobs, const char *token, int64_t since_ms, struct lc_job *ret)
{
	pthread_mutex_lock(&jobs->lock);
	sqlite3_stmt *statement = prepare(jobs,
		"SELECT " COLUMNS " FROM jobs WHERE token = ? AND created_ms >= ?"
		" ORDER BY seq DESC LIMIT 1");
	bind_text(statement, 1, token);
	sqlite3_bind_int64(statement, 2, since_ms);
	bool found = sqlite3_step(statement) == SQLITE_ROW;
	if (found) {
		read_job(statement, ret);
	}
	sqlite3_finalize(statement);
	pthread_mutex_unlock(&jobs->lock);
	return found;
}

static void merge(json_t *doc, json_t *patch)
{
	const char *key;
	json_t *value;
	json_object_foreach (patch, key, value) {
		if (json_is_null(value)) {
			json_object_del(doc, key);
		} else {
			json_object_set(doc, key, value);
		}
	}
}

static bool change_locked(struct lc_jobs *jobs, const char *id, const char *from, const char *to,
	enum lc_job_phase phase, json_t *patch)
{
	SL_AUTO(lc_job_finish)
	struct lc_job job = {0};
	if (!get_locked(jobs, id, &job) || (from && strcmp(from, job.state) != 0)) {
		return false;
	}
	merge(job.doc, patch);
	SL_AUTO(sl_freep)
	char *doc = sl_json_text(job.doc);
	SL_AUTO(finalize)
	sqlite3_stmt *statement =
		prepare(jobs, "UPDATE jobs SET state = ?, phase = ?, doc = ? WHERE id = ?");
	bind_text(statement, 1, to ? to : job.state);
	sqlite3_bind_int(statement, 2, (int)phase);
	bind_text(statement, 3, doc);
	bind_text(statement, 4, id);
	return step_change(jobs, statement);
}

bool lc_jobs_change(struct lc_jobs *jobs, const char *id, const char *from, const char *to,
	enum lc_job_phase phase, json_t *patch)
{
	pthread_mutex_lock(&jobs->lock);
	bool changed = change_locked(jobs, id, from, to, phase, patch);
	pthread_mutex_unlock(&jobs->lock);
	json_decref(patch);
	return changed;
}

bool lc_jobs_delete(struct lc_jobs *jobs, const char *id)
{
	pthread_mutex_lock(&jobs->lock);
	sqlite3_stmt *statement = prepare(jobs,
		"UPDATE jobs SET id = id || '#' || seq, phase = 3 WHERE id = ? AND phase < 3");
	bind_text(statement, 1, id);
	bool deleted = step_change(jobs, statement);
	sqlite3_finalize(statement);
	pthread_mutex_unlock(&jobs->lock);
	return deleted;
}

int64_t lc_jobs_count(struct lc_jobs *jobs, enum lc_job_phase phase)
{
	pthread_mutex_lock(&jobs->lock);
	sqlite3_stmt *statement = prepare(jobs, "SELECT count(*) FROM jobs WHERE phase = ?");
	sqlite3_bind_int(statement, 1, (int)phase);
	int64_t count =
		sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	pthread_mutex_unlock(&jobs->lock);
	return count;
}

size_t lc_jobs_list(
	struct lc_jobs *jobs, const struct lc_jobs_query *query, struct lc_job **ret_jobs)
{
	struct lc_job *list = sl_calloc((size_t)query->limit + 1, sizeof *list);
	size_t count = 0;

	pthread_mutex_lock(&jobs->lock);
	sqlite3_stmt *statement = prepare(jobs,
		query->newest_first
			? "SELECT " COLUMNS
			  " FROM jobs WHERE phase < ?5 AND (?1 IS NULL OR state = ?1)"
			  " AND (?2 IS NULL OR instr(id, ?2) > 0) AND (?3 = 0 OR seq < ?3)"
			  " ORDER BY seq DESC LIMIT ?4"
			: "SELECT " COLUMNS
			  " FROM jobs WHERE phase < ?5 AND (?1 IS NULL OR state = ?1)"
			  " AND (?2 IS NULL OR instr(id, ?2) > 0) AND (?3 = 0 OR seq > ?3)"
			  " ORDER BY seq LIMIT ?4");
	bind_text(statement, 1, query->state);
	bind_text(statement, 2, query->id_contains);
	sqlite3_bind_int64(statement, 3, query->after_seq);
	sqlite3_bind_int(statement, 4, query->limit);
	sqlite3_bind_int(statement, 5, query->deleted_too ? LC_JOB_DELETED + 1 : LC_JOB_DELETED);
	while (count < (size_t)query->limit && sqlite3_step(statement) == SQLITE_ROW) {
		read_job(statement, &list[count++]);
	}
	sqlite3_finalize(statement);
	pthread_mutex_unlock(&jobs->lock);
	*ret_jobs = list;
	return count;
}
