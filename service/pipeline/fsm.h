/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_FSM_H
#define SL_FSM_H

/*
 * The states of videos and analyses, and every transition between them, in one table. The
 * transition's comment is what the timeline and the log say. `spotlist fsm --mermaid` draws it.
 */

#include <stdio.h>

#include "pg.h"

enum sl_video_state {
	SL_VIDEO_AWAITING_UPLOAD,
	SL_VIDEO_QUEUED,
	SL_VIDEO_TRANSCODING,
	SL_VIDEO_ANALYZING,
	SL_VIDEO_COMPLETE,
	SL_VIDEO_PARTIAL,
	SL_VIDEO_FAILED,
	SL_VIDEO_CANCELING,
	SL_VIDEO_CANCELED,
	SL_VIDEO_DELETING,
	SL_VIDEO_STATES_
};

enum sl_analysis_state {
	SL_ANALYSIS_PENDING,
	SL_ANALYSIS_RUNNING,
	SL_ANALYSIS_COLLECTING,
	SL_ANALYSIS_COMPLETE,
	SL_ANALYSIS_SKIPPED,
	SL_ANALYSIS_FAILED,
	SL_ANALYSIS_CANCELED,
	SL_ANALYSIS_STATES_
};

enum sl_event {
	/* of a video */
	SL_EVENT_UPLOADED,
	SL_EVENT_UPLOAD_EXPIRED,
	SL_EVENT_TRANSCODE_STARTED,
	SL_EVENT_TRANSCODED,
	SL_EVENT_FAILED,
	SL_EVENT_SETTLED_COMPLETE,
	SL_EVENT_SETTLED_PARTIAL,
	SL_EVENT_SETTLED_FAILED,
	SL_EVENT_ANALYSES_ASKED_FOR,
	SL_EVENT_CANCEL_ASKED_FOR,
	SL_EVENT_CANCELED,
	SL_EVENT_DELETE_ASKED_FOR,
	/* of an analysis */
	SL_EVENT_ANALYSIS_STARTED,
	SL_EVENT_ANALYSIS_FINISHED_BY_PROVIDER,
	SL_EVENT_ANALYSIS_COLLECTED,
	SL_EVENT_ANALYSIS_SKIPPED,
	SL_EVENT_ANALYSIS_FAILED,
	SL_EVENT_ANALYSIS_CANCELED,
	SL_EVENT_ANALYSIS_ASKED_FOR,
	SL_EVENTS_
};

const char *sl_fsm_video_state_name(enum sl_video_state state);
const char *sl_fsm_analysis_state_name(enum sl_analysis_state state);
enum sl_video_state sl_fsm_video_state_parse(const char *name);       /* unknown: SL_BUG */
enum sl_analysis_state sl_fsm_analysis_state_parse(const char *name); /* unknown: SL_BUG */
bool sl_fsm_video_state_known(const char *name);
bool sl_fsm_video_is_final(enum sl_video_state state);
bool sl_fsm_analysis_is_final(enum sl_analysis_state state);

/** The state that `event` leads to, or -1 when it means nothing in `state`. Pure. */
int sl_fsm_video_next(enum sl_video_state state, enum sl_event event);
int sl_fsm_analysis_next(enum sl_analysis_state state, enum sl_event event);

/** What the timeline will say of a transition that means something. */
void sl_fsm_video_words(enum sl_video_state state, enum sl_event event, const char **ret_event,
	const char **ret_message);

/**
 * Applies an event to a video inside an open transaction: locks the row, moves the state, writes
 * the timeline. An event that means nothing in the present state changes nothing (callbacks come
 * twice and in any order); then `*ret_moved` (may be NULL) is false. `final_at`: RFC 3339 time of
 * completion, for final states.
 */
SL_MUST_CHECK enum sl_err sl_fsm_video_apply(struct sl_pg *pg, const char *video_id,
	enum sl_event event, const char *final_at, bool *ret_moved, struct sl_error *reterr);

/** The same for an analysis. The video's row must be locked by the caller's transaction. */
SL_MUST_CHECK enum sl_err sl_fsm_analysis_apply(struct sl_pg *pg, const char *video_id,
	const char *kind, enum sl_event event, bool *ret_moved, struct sl_error *reterr);

/** Mermaid state diagrams of both tables. */
void sl_fsm_mermaid(FILE *out);

#endif
