/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command: finds the videos, one after the other, and rebuilds or checks each. Patient with
 * stores that are slow or away for a while. Entry point: sl_rebuild(). Main thread.
 */

#include "rebuild.h"

#include <string.h>

#include "client.h"
#include "clock.h"
#include "dynamodb.h"
#include "log.h"
#include "mem.h"
#include "rebuild_load.h"
#include "record_read.h"
#include "text.h"
#include "uuid.h"

/* How long one video, or one page of them, is tried again while a store is away or throttles. */
#define PATIENCE_MS  (INT64_C(15) * 60 * 1000)
#define PAUSE_MAX_MS 15000
/* A video that changes each time its items are read is in someone's hands. */
#define CHANGES_MAX 5
/* Videos in a page out of PostgreSQL. */
#define PAGE 100

struct rebuild {
	const struct sl_config *config;
	const struct sl_rebuild_options *options;
	struct sl_client *aws;
	struct sl_pg *pg;
	FILE *out;
	int64_t videos;   /* looked at */
	int64_t done;     /* rebuilt, or equal */
	int64_t busy;     /* left alone */
	int64_t problems; /* lines, and videos that could not be looked at */
};

typedef enum sl_err try_fn(struct rebuild *rebuild, void *context, struct sl_error *reterr);

/* Runs `fn` again, after growing pauses, while its error is one that passes. */
static enum sl_err patiently(
	struct rebuild *rebuild, try_fn *fn, void *context, struct sl_error *reterr)
{
	int64_t end_ms = sl_clock_monotonic_ms() + PATIENCE_MS;
	int64_t wait_ms = 250;
	for (;;) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = fn(rebuild, context, &error);
		if (err == SL_ERR_OK) {
			return err;
		}
		/* Whoever called can see to the credentials, but not while this waits. */
		bool passes = sl_err_retryable(err) && err != SL_ERR_AWS_CREDENTIALS;
		if (!passes || sl_clock_monotonic_ms() + wait_ms > end_ms) {
			sl_error_move(reterr, &error);
			return err;
		}
		sl_log_error(SL_LOG_WARN, "trying again", &error, SL_F_I64("wait_ms", wait_ms),
			SL_F_END);
		sl_clock_sleep(wait_ms);
		wait_ms = wait_ms * 2 < PAUSE_MAX_MS ? wait_ms * 2 : PAUSE_MAX_MS;
	}
}

/* --- one video ----------------------------------------------------------------------------- */

enum outcome { DONE, BUSY, WRONG };

struct video {
	const char *id;
	struct sl_rebuild_findings found; /* among the items */
	struct sl_rebuild_findings differences;
	enum outcome outcome;
};

static void video_finish(struct video *video)
{
	sl_rebuild_findings_finish(&video->found);
	sl_rebuild_findings_finish(&video->differences);
}

/* With the items at hand. */
static enum sl_err apply(struct rebuild *rebuild, struct video *video,
	struct sl_rebuild_source *source, const struct sl_rebuild_head *head,
	struct sl_error *reterr)
{
	if (source->item == NULL) {
		return sl_rebuild_find(&video->found, reterr,
			head->exists ? "videos/%s: missing in DynamoDB"
				     : "videos/%s: in neither store",
			video->id);
	}
	bool whole = source->whole == SL_REBUILD_ALL;
	if (!whole && video->found.count == 0) {
		SL_BUG("a section is not whole, and nobody said why");
	}
	if (!rebuild->options->check) {
		return whole
			? sl_rebuild_replace(rebuild->pg, source, head, &video->differences, reterr)
			: SL_ERR_OK;
	}
	if (!head->exists) {
		return sl_rebuild_find(&video->found, reterr, "videos: missing in PostgreSQL");
	}
	return source->whole & SL_REBUILD_RECORD
		? sl_rebuild_compare(rebuild->pg, source, head, &video->differences, reterr)
		: SL_ERR_OK;
}

/* PostgreSQL is asked first: a video is deleted from DynamoDB before its row goes, so what had no
 * row then and has items now was not deleted, but lost. */
