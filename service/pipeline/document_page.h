/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DOCUMENT_PAGE_H
#define SL_DOCUMENT_PAGE_H

/*
 * For document_filter.c: elements as they come, list after list, and the document that nests them
 * by name. One thread.
 */

#include "app.h"
#include "buf.h"

enum sl_page_list {
	SL_PAGE_NAMES,
	SL_PAGE_APPEARANCES,
	SL_PAGE_DETECTIONS,
	SL_PAGE_SEGMENTS,
	SL_PAGE_WORDS,
};

/* A celebrity or a label. */
struct sl_page_name {
	int64_t rank; /* in the whole document */
	struct sl_buf head, appearances, detections;
};

struct sl_page_names {
	const char *member; /* "celebrities", "labels"; NULL: left out */
	bool with_appearances, with_detections;
	struct sl_page_name *names; /* in order of their ranks */
	size_t count, capacity;
	size_t at; /* where the current list is */
};

/* Zero-initialise; sl_page_finish() frees. */
struct sl_page {
	struct sl_pg_rows head; /* of filter_document.sql */
	const char *version;    /* of that */
	struct sl_app *links;   /* with presigned links, made with this; or NULL */
	int64_t links_end_ms;   /* the first end of one; 0: none yet */
	bool with_transcript, with_text, with_segments, with_words;
	struct sl_page_names celebrities, labels;
	struct sl_buf segments, words;
};
void sl_page_finish(struct sl_page *page);

/** Another list begins: ranks are small again. */
void sl_page_begin_list(struct sl_page *page);

/** An element of a list: row with `rank` and `body`. `kind` is "celebrity", "label" or NULL. */
SL_MUST_CHECK enum sl_err sl_page_add(struct sl_page *page, const char *kind,
	enum sl_page_list list, const struct sl_pg_rows *rows, int row, struct sl_error *reterr);

/** What stands at each name of the page. */
SL_MUST_CHECK enum sl_err sl_page_read_names(
	struct sl_page *page, struct sl_pg *pg, const char *video_id, struct sl_error *reterr);

/** Appends the document. `cursor` may be NULL: it is the last page. */
SL_MUST_CHECK enum sl_err sl_page_write(
	struct sl_page *page, const char *cursor, struct sl_buf *out, struct sl_error *reterr);

#endif
