/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TRANSCRIPT_MIRROR_H
#define SL_TRANSCRIPT_MIRROR_H

/* The rows of a transcript in PostgreSQL. */

#include "pg.h"
#include "transcript_parse.h"

/** Replaces the transcript of a video, its segments and its words, inside a transaction. */
SL_MUST_CHECK enum sl_err sl_transcript_mirror_load(struct sl_pg *pg, const char *video_id,
	const struct sl_transcript *transcript, struct sl_error *reterr);

#endif
