/* SPDX-License-Identifier: Apache-2.0 */
/* The first steps of an analysis. Worker threads, inside a transaction. */

#include "begin.h"

#include "gate.h"
#include "steps.h"

/* Transcribe takes nothing shorter. */
#define MIN_AUDIO_MS 500

static enum sl_err begin_celebrities(
	struct sl_pg *pg, const struct sl_begin *begin, struct sl_error *reterr)
{
	const char *id = begin->video_id;
	const char *kind = sl_analysis_names[SL_CELEBRITIES];
	if (begin->frame_count == 0) {
		SL_AUTO(sl_error_finish)
		struct sl_error why = SL_ERROR_INIT;
		sl_error_set(&why, SL_ERR_FRAMES_MISSING, "MediaConvert captured no frame below %s",
			begin->frames_prefix);
		return sl_step_end_analysis(pg, id, kind, SL_EVENT_ANALYSIS_FAILED, &why, reterr);
	}
	enum sl_err err = sl_pg_exec(pg, SL_SQL_analysis_set_job, NULL, reterr, SL_PG_TEXT(id),
		SL_PG_TEXT(kind), SL_PG_NULL, SL_PG_I64(begin->frame_count));
	if (err == SL_ERR_OK) {
		err = sl_fsm_analysis_apply(pg, id, kind, SL_EVENT_ANALYSIS_STARTED, NULL, reterr);
	}
	for (int64_t part = 0; err == SL_ERR_OK && part * SL_FRAMES_PER_PART <= begin->last_frame;
		part++) {
		err = sl_gate_enter(pg, id, kind, part, SL_STEP_CELEBRITIES_FRAMES, "{}", reterr);
	}
	return err;
}

static enum sl_err begin_transcript(
	struct sl_pg *pg, const struct sl_begin *begin, struct sl_error *reterr)
{
	const char *id = begin->video_id;
	const char *kind = sl_analysis_names[SL_TRANSCRIPT];
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	if (begin->audio_key == NULL) {
		sl_error_set(&why, SL_ERR_NO_AUDIO, "%s", "the video has no audio track");
	} else if (begin->duration_ms > 0 && begin->duration_ms < MIN_AUDIO_MS) {
		sl_error_set(&why, SL_ERR_AUDIO_TOO_SHORT,
			"the audio lasts %lld ms, at least %d are needed",
			(long long)begin->duration_ms, MIN_AUDIO_MS);
	} else {
		return sl_gate_enter(pg, id, kind, 0, SL_STEP_TRANSCRIPT_START, "{}", reterr);
	}
	return sl_step_end_analysis(pg, id, kind, SL_EVENT_ANALYSIS_SKIPPED, &why, reterr);
}

enum sl_err sl_begin_analysis(struct sl_pg *pg, const struct sl_begin *begin,
	enum sl_analysis_kind kind, struct sl_error *reterr)
{
	switch (kind) {
	case SL_CELEBRITIES:
		return begin_celebrities(pg, begin, reterr);
	case SL_TRANSCRIPT:
		return begin_transcript(pg, begin, reterr);
	default:
		return sl_gate_enter(pg, begin->video_id, sl_analysis_names[kind], 0,
			SL_STEP_LABELS_START, "{}", reterr);
	}
}
