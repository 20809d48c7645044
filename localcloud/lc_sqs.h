/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_SQS_H
#define LC_SQS_H

/* What the files of localcloud's SQS share: sqs.c (protocols, database), sqs_queue.c (queues and
 * their attributes), sqs_message.c (messages). */

#include "cloud.h"

struct lc_sqs_call {
	struct lc_cloud *cloud;
	json_t *in; /* the request as the JSON protocol has it, whichever way it came */
	const struct lc_request *request;
	struct lc_reply *reply;
	bool query; /* the older protocol */
};

/** An operation: its reply, owned by the caller, or NULL after lc_sqs_error(). */
typedef json_t *lc_sqs_operation(struct lc_sqs_call *call);
lc_sqs_operation lc_sqs_create_queue, lc_sqs_get_queue_url, lc_sqs_get_attributes,
	lc_sqs_set_attributes, lc_sqs_list_queues, lc_sqs_delete_queue, lc_sqs_purge_queue;
lc_sqs_operation lc_sqs_send_message, lc_sqs_receive_message, lc_sqs_delete_message,
	lc_sqs_change_visibility;

/** Makes an error reply and returns NULL. `code` is of the query protocol, `shape` of the JSON
 *  one. */
json_t *lc_sqs_error(struct lc_sqs_call *call, const char *code, const char *shape,
	const char *format, ...) SL_PRINTF(4, 5);
json_t *lc_sqs_no_queue(struct lc_sqs_call *call);

/** A string member of the request; NULL when absent. */
const char *lc_sqs_string(const struct lc_sqs_call *call, const char *name);
/** An integer member, or `otherwise`. */
int64_t lc_sqs_integer(const struct lc_sqs_call *call, const char *name, int64_t otherwise);

/** The name of the queue that QueueUrl means, borrowed; NULL after an error reply. */
const char *lc_sqs_queue(struct lc_sqs_call *call);

/** The database, locked. */
sqlite3 *lc_sqs_lock(void);
void lc_sqs_unlock(void);

/** The attributes that were set on a queue, owned by the caller; NULL: no such queue. Inside the
 *  lock. */
json_t *lc_sqs_attributes(sqlite3 *db, const char *queue);
/** A numeric attribute, or its default. */
int64_t lc_sqs_attribute(const json_t *attributes, const char *name, int64_t otherwise);

/** Puts a message into a queue; its id, owned by the caller. Inside the lock. */
char *lc_sqs_put(sqlite3 *db, const char *queue, const char *body, int64_t delay_s);

/** Lower-case hex of the MD5, owned by the caller. */
char *lc_sqs_md5(const char *text);

#endif
