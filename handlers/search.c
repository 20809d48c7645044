/* SPDX-License-Identifier: Apache-2.0 */
/* GET /search: where something is said or seen, over all videos. HTTP threads. */

#include "search.h"

#include "fsm.h"
#include "handlers.h"
#include "mem.h"
#include "params.h"
#include "search_terms.h"

#define DEFAULT_LIMIT 10
#define MAX_LIMIT     100
#define DEFAULT_HITS  5
#define MAX_HITS      100
#define MAX_Q         500 /* characters */
#define MAX_NAME      200
#define MAX_WITHIN    86400 /* seconds */

struct wish {
	const char *q, *state, *cursor;
	struct sl_param_texts celebrities, labels, tags;
	int64_t created_from_ms, created_before_ms, min_duration_ms, max_duration_ms;
	double within_s;
	int64_t limit, hits;
	int sort;
	bool facets;
};

enum { BY_RELEVANCE, BY_NEWEST };
static const char *const sorts[] = {[BY_RELEVANCE] = "relevance", [BY_NEWEST] = "newest", NULL};

static const struct sl_param wish_params[] = {
	SL_PARAM_TEXT(struct wish, q, "q", MAX_Q),
	SL_PARAM_TEXTS(struct wish, celebrities, "celebrity", MAX_NAME),
	SL_PARAM_TEXTS(struct wish, labels, "label", MAX_NAME),
	SL_PARAM_TEXTS(struct wish, tags, "tag", MAX_NAME),
	SL_PARAM_TEXT(struct wish, state, "state", 32),
	SL_PARAM_DATE(struct wish, created_from_ms, "created_from"),
	SL_PARAM_DATE(struct wish, created_before_ms, "created_before"),
	SL_PARAM_TIME(struct wish, min_duration_ms, "min_duration"),
	SL_PARAM_TIME(struct wish, max_duration_ms, "max_duration"),
	SL_PARAM_NUMBER(struct wish, within_s, "within", 0, MAX_WITHIN),
	SL_PARAM_INTEGER(struct wish, limit, "limit", 1, MAX_LIMIT),
	SL_PARAM_INTEGER(struct wish, hits, "hits", 0, MAX_HITS),
	SL_PARAM_CHOICE(struct wish, sort, "sort", sorts),
	SL_PARAM_BOOL(struct wish, facets, "facets"),
	SL_PARAM_TEXT(struct wish, cursor, "cursor", SL_CURSOR_MAX_BYTES),
	SL_PARAM_END,
};

/* What is good by itself and not together. */
static enum sl_err check(struct sl_request *request, const struct wish *wish)
{
	size_t names = wish->celebrities.count + wish->labels.count;
	if (names > SL_SEARCH_NAMES_MAX) {
		return sl_params_refuse(request, wish->labels.count > 0 ? "?label" : "?celebrity",
			"must be at most %d with the celebrities", SL_SEARCH_NAMES_MAX);
	}
	if (wish->within_s >= 0 && names + (wish->q != NULL ? 1 : 0) < 2) {
		return sl_params_refuse(
			request, "?within", "must come with two or more of q, celebrity and label");
	}
	if (wish->created_from_ms >= 0 && wish->created_before_ms >= 0 &&
		wish->created_before_ms <= wish->created_from_ms) {
		return sl_params_refuse(
			request, "?created_before", "must be later than created_from");
	}
	if (wish->min_duration_ms >= 0 && wish->max_duration_ms >= 0 &&
		wish->max_duration_ms < wish->min_duration_ms) {
		return sl_params_refuse(
			request, "?max_duration", "must not be less than min_duration");
	}
	if (wish->state != NULL && !sl_fsm_video_state_known(wish->state)) {
		return sl_params_refuse(request, "?state", "must be a state of a video");
	}
	return SL_ERR_OK;
}

static void add_names(json_t *names, const char *kind, const struct sl_param_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++) {
		json_array_append_new(
			names, json_pack("{s:s, s:s}", "kind", kind, "name", texts->items[i]));
	}
}

static enum sl_err search(struct sl_request *request, const struct wish *wish, const json_t *terms,
	struct sl_buf *out)
{
	json_auto_t *names = json_array();
	add_names(names, "celebrity", &wish->celebrities);
	add_names(names, "label", &wish->labels);
	json_auto_t *tags = json_array();
	for (size_t i = 0; i < wish->tags.count; i++) {
		json_array_append_new(tags, json_string(wish->tags.items[i]));
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf scope = SL_BUF_INIT;
	sl_params_scope(request, &scope);
	const struct sl_search_query query = {
		.terms = terms,
		.names = names,
		.tags = tags,
		.state = wish->state,
		.created_from_ms = wish->created_from_ms,
		.created_before_ms = wish->created_before_ms,
		.min_duration_ms = wish->min_duration_ms,
		.max_duration_ms = wish->max_duration_ms,
		.within_ms = wish->within_s >= 0 ? (int64_t)(wish->within_s * 1000 + 0.5) : -1,
		.limit = wish->limit,
		.hits = wish->hits,
		.newest = wish->sort == BY_NEWEST,
		.facets = wish->facets,
		.cursor = wish->cursor,
		.scope = &scope,
	};
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_app_pg_take(request->app, &held, &request->error);
	return err == SL_ERR_OK ? sl_search(held.pg, &query, out, &request->error) : err;
}

enum sl_err sl_search_videos(struct sl_request *request, struct sl_reply *reply)
{
	struct wish wish = {
		.created_from_ms = -1,
		.created_before_ms = -1,
		.min_duration_ms = -1,
		.max_duration_ms = -1,
		.within_s = -1,
		.limit = DEFAULT_LIMIT,
		.hits = DEFAULT_HITS,
		.facets = true,
	};
	json_auto_t *terms = NULL;
	enum sl_err err = sl_params_read(request, wish_params, &wish);
	if (err == SL_ERR_OK) {
		err = check(request, &wish);
	}
	if (err == SL_ERR_OK && wish.q != NULL) {
		err = sl_search_terms_parse(wish.q, &terms, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = search(request, &wish, terms, &reply->body);
	}
	if (err == SL_ERR_OK) {
		sl_reply_validator(reply, NULL);
	}
	return err;
}
