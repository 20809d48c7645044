/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_UUID_H
#define SL_UUID_H

/* Identifiers: UUID version 7 (RFC 9562 §5.7), whose text order is the order of creation. */

#include <stdbool.h>

#include "defs.h"

#define SL_UUID_SIZE 37 /* 36 characters and NUL */

/** A new version 7 UUID in lower-case text. Thread-safe. */
void sl_uuid_create(char ret[static SL_UUID_SIZE]);

/** Whether `text` is a UUID of any version in its canonical 8-4-4-4-12 lower-case form. */
bool sl_uuid_valid(const char *text);

#endif
