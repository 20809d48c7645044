/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Elemental MediaConvert: CreateJob, GetJob, CancelJob, ListJobs, on the camelCase wire.
 * Everything runs on the thread of the client.
 */
#include "mediaconvert.h"

#include <string.h>

#include "call.h"
#include "json_spec.h"
#include "mem.h"
#include "text.h"

#define JOBS_PATH  "/2017-08-29/jobs"
#define PAGE_SIZE  "20" /* the most that ListJobs takes */
#define LIST_QUERY 5    /* parameters, at most */

static const char *const status_names[] = {
	[SL_MEDIACONVERT_SUBMITTED] = "SUBMITTED",
	[SL_MEDIACONVERT_PROGRESSING] = "PROGRESSING",
	[SL_MEDIACONVERT_COMPLETE] = "COMPLETE",
	[SL_MEDIACONVERT_CANCELED] = "CANCELED",
	[SL_MEDIACONVERT_ERROR] = "ERROR",
	NULL,
};

/* A Job as it is on the wire; everything is borrowed from the answer. */
struct wire_job {
	const char *id;
	int status;
	int64_t percent;
	int64_t error_code;
	const char *error_message;
	json_t *output_group_details;
	json_t *user_metadata;
};

static const struct sl_json_field job_spec[] = {
	SL_STR_AS(struct wire_job, id, "id", SL_REQUIRED),
	SL_ENUM(struct wire_job, status, status_names, SL_REQUIRED),
	SL_I64_AS(struct wire_job, percent, "jobPercentComplete", SL_OPTIONAL),
	SL_I64_AS(struct wire_job, error_code, "errorCode", SL_OPTIONAL),
	SL_STR_AS(struct wire_job, error_message, "errorMessage", SL_OPTIONAL),
	SL_ANY_AS(struct wire_job, output_group_details, "outputGroupDetails", SL_OPTIONAL),
	SL_ANY_AS(struct wire_job, user_metadata, "userMetadata", SL_OPTIONAL),
	SL_JSON_END,
};

void sl_mediaconvert_job_finish(struct sl_mediaconvert_job *job)
{
	free(job->id);
	free(job->error_message);
	json_decref(job->output_group_details);
	json_decref(job->user_metadata);
	memset(job, 0, sizeof *job);
}

static enum sl_err read_job(
	const json_t *job, struct sl_mediaconvert_job *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct wire_job wire = {0};
	if (sl_json_decode(job, job_spec, SL_JSON_LENIENT, &wire, &error) != SL_ERR_OK) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"MediaConvert's job is not understood: %s %s",
			error.pointer != NULL ? error.pointer : "", error.detail);
	}
	struct sl_mediaconvert_job read = {
		.id = sl_strdup(wire.id),
		.status = (enum sl_mediaconvert_status)wire.status,
		.percent = wire.percent,
		.error_code = wire.error_code,
		.error_message = sl_strdup(wire.error_message),
		.output_group_details = json_is_array(wire.output_group_details)
			? json_incref(wire.output_group_details)
			: NULL,
		.user_metadata =
			json_is_object(wire.user_metadata) ? json_incref(wire.user_metadata) : NULL,
	};
	/* The wire leaves the percentage out once a job has ended. */
	if (read.status == SL_MEDIACONVERT_COMPLETE) {
		read.percent = 100;
	}
	*ret = read;
	return SL_ERR_OK;
}

enum sl_err sl_mediaconvert_create_job(struct sl_client *client, const json_t *body,
	struct sl_mediaconvert_job *ret, struct sl_error *reterr)
{
	const struct sl_call call = {
		.service = SL_SERVICE_MEDIACONVERT,
		.operation = "CreateJob",
		.method = "POST",
		.path = JOBS_PATH,
		.idempotent = json_is_string(json_object_get(body, "clientRequestToken")),
	};
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = sl_call_json(client, &call, body, &answer, reterr);
	return err != SL_ERR_OK ? err : read_job(json_object_get(answer, "job"), ret, reterr);
}

