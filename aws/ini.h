/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_INI_H
#define SL_INI_H

/*
 * The format of ~/.aws/config and ~/.aws/credentials: [sections], key = value, '#' and ';'
 * comments, and one level of nesting ("s3 =" followed by indented lines), whose keys are read as
 * "s3.endpoint_url". https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html. Pure.
 */

#include <stdbool.h>

#include "defs.h"
#include "err.h"

struct sl_ini;

/** Parses a whole file; CONFIG with the line number when it is malformed. Names of keys are
 *  lower-cased; a section or key given twice is merged, the last value counts. */
SL_MUST_CHECK enum sl_err sl_ini_parse(
	const char *text, size_t len, struct sl_ini **ret, struct sl_error *reterr);
void sl_ini_destroy(struct sl_ini *ini);
void sl_ini_destroyp(struct sl_ini **ini);

/** The value, borrowed, or NULL. `type` is the first word of a two-word section ("profile",
 *  "services"), or NULL for a one-word section. */
const char *sl_ini_get(
	const struct sl_ini *ini, const char *type, const char *section, const char *key);

/** Whether the section is there. */
bool sl_ini_has(const struct sl_ini *ini, const char *type, const char *section);

#endif
