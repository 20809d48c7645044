/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_NOTIFY_EVENT_H
#define SL_NOTIFY_EVENT_H

/*
 * What the Message of a notification means: MediaConvert and Transcribe events from EventBridge,
 * Rekognition's completion, S3's ObjectCreated. What is not understood is stored and left alone.
 */

#include <jansson.h>

#include "config.h"
#include "pg.h"
#include "uuid.h"

enum sl_notify_kind {
	SL_NOTIFY_OTHER,
	SL_NOTIFY_MEDIACONVERT,
	SL_NOTIFY_TRANSCRIBE,
	SL_NOTIFY_REKOGNITION,
	SL_NOTIFY_S3,
};

/* What an event says by itself. Strings are borrowed from it. */
struct sl_notify_event {
	enum sl_notify_kind kind;
	const char *mediaconvert_job; /* or NULL */
	const char *rekognition_job;  /* or NULL */
	/* The id that the provider echoes (UserMetadata, JobTag, a job's name): right also when the
	 * event comes before the answer to the call that started the job was written down. "": none
	 */
	char echo[SL_UUID_SIZE];
	const char *track; /* of the video whose steps should look now, or NULL */
	bool applies;      /* there is more to do: sl_notify_event_apply() */
	const json_t *root;
};

/** Reads an event; NULL is one that nothing is known of. Pure. */
struct sl_notify_event sl_notify_event_read(const json_t *root);

/** Does what else it causes, inside the transaction that stores the message. `video_id`: of the
 * video that it is about, NULL when there is none. */
SL_MUST_CHECK enum sl_err sl_notify_event_apply(struct sl_pg *pg, const struct sl_config *config,
	const struct sl_notify_event *event, const char *video_id, struct sl_error *reterr);

#endif
