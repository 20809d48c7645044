/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_STEP_KIND_H
#define SL_STEP_KIND_H

/* The kinds of steps there are, by name in steps.kind. The table is in steps.c. */

enum sl_step_kind {
	SL_STEP_UPLOAD_WAIT,        /* look for the uploaded object */
	SL_STEP_TRANSCODE_START,    /* CreateJob */
	SL_STEP_TRANSCODE_POLL,     /* GetJob; when complete, find the outputs and fan out */
	SL_STEP_CELEBRITIES_FRAMES, /* RecognizeCelebrities on one part of the frames */
	SL_STEP_LABELS_START,       /* StartLabelDetection */
	SL_STEP_LABELS_POLL,        /* GetLabelDetection; when done, collect every page */
	SL_STEP_TRANSCRIPT_START,   /* StartTranscriptionJob */
	SL_STEP_TRANSCRIPT_POLL,    /* GetTranscriptionJob; when done, collect */
	SL_STEP_SETTLE,             /* write the record and the final state */
	SL_STEP_SNS_CONFIRM,        /* ConfirmSubscription */
	SL_STEP_END,                /* cancel or delete the video */
	SL_STEP_UPLOAD_REMOVE,      /* an object that came after its video was deleted */
	SL_STEP_ANALYSIS_BEGIN,     /* again, or later than the others: make room for the results */
	SL_STEP_KINDS_
};

const char *sl_step_kind_name(enum sl_step_kind kind);
/** -1 for a name that this version does not know. */
int sl_step_kind_parse(const char *name);

#endif
