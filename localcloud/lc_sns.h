/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_SNS_H
#define LC_SNS_H

/*
 * What the files of localcloud's SNS share: sns.c (actions, database), sns_topic.c,
 * sns_subscription.c, sns_publish.c (messages), sns_sign.c (keys, certificates), sns_policy.c
 * (when to try again), sns_delivery.c (the thread that sends).
 */

#include "cloud.h"

/* --- sns.c ------------------------------------------------------------------------------- */

/* One request of the query protocol. */
struct lc_sns_call {
	struct lc_cloud *cloud;
	const struct lc_request *request;
	struct lc_reply *reply;
};

/** An action: fills the reply. */
typedef void lc_sns_action(struct lc_sns_call *call);
lc_sns_action lc_sns_create_topic, lc_sns_delete_topic, lc_sns_list_topics,
	lc_sns_get_topic_attributes, lc_sns_set_topic_attributes, lc_sns_subscribe,
	lc_sns_confirm_subscription, lc_sns_unsubscribe, lc_sns_list_subscriptions,
	lc_sns_list_subscriptions_by_topic, lc_sns_get_subscription_attributes,
	lc_sns_set_subscription_attributes, lc_sns_publish_message;

/** A parameter from the form or the query, owned by the caller; NULL when absent. */
char *lc_sns_param(const struct lc_sns_call *call, const char *name);

/** Parameter `<prefix>.entry.<n>.<member>`; NULL when absent. Owned by the caller. */
char *lc_sns_entry(const struct lc_sns_call *call, const char *prefix, int n, const char *member);

/** The attributes of Attributes.entry.N.key/value as an object, owned by the caller. */
json_t *lc_sns_attributes(const struct lc_sns_call *call);

/** `<ActionResponse …><ActionResult>` … and what closes it; without a result in between,
 *  lc_sns_done() alone. */
void lc_sns_open(struct lc_sns_call *call, const char *action);
void lc_sns_element(struct lc_sns_call *call, const char *name, const char *text);
void lc_sns_close(struct lc_sns_call *call, const char *action);
void lc_sns_done(struct lc_sns_call *call, const char *action);
/** The attribute map `<Attributes><entry><key/><value/></entry>…`, which is released. */
void lc_sns_attribute_map(struct lc_sns_call *call, json_t *attributes);

/** 400 InvalidParameter "Invalid parameter: …". */
void lc_sns_invalid(struct lc_sns_call *call, const char *format, ...) SL_PRINTF(2, 3);
void lc_sns_not_found(struct lc_sns_call *call, const char *what);

/** A required parameter, owned by the caller; NULL after an error reply. */
char *lc_sns_required(struct lc_sns_call *call, const char *name);

/** NextToken of a list whose last element was `arn`, and back. Owned by the caller. */
char *lc_sns_token_of(const char *arn);
char *lc_sns_token_read(const struct lc_sns_call *call);

/** The database, locked: one mutex for all of SNS. */
sqlite3 *lc_sns_lock(void);
void lc_sns_unlock(void);
struct lc_cloud *lc_sns_cloud(void);

/** A text column, owned by the caller; NULL for SQL NULL. */
char *lc_sns_column(sqlite3_stmt *statement, int column);

/* --- sns_topic.c ------------------------------------------------------------------------- */

/** A topic's attributes (only those that were set), owned by the caller; NULL: no such topic.
 *  Inside lc_sns_lock(). */
json_t *lc_sns_topic_attributes(sqlite3 *db, const char *arn);

/* --- sns_publish.c ----------------------------------------------------------------------- */

struct lc_sns_message {
	const char *type; /* "Notification", "SubscriptionConfirmation", … */
	const char *topic_arn;
	const char *subject; /* or NULL */
	const char *text;
	const char *token;  /* of confirmations */
	json_t *attributes; /* MessageAttributes, {"name": {"Type", "Value"}}; or NULL. Borrowed */
	char id[40];
};

/** Queues a confirmation for one subscription. Inside lc_sns_lock(). */
void lc_sns_queue_confirmation(sqlite3 *db, const char *type, const char *topic_arn,
	const char *subscription_arn, const char *endpoint, const char *token);

/* --- sns_sign.c -------------------------------------------------------------------------- */

/** Loads or makes the keys and certificates; exits with a log line when it cannot. */
void lc_sns_sign_start(struct lc_cloud *cloud);
void lc_sns_sign_stop(void);
/** Base64 of the RSA signature: SHA-1 for version "1", SHA-256 for "2". Owned by the caller. */
char *lc_sns_sign(const char *text, size_t len, const char *version);
/** The same with a key that no certificate vouches for. */
char *lc_sns_sign_forged(const char *text, size_t len, const char *version);
/** "/SimpleNotificationService-<32 hex>.pem". */
const char *lc_sns_certificate_path(void);

/* --- sns_policy.c ------------------------------------------------------------------------ */

struct lc_sns_retry {
	int64_t retries, min_delay_s, max_delay_s;
	int64_t no_delay, min_delay, max_delay; /* how many of the retries, in that order */
	char backoff[16];                       /* linear, arithmetic, geometric, exponential */
	char content_type[64];
};

/** Reads a topic's or subscription's DeliveryPolicy text over the defaults. `ret_words` tells
 *  what is wrong with it, owned by the caller. */
SL_MUST_CHECK bool lc_sns_policy_parse(
	const char *text, bool topic, struct lc_sns_retry *ret, char **ret_words);
/** AWS's default: 3 retries, 20 s apart. */
void lc_sns_policy_default(struct lc_sns_retry *ret);
/** The policy that holds for a subscription, from both DeliveryPolicy texts (or NULL). */
void lc_sns_policy_effective(
	const char *topic_text, const char *subscription_text, struct lc_sns_retry *ret);
/** EffectiveDeliveryPolicy of a topic or a subscription, owned by the caller. */
char *lc_sns_policy_text(const struct lc_sns_retry *retry, bool topic);
/** Milliseconds before retry `n` (from 1); -1 when there is none. */
int64_t lc_sns_policy_delay_ms(const struct lc_sns_retry *retry, int64_t n);

/* --- sns_delivery.c ---------------------------------------------------------------------- */

void lc_sns_delivery_start(void);
void lc_sns_delivery_stop(void);
/** Tells the thread that there is something to send. */
void lc_sns_delivery_wake(void);

#endif
