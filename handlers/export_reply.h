/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_EXPORT_REPLY_H
#define SL_EXPORT_REPLY_H

/* What all exports share: read the video, write, send as a file with a name. */

#include "export.h"
#include "params.h"
#include "request.h"

struct sl_export_kind {
	const char *content_type;
	const char *suffix; /* of the file name */
	unsigned all, any;  /* analyses: see sl_export_begin() */
	bool spoken;        /* the transcript's language is the content's */
	enum sl_err (*write)(struct sl_request *request, struct sl_pg *pg,
		const struct sl_export_video *video, void *options, struct sl_export_body *body);
};

SL_MUST_CHECK enum sl_err sl_export_reply(struct sl_request *request,
	const struct sl_export_kind *kind, void *options, struct sl_reply *reply);

/* What of celebrities and labels is asked for, by the same parameters everywhere. */
#define SL_EXPORT_NAME_MAX 200

/** The names as struct sl_export_filter has them, owned by the caller; NULL: none. */
char *sl_export_names(const struct sl_param_texts *names);

#endif
