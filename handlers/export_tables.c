/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/labels.csv and celebrities.csv. HTTP threads. */

#include "export_reply.h"
#include "handlers.h"
#include "mem.h"

struct query {
	double min_confidence;
	struct sl_param_texts names;
	int rows;
	bool raw, bom;
};

enum { DETECTIONS, APPEARANCES };
static const char *const row_kinds[] = {"detections", "appearances", NULL};

static const struct sl_param params[] = {
	SL_PARAM_NUMBER(struct query, min_confidence, "min_confidence", 0, 100),
	SL_PARAM_TEXTS(struct query, names, "name", SL_EXPORT_NAME_MAX),
	SL_PARAM_CHOICE(struct query, rows, "rows", row_kinds),
	SL_PARAM_BOOL(struct query, raw, "raw"),
	SL_PARAM_BOOL(struct query, bom, "bom"),
	SL_PARAM_END,
};

static enum sl_err reply_table(
	struct sl_request *request, const struct sl_export_kind *kind, struct sl_reply *reply)
{
	struct query query = {.min_confidence = -1, .rows = DETECTIONS};
	enum sl_err err = sl_params_read(request, params, &query);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *names = sl_export_names(&query.names);
	struct sl_export_table options = {
		.filter = {query.min_confidence, names},
		.appearances = query.rows == APPEARANCES,
		.raw = query.raw,
		.bom = query.bom,
	};
	return sl_export_reply(request, kind, &options, reply);
}

static enum sl_err write_labels(struct sl_request *request, struct sl_pg *pg,
	const struct sl_export_video *video, void *options, struct sl_export_body *body)
{
	return sl_export_labels_write(pg, video, options, body, &request->error);
}

enum sl_err sl_labels_csv(struct sl_request *request, struct sl_reply *reply)
{
	static const struct sl_export_kind kind = {"text/csv; charset=utf-8; header=present",
		".labels.csv", SL_EXPORT_LABELS, 0, false, write_labels};
	return reply_table(request, &kind, reply);
}

static enum sl_err write_celebrities(struct sl_request *request, struct sl_pg *pg,
	const struct sl_export_video *video, void *options, struct sl_export_body *body)
{
	return sl_export_celebrities_write(pg, video, options, body, &request->error);
}

enum sl_err sl_celebrities_csv(struct sl_request *request, struct sl_reply *reply)
{
	static const struct sl_export_kind kind = {"text/csv; charset=utf-8; header=present",
		".celebrities.csv", SL_EXPORT_CELEBRITIES, 0, false, write_celebrities};
	return reply_table(request, &kind, reply);
}
