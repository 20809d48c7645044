/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_END_H
#define SL_END_H

/*
 * Cancelling and deleting a video. The request only moves the state, removes the steps that wait,
 * and adds one on track `end`; that one waits until no other step is held, ends the jobs at the
 * providers, and does the rest. A step that is held meanwhile may finish, but leads nowhere: see
 * sl_end_overtakes() in sl_step_commit().
 */

#include "buf.h"
#include "fsm.h"
#include "pg.h"
#include "step_kind.h"

/* The part of the step on track `end`: a deletion may follow a cancellation that is under way. */
#define SL_END_CANCEL 0
#define SL_END_DELETE 1

/** Asks for a cancellation, and appends the resource as it is then. VIDEO_NOT_FOUND; VIDEO_FINAL
 *  when there is nothing to cancel any more. Once it is asked for, asking again changes nothing.
 *  HTTP threads. */
SL_MUST_CHECK enum sl_err sl_end_cancel(
	struct sl_pg *pg, const char *video_id, struct sl_buf *out, struct sl_error *reterr);

/** Asks for a deletion, and appends the resource as it is then. VIDEO_NOT_FOUND. Asking again
 *  changes nothing. HTTP threads. */
SL_MUST_CHECK enum sl_err sl_end_delete(
	struct sl_pg *pg, const char *video_id, struct sl_buf *out, struct sl_error *reterr);

/** Whether a step has lost its purpose, given the state its video is in. Pure. */
bool sl_end_overtakes(
	enum sl_video_state state, const char *track, int64_t part, enum sl_step_kind kind);

/** Whether what such a step has to say must be written down all the same: which job it started. */
bool sl_end_keeps_outcome(enum sl_step_kind kind);

#endif
