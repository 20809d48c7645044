/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SETUP_H
#define SL_SETUP_H

/*
 * How `spotlist provision` brings a resource about: each type has a function that reads what is
 * there, tells the difference, and makes it disappear, except in a dry run. It touches nothing that
 * is not in the template. One thread.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "client.h"

/* One run. */
struct sl_setup {
	struct sl_client *client;
	const char *account;
	const char *region;
	const char *partition;
	bool dry_run;
	bool replace;   /* subscriptions of other endpoints are removed */
	FILE *out;      /* where the lines go */
	int64_t wait_s; /* for tables and confirmations */
	size_t ok;
	size_t created;
	size_t changed;
	size_t failed;
};

/* One resource of the template, while it is dealt with. */
struct sl_resource {
	const char *id;     /* in the template */
	json_t *properties; /* resolved; owned by the run */
	const char *kind;   /* "topic policy" */
	char *name;         /* for lines; owned */
	char *ref;          /* what Ref gives; owned; NULL: `name` */
	char *arn;          /* owned, or NULL */
	bool touched;       /* a line was printed */
};

/** Brings it about. On failure nothing was printed of what failed. */
typedef enum sl_err sl_resource_fn(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr);

sl_resource_fn sl_setup_bucket;
sl_resource_fn sl_setup_bucket_policy;
sl_resource_fn sl_setup_table;
sl_resource_fn sl_setup_topic;
sl_resource_fn sl_setup_topic_policy;
sl_resource_fn sl_setup_subscription;
sl_resource_fn sl_setup_queue;
sl_resource_fn sl_setup_queue_policy;
sl_resource_fn sl_setup_rule;
sl_resource_fn sl_setup_role;

/** Waits for the confirmation of a subscription that an earlier step made. */
sl_resource_fn sl_setup_await_subscription;

/** The line of something that was made, or would be. */
void sl_setup_created(struct sl_setup *setup, struct sl_resource *resource);

/** The line of a property that was changed, or would be. `from` and `to` are shortened. */
void sl_setup_changed(struct sl_setup *setup, struct sl_resource *resource, const char *property,
	const char *from, const char *to);

/** The same of JSON; NULL is "nothing". */
void sl_setup_changed_json(struct sl_setup *setup, struct sl_resource *resource,
	const char *property, const json_t *from, const json_t *to);

/** A property as text, "" when it is absent; borrowed until the properties go. Numbers and booleans
 *  of the template are text here as they are in CloudFormation. */
const char *sl_property(const struct sl_resource *resource, const char *name);

/** Scalars as CloudFormation sends them: an owned text, NULL for anything else. */
char *sl_property_text(const json_t *value);

/** arn:<partition>:<service>:<region>:<account>:<name>; owned. */
char *sl_setup_arn(const struct sl_setup *setup, const char *service, const char *name);

/** JSON of a text, {} when it is none; the caller owns it. */
json_t *sl_setup_json(const char *text);

/** For what AWS shows only some seconds after it was made: waits a moment and says true, for
 *  `max_s` seconds (and no longer than --wait) from the first time; `*deadline_ms` begins with 0.
 */
bool sl_setup_wait(const struct sl_setup *setup, int64_t max_s, int64_t *deadline_ms);

/** Seconds after which AWS shows everywhere what was just made. */
#define SL_SETUP_PROPAGATION_S 20

/** Whether nothing is there because an earlier line of this dry run would have made it. */
bool sl_setup_not_yet(const struct sl_setup *setup, enum sl_err err);

#endif
