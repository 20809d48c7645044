/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rekognition's stored-video jobs: StartLabelDetection, the worker, and the store of labels. Entry
 * points: lc_rekognition_start_label_detection and what rekognition_pages.c asks. HTTP threads and
 * one worker thread; the labels have a database connection of their own, guarded by a mutex.
 */
#include "rekognition.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "faults.h"
#include "jobs.h"
#include "journal.h"
#include "json_spec.h"
#include "media.h"
#include "replay.h"
#include "text.h"

#define MAX_OPEN_JOBS   20
#define MAX_VIDEO_BYTES ((int64_t)10 * 1024 * 1024 * 1024)
#define TOKEN_LIFE_MS   ((int64_t)7 * 24 * 3600 * 1000)
#define LOOK_EVERY_MS   500

static void run_job(struct lc_jobs *, void *worker, const struct lc_job *);
static void *worker_start(struct lc_cloud *cloud);
static void worker_stop(void *worker);

static const struct lc_jobs_service service = {
	.name = "rekognition",
	.workers = 1, /* OpenCV uses all processors by itself */
	.light_workers = MAX_OPEN_JOBS,
	.worker_start = worker_start,
	.worker_stop = worker_stop,
	.run = run_job,
};

static struct {
	struct lc_jobs *jobs;
	pthread_mutex_t start_lock; /* a token makes one job, and the limit is exact */
	pthread_mutex_t lock;       /* guards db */
	sqlite3 *db;
} video = {.start_lock = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER};

static const char labels_schema[] =
	"CREATE TABLE IF NOT EXISTS labels (job TEXT NOT NULL, n INTEGER NOT NULL, time_ms INTEGER "
	"NOT"
	" NULL, name TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (job, n)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS labels_by_name ON labels (job, name, n);";

static void *worker_start(SL_UNUSED struct lc_cloud *cloud)
{
	SL_AUTO(sl_freep)
	char *message = NULL;
	struct lc_vision *vision = lc_vision_create(NULL, &message);
	if (!vision) {
		SL_BUG("the recognisers' models are not installed");
	}
	return vision;
}

static void worker_stop(void *worker)
{
	lc_vision_destroy(worker);
}

void lc_rekognition_video_start(struct lc_cloud *cloud)
{
	video.db = lc_db_open(cloud, "rekognition-labels", labels_schema);
	video.jobs = lc_jobs_open(cloud, &service);
}

void lc_rekognition_video_stop(void)
{
	lc_jobs_close(video.jobs);
	video.jobs = NULL;
	sqlite3_close(video.db);
	video.db = NULL;
}

/* --- start --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool lc_rekognition_is_word(const char *text, size_t max, const char *more)
{
	size_t len = strlen(text);
	for (const char *c = text; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr(more, *c)) {
			return false;
		}
	}
	return len > 0 && len <= max;
}

/* NULL when the request is fine, otherwise what is wrong with it. */
static const char *check_start(const json_t *body)
{
	const json_t *object = json_object_get(json_object_get(body, "Video"), "S3Object");
	const json_t *min = json_object_get(body, "MinConfidence");
	const json_t *channel = json_object_get(body, "NotificationChannel");
	const char *token = text_of(body, "ClientRequestToken");
	const char *tag = text_of(body, "JobTag");
	const char *topic = text_of(channel, "SNSTopicArn");
	const char *role = text_of(channel, "RoleArn");

	if (!text_of(object, "Bucket") || !text_of(object, "Name")) {
		return "Video.S3Object needs Bucket and Name";
	}
	if (min &&
		(!json_is_number(min) || json_number_value(min) < 0 ||
			json_number_value(min) > 100)) {
		return "MinConfidence must be from 0 to 100";
	}
	if (token && !lc_rekognition_is_word(token, 64, "-_")) {
		return "ClientRequestToken must match ^[a-zA-Z0-9-_]+$ with at most 64 characters";
	}
	if (tag && !lc_rekognition_is_word(tag, 1024, "_.-:+=/")) {
		return "JobTag must match [a-zA-Z0-9_.\\-:+=\\/]+";
	}
	if (channel &&
		(!topic || !role || !sl_text_starts_with(topic, "arn:aws") ||
			!sl_text_starts_with(role, "arn:aws"))) {
		return "NotificationChannel needs SNSTopicArn and RoleArn";
	}
	return NULL;
}

