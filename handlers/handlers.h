/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HANDLERS_H
#define SL_HANDLERS_H

/*
 * One handler per operation, in handlers/<noun>_<verb>.c. Always the same shape: decode,
 * authorise (the route's policy), one use case, reply. HTTP threads; nothing here calls AWS.
 */

#include "app.h"
#include "router.h"

sl_handler sl_video_create;
sl_handler sl_video_list;
sl_handler sl_celebrity_list;
sl_handler sl_search_videos;
sl_handler sl_label_list;
sl_handler sl_video_get;
sl_handler sl_video_metadata;
sl_handler sl_video_metadata_filtered; /* its branch with a query */
sl_handler sl_transcript_json;
sl_handler sl_transcript_vtt;
sl_handler sl_transcript_srt;
sl_handler sl_transcript_txt;
sl_handler sl_labels_csv;
sl_handler sl_celebrities_csv;
sl_handler sl_markers_edl;
sl_handler sl_markers_otio;
sl_handler sl_analysis_create;
sl_handler sl_analysis_list;
sl_handler sl_analysis_get;
sl_handler sl_video_cancel;
sl_handler sl_video_delete;
sl_handler sl_delivery_list;
sl_handler sl_delivery_replay;
sl_handler sl_sns_receive;
sl_handler sl_docs;
sl_handler sl_openapi_yaml;
sl_handler sl_openapi_json;
sl_handler sl_metrics_get;
sl_handler sl_usage_get;
sl_handler sl_healthz;
sl_handler sl_readyz;

/* A use case that appends one JSON document by video id. */
typedef enum sl_err sl_handlers_read(
	struct sl_pg *pg, const char *id, struct sl_buf *out, struct sl_error *reterr);

/** What every GET /videos/{id}..., and more, does: no query, a connection, one document as the
 *  body. */
SL_MUST_CHECK enum sl_err sl_handlers_reply_document(
	struct sl_request *request, sl_handlers_read *read, struct sl_reply *reply);

#endif