/* The path of one job; false for an id that no job has. The caller owns `*ret_path`. */
static enum sl_err job_path(const char *id, char **ret_path, struct sl_error *reterr)
{
	if (id[0] == '\0' || strpbrk(id, "/?#") != NULL || id[0] == '.') {
		return sl_error_set(reterr, SL_ERR_AWS_NOT_FOUND,
			"'%s' is not the id of a MediaConvert job", id);
	}
	*ret_path = sl_asprintf("%s/%s", JOBS_PATH, id);
	return SL_ERR_OK;
}

enum sl_err sl_mediaconvert_get_job(struct sl_client *client, const char *id,
	struct sl_mediaconvert_job *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *path = NULL;
	enum sl_err err = job_path(id, &path, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_call call = {
		.service = SL_SERVICE_MEDIACONVERT,
		.operation = "GetJob",
		.method = "GET",
		.path = path,
		.idempotent = true,
	};
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	err = sl_call_json(client, &call, /* body= */ NULL, &answer, reterr);
	return err != SL_ERR_OK ? err : read_job(json_object_get(answer, "job"), ret, reterr);
}

enum sl_err sl_mediaconvert_cancel_job(
	struct sl_client *client, const char *id, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *path = NULL;
	enum sl_err err = job_path(id, &path, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_call call = {
		.service = SL_SERVICE_MEDIACONVERT,
		.operation = "CancelJob",
		.method = "DELETE",
		.path = path,
		.idempotent = true,
	};
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	return sl_call_json(client, &call, /* body= */ NULL, &answer, reterr);
}

enum sl_err sl_mediaconvert_list_jobs(struct sl_client *client, const char *queue,
	const char *status, const char *token, json_t **ret_page, struct sl_error *reterr)
{
	struct sl_pair query[LIST_QUERY] = {
		{"maxResults", PAGE_SIZE},
		{"order", "DESCENDING"},
	};
	size_t count = 2;
	if (token != NULL) {
		query[count++] = (struct sl_pair){"nextToken", token};
	}
	if (queue != NULL) {
		query[count++] = (struct sl_pair){"queue", queue};
	}
	if (status != NULL) {
		query[count++] = (struct sl_pair){"status", status};
	}
	const struct sl_call call = {
		.service = SL_SERVICE_MEDIACONVERT,
		.operation = "ListJobs",
		.method = "GET",
		.path = JOBS_PATH,
		.query = query,
		.query_count = count,
		.idempotent = true,
	};
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = sl_call_json(client, &call, /* body= */ NULL, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (!json_is_array(json_object_get(answer, "jobs"))) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "MediaConvert's ListJobs has no jobs");
	}
	*ret_page = sl_take(&answer);
	return SL_ERR_OK;
}

/* The job on this page that has the metadata, borrowed, or NULL. */
static const json_t *find_on_page(const json_t *page, const char *key, const char *value)
{
	size_t i;
	const json_t *job;
	json_array_foreach (json_object_get(page, "jobs"), i, job) {
		const json_t *metadata = json_object_get(job, "userMetadata");
		if (sl_text_equal(json_string_value(json_object_get(metadata, key)), value)) {
			return job;
		}
	}
	return NULL;
}

enum sl_err sl_mediaconvert_find_job(struct sl_client *client, const char *queue, const char *key,
	const char *value, int max_pages, struct sl_mediaconvert_job *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *token = NULL;
	for (int page_number = 0; page_number < max_pages; page_number++) {
		SL_AUTO(sl_json_decrefp)
		json_t *page = NULL;
		enum sl_err err = sl_mediaconvert_list_jobs(
			client, queue, /* status= */ NULL, token, &page, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		const json_t *job = find_on_page(page, key, value);
		if (job != NULL) {
			return read_job(job, ret, reterr);
		}
		const char *next = json_string_value(json_object_get(page, "nextToken"));
		if (next == NULL || next[0] == '\0') {
			break;
		}
		char *copy = sl_strdup(next);
		free(token);
		token = copy;
	}
	return sl_error_set(
		reterr, SL_ERR_AWS_NOT_FOUND, "No MediaConvert job has %s = %s", key, value);
}
