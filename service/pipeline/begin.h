/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_BEGIN_H
#define SL_BEGIN_H

/* How an analysis begins, once frames, MP4 and audio are there: for the first time or again. */

#include "pg.h"
#include "video.h"

struct sl_begin {
	const char *video_id;
	const char *frames_prefix;
	const char *audio_key; /* NULL: there is no audio */
	int64_t frame_count;
	int64_t last_frame; /* its number */
	int64_t duration_ms;
};

/** For transaction functions: puts the analysis' steps in front of its gate, or skips or fails it
 *  when there is nothing to look at. Its row is pending. */
SL_MUST_CHECK enum sl_err sl_begin_analysis(struct sl_pg *pg, const struct sl_begin *begin,
	enum sl_analysis_kind kind, struct sl_error *reterr);

#endif
