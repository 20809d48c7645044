/* SPDX-License-Identifier: Apache-2.0 */
/* Labels: StartLabelDetection on the MP4, and asking until it is done; labels_collect.c collects.
 * Worker threads. */

#include "labels_collect.h"
#include "mem.h"
#include "quota.h"
#include "rekognition.h"
#include "steps.h"
#include "usage.h"

/* --- start --------------------------------------------------------------------------------- */

struct job {
	const struct sl_config *config;
	const struct sl_step *step;
	const char *id;
};

static enum sl_err started_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct job *job = context;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_analysis_set_job, NULL, reterr,
		SL_PG_TEXT(job->step->video_id), SL_PG_TEXT(job->step->track), SL_PG_TEXT(job->id),
		SL_PG_NULL);
	if (err == SL_ERR_OK) {
		err = sl_fsm_analysis_apply(pg, job->step->video_id, job->step->track,
			SL_EVENT_ANALYSIS_STARTED, NULL, reterr);
	}
	/* Now, since nothing can end such a job: it is billed whatever becomes of the video. */
	const struct sl_cost_facts facts = {
		.duration_ms = job->step->video.duration_ms, .analyses = 1U << SL_LABELS};
	return err == SL_ERR_OK ? sl_usage_charge(job->config, pg, job->step->video_id,
					  job->step->track, &facts, false, reterr)
				: err;
}

static const char *set_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? text : NULL;
}

enum sl_err sl_labels_start(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows analysis = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_analysis_get, &analysis, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_TEXT(step->track));
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *token = sl_video_labels_token(step->video_id, sl_pg_i64(&analysis, 0, "attempt"));
	const struct sl_rekognition_label_request request = {
		.bucket = worker->config->bucket,
		.key = step->video.mp4_key,
		.min_confidence = step->video.options.labels.min_confidence,
		.token = token,
		.job_tag = step->video_id,
		.topic_arn = set_or_null(worker->config->rekognition_topic_arn),
		.role_arn = set_or_null(worker->config->rekognition_role_arn),
	};
	SL_AUTO(sl_freep)
	char *id = NULL;
	err = sl_quota_take(worker, SL_QUOTA_START_LABEL_DETECTION, reterr);
	if (err == SL_ERR_OK) {
		err = sl_rekognition_start_label_detection(worker->aws, &request, &id, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	struct job job = {worker->config, step, id};
	const struct sl_step_next next = {
		.kind = SL_STEP_LABELS_POLL, .delay_ms = sl_step_poll_delay_ms(worker, 0)};
	return sl_step_commit(worker, step, &next, started_tx, &job, reterr);
}

/* --- poll ---------------------------------------------------------------------------------- */

enum sl_err sl_labels_poll(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows analysis = {0};
	SL_AUTO(sl_rekognition_labels_finish)
	struct sl_rekognition_labels page = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_analysis_get, &analysis, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_TEXT(step->track));
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *job_id = sl_pg_text(&analysis, 0, "job_id");
	err = sl_quota_take(worker, SL_QUOTA_GET_LABEL_DETECTION, reterr);
	if (err == SL_ERR_OK) {
		err = sl_rekognition_get_label_detection(
			worker->aws, job_id, NULL, SL_LABELS_PAGE, &page, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	switch (page.status) {
	case SL_REKOGNITION_SUCCEEDED:
		return sl_labels_collect(worker, step, job_id, &page, reterr);
	case SL_REKOGNITION_FAILED:
		return sl_step_job_failed(reterr, "Rekognition", "rekognition",
			"StartLabelDetection", page.status_message);
	default:
		break;
	}
	return sl_step_poll_again(worker, step, NULL, NULL, reterr);
}
