/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rekognition's GetLabelDetection: pages and their tokens, of real jobs and of replays, and the
 * faults that twist them. Entry point: that one. HTTP threads.
 */
#include <string.h>

#include "faults.h"
#include "rekognition.h"
#include "replay.h"
#include "text.h"

#define MAX_RESULTS 1000

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

struct page {
	const char *job_id;
	bool by_name;
	int64_t offset;
	int64_t limit;
};

/* A token names its job, order and place, so that one job's does not pass for another's. */
static char *token_of(const struct page *page)
{
	SL_AUTO(sl_freep)
	char *plain = sl_asprintf("%s|%s|%lld", page->job_id, page->by_name ? "NAME" : "TIMESTAMP",
		(long long)page->offset);
	SL_AUTO(sl_buf_finish)
	struct sl_buf token = SL_BUF_INIT;
	sl_text_base64(&token, plain, strlen(plain));
	return sl_buf_steal(&token);
}

static bool read_token(const char *token, struct page *page)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf plain = SL_BUF_INIT;
	SL_AUTO(sl_freep)
	char *head = sl_asprintf("%s|%s|", page->job_id, page->by_name ? "NAME" : "TIMESTAMP");
	return sl_text_base64_decode(&plain, token, strlen(token)) &&
		sl_text_starts_with(sl_buf_str(&plain), head) &&
		sl_text_parse_i64(sl_buf_str(&plain) + strlen(head), 0, INT64_MAX, &page->offset);
}

static bool page_fault(enum lc_fault_kind kind, struct lc_reply *reply)
{
	bool fires = lc_faults_page(kind);
	reply->faulted = reply->faulted || fires;
	return fires;
}

/* NextToken, where there is one; a fault makes one of the last page's, empty. */
static void add_token(const struct page *page, bool more, json_t *answer, struct lc_reply *reply)
{
	if (more) {
		SL_AUTO(sl_freep)
		char *next = token_of(page);
		json_object_set_new(answer, "NextToken", json_string(next));
	} else if (page_fault(LC_FAULT_TOKEN_EMPTY, reply)) {
		json_object_set_new(answer, "NextToken", json_string(""));
	}
}

/* Fills the page from the request; false when the reply is an error. */
static bool read_page(const json_t *body, const struct lc_request *request, struct lc_reply *reply,
	struct page *page)
{
	const json_t *max = json_object_get(body, "MaxResults");
	const char *sort = text_of(body, "SortBy");
	const char *token = text_of(body, "NextToken");
	if ((max && (!json_is_integer(max) || json_integer_value(max) < 1)) ||
		(sort && strcmp(sort, "NAME") != 0 && strcmp(sort, "TIMESTAMP") != 0)) {
		lc_rekognition_refuse(reply, request, "InvalidParameterException",
			"Request has invalid parameters");
		return false;
	}
	page->by_name = sort && strcmp(sort, "NAME") == 0;
	page->limit = max && json_integer_value(max) < MAX_RESULTS ? json_integer_value(max)
								   : MAX_RESULTS;
	bool used = token && *token;
	if (used && (!read_token(token, page) || page_fault(LC_FAULT_TOKEN_EXPIRED, reply))) {
		lc_rekognition_refuse(reply, request, "InvalidPaginationTokenException",
			"Invalid pagination token in the request");
		return false;
	}
	if (used && page_fault(LC_FAULT_PAGE_TWICE, reply)) {
		/* The page before, whose end is where this token points to. */
		page->limit = page->offset < page->limit ? page->offset : page->limit;
		page->offset -= page->limit;
	}
	return true;
}

/* A page of a replay: its labels go out as its file spells them. */
static void answer_replayed(
	const char *replay, struct page *page, json_t *answer, struct lc_reply *reply)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf labels = SL_BUF_INIT;
	bool more = false;
	page->offset += lc_replay_labels(replay, page->offset, page->limit, &labels, &more);
	add_token(page, more, answer, reply);
	lc_rekognition_answer(reply, answer);
	reply->body.len--; /* the closing brace */
	sl_buf_puts(&reply->body, ",\"Labels\":");
	sl_buf_add(&reply->body, labels.data, labels.len);
	sl_buf_putc(&reply->body, '}');
}

void lc_rekognition_get_label_detection(SL_UNUSED struct lc_cloud *cloud,
	const struct lc_request *request, const json_t *body, struct lc_reply *reply)
{
	const char *id = text_of(body, "JobId");
	struct page page = {.job_id = id};
	SL_AUTO(lc_job_finish)
	struct lc_job job = {0};
	if (!id || !lc_rekognition_is_word(id, 64, "-_")) {
		lc_rekognition_refuse(reply, request, "InvalidParameterException",
			"Request has invalid parameters");
		return;
	}
	if (!lc_rekognition_job(id, &job)) {
		lc_rekognition_refuse(
			reply, request, "ResourceNotFoundException", "Could not find JobId %s", id);
		return;
	}
	if (!read_page(body, request, reply, &page)) {
		return;
	}
	json_t *answer = json_pack("{s:s}", "JobStatus", job.state);
	const json_t *why = json_object_get(job.doc, "StatusMessage");
	json_t *metadata = json_object_get(job.doc, "VideoMetadata");
	if (why) {
		json_object_set_new(answer, "StatusMessage", json_string(json_string_value(why)));
	}
	const char *replay = text_of(job.doc, LC_REKOGNITION_REPLAY);
	if (metadata && replay) {
		json_object_set(answer, "VideoMetadata", metadata);
		json_object_set_new(answer, "LabelModelVersion", json_string(LC_REKOGNITION_MODEL));
		answer_replayed(replay, &page, answer, reply);
		return;
	}
	if (metadata) {
		json_t *labels = json_array();
		bool more = lc_rekognition_page(
			page.job_id, page.by_name, page.offset, page.limit, labels);
		page.offset += (int64_t)json_array_size(labels);
		json_object_set(answer, "VideoMetadata", metadata);
		json_object_set_new(answer, "Labels", labels);
		json_object_set_new(answer, "LabelModelVersion", json_string(LC_REKOGNITION_MODEL));
		add_token(&page, more, answer, reply);
	}
	lc_rekognition_answer(reply, answer);
}
