/* SPDX-License-Identifier: Apache-2.0 */
/* GET /celebrities and GET /labels: who and what there is in all videos. HTTP threads. */

#include "directory.h"

#include "handlers.h"
#include "mem.h"
#include "params.h"

#define DEFAULT_LIMIT 100
#define MAX_LIMIT     1000
#define MAX_PREFIX    100

struct wish {
	const char *prefix, *cursor;
	int sort;
	int64_t limit;
};

static const struct sl_param wish_params[] = {
	SL_PARAM_TEXT(struct wish, prefix, "prefix", MAX_PREFIX),
	SL_PARAM_CHOICE(struct wish, sort, "sort", sl_directory_sorts),
	SL_PARAM_INTEGER(struct wish, limit, "limit", 1, MAX_LIMIT),
	SL_PARAM_TEXT(struct wish, cursor, "cursor", SL_CURSOR_MAX_BYTES),
	SL_PARAM_END,
};

static enum sl_err list(
	struct sl_request *request, struct sl_reply *reply, const char *kind, const char *member)
{
	struct wish wish = {.sort = -1, .limit = DEFAULT_LIMIT};
	enum sl_err err = sl_params_read(request, wish_params, &wish);
	if (err == SL_ERR_OK && wish.sort == SL_DIRECTORY_BY_MATCH && wish.prefix == NULL) {
		err = sl_params_refuse(
			request, "?sort", "must not be match where no prefix is given");
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	if (wish.sort < 0) {
		wish.sort = wish.prefix != NULL ? SL_DIRECTORY_BY_MATCH : SL_DIRECTORY_BY_NAME;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf scope = SL_BUF_INIT;
	sl_params_scope(request, &scope);
	const struct sl_directory_query query = {kind, member, wish.prefix,
		(enum sl_directory_sort)wish.sort, wish.limit, wish.cursor, &scope};
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	err = sl_app_pg_take(request->app, &held, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_directory_read(held.pg, &query, &reply->body, &request->error);
	}
	if (err == SL_ERR_OK) {
		sl_reply_validator(reply, NULL);
	}
	return err;
}

enum sl_err sl_celebrity_list(struct sl_request *request, struct sl_reply *reply)
{
	return list(request, reply, "celebrity", "celebrities");
}

enum sl_err sl_label_list(struct sl_request *request, struct sl_reply *reply)
{
	return list(request, reply, "label", "labels");
}
