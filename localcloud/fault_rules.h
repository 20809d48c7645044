/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_FAULT_RULES_H
#define LC_FAULT_RULES_H

/*
 * Which request, page or notification is to go wrong: the rules as docs/localcloud.md describes
 * them, read from JSON, and the choice among them. A choice follows from the seed and from how
 * often the rule has matched, so the same sequence of requests meets the same faults. Pure; one
 * struct, one thread at a time.
 */

#include <jansson.h>
#include <stdbool.h>

#include "defs.h"

enum lc_fault_kind {
	LC_FAULT_NONE = -1,
	/* of requests */
	LC_FAULT_THROTTLE,
	LC_FAULT_SERVER_ERROR,
	LC_FAULT_SLOW,
	LC_FAULT_CUT_BEFORE,
	LC_FAULT_CUT_AFTER,
	LC_FAULT_GARBAGE,
	LC_FAULT_EXPIRED_TOKEN,
	LC_FAULT_LIMIT,
	/* of GetLabelDetection's pages */
	LC_FAULT_PAGE_TWICE,
	LC_FAULT_TOKEN_EXPIRED,
	LC_FAULT_TOKEN_EMPTY,
};

enum lc_notice_fault {
	LC_NOTICE_NONE = -1,
	LC_NOTICE_DROP,
	LC_NOTICE_DUPLICATE,
	LC_NOTICE_DELAY,
	LC_NOTICE_REORDER,
	LC_NOTICE_FORGE,
	LC_NOTICE_CORRUPT,
};

struct lc_fault_rules;

/** Reads the body of PUT /_localcloud/faults. NULL when it is wrong; then `ret_why` (owned) says
 *  where and what. */
struct lc_fault_rules *lc_fault_rules_parse(const char *text, size_t len, char **ret_why);
void lc_fault_rules_destroy(struct lc_fault_rules *rules);

/** The same with `matched` and `fired` of each rule, owned by the caller. */
json_t *lc_fault_rules_json(const struct lc_fault_rules *rules);

/** What happens to a request: the first rule that matches and fires; the delays of `slow` rules
 *  that fire before it are added up. Page faults are not among them. */
enum lc_fault_kind lc_fault_rules_request(struct lc_fault_rules *rules, const char *service,
	const char *operation, int64_t *ret_delay_ms);

/** Whether a rule of this kind, of a page, fires. */
bool lc_fault_rules_page(struct lc_fault_rules *rules, enum lc_fault_kind kind, const char *service,
	const char *operation);

/** What happens to a delivery of this topic. */
enum lc_notice_fault lc_fault_rules_notice(
	struct lc_fault_rules *rules, const char *topic_arn, int64_t *ret_delay_ms);

#endif
