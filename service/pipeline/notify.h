/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_NOTIFY_H
#define SL_NOTIFY_H

/* Use case: an SNS message arrives. Verified, stored once with what it causes, in one
 * transaction. A message never carries results: it only says that it is time to look. */

#include "app.h"

/** What POST /sns does with a body. SNS_* errors refuse it for ever (4xx); DATABASE_* and
 *  SNS_CERT_UNAVAILABLE ask SNS to try again (5xx). A duplicate is success, told in
 *  `ret_duplicate`. */
SL_MUST_CHECK enum sl_err sl_notify_receive(struct sl_app *app, const char *body, size_t len,
	bool *ret_duplicate, struct sl_error *reterr);

#endif
