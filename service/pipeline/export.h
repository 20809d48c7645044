/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_EXPORT_H
#define SL_EXPORT_H

/*
 * What is known of a video in the formats of others: captions, tables, markers for editors. An
 * export is of analyses that have completed: RESULT_PENDING while one has not ended, RESULT_MISSING
 * when it ended without a result or was never asked for. The caller's connection, no transaction.
 */

#include "captions.h"
#include "config.h"
#include "export_body.h"
#include "framecode.h"
#include "pg.h"

enum sl_export_analysis {
	SL_EXPORT_CELEBRITIES = 1,
	SL_EXPORT_LABELS = 2,
	SL_EXPORT_TRANSCRIPT = 4,
};

/* What an export says of its video. */
struct sl_export_video {
	const char *id; /* borrowed */
	char *title;    /* NULL: none */
	char *mp4_key;  /* NULL: none */
	char *language; /* of the transcript; NULL: not known */
	char *stamp;    /* see sl_export_check() */
	int64_t duration_ms;
	double frame_rate; /* 0: not known */
	unsigned complete; /* bits of sl_export_analysis */
};
void sl_export_video_finish(struct sl_export_video *video);

/** Reads it. `all` must have completed, and of `any` at least one while none is under way.
 *  VIDEO_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_export_begin(struct sl_pg *pg, const char *id, unsigned all,
	unsigned any, struct sl_export_video *ret, struct sl_error *reterr);

/** After the last statement: RESULT_PENDING when an analysis was run again meanwhile. */
SL_MUST_CHECK enum sl_err sl_export_check(
	struct sl_pg *pg, const struct sl_export_video *video, struct sl_error *reterr);

/* --- the transcript ------------------------------------------------------------------------ */

SL_MUST_CHECK enum sl_err sl_export_transcript_json(struct sl_pg *pg,
	const struct sl_export_video *video, struct sl_export_body *body, struct sl_error *reterr);

struct sl_export_captions {
	struct sl_caption_options cues;
	bool srt;    /* else WebVTT */
	bool voices; /* WebVTT: speakers as <v> tags */
};
SL_MUST_CHECK enum sl_err sl_export_captions_write(struct sl_pg *pg,
	const struct sl_export_video *video, const struct sl_export_captions *options,
	struct sl_export_body *body, struct sl_error *reterr);

struct sl_export_prose {
	bool speakers; /* "NAME: " where the speaker changes */
	bool times;    /* "[HH:MM:SS.mmm] " before each paragraph */
};
SL_MUST_CHECK enum sl_err sl_export_prose_write(struct sl_pg *pg,
	const struct sl_export_video *video, const struct sl_export_prose *options,
	struct sl_export_body *body, struct sl_error *reterr);

/* --- tables -------------------------------------------------------------------------------- */

/* Which celebrities and labels. */
struct sl_export_filter {
	double min_confidence; /* below 0: any */
	const char *names;     /* JSON array; NULL: any. Case and accents do not matter */
};

struct sl_export_table {
	struct sl_export_filter filter;
	bool appearances; /* from-to; else every detection */
	bool raw;         /* what looks like a formula stays as it is */
	bool bom;         /* U+FEFF first */
};
SL_MUST_CHECK enum sl_err sl_export_labels_write(struct sl_pg *pg,
	const struct sl_export_video *video, const struct sl_export_table *options,
	struct sl_export_body *body, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_export_celebrities_write(struct sl_pg *pg,
	const struct sl_export_video *video, const struct sl_export_table *options,
	struct sl_export_body *body, struct sl_error *reterr);

/* --- markers ------------------------------------------------------------------------------- */

struct sl_export_markers {
	struct sl_export_filter filter;
	unsigned kinds; /* bits of sl_export_analysis: celebrities, labels */
	const struct sl_frame_rate *rate;
	bool drop;
	int64_t start;     /* frame of the timeline at which the video begins */
	bool one_event;    /* EDL: the whole clip is one event, else each marker */
	const char *media; /* OpenTimelineIO: where the clip is */
};
SL_MUST_CHECK enum sl_err sl_export_edl_write(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_markers *options, struct sl_export_body *body,
	struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_export_otio_write(struct sl_pg *pg,
	const struct sl_export_video *video, const struct sl_export_markers *options,
	struct sl_export_body *body, struct sl_error *reterr);

#endif
