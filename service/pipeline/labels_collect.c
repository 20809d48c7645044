/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting every page of GetLabelDetection: into parts of the record in DynamoDB as they fill,
 * and onto disk for PostgreSQL, so that a million labels cost no memory. Worker threads.
 */

#include "labels_collect.h"

#include "labels_mirror.h"
#include "mem.h"
#include "paging.h"
#include "quota.h"
#include "record.h"
#include "text.h"

struct collection {
	struct sl_worker *worker;
	struct sl_step *step;
	const char *job_id;
	struct sl_labels_mirror *mirror;
	struct sl_record_parts parts;
	json_t *video; /* VideoMetadata */
	char *model_version;
};

static void collection_finish(struct collection *collection)
{
	sl_labels_mirror_destroy(collection->mirror);
	sl_record_parts_finish(&collection->parts);
	json_decref(collection->video);
	sl_freep(&collection->model_version);
}

static enum sl_err add_page(
	struct collection *collection, struct sl_rekognition_labels *page, struct sl_error *reterr)
{
	size_t i;
	const json_t *label;
	json_array_foreach (page->labels, i, label) {
		SL_AUTO(sl_freep)
		char *text = sl_json_text(label);
		enum sl_err err = sl_record_parts_add(&collection->parts, text, reterr);
		if (err == SL_ERR_OK) {
			err = sl_labels_mirror_add(collection->mirror, label, reterr);
		}
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	if (collection->video == NULL) {
		collection->video = sl_take(&page->video);
	}
	if (collection->model_version == NULL) {
		collection->model_version = sl_take(&page->model_version);
	}
	return SL_ERR_OK;
}

/* A token lives for a while only. Nothing is lost: the step is put off, and then collects anew from
 * the first page. */
static enum sl_err token_expired(struct sl_error *error, struct sl_error *reterr)
{
	struct sl_provider_error provider = sl_error_copy_provider(&error->provider);
	sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE,
		"GetLabelDetection: the NextToken has expired; collecting from the first page "
		"again");
	if (reterr != NULL) {
		reterr->provider = provider;
	}
	return SL_ERR_AWS_UNAVAILABLE;
}

static enum sl_err get_page(struct collection *collection, const char *token,
	struct sl_rekognition_labels *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_quota_wait(collection->worker, SL_QUOTA_GET_LABEL_DETECTION, &error);
	if (err == SL_ERR_OK) {
		err = sl_rekognition_get_label_detection(collection->worker->aws,
			collection->job_id, token, SL_LABELS_PAGE, ret, &error);
	}
	if (err == SL_ERR_OK && ret->status != SL_REKOGNITION_SUCCEEDED) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"GetLabelDetection: a later page says that the job has not succeeded");
	}
	if (sl_text_equal(error.provider.code, "InvalidPaginationTokenException")) {
		return token_expired(&error, reterr);
	}
	if (err != SL_ERR_OK) {
		sl_error_move(reterr, &error);
	}
	return err;
}

/* The first page is in hand; fetches the rest. */
static enum sl_err add_pages(
	struct collection *collection, struct sl_rekognition_labels *first, struct sl_error *reterr)
{
	SL_AUTO(sl_paging_finish)
	struct sl_paging paging = {0};
	bool is_new = true;
	enum sl_err err =
		sl_paging_check(&paging, NULL, first->next_token, first->labels, &is_new, reterr);
	if (err == SL_ERR_OK) {
		err = add_page(collection, first, reterr);
	}
	SL_AUTO(sl_freep)
	char *token = sl_take(&first->next_token);
	while (err == SL_ERR_OK && token != NULL) {
		SL_AUTO(sl_rekognition_labels_finish)
		struct sl_rekognition_labels page = {0};
		err = get_page(collection, token, &page, reterr);
		if (err == SL_ERR_OK) {
			err = sl_paging_check(
				&paging, token, page.next_token, page.labels, &is_new, reterr);
		}
		if (err == SL_ERR_OK && is_new) {
			err = add_page(collection, &page, reterr);
		}
		if (err == SL_ERR_OK) {
			err = sl_step_check_lease(collection->worker, collection->step, reterr);
		}
		sl_freep(&token);
		token = sl_take(&page.next_token);
	}
	return err;
}

static enum sl_err put_record(struct collection *collection, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *item = sl_record_item(collection->parts.file_name, collection->step->video_id);
	if (collection->video != NULL) {
		sl_record_set_json(item, "videoMetadata", collection->video);
	}
	sl_record_set_text(item, "labelModelVersion", collection->model_version);
	enum sl_err err = sl_record_parts_end(&collection->parts, item, reterr);
	if (err == SL_ERR_OK) {
		err = sl_dynamodb_put_item(
			collection->worker->aws, collection->worker->config->table, item, reterr);
	}
	return err;
}

struct video_metadata {
	const char *codec;
	double frame_rate;
	int64_t width, height;
};

static const struct sl_json_field video_metadata_spec[] = {
	SL_STR_AS(struct video_metadata, codec, "Codec", SL_OPTIONAL),
	SL_F64_AS(struct video_metadata, frame_rate, "FrameRate", SL_OPTIONAL),
	SL_I64_AS(struct video_metadata, width, "FrameWidth", SL_OPTIONAL),
	SL_I64_AS(struct video_metadata, height, "FrameHeight", SL_OPTIONAL),
	SL_JSON_END,
};

/* The frame rate matters when MediaConvert's event that tells it never came. */
static enum sl_err store_video_metadata(
	struct sl_pg *pg, const struct collection *collection, struct sl_error *reterr)
{
	struct video_metadata video = {0};
	if (collection->video == NULL ||
		sl_json_decode(collection->video, video_metadata_spec, SL_JSON_LENIENT, &video,
			NULL) != SL_ERR_OK) {
		return SL_ERR_OK;
	}
	return sl_pg_exec(pg, SL_SQL_video_fill_input, NULL, reterr,
		SL_PG_TEXT(collection->step->video_id),
		video.width > 0 ? SL_PG_I64(video.width) : SL_PG_NULL,
		video.height > 0 ? SL_PG_I64(video.height) : SL_PG_NULL,
		video.frame_rate > 0 ? SL_PG_F64(video.frame_rate) : SL_PG_NULL);
}

static enum sl_err store_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct collection *collection = context;
	const struct sl_step *step = collection->step;
	enum sl_err err = sl_labels_mirror_load(pg, collection->mirror, reterr);
	if (err == SL_ERR_OK) {
		err = store_video_metadata(pg, collection, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_fsm_analysis_apply(
			pg, step->video_id, step->track, SL_EVENT_ANALYSIS_COLLECTED, NULL, reterr);
	}
	return err;
}

enum sl_err sl_labels_collect(struct sl_worker *worker, struct sl_step *step, const char *job_id,
	struct sl_rekognition_labels *first, struct sl_error *reterr)
{
	enum sl_err err = sl_step_mark_collecting(worker, step, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(collection_finish)
	struct collection collection = {
		.worker = worker,
		.step = step,
		.job_id = job_id,
		.parts = {.aws = worker->aws,
			.table = worker->config->table,
			.file_name = step->video.mp4_key,
			.video_id = step->video_id,
			.attribute = "objects",
			.is_array = true},
	};
	err = sl_labels_mirror_create(step->video_id, &collection.mirror, reterr);
	if (err == SL_ERR_OK) {
		err = add_pages(&collection, first, reterr);
	}
	if (err == SL_ERR_OK) {
		err = put_record(&collection, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_step_next done = {.done = true};
	return sl_step_commit(worker, step, &done, store_tx, &collection, reterr);
}