static enum sl_err try_video(struct rebuild *rebuild, void *context, struct sl_error *reterr)
{
	struct video *video = context;
	video_finish(video);
	SL_AUTO(sl_rebuild_head_finish)
	struct sl_rebuild_head head = {0};
	enum sl_err err = sl_rebuild_head_read(rebuild->pg, video->id, &head, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (head.exists && (!head.final || rebuild->options->missing)) {
		video->outcome = head.final ? DONE : BUSY;
		return SL_ERR_OK;
	}
	char shadow[SL_UUID_SIZE];
	sl_uuid_create(shadow);
	SL_AUTO(sl_rebuild_source_finish)
	struct sl_rebuild_source source = {
		.aws = rebuild->aws,
		.table = rebuild->config->table,
		.video_id = video->id,
		.target_id = rebuild->options->check ? shadow : video->id,
		.thorough = rebuild->options->check,
		.findings = &video->found,
	};
	err = sl_rebuild_gather(&source, reterr);
	if (err == SL_ERR_OK) {
		err = apply(rebuild, video, &source, &head, reterr);
	}
	video->outcome = video->found.count + video->differences.count > 0 ? WRONG : DONE;
	return err;
}

static enum sl_err try_unchanging(struct rebuild *rebuild, void *context, struct sl_error *reterr)
{
	struct video *video = context;
	for (int i = 0; i < CHANGES_MAX; i++) {
		enum sl_err err = try_video(rebuild, video, reterr);
		if (err != SL_ERR_VIDEO_BUSY) {
			return err;
		}
		sl_error_finish(reterr);
	}
	video_finish(video);
	video->outcome = BUSY;
	return SL_ERR_OK;
}

static enum sl_err do_video(struct rebuild *rebuild, const char *id, struct sl_error *reterr)
{
	SL_AUTO(video_finish)
	struct video video = {.id = id, .found = {.video_id = id}, .differences = {.video_id = id}};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	int64_t begin = sl_clock_monotonic_ms();
	enum sl_err err = patiently(rebuild, try_unchanging, &video, &error);
	rebuild->videos++;
	if (err != SL_ERR_OK) {
		/* The others may fare better. */
		rebuild->problems++;
		sl_log_error(SL_LOG_ERROR, "video left as it was", &error, SL_F("video_id", id),
			SL_F_END);
		return SL_ERR_OK;
	}
	rebuild->problems += video.found.count + video.differences.count;
	rebuild->done += video.outcome == DONE;
	rebuild->busy += video.outcome == BUSY;
	static const char *const outcomes[] = {"done", "busy", "wrong"};
	sl_log(video.outcome == WRONG ? SL_LOG_WARN : SL_LOG_INFO, "video looked at",
		SL_F("video_id", id), SL_F("outcome", outcomes[video.outcome]),
		SL_F_I64("ms", sl_clock_monotonic_ms() - begin), SL_F_END);
	err = sl_rebuild_findings_print(&video.found, rebuild->out, reterr);
	return err == SL_ERR_OK
		? sl_rebuild_findings_print(&video.differences, rebuild->out, reterr)
		: err;
}

/* --- all videos ---------------------------------------------------------------------------- */

struct page {
	json_t *request; /* of Scan */
	json_t *answer;
};

static void page_finish(struct page *page)
{
	json_decref(page->request);
	json_decref(page->answer);
}

static enum sl_err scan_page(struct rebuild *rebuild, void *context, struct sl_error *reterr)
{
	struct page *page = context;
	return sl_dynamodb_scan(
		rebuild->aws, rebuild->config->table, page->request, &page->answer, reterr);
}

/* videos/<id>; its parts and versions have a # behind that. */
static const char *video_of(const json_t *item)
{
	const char *name = sl_record_text(item, "fileName");
	const char *id = name != NULL && sl_text_starts_with(name, "videos/") ? name + 7 : NULL;
	return id != NULL && sl_uuid_valid(id) ? id : NULL;
}

static enum sl_err do_recorded(struct rebuild *rebuild, struct sl_error *reterr)
{
	SL_AUTO(page_finish)
	struct page page = {
		.request = json_pack("{s:s, s:{s:{s:s}}, s:s, s:b}", "FilterExpression",
			"begins_with(fileName, :videos)", "ExpressionAttributeValues", ":videos",
			"S", "videos/", "ProjectionExpression", "fileName", "ConsistentRead", 1)};
	enum sl_err err = SL_ERR_OK;
	bool more = true;
	while (err == SL_ERR_OK && more) {
		err = patiently(rebuild, scan_page, &page, reterr);
		size_t i;
		const json_t *item;
		json_array_foreach (json_object_get(page.answer, "Items"), i, item) {
			const char *id = video_of(item);
			if (err == SL_ERR_OK && id != NULL) {
				err = do_video(rebuild, id, reterr);
			}
		}
		json_t *last = json_object_get(page.answer, "LastEvaluatedKey");
		more = last != NULL;
		if (more) {
			json_object_set(page.request, "ExclusiveStartKey", last);
		}
		json_decref(sl_take(&page.answer));
	}
	return err;
}

struct finished {
	char last[SL_UUID_SIZE]; /* "": from the first */
	struct sl_pg_rows rows;
};

static void finished_finish(struct finished *finished)
{
	sl_pg_rows_finish(&finished->rows);
}

static enum sl_err finished_page(struct rebuild *rebuild, void *context, struct sl_error *reterr)
{
	struct finished *finished = context;
	return sl_pg_exec(rebuild->pg, SL_SQL_mirror_page, &finished->rows, reterr,
		SL_PG_TEXT(finished->last[0] != '\0' ? finished->last : NULL), SL_PG_I64(PAGE));
}

struct existence {
	const char *id;
	bool recorded;
};

static enum sl_err is_recorded(struct rebuild *rebuild, void *context, struct sl_error *reterr)
{
	struct existence *existence = context;
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("videos/%s", existence->id);
	return sl_dynamodb_item_exists(rebuild->aws, rebuild->config->table, "fileName", name,
		&existence->recorded, reterr);
}

/* Videos that are final in PostgreSQL and that the scan could not find. */
static enum sl_err do_unrecorded(struct rebuild *rebuild, struct sl_error *reterr)
{
	SL_AUTO(finished_finish)
	struct finished finished = {.last = ""};
	enum sl_err err = patiently(rebuild, finished_page, &finished, reterr);
	while (err == SL_ERR_OK && finished.rows.count > 0) {
		for (int i = 0; err == SL_ERR_OK && i < finished.rows.count; i++) {
			struct existence existence = {sl_pg_text(&finished.rows, i, "id"), false};
			snprintf(finished.last, sizeof(finished.last), "%s", existence.id);
			err = patiently(rebuild, is_recorded, &existence, reterr);
			if (err == SL_ERR_OK && !existence.recorded) {
				err = do_video(rebuild, existence.id, reterr);
			}
		}
		if (err == SL_ERR_OK) {
			err = patiently(rebuild, finished_page, &finished, reterr);
		}
	}
	return err;
}

/* The sums over all videos: after them. */
static enum sl_err do_names(struct rebuild *rebuild, void *context, struct sl_error *reterr)
{
	(void)context;
	if (!rebuild->options->check) {
		return sl_rebuild_remake_names(rebuild->pg, reterr);
	}
	SL_AUTO(sl_rebuild_findings_finish)
	struct sl_rebuild_findings found = {.video_id = "names"};
	enum sl_err err = sl_rebuild_check_names(rebuild->pg, &found, reterr);
	if (err == SL_ERR_OK) {
		err = sl_rebuild_findings_print(&found, rebuild->out, reterr);
	}
	rebuild->problems += err == SL_ERR_OK ? found.count : 0;
	return err;
}

/* --- the command --------------------------------------------------------------------------- */

static enum sl_err do_all(struct rebuild *rebuild, struct sl_error *reterr)
{
	const struct sl_json_strv *videos = &rebuild->options->videos;
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; i < videos->count; i++) {
		if (!sl_uuid_valid(videos->items[i])) {
			return sl_error_set(reterr, SL_ERR_BAD_VALUE, "\"%s\" is no video's id",
				videos->items[i]);
		}
	}
	for (size_t i = 0; err == SL_ERR_OK && i < videos->count; i++) {
		err = do_video(rebuild, videos->items[i], reterr);
	}
	if (videos->count > 0) {
		return err;
	}
	err = do_recorded(rebuild, reterr);
	if (err == SL_ERR_OK && rebuild->options->check) {
		err = do_unrecorded(rebuild, reterr);
	}
	return err == SL_ERR_OK ? patiently(rebuild, do_names, NULL, reterr) : err;
}

