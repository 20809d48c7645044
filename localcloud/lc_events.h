/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_EVENTS_H
#define LC_EVENTS_H

/* What the files of localcloud's EventBridge share: events.c (operations, events, targets),
 * events_rule.c (rules in the database), events_pattern.c (patterns). */

#include "cloud.h"

/* --- events_pattern.c: pure functions on the caller's trees ------------------------------ */

/** Checks an event pattern; `ret_words` tells what is wrong, owned by the caller. */
SL_MUST_CHECK bool lc_events_pattern_check(const json_t *pattern, char **ret_words);

/** Whether an event matches a checked pattern. */
bool lc_events_pattern_matches(const json_t *pattern, const json_t *event);

/* --- events.c ---------------------------------------------------------------------------- */

struct lc_events_call {
	struct lc_cloud *cloud;
	json_t *in;
	struct lc_reply *reply;
};

/** An operation: its reply, owned by the caller, or NULL after lc_events_error(). */
typedef json_t *lc_events_operation(struct lc_events_call *call);
lc_events_operation lc_events_put_rule, lc_events_delete_rule, lc_events_describe_rule,
	lc_events_list_rules, lc_events_enable_rule, lc_events_disable_rule, lc_events_put_targets,
	lc_events_remove_targets, lc_events_list_targets, lc_events_list_rule_names;

/** Makes an error reply and returns NULL, for `return lc_events_error(…)`. */
json_t *lc_events_error(struct lc_events_call *call, const char *code, const char *format, ...)
	SL_PRINTF(3, 4);

/** A string member of the request; NULL when absent. */
const char *lc_events_string(const struct lc_events_call *call, const char *name);

/** The one bus there is; false after an error reply when the request names another. */
SL_MUST_CHECK bool lc_events_bus_check(struct lc_events_call *call);

/** The event pattern in `text`, owned by the caller; NULL after an error reply. */
json_t *lc_events_pattern_parse(struct lc_events_call *call, const char *text);

/** The database, locked. */
sqlite3 *lc_events_lock(void);
void lc_events_unlock(void);

#endif
