/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transcript into its three tables: what collecting and `spotlist rebuild` share. Any thread,
 * inside a transaction.
 */

#include "transcript_mirror.h"

static enum sl_err copy_segments(struct sl_pg *pg, const char *video_id,
	const struct sl_transcript *transcript, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_copy_begin(pg,
		"spotlist_data.transcript_segments "
		"(video_id, ordinal, from_ms, to_ms, speaker, text)",
		reterr);
	for (size_t i = 0; err == SL_ERR_OK && i < transcript->segment_count; i++) {
		const struct sl_segment *segment = &transcript->segments[i];
		const struct sl_pg_param row[] = {SL_PG_TEXT(video_id), SL_PG_I64((int64_t)i),
			SL_PG_I64(segment->from_ms), SL_PG_I64(segment->to_ms),
			SL_PG_TEXT(segment->speaker), SL_PG_TEXT(segment->text)};
		err = sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
	}
	return err == SL_ERR_OK ? sl_pg_copy_end(pg, reterr) : err;
}

static enum sl_err copy_words(struct sl_pg *pg, const char *video_id,
	const struct sl_transcript *transcript, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_copy_begin(pg,
		"spotlist_data.transcript_words "
		"(video_id, ordinal, from_ms, to_ms, confidence, text)",
		reterr);
	for (size_t i = 0; err == SL_ERR_OK && i < transcript->word_count; i++) {
		const struct sl_word *word = &transcript->words[i];
		const struct sl_pg_param row[] = {SL_PG_TEXT(video_id), SL_PG_I64((int64_t)i),
			SL_PG_I64(word->from_ms), SL_PG_I64(word->to_ms),
			SL_PG_F64(word->confidence), SL_PG_TEXT(word->text)};
		err = sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
	}
	return err == SL_ERR_OK ? sl_pg_copy_end(pg, reterr) : err;
}

enum sl_err sl_transcript_mirror_load(struct sl_pg *pg, const char *video_id,
	const struct sl_transcript *transcript, struct sl_error *reterr)
{
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_transcript_delete, NULL, reterr, SL_PG_TEXT(video_id));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_transcript_insert, NULL, reterr, SL_PG_TEXT(video_id),
			SL_PG_TEXT(transcript->language), SL_PG_TEXT(transcript->text));
	}
	if (err == SL_ERR_OK) {
		err = copy_segments(pg, video_id, transcript, reterr);
	}
	return err == SL_ERR_OK ? copy_words(pg, video_id, transcript, reterr) : err;
}
