/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MediaConvert's API: rest-json with a camelCase wire. Entry points: lc_mediaconvert_start,
 * lc_mediaconvert_stop, lc_mediaconvert_handle. HTTP threads; creating is guarded by a mutex so
 * that a request token makes one job.
 */
#include "mediaconvert.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "faults.h"
#include "journal.h"
#include "json_spec.h"
#include "replay.h"
#include "text.h"

#define API           "/2017-08-29/"
#define CONTENT_TYPE  "application/json"
#define WORKERS       2
#define LIGHT_WORKERS 20
#define TOKEN_LIFE_MS (INT64_C(60) * 1000)
#define MAX_PAGE      20

static struct lc_jobs *jobs;
static pthread_mutex_t create_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct lc_jobs_service service = {
	.name = "mediaconvert",
	.workers = WORKERS,
	.light_workers = LIGHT_WORKERS,
	.run = lc_mediaconvert_run,
};

static const char *const statuses[] = {
	"SUBMITTED", "PROGRESSING", "COMPLETE", "CANCELED", "ERROR", NULL};

void lc_mediaconvert_start(struct lc_cloud *cloud)
{
	jobs = lc_jobs_open(cloud, &service);
}

void lc_mediaconvert_stop(void)
{
	lc_jobs_close(jobs);
	jobs = NULL;
}

SL_PRINTF(4, 5)
static void refuse(struct lc_reply *reply, int status, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *message = sl_vasprintf(format, arguments);
	va_end(arguments);
	reply->status = status;
	lc_reply_header(reply, "x-amzn-ErrorType", code);
	lc_reply_json(reply, CONTENT_TYPE, json_pack("{s:s}", "message", message));
}

static char *queue_arn(const struct lc_cloud *cloud)
{
	return sl_asprintf("arn:aws:mediaconvert:%s:%s:queues/Default", cloud->region, LC_ACCOUNT);
}

static bool is_default_queue(const struct lc_cloud *cloud, const char *queue)
{
	SL_AUTO(sl_freep)
	char *arn = queue_arn(cloud);
	return strcmp(queue, "Default") == 0 || strcmp(queue, arn) == 0;
}

/* "1515368087458-qnoxtd" */
static char *new_id(int64_t now_ms)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	char tail[7] = {0};
	for (size_t i = 0; i < 6; i++) {
		tail[i] = letters[arc4random_uniform(sizeof letters - 1)];
	}
	return sl_asprintf("%lld-%s", (long long)now_ms, tail);
}

static void set_default(json_t *doc, const char *name, json_t *value)
{
	if (!json_object_get(doc, name)) {
		json_object_set_new(doc, name, value);
	} else {
		json_decref(value);
	}
}

static json_t *new_document(
	const struct lc_cloud *cloud, const json_t *body, const char *id, int64_t now_ms)
{
	static const char *const kept[] = {"role", "settings", "userMetadata", "priority",
		"statusUpdateInterval", "billingTagsSource", "accelerationSettings",
		"hopDestinations", "simulateReservedQueue", "jobTemplate"};
	json_t *doc = json_object();
	for (size_t i = 0; i < SL_ARRAY_SIZE(kept); i++) {
		json_t *value = json_object_get(body, kept[i]);
		if (value && !json_is_null(value)) {
			json_object_set_new(doc, kept[i], json_deep_copy(value));
		}
	}
	SL_AUTO(sl_freep)
	char *queue = queue_arn(cloud);
	SL_AUTO(sl_freep)
	char *arn =
		sl_asprintf("arn:aws:mediaconvert:%s:%s:jobs/%s", cloud->region, LC_ACCOUNT, id);
	json_object_set_new(doc, "id", json_string(id));
	json_object_set_new(doc, "arn", json_string(arn));
	json_object_set_new(doc, "queue", json_string(queue));
	json_object_set_new(doc, "status", json_string("SUBMITTED"));
	json_object_set_new(doc, "createdAt", json_integer(now_ms / 1000));
	json_object_set_new(
		doc, "timing", json_pack("{s:I}", "submitTime", (json_int_t)(now_ms / 1000)));
	json_object_set_new(doc, "messages", json_pack("{s:[], s:[]}", "info", "warning"));
	set_default(doc, "userMetadata", json_object());
	set_default(doc, "priority", json_integer(0));
	set_default(doc, "statusUpdateInterval", json_string("SECONDS_60"));
	set_default(doc, "billingTagsSource", json_string("JOB"));
	set_default(doc, "accelerationSettings", json_pack("{s:s}", "mode", "DISABLED"));
	set_default(doc, "accelerationStatus", json_string("NOT_APPLICABLE"));
	return doc;
}

static bool is_replay(const json_t *body)
{
	const json_t *input =
		json_array_get(json_object_get(json_object_get(body, "settings"), "inputs"), 0);
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	SL_AUTO(lc_replay_finish)
	struct lc_replay replay = {0};
	return lc_s3_uri_split(
		       json_string_value(json_object_get(input, "fileInput")), &bucket, &key) &&
		lc_replay_of_object(bucket, key, &replay);
}

