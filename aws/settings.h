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

/** One setting, for people: what it is (NULL: not set), where that came from, and what is wrong
 *  with it (NULL: nothing). Passwords in URLs are still there. */
typedef void sl_settings_note_fn(
	void *context, const char *name, const char *value, const char *where, const char *problem);

/** For whoever explains: the same, but every setting is told, and one that is wrong is left at its
 *  default; `ret->region` may be NULL. False when anything was wrong. */
bool sl_settings_survey(struct sl_settings *ret, sl_settings_note_fn *note, void *context);

void sl_settings_finish(struct sl_settings *settings);

#endif
