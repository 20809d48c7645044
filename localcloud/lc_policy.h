/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_POLICY_H
#define LC_POLICY_H

/*
 * IAM's policy language, from the "IAM JSON policy elements reference": checking a document and
 * deciding a question by it. Pure functions on the caller's trees; any thread.
 */

#include <jansson.h>
#include <stdbool.h>

#include "defs.h"

enum lc_verdict { LC_IMPLICIT_DENY, LC_ALLOW, LC_EXPLICIT_DENY };

enum lc_policy_kind {
	LC_POLICY_IDENTITY, /* of a role: no Principal, Resource required */
	LC_POLICY_TRUST,    /* who may take a role: Principal required, no Resource */
	LC_POLICY_RESOURCE, /* of a queue or bucket: both */
};

/* What is asked. `context` has lower-case condition keys, each with a string or an array of
 * strings. `principals` (NULL-terminated; any of them may be meant) is for policies that have a
 * Principal; `principal_kind` is "AWS", "Service" or "Federated". */
struct lc_policy_question {
	const char *action;   /* "s3:GetObject" */
	const char *resource; /* an ARN, or "*" where an action has no resource */
	const json_t *context;
	const char *principal_kind;
	const char *const *principals;
};

/** Whether the document is one that IAM would take; `ret_words` has IAM's words otherwise, owned
 *  by the caller. */
SL_MUST_CHECK bool lc_policy_check(
	const json_t *document, enum lc_policy_kind kind, char **ret_words);

/** What one document says. A document that was not checked is safe, what it cannot mean does not
 *  match. */
enum lc_verdict lc_policy_decide(const json_t *document, const struct lc_policy_question *question);

/** The same of several: an explicit denial wins, then an allowance. */
enum lc_verdict lc_verdict_both(enum lc_verdict a, enum lc_verdict b);

/** Whether `text` fits a pattern with * and ?. */
bool lc_policy_like(const char *pattern, const char *text, bool ignore_case);

/* --- policy_condition.c ------------------------------------------------------------------ */

/** Whether all of a statement's Condition holds; `variables`: ${…} are replaced. */
bool lc_condition_holds(const json_t *condition, const json_t *context, bool variables);

/** Whether there is such an operator ("ForAnyValue:StringLikeIfExists"). */
bool lc_condition_known(const char *name);

/** A value with its ${…} replaced and the other wildcards kept, owned by the caller; NULL when a
 *  variable has no value, so that nothing may match. */
char *lc_condition_expand(const char *value, const json_t *context, bool variables);

/** The six parts of an ARN each by itself; "*" alone fits everything. */
bool lc_condition_arn_like(const char *pattern, const char *arn);

#endif
