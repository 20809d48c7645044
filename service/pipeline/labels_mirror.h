/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_LABELS_MIRROR_H
#define SL_LABELS_MIRROR_H

/*
 * Labels on their way into PostgreSQL. Each is decoded once, when it comes, and its rows wait on
 * disk in the form that COPY takes: the transaction that loads them is short, and a million of them
 * need no memory. One thread.
 */

#include <jansson.h>

#include "pg.h"

struct sl_labels_mirror;

/** `video_id` is copied. IO: no room for the temporary files. */
SL_MUST_CHECK enum sl_err sl_labels_mirror_create(
	const char *video_id, struct sl_labels_mirror **ret, struct sl_error *reterr);

/** The next element of Rekognition's Labels array (borrowed). AWS_PROTOCOL: it makes no sense. */
SL_MUST_CHECK enum sl_err sl_labels_mirror_add(
	struct sl_labels_mirror *mirror, const json_t *element, struct sl_error *reterr);

/** Replaces the video's labels by those that were added, inside a transaction; may run again. */
SL_MUST_CHECK enum sl_err sl_labels_mirror_load(
	struct sl_pg *pg, struct sl_labels_mirror *mirror, struct sl_error *reterr);

void sl_labels_mirror_destroy(struct sl_labels_mirror *mirror); /* NULL is fine */
void sl_labels_mirror_destroyp(struct sl_labels_mirror **mirror);

#endif
