/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CHECKUP_H
#define SL_CHECKUP_H

/*
 * Inside the doctor: what all checks share, and the checks. Each runs on a thread of its own once
 * those that it comes after are done; what those wrote into the checkup it may read.
 */

#include <jansson.h>

#include "client.h"
#include "config.h"
#include "findings.h"
#include "reach.h"
#include "sts.h"

enum sl_check_id {
	SL_CHECK_SETTINGS,
	SL_CHECK_REGION,
	SL_CHECK_DATABASE,
	SL_CHECK_ACCESS,
	SL_CHECK_ENDPOINTS,
	SL_CHECK_CLOCK,
	SL_CHECK_CREDENTIALS,
	SL_CHECK_ACCOUNT,
	SL_CHECK_BUCKET,
	SL_CHECK_BUCKET_SETUP,
	SL_CHECK_TABLE,
	SL_CHECK_TOPICS,
	SL_CHECK_SUBSCRIPTIONS,
	SL_CHECK_DEAD_LETTERS,
	SL_CHECK_RULES,
	SL_CHECK_MEDIACONVERT,
	SL_CHECK_REKOGNITION,
	SL_CHECK_PERMISSIONS,
	SL_CHECK_WEBHOOKS,
	SL_CHECK_SERVER,
	SL_CHECK_COUNT_
};

#define SL_CHECKUP_SERVICES 10 /* those that `serve` calls, and then those of the doctor alone */

struct sl_checkup {
	char **environ_;
	struct sl_config config; /* what is wrong in it is the default, or empty */
	struct sl_findings setting_problems;
	struct sl_aws *aws; /* NULL: its settings are wrong */
	struct sl_error aws_error;
	int64_t deadline_ms; /* monotonic */

	/* written by one check, for those after it */
	struct sl_reach endpoints[SL_CHECKUP_SERVICES];
	struct sl_sts_identity identity; /* account NULL: unknown */
	bool bucket_missing;      /* or out of reach, or elsewhere: there is no use in trying it */
	json_t *topic_attributes; /* by topic ARN, of those that could be read */
	json_t *subscriptions;    /* arrays by topic ARN; of HTTP(S) ones with their "Attributes" */
};

typedef void sl_check_fn(struct sl_checkup *checkup, struct sl_findings *findings);

/* The checks, in the order of the ids. */
sl_check_fn sl_check_settings, sl_check_region, sl_check_database, sl_check_access,
	sl_check_endpoints, sl_check_clock, sl_check_credentials, sl_check_account, sl_check_bucket,
	sl_check_bucket_setup, sl_check_table, sl_check_topics, sl_check_subscriptions,
	sl_check_dead_letters, sl_check_rules, sl_check_mediaconvert, sl_check_rekognition,
	sl_check_permissions, sl_check_webhooks, sl_check_server;

/** A client whose operations end well before the doctor has to. Owned by the caller. */
struct sl_client *sl_checkup_client(const struct sl_checkup *checkup);

/** Adds a skip and returns false when a service's endpoint was found to be out of reach. */
bool sl_checkup_reaches(
	const struct sl_checkup *checkup, enum sl_service service, struct sl_findings *findings);

/** Adds what an operation's failure means, when `serve` needs it. `remedy` is for what does not
 *  exist. */
void sl_find_error(struct sl_findings *findings, const struct sl_error *error, const char *remedy);

/** What the doctor may not look at: `serve` does not need it. */
struct sl_unseen {
	struct sl_buf actions;
};
void sl_unseen_finish(struct sl_unseen *unseen);

/** The same, when only the doctor needs the operation: not being allowed to, or an endpoint that
 *  does not know it, is noted in `unseen` and no failure. */
void sl_find_unseen(struct sl_findings *findings, struct sl_unseen *unseen, const char *action,
	const struct sl_error *error, const char *remedy);

/** Adds one skip for all that was not seen. */
void sl_unseen_tell(const struct sl_unseen *unseen, struct sl_findings *findings);

/** The parts of "arn:partition:service:region:account:resource", owned. */
struct sl_arn {
	char *text; /* what the others point into */
	const char *partition, *service, *region, *account, *resource;
};
SL_MUST_CHECK bool sl_arn_parse(const char *text, struct sl_arn *ret);
void sl_arn_finish(struct sl_arn *arn);

#endif
