/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transcribe's API: AWS JSON 1.1. Entry points: lc_transcribe_start, lc_transcribe_stop,
 * lc_transcribe_handle. HTTP threads.
 */
#include "transcribe.h"

#include <string.h>

#include "clock.h"
#include "faults.h"
#include "journal.h"
#include "json_spec.h"
#include "replay.h"
#include "text.h"

#define CONTENT_TYPE  "application/x-amz-json-1.1"
#define TARGET        "Transcribe."
#define MAX_OPEN_JOBS 250
#define LIGHT_WORKERS 50
#define NOT_FOUND \
	"The requested job couldn't be found. Check the job name and try your request again."

static struct lc_jobs *jobs;

static const struct lc_jobs_service service = {
	.name = "transcribe",
	.workers = 1,
	.light_workers = LIGHT_WORKERS,
	.worker_start = lc_transcribe_worker_start,
	.worker_stop = lc_transcribe_worker_stop,
	.run = lc_transcribe_run,
};

/* What GetTranscriptionJob shows of a job's document, beside its name and status. */
static const char *const shown[] = {"LanguageCode", "MediaSampleRateHertz", "MediaFormat", "Media",
	"Transcript", "StartTime", "CreationTime", "CompletionTime", "FailureReason", "Settings",
	"ModelSettings", "JobExecutionSettings", "ContentRedaction", "IdentifyLanguage",
	"IdentifyMultipleLanguages", "LanguageOptions", "LanguageIdSettings", "Tags", NULL};
static const char *const summarised[] = {"CreationTime", "StartTime", "CompletionTime",
	"LanguageCode", "FailureReason", "ContentRedaction", "ModelSettings", "IdentifyLanguage",
	"IdentifyMultipleLanguages", NULL};
static const char *const statuses[] = {"QUEUED", "IN_PROGRESS", "FAILED", "COMPLETED", NULL};

void lc_transcribe_start(struct lc_cloud *cloud)
{
	jobs = lc_jobs_open(cloud, &service);
}

void lc_transcribe_stop(void)
{
	lc_jobs_close(jobs);
	jobs = NULL;
}

