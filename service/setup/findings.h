/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_FINDINGS_H
#define SL_FINDINGS_H

/* What a check of the doctor found, and how it is told without telling secrets. One thread. */

#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "defs.h"
#include "err.h"

enum sl_verdict_kind {
	SL_FOUND_OK,
	SL_FOUND_SKIP, /* could not or need not be looked at */
	SL_FOUND_WARN, /* works, but not as it should */
	SL_FOUND_FAIL,
};

struct sl_finding {
	enum sl_verdict_kind kind;
	char *found;  /* what is the case, with its cause */
	char *remedy; /* what to do: a command or a setting; or NULL */
};

struct sl_findings {
	struct sl_finding *items;
	size_t count;
};
void sl_findings_finish(struct sl_findings *findings);

/** The worst of them. */
enum sl_verdict_kind sl_findings_worst(const struct sl_findings *findings);

/** Adds one; `remedy` may be NULL and is copied. */
void sl_find(struct sl_findings *findings, enum sl_verdict_kind kind, const char *remedy,
	const char *format, ...) SL_PRINTF(4, 5);

/* Texts that must not be shown. */
struct sl_secrets {
	char **items;
	size_t count;
};
void sl_secrets_finish(struct sl_secrets *secrets);

/** Too short to be a secret, or NULL: is not added. Copied. */
void sl_secrets_add(struct sl_secrets *secrets, const char *text);

/** All of the settings that are marked as secrets, the database URL's password, and what the
 *  environment has for other programs (keys, tokens, proxies' passwords). */
void sl_secrets_collect(
	struct sl_secrets *secrets, char **environ_, const struct sl_config *config);

/** One line: "FAIL  bucket: found. remedy", or a JSON object. Control characters are replaced. */
void sl_finding_print(const struct sl_finding *finding, const char *check,
	const struct sl_secrets *secrets, bool json, FILE *out);

#endif
