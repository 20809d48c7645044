/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PERMISSIONS_H
#define SL_PERMISSIONS_H

/* What spotlist's own role must be allowed, action by action. A test holds this against the
 * template's policy and the operations that the code calls. */

#include "checkup.h"

struct sl_permission;

/** Tries an action without an effect: OK, or the error that came. */
typedef enum sl_err sl_permission_try_fn(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr);

struct sl_permission {
	const char *action;
	const char *resource;         /* an ARN with ${…} in it, or "*" */
	const char *condition;        /* the key that the policy may ask for; or NULL */
	const char *condition_value;  /* with ${…} in it */
	sl_permission_try_fn *try_it; /* NULL: it could not be without starting something */
	const char *use;              /* what fails without it */
};

extern const struct sl_permission sl_permissions[];
extern const size_t sl_permission_count;

/** Puts the settings into ${…}: Partition, Region, Account, Bucket, Table, Queue,
 *  MediaConvertRole, RekognitionRole. NULL when one of them is not set. The caller owns it. */
char *sl_permission_fill(const struct sl_checkup *checkup, const char *text);

/* Trials: see permission_trials.c. */
sl_permission_try_fn sl_try_list_bucket, sl_try_put_object, sl_try_get_object, sl_try_delete_object,
	sl_try_list_jobs, sl_try_get_job, sl_try_cancel_job, sl_try_recognize_celebrities,
	sl_try_start_label_detection, sl_try_get_label_detection, sl_try_get_transcription_job,
	sl_try_delete_transcription_job, sl_try_get_item, sl_try_put_item, sl_try_batch_get_item,
	sl_try_batch_write_item, sl_try_scan;

#endif