static void refuse(struct lc_reply *reply, const char *code, const char *message)
{
	reply->status = 400;
	lc_reply_json(
		reply, CONTENT_TYPE, json_pack("{s:s, s:s}", "__type", code, "Message", message));
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static json_t *view(const struct lc_job *job, const char *const *members)
{
	json_t *made = json_pack("{s:s, s:s}", "TranscriptionJobName", job->id,
		"TranscriptionJobStatus", job->state);
	for (size_t i = 0; members[i]; i++) {
		json_t *value = json_object_get(job->doc, members[i]);
		if (value) {
			json_object_set(made, members[i], value);
		}
	}
	return made;
}

static bool is_replay(const json_t *body)
{
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	SL_AUTO(lc_replay_finish)
	struct lc_replay replay = {0};
	return lc_transcribe_media_uri(
		       text_of(json_object_get(body, "Media"), "MediaFileUri"), &bucket, &key) &&
		lc_replay_of_object(bucket, key, &replay);
}

static void start_job(const json_t *body, struct lc_reply *reply)
{
	SL_AUTO(sl_freep)
	char *problem = lc_transcribe_check(body);
	if (problem) {
		refuse(reply, "BadRequestException", problem);
		return;
	}
	if (lc_jobs_count(jobs, LC_JOB_QUEUED) + lc_jobs_count(jobs, LC_JOB_RUNNING) >=
		MAX_OPEN_JOBS) {
		refuse(reply, "LimitExceededException",
			"You have reached the maximum number of concurrent transcription jobs.");
		return;
	}
	int64_t now_ms = sl_clock_now_ms();
	SL_AUTO(lc_job_finish)
	struct lc_job job = {
		.id = sl_strdup(text_of(body, "TranscriptionJobName")),
		.state = sl_strdup("IN_PROGRESS"),
		.phase = LC_JOB_QUEUED,
		.created_ms = now_ms,
		.doc = json_deep_copy(body),
		.light = is_replay(body),
	};
	json_object_set_new(job.doc, "CreationTime", json_real((double)now_ms / 1000));
	json_object_set_new(job.doc, "StartTime", json_real((double)now_ms / 1000));
	json_object_set_new(job.doc, "Transcript", json_object());
	if (!lc_jobs_insert(jobs, &job)) {
		refuse(reply, "ConflictException",
			"The requested job name already exists. Use a different job name.");
		return;
	}
	lc_reply_json(
		reply, CONTENT_TYPE, json_pack("{s:o}", "TranscriptionJob", view(&job, shown)));
}

static void get_job(const json_t *body, struct lc_reply *reply)
{
	const char *name = text_of(body, "TranscriptionJobName");
	SL_AUTO(lc_job_finish)
	struct lc_job job = {0};
	if (!name || !lc_jobs_get(jobs, name, &job)) {
		refuse(reply, "BadRequestException", NOT_FOUND);
		return;
	}
	lc_reply_json(
		reply, CONTENT_TYPE, json_pack("{s:o}", "TranscriptionJob", view(&job, shown)));
}

static void delete_job(const json_t *body, struct lc_reply *reply)
{
	const char *name = text_of(body, "TranscriptionJobName");
	if (!name || !lc_jobs_delete(jobs, name)) {
		refuse(reply, "BadRequestException", NOT_FOUND);
		return;
	}
	lc_reply_json(reply, CONTENT_TYPE, json_object());
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

static void list_jobs(const json_t *body, struct lc_reply *reply)
{
	const json_t *max = json_object_get(body, "MaxResults");
	const char *token = text_of(body, "NextToken");
	const char *status = text_of(body, "Status");
	struct lc_jobs_query query = {
		.state = status,
		.id_contains = text_of(body, "JobNameContains"),
		.newest_first = true,
		.limit = max ? (int)json_integer_value(max) : 5,
	};
	if (query.limit < 1 || query.limit > 100 || (status && !is_status(status))) {
		refuse(reply, "BadRequestException",
			"1 validation error detected: MaxResults must be from 1 to 100, Status a "
			"job's status");
		return;
	}
	if (token && !sl_text_parse_i64(token, 1, INT64_MAX, &query.after_seq)) {
		refuse(reply, "BadRequestException", "The provided NextToken is invalid.");
		return;
	}
	int page = query.limit++;
	struct lc_job *list = NULL;
	size_t count = lc_jobs_list(jobs, &query, &list);
	json_t *answer = json_pack("{s:[]}", "TranscriptionJobSummaries");
	if (status) {
		json_object_set_new(answer, "Status", json_string(status));
	}
	for (size_t i = 0; i < count && i < (size_t)page; i++) {
		json_t *summary = view(&list[i], summarised);
		json_object_set_new(summary, "OutputLocationType", json_string("CUSTOMER_BUCKET"));
		json_array_append_new(
			json_object_get(answer, "TranscriptionJobSummaries"), summary);
	}
	if (count > (size_t)page) {
		SL_AUTO(sl_freep)
		char *next = sl_asprintf("%lld", (long long)list[page - 1].seq);
		json_object_set_new(answer, "NextToken", json_string(next));
	}
	lc_reply_json(reply, CONTENT_TYPE, answer);
	lc_jobs_free(list, count);
}

static void describe(const struct lc_job *job, struct lc_journal_entry *entry)
{
	(void)lc_transcribe_media_uri(text_of(json_object_get(job->doc, "Media"), "MediaFileUri"),
		&entry->bucket, &entry->key);
}

void lc_transcribe_journal(json_t *list)
{
	lc_journal_jobs(jobs, "transcribe", describe, list);
}

static const struct {
	const char *name;
	void (*run)(const json_t *body, struct lc_reply *reply);
} operations[] = {
	{"StartTranscriptionJob", start_job},
	{"GetTranscriptionJob", get_job},
	{"ListTranscriptionJobs", list_jobs},
	{"DeleteTranscriptionJob", delete_job},
};

void lc_transcribe_handle(
	SL_UNUSED struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	const char *target = lc_request_header(request, "x-amz-target");
	json_auto_t *body = NULL;
	if (!target || !sl_text_starts_with(target, TARGET)) {
		refuse(reply, "UnknownOperationException", "No operation named");
		return;
	}
	if (sl_json_parse(request->body ? request->body : "", request->body_len, &body, NULL) !=
			SL_ERR_OK ||
		!json_is_object(body)) {
		refuse(reply, "SerializationException", "The body is not a JSON object");
		return;
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(operations); i++) {
		if (strcmp(target + strlen(TARGET), operations[i].name) == 0) {
			operations[i].run(body, reply);
			return;
		}
	}
	refuse(reply, "UnknownOperationException", "localcloud does not offer this operation");
}
