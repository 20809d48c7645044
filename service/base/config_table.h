/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CONFIG_TABLE_H
#define SL_CONFIG_TABLE_H

/*
 * Configuration from the environment by table: name, type with unit, default, range, secret
 * flag, and the sentence that `spotlist config --print` shows. A variable with our prefix that
 * no row names is an error: a misspelt setting must not be silently ignored.
 */

#include <stdbool.h>
#include <stdio.h>

#include "defs.h"
#include "err.h"

enum sl_config_kind {
	SL_CONFIG_END_,
	SL_CONFIG_STR,  /* char *, owned */
	SL_CONFIG_INT,  /* int64_t in [min, max] */
	SL_CONFIG_BOOL, /* bool: yes|no|true|false|1|0 */
	SL_CONFIG_ENUM, /* int: index in names */
	SL_CONFIG_LIST, /* struct sl_config_list: comma-separated */
};

struct sl_config_list {
	char **items;
	size_t count;
};

enum sl_config_flags {
	SL_CONFIG_PLAIN = 0,
	SL_CONFIG_SECRET = 1,   /* printed as *** */
	SL_CONFIG_REQUIRED = 2, /* no default: absent or empty is an error */
};

struct sl_config_field {
	const char *name; /* environment variable */
	enum sl_config_kind kind;
	size_t offset;
	const char *fallback; /* default, as text; NULL: empty */
	int64_t min, max;     /* INT */
	const char *const *names;
	unsigned flags;
	const char *help; /* one sentence, with the unit */
};

/**
 * Fills `target` from `environ_` (as in environ(7)). `prefix` guards against unknown names.
 * The first problem is told in `reterr`: the variable, what it holds (unless secret), what is
 * allowed. On failure `target` owns nothing.
 */
SL_MUST_CHECK enum sl_err sl_config_load(const struct sl_config_field *table, const char *prefix,
	char **environ_, void *target, struct sl_error *reterr);

/** For whoever tells all problems: the same, but a setting that is wrong gets its default, or is
 *  left empty where there is none, and `on_problem` hears of each. */
void sl_config_survey(const struct sl_config_field *table, const char *prefix, char **environ_,
	void *target, void (*on_problem)(void *context, const struct sl_error *error),
	void *context);

/** Prints "NAME=value  # help" per row; secrets as ***. */
void sl_config_print(const struct sl_config_field *table, const void *source, FILE *out);

/** Frees what loading allocated and zeroes it. */
void sl_config_finish(const struct sl_config_field *table, void *target);

#endif
