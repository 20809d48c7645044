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

struct sl_notify_target {
	enum sl_notify_kind kind;
	char video_id[SL_UUID_SIZE]; /* "": not known (yet) */
};

/** Finds the kind and the video of an event; reads only. */
SL_MUST_CHECK enum sl_err sl_notify_event_find(struct sl_pg *pg, const json_t *event,
	struct sl_notify_target *ret, struct sl_error *reterr);

/** Does what it causes, inside the transaction that stores the message. */
SL_MUST_CHECK enum sl_err sl_notify_event_apply(struct sl_pg *pg, const struct sl_config *config,
	const json_t *event, const struct sl_notify_target *target, struct sl_error *reterr);

#endif
