/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_LABELS_COLLECT_H
#define SL_LABELS_COLLECT_H

/* The result of a label job that has succeeded. */

#include "rekognition.h"
#include "steps.h"

#define SL_LABELS_PAGE 1000 /* labels in a page: as many as Rekognition gives */

/** Stores every page, of which `first` is in hand (and may be emptied), and commits the step. */
SL_MUST_CHECK enum sl_err sl_labels_collect(struct sl_worker *worker, struct sl_step *step,
	const char *job_id, struct sl_rekognition_labels *first, struct sl_error *reterr);

#endif
