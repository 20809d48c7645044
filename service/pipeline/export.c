/* SPDX-License-Identifier: Apache-2.0 */
/* What all exports begin and end with: the video, and whether there is a result. HTTP threads. */

#include "export.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"
#include "uuid.h"

#define ASK_AGAIN_MS 5000

void sl_export_video_finish(struct sl_export_video *video)
{
	free(video->title);
	free(video->mp4_key);
	free(video->language);
	free(video->stamp);
	*video = (struct sl_export_video){0};
}

static const struct analysis {
	enum sl_export_analysis bit;
	const char *what, *state, *reason;
} analyses[] = {
	{SL_EXPORT_CELEBRITIES, "celebrities", "celebrities_state", "celebrities_reason"},
	{SL_EXPORT_LABELS, "labels", "labels_state", "labels_reason"},
	{SL_EXPORT_TRANSCRIPT, "transcript", "transcript_state", "transcript_reason"},
};

static enum sl_err pending(const char *id, const char *what, struct sl_error *reterr)
{
	enum sl_err err = sl_error_set(reterr, SL_ERR_RESULT_PENDING,
		"the %s of video %s: the analysis has not ended yet; ask again", what, id);
	if (reterr != NULL) {
		reterr->retry_after_ms = ASK_AGAIN_MS;
	}
	return err;
}

static enum sl_err missing(const struct analysis *analysis, const struct sl_pg_rows *row,
	const char *id, struct sl_error *reterr)
{
	const char *state = sl_pg_text(row, 0, analysis->state);
	const char *reason = sl_pg_text(row, 0, analysis->reason);
	if (state == NULL) {
		return sl_error_set(reterr, SL_ERR_RESULT_MISSING,
			"the %s of video %s: this analysis was not asked for", analysis->what, id);
	}
	return sl_error_set(reterr, SL_ERR_RESULT_MISSING, "the %s of video %s: %s%s%s",
		analysis->what, id, state, reason != NULL ? ", " : "",
		reason != NULL ? reason : "");
}

static bool is_under_way(const char *state)
{
	return state != NULL && strcmp(state, "complete") != 0 && strcmp(state, "skipped") != 0 &&
		strcmp(state, "failed") != 0;
}

static enum sl_err judge(const struct sl_pg_rows *row, const struct sl_export_video *video,
	unsigned all, unsigned any, struct sl_error *reterr)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(analyses); i++) {
		const struct analysis *analysis = &analyses[i];
		if (((all | any) & analysis->bit) != 0 &&
			is_under_way(sl_pg_text(row, 0, analysis->state))) {
			return pending(video->id, analysis->what, reterr);
		}
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(analyses); i++) {
		unsigned bit = analyses[i].bit;
		bool needed = (all & bit) != 0 || (any & bit & (~any + 1)) != 0;
		bool enough = (all & bit) != 0 ? (video->complete & bit) != 0
					       : (video->complete & any) != 0;
		if (needed && !enough) {
			return missing(&analyses[i], row, video->id, reterr);
		}
	}
	return SL_ERR_OK;
}

static char *copy(const struct sl_pg_rows *row, const char *column)
{
	const char *text = sl_pg_text(row, 0, column);
	return text != NULL ? sl_strdup(text) : NULL;
}

static enum sl_err not_found(const char *id, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", id);
}

enum sl_err sl_export_begin(struct sl_pg *pg, const char *id, unsigned all, unsigned any,
	struct sl_export_video *ret, struct sl_error *reterr)
{
	if (!sl_uuid_valid(id)) {
		return not_found(id, reterr);
	}
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows row = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_export_video, &row, reterr, SL_PG_TEXT(id));
	if (err == SL_ERR_OK && row.count == 0) {
		err = not_found(id, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	struct sl_export_video video = {.id = id};
	for (size_t i = 0; i < SL_ARRAY_SIZE(analyses); i++) {
		if (sl_text_equal(sl_pg_text(&row, 0, analyses[i].state), "complete")) {
			video.complete |= analyses[i].bit;
		}
	}
	err = judge(&row, &video, all, any, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	video.title = copy(&row, "title");
	video.mp4_key = copy(&row, "mp4_key");
	video.language = copy(&row, "language");
	video.stamp = copy(&row, "stamp");
	video.duration_ms = sl_pg_i64(&row, 0, "duration_ms");
	video.frame_rate = sl_pg_f64(&row, 0, "frame_rate");
	*ret = video;
	return SL_ERR_OK;
}

enum sl_err sl_export_check(
	struct sl_pg *pg, const struct sl_export_video *video, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows row = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_export_video, &row, reterr, SL_PG_TEXT(video->id));
	if (err == SL_ERR_OK && row.count == 0) {
		err = not_found(video->id, reterr);
	}
	if (err == SL_ERR_OK && !sl_text_equal(sl_pg_text(&row, 0, "stamp"), video->stamp)) {
		err = pending(video->id, "results", reterr);
	}
	return err;
}
