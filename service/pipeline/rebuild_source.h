/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REBUILD_SOURCE_H
#define SL_REBUILD_SOURCE_H

/*
 * All that DynamoDB has of one video, found from its videos/<id> item without a scan and kept ready
 * for a transaction: small things in memory, large ones on disk. One thread.
 */

#include <jansson.h>

#include "celebrities_mirror.h"
#include "client.h"
#include "labels_mirror.h"
#include "rebuild_findings.h"
#include "transcript_parse.h"

/* What of it is there without a gap. */
enum sl_rebuild_section {
	SL_REBUILD_RECORD = 1 << 0, /* the submission, analyses, timeline, frames */
	SL_REBUILD_FACES = 1 << 1,
	SL_REBUILD_LABELS = 1 << 2,
	SL_REBUILD_TRANSCRIPT = 1 << 3,
	SL_REBUILD_VERSIONS = 1 << 4,
	SL_REBUILD_ALL = (1 << 5) - 1,
};

/* An earlier run of an analysis. */
struct sl_rebuild_version {
	const char *kind; /* borrowed from the record */
	int64_t attempt;
	int64_t part_count;      /* that its item counts */
	struct sl_spool *result; /* NULL: there is none */
};

struct sl_rebuild_source {
	/* set by the caller, borrowed */
	struct sl_client *aws;
	const char *table;
	const char *video_id;
	const char *target_id; /* that the rows are to have */
	bool thorough;         /* looks at what the mirror does not need, and for leftovers, too */
	struct sl_rebuild_findings *findings;

	/* filled by sl_rebuild_gather() */
	json_t *item;                    /* videos/<id>; NULL: there is none */
	unsigned whole;                  /* enum sl_rebuild_section */
	char *record;                    /* JSON text */
	json_t *root;                    /* the same */
	struct sl_spool *faces;          /* lines: see sl_rebuild_each_looks() */
	struct sl_labels_mirror *labels; /* NULL: there are none */
	json_t *speech;                  /* as Transcribe has it; NULL: there is none */
	struct sl_transcript transcript; /* borrows from speech */
	struct sl_rebuild_version *versions;
	size_t version_count;
};

/** Reads everything. What is missing or malformed becomes a finding, not an error. */
SL_MUST_CHECK enum sl_err sl_rebuild_gather(
	struct sl_rebuild_source *source, struct sl_error *reterr);
void sl_rebuild_source_finish(struct sl_rebuild_source *source);

/** The frames that show someone, some at a time. */
typedef enum sl_err sl_rebuild_looks_fn(
	void *context, const struct sl_look *looks, size_t count, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_rebuild_each_looks(struct sl_rebuild_source *source,
	sl_rebuild_looks_fn *each, void *context, struct sl_error *reterr);

/* rebuild_frames.c */
SL_MUST_CHECK enum sl_err sl_rebuild_gather_faces(
	struct sl_rebuild_source *source, struct sl_error *reterr);

/* rebuild_versions.c */
SL_MUST_CHECK enum sl_err sl_rebuild_gather_versions(
	struct sl_rebuild_source *source, struct sl_error *reterr);
/** Completes the rows of the versions, inside a transaction. */
SL_MUST_CHECK enum sl_err sl_rebuild_load_versions(
	struct sl_pg *pg, struct sl_rebuild_source *source, struct sl_error *reterr);
void sl_rebuild_versions_finish(struct sl_rebuild_source *source);

/* rebuild_extras.c: what only a check looks at */
SL_MUST_CHECK enum sl_err sl_rebuild_check_attributes(
	struct sl_rebuild_source *source, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_rebuild_check_leftovers(
	struct sl_rebuild_source *source, struct sl_error *reterr);

/* For those files. */

/** A finding for each name. */
SL_MUST_CHECK enum sl_err sl_rebuild_tell_missing(
	struct sl_rebuild_source *source, const json_t *missing, struct sl_error *reterr);

/** A member of the record's video; NULL when it is not there. */
const char *sl_rebuild_text(const struct sl_rebuild_source *source, const char *column);

/** Whether the analysis is complete: its items must be there. */
bool sl_rebuild_expects(const struct sl_rebuild_source *source, const char *kind);

/** Reads an attribute into one JSON array; findings tell what is missing, and `*ret_array` is NULL
 *  then. The caller owns it. */
SL_MUST_CHECK enum sl_err sl_rebuild_read_array(struct sl_rebuild_source *source,
	const json_t *item, const char *attribute, json_t **ret_array, struct sl_error *reterr);

/** The same for text, or for JSON that was split as text. */
SL_MUST_CHECK enum sl_err sl_rebuild_read_text(struct sl_rebuild_source *source, const json_t *item,
	const char *attribute, char **ret_text, struct sl_error *reterr);

#endif
