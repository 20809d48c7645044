/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/metadata with a query: a part of the document. HTTP threads. */

#include "document_filter.h"
#include "handlers.h"
#include "params.h"

#define DEFAULT_LIMIT  1000
#define MAX_LIMIT      10000
#define MAX_NAME       200
#define MAX_CURSOR     4096
#define MAX_CONFIDENCE 100

struct query {
	struct sl_document_filter filter;
	struct sl_param_texts names;
};

#define FILTER(macro, member, ...) macro(struct query, filter.member, __VA_ARGS__)
static const struct sl_param params[] = {
	FILTER(SL_PARAM_WORDS, include, "include", sl_document_part_names),
	FILTER(SL_PARAM_NUMBER, min_confidence, "min_confidence", 0, MAX_CONFIDENCE),
	FILTER(SL_PARAM_TIME, from_ms, "from"),
	FILTER(SL_PARAM_TIME, to_ms, "to"),
	FILTER(SL_PARAM_TIME, at_ms, "at"),
	SL_PARAM_TEXTS(struct query, names, "name", MAX_NAME),
	FILTER(SL_PARAM_INTEGER, limit, "limit", 1, MAX_LIMIT),
	FILTER(SL_PARAM_TEXT, cursor, "cursor", MAX_CURSOR),
	SL_PARAM_END,
};
#undef FILTER

static enum sl_err decode(struct sl_request *request, struct query *query)
{
	struct sl_document_filter *filter = &query->filter;
	*filter = (struct sl_document_filter){
		.from_ms = -1, .to_ms = -1, .at_ms = -1, .limit = DEFAULT_LIMIT};
	query->names.count = 0;
	enum sl_err err = sl_params_read(request, params, query);
	if (err != SL_ERR_OK) {
		return err;
	}
	bool period = filter->from_ms >= 0 || filter->to_ms >= 0;
	if (filter->at_ms >= 0 && period) {
		return sl_params_refuse(request, "?at", "is a moment: leave out from and to");
	}
	filter->from_ms = filter->from_ms >= 0 ? filter->from_ms : 0;
	if (filter->to_ms >= 0 && filter->to_ms <= filter->from_ms) {
		return sl_params_refuse(request, "?to", "must be after from");
	}
	filter->names = query->names.items;
	filter->name_count = query->names.count;
	return SL_ERR_OK;
}

enum sl_err sl_video_metadata_filtered(struct sl_request *request, struct sl_reply *reply)
{
	struct query query;
	SL_AUTO(sl_buf_finish)
	struct sl_buf scope = SL_BUF_INIT;
	enum sl_err err = decode(request, &query);
	if (err == SL_ERR_OK) {
		sl_params_scope(request, &scope);
		query.filter.scope = &scope;
		err = sl_document_filter(request->app, sl_request_param(request, "id"),
			&query.filter, &reply->body, &request->error);
	}
	if (err == SL_ERR_OK) {
		sl_reply_validator(reply, NULL);
	}
	return err;
}
