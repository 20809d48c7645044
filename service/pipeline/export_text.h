/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_EXPORT_TEXT_H
#define SL_EXPORT_TEXT_H

/* How exports write what others said: cues, cells of tables, file names. Pure, thread-safe; all of
 * them append. */

#include "buf.h"
#include "captions.h"

/** A cue of a WebVTT file. `voices`: the speaker as a <v> tag. */
void sl_export_vtt_cue(struct sl_buf *out, const struct sl_cue *cue, bool voices);

/** A cue of a SubRip file, which has no escapes: "-->" is written as an arrow. */
void sl_export_srt_cue(struct sl_buf *out, const struct sl_cue *cue, uint64_t number);

/** A cell of CSV (RFC 4180), with what leads to it when it is not the first of its row. What a
 *  spreadsheet would take for a formula gets an apostrophe in front unless `raw`. NULL is empty. */
void sl_export_csv_text(struct sl_buf *out, const char *text, bool first, bool raw);

/** A number or another text of ours. */
void sl_export_csv_plain(struct sl_buf *out, const char *text, bool first);

/**
 * The value of Content-Disposition: an attachment whose name is made of `title`, or of `id` when
 * that is NULL or has nothing to make a name of (RFC 6266, RFC 8187). No system refuses the name.
 */
void sl_export_disposition(
	struct sl_buf *out, const char *title, const char *id, const char *suffix);

/** One line of an edit decision list: controls and "|" are spaces, at most `columns` columns. */
void sl_export_edl_text(struct sl_buf *out, const char *text, unsigned columns);

#endif
