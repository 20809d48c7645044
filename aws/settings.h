/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SETTINGS_H
#define SL_SETTINGS_H

/* The standard SDK settings, from the environment first and the shared files second. */

#include "endpoints.h"

struct sl_settings {
	struct sl_endpoint_settings endpoints; /* borrows from the fields below */
	char *region;
	char *urls[SL_SERVICE_COUNT_];
	char *ca_bundle; /* or NULL: the system's */
	int64_t max_attempts;
};

/** CONFIG names the variable or file that is wrong. On failure `ret` owns nothing. */
SL_MUST_CHECK enum sl_err sl_settings_load(struct sl_settings *ret, struct sl_error *reterr);
void sl_settings_finish(struct sl_settings *settings);

#endif
