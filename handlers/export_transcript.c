/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/transcript.json and .txt. HTTP threads. */

#include "export_reply.h"
#include "handlers.h"

static enum sl_err write_json(struct sl_request *request, struct sl_pg *pg,
	const struct sl_export_video *video, void *options, struct sl_export_body *body)
{
	(void)options;
	return sl_export_transcript_json(pg, video, body, &request->error);
}

enum sl_err sl_transcript_json(struct sl_request *request, struct sl_reply *reply)
{
	static const struct sl_export_kind kind = {
		"application/json", ".json", SL_EXPORT_TRANSCRIPT, 0, true, write_json};
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	return err == SL_ERR_OK ? sl_export_reply(request, &kind, NULL, reply) : err;
}

static enum sl_err write_txt(struct sl_request *request, struct sl_pg *pg,
	const struct sl_export_video *video, void *options, struct sl_export_body *body)
{
	return sl_export_prose_write(pg, video, options, body, &request->error);
}

enum sl_err sl_transcript_txt(struct sl_request *request, struct sl_reply *reply)
{
	static const struct sl_param params[] = {
		SL_PARAM_BOOL(struct sl_export_prose, speakers, "speakers"),
		SL_PARAM_BOOL(struct sl_export_prose, times, "timecodes"),
		SL_PARAM_END,
	};
	static const struct sl_export_kind kind = {
		"text/plain; charset=utf-8", ".txt", SL_EXPORT_TRANSCRIPT, 0, true, write_txt};
	struct sl_export_prose options = {.speakers = true};
	enum sl_err err = sl_params_read(request, params, &options);
	return err == SL_ERR_OK ? sl_export_reply(request, &kind, &options, reply) : err;
}