/* `ret_light`: it is a replay. */
static bool check_object(const json_t *body, const struct lc_request *request,
	struct lc_reply *reply, bool *ret_light)
{
	const json_t *object = json_object_get(json_object_get(body, "Video"), "S3Object");
	SL_AUTO(sl_freep)
	char *path = NULL;
	int64_t size = 0;
	if (lc_s3_object_path(text_of(object, "Bucket"), text_of(object, "Name"), &path, &size) !=
		LC_OBJECT_OK) {
		lc_rekognition_refuse(reply, request, "InvalidS3ObjectException",
			"Unable to get object metadata from S3. Check object key, region and/or "
			"access "
			"permissions.");
		return false;
	}
	if (size > MAX_VIDEO_BYTES) {
		lc_rekognition_refuse(reply, request, "VideoTooLargeException",
			"Video size in bytes exceeds the maximum allowed limit of %lld",
			(long long)MAX_VIDEO_BYTES);
		return false;
	}
	SL_AUTO(lc_replay_finish)
	struct lc_replay replay = {0};
	*ret_light = lc_replay_of_file(path, &replay);
	return true;
}

static char *new_job_id(void)
{
	unsigned char bytes[32];
	SL_AUTO(sl_buf_finish)
	struct sl_buf hex = SL_BUF_INIT;
	arc4random_buf(bytes, sizeof bytes);
	sl_text_hex(&hex, bytes, sizeof bytes);
	return sl_buf_steal(&hex);
}

/* The request without its token, in one spelling: to compare a token's second use. */
static char *digest_of(const json_t *body)
{
	json_auto_t *copy = json_copy((json_t *)(uintptr_t)body);
	json_object_del(copy, "ClientRequestToken");
	return json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
}

/* A new job, or the one its token made before; NULL when the reply is an error. Under the lock. */
static char *start_locked(
	const json_t *body, bool light, const struct lc_request *request, struct lc_reply *reply)
{
	const char *token = text_of(body, "ClientRequestToken");
	int64_t now_ms = sl_clock_now_ms();
	SL_AUTO(sl_freep)
	char *digest = digest_of(body);
	SL_AUTO(lc_job_finish)
	struct lc_job job = {0};

	if (token && lc_jobs_find_token(video.jobs, token, now_ms - TOKEN_LIFE_MS, &job)) {
		if (!sl_text_equal(job.digest, digest)) {
			lc_rekognition_refuse(reply, request,
				"IdempotentParameterMismatchException",
				"A ClientRequestToken input parameter was reused with an "
				"operation, but at least "
				"one of the other input parameters is different from the previous "
				"call to the "
				"operation.");
			return NULL;
		}
		return sl_take(&job.id);
	}
	int64_t open = lc_jobs_count(video.jobs, LC_JOB_QUEUED) +
		lc_jobs_count(video.jobs, LC_JOB_RUNNING);
	if (open >= MAX_OPEN_JOBS) {
		lc_rekognition_refuse(reply, request, "LimitExceededException",
			"%lld open Jobs for User %s. Maximum limit: %d", (long long)open,
			LC_ACCOUNT, MAX_OPEN_JOBS);
		return NULL;
	}
	job = (struct lc_job){
		.id = new_job_id(),
		.state = sl_strdup("IN_PROGRESS"),
		.phase = LC_JOB_QUEUED,
		.created_ms = now_ms,
		.token = sl_strdup(token),
		.digest = sl_take(&digest),
		.doc = json_deep_copy(body),
		.light = light,
	};
	if (!lc_jobs_insert(video.jobs, &job)) {
		SL_BUG("two jobs drew the same id");
	}
	return sl_take(&job.id);
}

void lc_rekognition_start_label_detection(SL_UNUSED struct lc_cloud *cloud,
	const struct lc_request *request, const json_t *body, struct lc_reply *reply)
{
	const char *problem = check_start(body);
	if (problem) {
		lc_rekognition_refuse(reply, request, "InvalidParameterException",
			"Request has invalid parameters: %s", problem);
		return;
	}
	bool light = false;
	if (!check_object(body, request, reply, &light)) {
		return;
	}
	pthread_mutex_lock(&video.start_lock);
	SL_AUTO(sl_freep)
	char *id = start_locked(body, light, request, reply);
	pthread_mutex_unlock(&video.start_lock);
	if (id) {
		lc_rekognition_answer(reply, json_pack("{s:s}", "JobId", id));
	}
}

/* --- run ----------------------------------------------------------------------------------- */

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(video.db, sql, -1, &statement, NULL) != SQLITE_OK) {
		SL_BUG("a statement of the label store does not compile");
	}
	return statement;
}

