/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_MIGRATE_H
#define SL_MIGRATE_H

/*
 * Forward-only migrations: migrations/NNNN_<name>.sql, embedded by the build, each applied in one
 * transaction that also registers it (number, name, SHA-256 of its text, time) in
 * spotlist_data.migrations. Applied by `spotlist migrate`; the server only checks.
 */

#include "defs.h"
#include "err.h"

/** Applies what is missing, under an advisory lock, so that several at once are harmless.
 *  `on_applied` (may be NULL) hears of each. A registered migration whose text differs, or a
 *  database that is newer than this binary, is SL_ERR_SCHEMA_OUTDATED with the reason. */
SL_MUST_CHECK enum sl_err sl_migrate(const char *conninfo,
	void (*on_applied)(void *context, const char *name), void *context,
	struct sl_error *reterr);

#endif
