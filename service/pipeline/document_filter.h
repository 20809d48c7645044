/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DOCUMENT_FILTER_H
#define SL_DOCUMENT_FILTER_H

/*
 * A part of a video's metadata, by filters that PostgreSQL applies. It has the document's form with
 * elements left out: those without what is asked for, and those behind `limit`, with which the
 * next page goes on. Of analyses that have ended. HTTP threads.
 */

#include "app.h"
#include "buf.h"

/* Bits of sl_document_filter.include, and their names in the same order. */
enum sl_document_part {
	SL_PART_VIDEO = 1 << 0,
	SL_PART_OUTPUTS = 1 << 1,
	SL_PART_ANALYSES = 1 << 2,
	SL_PART_CELEBRITIES = 1 << 3, /* all of them */
	SL_PART_CELEBRITY_NAMES = 1 << 4,
	SL_PART_CELEBRITY_APPEARANCES = 1 << 5,
	SL_PART_CELEBRITY_DETECTIONS = 1 << 6,
	SL_PART_LABELS = 1 << 7,
	SL_PART_LABEL_NAMES = 1 << 8,
	SL_PART_LABEL_APPEARANCES = 1 << 9,
	SL_PART_LABEL_DETECTIONS = 1 << 10, /* without instances */
	SL_PART_LABEL_INSTANCES = 1 << 11,  /* detections with theirs */
	SL_PART_TRANSCRIPT = 1 << 12,
	SL_PART_TEXT = 1 << 13,
	SL_PART_SEGMENTS = 1 << 14,
	SL_PART_WORDS = 1 << 15,
	SL_PART_LINKS = 1 << 16,
	SL_PART_ALL = 1 << 17, /* everything but links */
};
extern const char *const sl_document_part_names[]; /* NULL-terminated */

/* Presigned links are good for an hour or a little more, unless the credentials end before, and
 * stay the same for so many seconds: what was fetched by one need not be fetched again, and an ETag
 * holds. */
#define SL_DOCUMENT_LINKS_S      3600
#define SL_DOCUMENT_LINKS_SAME_S 300

struct sl_document_filter {
	unsigned include;           /* parts; 0: all, or with names: celebrities and labels */
	double min_confidence;      /* 0 to 100 */
	int64_t from_ms, to_ms;     /* what overlaps [from, to); to < 0: to the end */
	int64_t at_ms;              /* a moment instead; < 0: none */
	const char *const *names;   /* of celebrities and labels, whatever their case and accents */
	size_t name_count;          /* 0: any */
	int64_t limit;              /* elements of lists; a detection counts with its instances */
	const char *cursor;         /* or NULL */
	const struct sl_buf *scope; /* that cursors are bound to */
};

/** Appends the document. VIDEO_NOT_FOUND; BAD_PARAMETER: the cursor; DATABASE_CONFLICT: analyses
 *  of the video begin or end again and again. */
SL_MUST_CHECK enum sl_err sl_document_filter(struct sl_app *app, const char *video_id,
	const struct sl_document_filter *filter, struct sl_buf *out, struct sl_error *reterr);

#endif