static void execute(const char *sql)
{
	if (sqlite3_exec(video.db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		sl_log(SL_LOG_ERROR, "label store failed", SL_F("reason", sqlite3_errmsg(video.db)),
			SL_F_END);
	}
}

static void forget_labels(const char *job_id)
{
	pthread_mutex_lock(&video.lock);
	sqlite3_stmt *statement = prepare("DELETE FROM labels WHERE job = ?");
	sqlite3_bind_text(statement, 1, job_id, -1, SQLITE_STATIC);
	(void)sqlite3_step(statement);
	sqlite3_finalize(statement);
	pthread_mutex_unlock(&video.lock);
}

struct walk {
	const struct lc_job *job;
	struct lc_label_filter filter;
	int64_t count;
};

static void store_label(struct walk *walk, int64_t time_ms, const json_t *label)
{
	json_auto_t *entry =
		json_pack("{s:I, s:O}", "Timestamp", (json_int_t)time_ms, "Label", label);
	SL_AUTO(sl_freep)
	char *doc = sl_json_text(entry);
	sqlite3_stmt *statement = prepare("INSERT INTO labels VALUES (?, ?, ?, ?, ?)");
	sqlite3_bind_text(statement, 1, walk->job->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, walk->count++);
	sqlite3_bind_int64(statement, 3, time_ms);
	sqlite3_bind_text(statement, 4, text_of(label, "Name"), -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 5, doc, -1, SQLITE_STATIC);
	(void)sqlite3_step(statement);
	sqlite3_finalize(statement);
}

static int on_frame(void *context, int64_t time_ms, const struct lc_vision_hits *hits)
{
	struct walk *walk = context;
	json_auto_t *labels = lc_rekognition_labels(hits, &walk->filter);
	size_t i;
	const json_t *label;

	pthread_mutex_lock(&video.lock);
	execute("BEGIN");
	json_array_foreach (labels, i, label) {
		store_label(walk, time_ms, label);
	}
	execute("COMMIT");
	pthread_mutex_unlock(&video.lock);
	return lc_jobs_stopping(video.jobs) ? 1 : 0;
}

static void notify(const struct lc_job *job, const char *status)
{
	const json_t *object = json_object_get(json_object_get(job->doc, "Video"), "S3Object");
	const char *topic =
		text_of(json_object_get(job->doc, "NotificationChannel"), "SNSTopicArn");
	const char *tag = text_of(job->doc, "JobTag");
	if (!topic) {
		return;
	}
	json_auto_t *message = json_pack("{s:s, s:s, s:s}", "JobId", job->id, "Status", status,
		"API", "StartLabelDetection");
	if (tag) {
		json_object_set_new(message, "JobTag", json_string(tag));
	}
	json_object_set_new(message, "Timestamp", json_integer(sl_clock_now_ms()));
	json_object_set_new(message, "Video",
		json_pack("{s:s, s:s}", "S3ObjectName", text_of(object, "Name"), "S3Bucket",
			text_of(object, "Bucket")));
	SL_AUTO(sl_freep)
	char *text = sl_json_text(message);
	if (!lc_sns_publish(topic, NULL, text)) {
		sl_log(SL_LOG_WARN, "rekognition: no such topic", SL_F("topic", topic),
			SL_F("job_id", job->id), SL_F_END);
	}
}

static void end_job(const struct lc_job *job, const char *status, json_t *patch)
{
	if (lc_jobs_change(video.jobs, job->id, "IN_PROGRESS", status, LC_JOB_ENDED, patch)) {
		notify(job, status);
	}
}

static void fail_job(const struct lc_job *job, const char *message)
{
	forget_labels(job->id);
	end_job(job, "FAILED", json_pack("{s:s}", "StatusMessage", message));
}

static void watch_video(struct lc_vision *vision, const struct lc_job *job, const char *path,
	const struct lc_media *media)
{
	const json_t *min = json_object_get(job->doc, "MinConfidence");
	double threshold = lc_jobs_cloud(video.jobs)->label_threshold;
	double wanted = min ? json_number_value(min) : 50;
	struct walk walk = {
		.job = job,
		.filter = {.min_confidence = wanted > threshold ? wanted : threshold,
			.settings = json_object_get(
				json_object_get(job->doc, "Settings"), "GeneralLabels")},
	};
	int64_t duration_ms = 0;
	double rate = 0;
	int width = 0;
	int height = 0;

	forget_labels(job->id); /* of a run that a restart interrupted */
	int result = lc_vision_video(
		vision, path, LOOK_EVERY_MS, on_frame, &walk, &duration_ms, &rate, &width, &height);
	if (lc_jobs_stopping(video.jobs)) {
		return;
	}
	if (result != 0) {
		fail_job(job, "Unsupported codec/format");
		return;
	}
	json_t *metadata = json_pack("{s:s, s:I, s:s, s:f, s:i, s:i, s:s}", "Codec",
		media->video_codec ? media->video_codec : "", "DurationMillis",
		(json_int_t)duration_ms, "Format", "QuickTime / MOV", "FrameRate", rate,
		"FrameHeight", height, "FrameWidth", width, "ColorRange", "LIMITED");
	end_job(job, "SUCCEEDED", json_pack("{s:o}", "VideoMetadata", metadata));
}

static void end_replay(struct lc_jobs *jobs, const struct lc_job *job, struct lc_replay *replay)
{
	if (!lc_replay_work(jobs, job, "IN_PROGRESS", replay->labels_ms)) {
		return;
	}
	if (replay->fail_labels) {
		fail_job(job, replay->fail_labels);
		return;
	}
	json_t *metadata = json_pack("{s:s, s:I, s:s, s:f, s:I, s:I, s:s}", "Codec", replay->codec,
		"DurationMillis", (json_int_t)replay->duration_ms, "Format", "QuickTime / MOV",
		"FrameRate", replay->frame_rate, "FrameHeight", (json_int_t)replay->height,
		"FrameWidth", (json_int_t)replay->width, "ColorRange", "LIMITED");
	end_job(job, "SUCCEEDED",
		json_pack("{s:o, s:s}", "VideoMetadata", metadata, LC_REKOGNITION_REPLAY,
			replay->name));
}

static void run_job(struct lc_jobs *jobs, void *worker, const struct lc_job *job)
{
	const json_t *object = json_object_get(json_object_get(job->doc, "Video"), "S3Object");
	SL_AUTO(sl_freep)
	char *path = NULL;
	SL_AUTO(sl_freep)
	char *why = NULL;
	SL_AUTO(lc_media_finish)
	struct lc_media media = {0};
	int64_t size = 0;

	if (lc_s3_object_path(text_of(object, "Bucket"), text_of(object, "Name"), &path, &size) !=
		LC_OBJECT_OK) {
		fail_job(job, "Unable to get object from S3");
		return;
	}
	SL_AUTO(lc_replay_finish)
	struct lc_replay replay = {0};
	if (lc_replay_of_file(path, &replay)) {
		end_replay(jobs, job, &replay);
		return;
	}
	bool probed = lc_media_probe(path, &media, &why);
	if (!probed && lc_jobs_stopping(video.jobs)) {
		return;
	}
	/* Rekognition takes H.264 in MP4 or MOV and nothing else. */
	if (!probed || !media.has_video || !sl_text_equal(media.video_codec, "h264") ||
		!media.format || !strstr(media.format, "mov")) {
		fail_job(job, "Unsupported codec/format");
		return;
	}
	watch_video(worker, job, path, &media);
}

/* --- the journal --------------------------------------------------------------------------- */

static void describe(const struct lc_job *job, struct lc_journal_entry *entry)
{
	const json_t *object = json_object_get(json_object_get(job->doc, "Video"), "S3Object");
	entry->bucket = sl_strdup(text_of(object, "Bucket"));
	entry->key = sl_strdup(text_of(object, "Name"));
	entry->mark = text_of(job->doc, "JobTag");
}

void lc_rekognition_journal(json_t *list)
{
	lc_journal_jobs(video.jobs, "rekognition", describe, list);
}

/* --- what GetLabelDetection asks for ------------------------------------------------------- */

bool lc_rekognition_job(const char *id, struct lc_job *ret)
{
	return lc_jobs_get(video.jobs, id, ret);
}

bool lc_rekognition_page(
	const char *job_id, bool by_name, int64_t offset, int64_t limit, json_t *labels)
{
	bool more = false;
	pthread_mutex_lock(&video.lock);
	sqlite3_stmt *statement = prepare(by_name
			? "SELECT doc FROM labels WHERE job = ? ORDER BY name, n LIMIT ? OFFSET ?"
			: "SELECT doc FROM labels WHERE job = ? ORDER BY n LIMIT ? OFFSET ?");
	sqlite3_bind_text(statement, 1, job_id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, limit + 1);
	sqlite3_bind_int64(statement, 3, offset);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		if ((int64_t)json_array_size(labels) == limit) {
			more = true;
			break;
		}
		json_array_append_new(labels,
			json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL));
	}
	sqlite3_finalize(statement);
	pthread_mutex_unlock(&video.lock);
	return more;
}