static void create_job(
	struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	json_auto_t *body = NULL;
	if (sl_json_parse(request->body ? request->body : "", request->body_len, &body, NULL) !=
			SL_ERR_OK ||
		!json_is_object(body)) {
		refuse(reply, 400, "BadRequestException", "The request body is not a JSON object");
		return;
	}
	SL_AUTO(sl_freep)
	char *problem = lc_mediaconvert_check(body);
	if (problem) {
		refuse(reply, 400, "BadRequestException", "%s", problem);
		return;
	}
	const char *queue = json_string_value(json_object_get(body, "queue"));
	if (queue && !is_default_queue(cloud, queue)) {
		refuse(reply, 404, "NotFoundException", "The queue %s doesn't exist", queue);
		return;
	}

	const char *token = json_string_value(json_object_get(body, "clientRequestToken"));
	bool light = is_replay(body);
	int64_t now_ms = sl_clock_now_ms();
	SL_AUTO(lc_job_finish)
	struct lc_job job = {0};
	pthread_mutex_lock(&create_lock);
	if (!token || !lc_jobs_find_token(jobs, token, now_ms - TOKEN_LIFE_MS, &job)) {
		job = (struct lc_job){
			.id = new_id(now_ms),
			.state = sl_strdup("SUBMITTED"),
			.phase = LC_JOB_QUEUED,
			.priority = json_integer_value(json_object_get(body, "priority")),
			.created_ms = now_ms,
			.token = sl_strdup(token),
			.light = light,
		};
		job.doc = new_document(cloud, body, job.id, now_ms);
		if (!lc_jobs_insert(jobs, &job)) {
			SL_BUG("two jobs drew the same id");
		}
	}
	pthread_mutex_unlock(&create_lock);
	reply->status = 201;
	lc_reply_json(reply, CONTENT_TYPE, json_pack("{s:O}", "job", job.doc));
}

static void get_job(const char *id, struct lc_reply *reply)
{
	SL_AUTO(lc_job_finish)
	struct lc_job job = {0};
	if (!lc_jobs_get(jobs, id, &job)) {
		refuse(reply, 404, "NotFoundException", "Job %s not found", id);
		return;
	}
	lc_reply_json(reply, CONTENT_TYPE, json_pack("{s:O}", "job", job.doc));
}

static json_t *canceled_patch(void)
{
	return json_pack("{s:s, s:n}", "status", "CANCELED", "currentPhase");
}

static void cancel_job(const char *id, struct lc_reply *reply)
{
	SL_AUTO(lc_job_finish)
	struct lc_job job = {0};
	if (!lc_jobs_get(jobs, id, &job)) {
		refuse(reply, 404, "NotFoundException", "Job %s not found", id);
		return;
	}
	if (!lc_jobs_change(jobs, id, "SUBMITTED", "CANCELED", LC_JOB_ENDED, canceled_patch()) &&
		!lc_jobs_change(
			jobs, id, "PROGRESSING", "CANCELED", LC_JOB_ENDED, canceled_patch())) {
		refuse(reply, 409, "ConflictException", "Job %s cannot be canceled: it is %s", id,
			job.state);
		return;
	}
	lc_mediaconvert_event(&job, "CANCELED", NULL);
	reply->status = 202;
	lc_reply_json(reply, CONTENT_TYPE, json_object());
}

/* A page's continuation is the number of its last job. */
static bool read_page(
	const struct lc_request *request, struct lc_reply *reply, struct lc_jobs_query *query)
{
	SL_AUTO(sl_freep)
	char *max = lc_request_query(request, "maxResults");
	SL_AUTO(sl_freep)
	char *token = lc_request_query(request, "nextToken");
	SL_AUTO(sl_freep)
	char *order = lc_request_query(request, "order");
	int64_t number = MAX_PAGE;
	if (max && !sl_text_parse_i64(max, 1, MAX_PAGE, &number)) {
		refuse(reply, 400, "BadRequestException", "maxResults: Should be between 1 and 20");
		return false;
	}
	query->limit = (int)number;
	if (token && !sl_text_parse_i64(token, 1, INT64_MAX, &query->after_seq)) {
		refuse(reply, 400, "BadRequestException", "nextToken: Invalid token");
		return false;
	}
	if (order && strcmp(order, "ASCENDING") != 0 && strcmp(order, "DESCENDING") != 0) {
		refuse(reply, 400, "BadRequestException",
			"order: Should be equal to one of the allowed values");
		return false;
	}
	query->newest_first = !order || strcmp(order, "DESCENDING") == 0;
	return true;
}

static bool is_status(const char *text)
{
	for (size_t i = 0; statuses[i]; i++) {
		if (strcmp(text, statuses[i]) == 0) {
			return true;
		}
	}
	return false;
}