static void rebuild_finish(struct rebuild *rebuild)
{
	sl_client_destroy(rebuild->aws);
	sl_pg_destroy(rebuild->pg);
}

enum sl_err sl_rebuild(const struct sl_config *config, const struct sl_rebuild_options *options,
	FILE *out, int64_t *ret_problems, struct sl_error *reterr)
{
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = NULL;
	SL_AUTO(rebuild_finish)
	struct rebuild rebuild = {.config = config, .options = options, .out = out};
	enum sl_err err = sl_aws_create(&aws, reterr);
	if (err == SL_ERR_OK) {
		rebuild.aws = sl_client_create(aws);
		err = sl_pg_connect(config->database_url, "spotlist rebuild", &rebuild.pg, reterr);
	}
	if (err == SL_ERR_OK) {
		err = do_all(&rebuild, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	sl_log(rebuild.problems > 0 ? SL_LOG_WARN : SL_LOG_INFO,
		options->check ? "mirror checked" : "mirror rebuilt",
		SL_F_I64("videos", rebuild.videos), SL_F_I64("good", rebuild.done),
		SL_F_I64("left_alone", rebuild.busy), SL_F_I64("problems", rebuild.problems),
		SL_F_END);
	*ret_problems = rebuild.problems;
	return SL_ERR_OK;
}
