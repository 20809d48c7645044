/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos: newest first, filtered by state and tag. HTTP threads. */

#include <string.h>

#include "fsm.h"
#include "handlers.h"
#include "read.h"
#include "text.h"
#include "uuid.h"

#define DEFAULT_LIMIT 100
#define MAX_LIMIT     1000

static enum sl_err bad(struct sl_request *request, const char *pointer, const char *must)
{
	return sl_error_set_at(&request->error, SL_ERR_BAD_PARAMETER, pointer, "must be %s", must);
}

static enum sl_err decode(struct sl_request *request, struct sl_read_filter *filter)
{
	static const char *const names[] = {"state", "tag", "limit", "cursor", NULL};
	enum sl_err err = sl_request_only_query(request, names);
	if (err != SL_ERR_OK) {
		return err;
	}
	*filter = (struct sl_read_filter){
		.state = sl_request_query(request, "state"),
		.tag = sl_request_query(request, "tag"),
		.cursor = sl_request_query(request, "cursor"),
		.limit = DEFAULT_LIMIT,
	};
	const char *limit = sl_request_query(request, "limit");
	if (filter->state != NULL && !sl_fsm_video_state_known(filter->state)) {
		return bad(request, "?state", "a state of a video, such as \"complete\"");
	}
	if (filter->tag != NULL && (*filter->tag == '\0' || strlen(filter->tag) > 64)) {
		return bad(request, "?tag", "1 to 64 bytes long");
	}
	if (filter->cursor != NULL && !sl_uuid_valid(filter->cursor)) {
		return bad(request, "?cursor", "the next_cursor of an earlier answer");
	}
	if (limit != NULL && !sl_text_parse_i64(limit, 1, MAX_LIMIT, &filter->limit)) {
		return bad(request, "?limit", "a whole number from 1 to 1000");
	}
	return SL_ERR_OK;
}

enum sl_err sl_video_list(struct sl_request *request, struct sl_reply *reply)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	struct sl_read_filter filter;
	enum sl_err err = decode(request, &filter);
	if (err == SL_ERR_OK) {
		err = sl_app_pg_take(request->app, &held, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = sl_read_videos(held.pg, &filter, &reply->body, &request->error);
	}
	return err;
}