static void list_jobs(
	const struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	SL_AUTO(sl_freep)
	char *status = lc_request_query(request, "status");
	SL_AUTO(sl_freep)
	char *queue = lc_request_query(request, "queue");
	struct lc_jobs_query query = {.state = status};
	if (!read_page(request, reply, &query)) {
		return;
	}
	if (status && !is_status(status)) {
		refuse(reply, 400, "BadRequestException",
			"status: Should be equal to one of the allowed values");
		return;
	}
	if (queue && !is_default_queue(cloud, queue)) {
		refuse(reply, 404, "NotFoundException", "The queue %s doesn't exist", queue);
		return;
	}

	int page = query.limit++;
	struct lc_job *list = NULL;
	size_t count = lc_jobs_list(jobs, &query, &list);
	json_t *answer = json_pack("{s:[]}", "jobs");
	for (size_t i = 0; i < count && i < (size_t)page; i++) {
		json_array_append(json_object_get(answer, "jobs"), list[i].doc);
	}
	if (count > (size_t)page) {
		SL_AUTO(sl_freep)
		char *next = sl_asprintf("%lld", (long long)list[page - 1].seq);
		json_object_set_new(answer, "nextToken", json_string(next));
	}
	lc_reply_json(reply, CONTENT_TYPE, answer);
	lc_jobs_free(list, count);
}

static json_t *default_queue(const struct lc_cloud *cloud)
{
	SL_AUTO(sl_freep)
	char *arn = queue_arn(cloud);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "arn", arn, "name",
		"Default", "description", "Default queue", "type", "SYSTEM", "status", "ACTIVE",
		"pricingPlan", "ON_DEMAND", "createdAt", (json_int_t)0, "lastUpdated",
		(json_int_t)0, "submittedJobsCount", (json_int_t)lc_jobs_count(jobs, LC_JOB_QUEUED),
		"progressingJobsCount", (json_int_t)lc_jobs_count(jobs, LC_JOB_RUNNING));
}

static void get_queue(const struct lc_cloud *cloud, const char *name, struct lc_reply *reply)
{
	if (!is_default_queue(cloud, name)) {
		refuse(reply, 404, "NotFoundException", "The queue %s doesn't exist", name);
		return;
	}
	lc_reply_json(reply, CONTENT_TYPE, json_pack("{s:o}", "queue", default_queue(cloud)));
}

static void describe(const struct lc_job *job, struct lc_journal_entry *entry)
{
	const json_t *input =
		json_array_get(json_object_get(json_object_get(job->doc, "settings"), "inputs"), 0);
	(void)lc_s3_uri_split(json_string_value(json_object_get(input, "fileInput")),
		&entry->bucket, &entry->key);
	entry->mark = json_string_value(
		json_object_get(json_object_get(job->doc, "userMetadata"), "job"));
}

void lc_mediaconvert_journal(json_t *list)
{
	lc_journal_jobs(jobs, "mediaconvert", describe, list);
}

/* What follows `collection` in the path, decoded; NULL when the path is another one, "" when it
 * is the collection itself. */
static char *path_member(const char *raw_path, const char *collection)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf member = SL_BUF_INIT;
	size_t len = strlen(collection);
	if (strncmp(raw_path, collection, len) != 0) {
		return NULL;
	}
	const char *rest = raw_path + len;
	if (*rest == '\0' || strcmp(rest, "/") == 0) {
		return sl_strdup("");
	}
	if (*rest != '/' || !sl_text_percent_decode(&member, rest + 1, strlen(rest + 1), false)) {
		return NULL;
	}
	return sl_buf_steal(&member);
}

static bool handle_jobs(struct lc_cloud *cloud, const struct lc_request *request, const char *id,
	struct lc_reply *reply)
{
	const char *method = request->method;
	if (*id == '\0' && strcmp(method, "POST") == 0) {
		create_job(cloud, request, reply);
	} else if (*id == '\0' && strcmp(method, "GET") == 0) {
		list_jobs(cloud, request, reply);
	} else if (*id != '\0' && strcmp(method, "GET") == 0) {
		get_job(id, reply);
	} else if (*id != '\0' && strcmp(method, "DELETE") == 0) {
		cancel_job(id, reply);
	} else {
		return false;
	}
	return true;
}

void lc_mediaconvert_handle(
	struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	SL_AUTO(sl_freep)
	char *id = path_member(request->raw_path, API "jobs");
	SL_AUTO(sl_freep)
	char *queue = path_member(request->raw_path, API "queues");
	if (id && handle_jobs(cloud, request, id, reply)) {
		return;
	}
	if (queue && strcmp(request->method, "GET") == 0) {
		if (*queue != '\0') {
			get_queue(cloud, queue, reply);
		} else {
			lc_reply_json(reply, CONTENT_TYPE,
				json_pack("{s:[o]}", "queues", default_queue(cloud)));
		}
		return;
	}
	refuse(reply, 403, "MissingAuthenticationTokenException",
		"Unable to determine service/operation name to be authorized");
}
