/* SPDX-License-Identifier: Apache-2.0 */
/* SQS's operations on messages. Entry points: those of lc_sqs.h, on any HTTP thread. */
#include <openssl/evp.h>
#include <string.h>

#include "clock.h"
#include "lc_sqs.h"
#include "text.h"
#include "uuid.h"

enum { BODY_MAX = 1048576, NAP_MS = 100 };

char *lc_sqs_md5(const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	struct sl_buf hex = SL_BUF_INIT;
	if (!EVP_Digest(text, strlen(text), digest, &length, EVP_md5(), NULL)) {
		SL_BUG("MD5 cannot be computed");
	}
	sl_text_hex(&hex, digest, length);
	return sl_buf_steal(&hex);
}

char *lc_sqs_put(sqlite3 *db, const char *queue, const char *body, int64_t delay_s)
{
	char id[SL_UUID_SIZE];
	int64_t now_ms = sl_clock_now_ms();
	sl_uuid_create(id);
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db,
		"INSERT INTO messages (queue, id, body, sent_ms, visible_ms) "
		"VALUES (?1, ?2, ?3, ?4, ?5)",
		LC_TEXTS(queue, id, body));
	sqlite3_bind_int64(statement, 4, now_ms);
	sqlite3_bind_int64(statement, 5, now_ms + delay_s * 1000);
	(void)lc_db_step(statement);
	return sl_strdup(id);
}

json_t *lc_sqs_send_message(struct lc_sqs_call *call)
{
	const char *name = lc_sqs_queue(call);
	const char *body = lc_sqs_string(call, "MessageBody");
	if (!name) {
		return NULL;
	}
	if (!body || body[0] == '\0') {
		return lc_sqs_error(call, "MissingParameter", "MissingParameter",
			"The request must contain the parameter MessageBody.");
	}
	if (strlen(body) > BODY_MAX) {
		return lc_sqs_error(call, "InvalidParameterValue", "InvalidParameterValueException",
			"One or more parameters are invalid. Reason: Message must be shorter than "
			"%d bytes.",
			BODY_MAX);
	}
	sqlite3 *db = lc_sqs_lock();
	json_auto_t *attributes = lc_sqs_attributes(db, name);
	SL_AUTO(sl_freep)
	char *id = attributes ? lc_sqs_put(db, name, body,
					lc_sqs_integer(call, "DelaySeconds",
						lc_sqs_attribute(attributes, "DelaySeconds", 0)))
			      : NULL;
	lc_sqs_unlock();
	if (!id) {
		return lc_sqs_no_queue(call);
	}
	SL_AUTO(sl_freep)
	char *md5 = lc_sqs_md5(body);
	return json_pack("{s:s, s:s}", "MessageId", id, "MD5OfMessageBody", md5);
}

/* --- receiving --------------------------------------------------------------------------- */

static json_t *message(sqlite3_stmt *row, const char *receipt, int64_t now_ms)
{
	const char *body = (const char *)sqlite3_column_text(row, 2);
	int64_t first_ms = sqlite3_column_int64(row, 5);
	SL_AUTO(sl_freep)
	char *md5 = lc_sqs_md5(body);
	SL_AUTO(sl_freep)
	char *sent = sl_asprintf("%lld", (long long)sqlite3_column_int64(row, 3));
	SL_AUTO(sl_freep)
	char *count = sl_asprintf("%lld", (long long)sqlite3_column_int64(row, 4) + 1);
	SL_AUTO(sl_freep)
	char *first = sl_asprintf("%lld", (long long)(first_ms > 0 ? first_ms : now_ms));
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s}}", "MessageId",
		(const char *)sqlite3_column_text(row, 1), "ReceiptHandle", receipt, "MD5OfBody",
		md5, "Body", body, "Attributes", "SenderId", LC_ACCOUNT, "SentTimestamp", sent,
		"ApproximateReceiveCount", count, "ApproximateFirstReceiveTimestamp", first);
}

/* Takes up to `max` visible messages out of sight. Inside the lock. */
static json_t *take(sqlite3 *db, const char *queue, int64_t max, int64_t visibility_s)
{
	json_t *messages = json_array();
	int64_t now_ms = sl_clock_now_ms();
	while ((int64_t)json_array_size(messages) < max) {
		SL_AUTO(lc_db_finalize)
		sqlite3_stmt *row = lc_db_prepare(db,
			"SELECT number, id, body, sent_ms, received, first_ms FROM messages WHERE "
			"queue = ?1 AND visible_ms <= ?2 ORDER BY number LIMIT 1",
			LC_TEXTS(queue));
		sqlite3_bind_int64(row, 2, now_ms);
		if (!lc_db_step(row)) {
			break;
		}
		char receipt[SL_UUID_SIZE];
		sl_uuid_create(receipt);
		json_array_append_new(messages, message(row, receipt, now_ms));
		SL_AUTO(lc_db_finalize)
		sqlite3_stmt *update = lc_db_prepare(db,
			"UPDATE messages SET received = received + 1, receipt = ?1, "
			"first_ms = max(first_ms, ?2), visible_ms = ?3 WHERE number = ?4",
			LC_TEXTS(receipt));
		int64_t first_ms = sqlite3_column_int64(row, 5);
		sqlite3_bind_int64(update, 2, first_ms > 0 ? first_ms : now_ms);
		/* Even with no timeout one answer has each message once. */
		sqlite3_bind_int64(
			update, 3, now_ms + (visibility_s > 0 ? visibility_s * 1000 : 1));
		sqlite3_bind_int64(update, 4, sqlite3_column_int64(row, 0));
		(void)lc_db_step(update);
	}
	return messages;
}

static json_t *receive(struct lc_sqs_call *call, const char *name, int64_t max, int64_t *ret_wait_s)
{
	sqlite3 *db = lc_sqs_lock();
	json_auto_t *attributes = lc_sqs_attributes(db, name);
	json_t *messages = NULL;
	if (attributes) {
		messages = take(db, name, max,
			lc_sqs_integer(call, "VisibilityTimeout",
				lc_sqs_attribute(attributes, "VisibilityTimeout", 30)));
		*ret_wait_s = lc_sqs_integer(call, "WaitTimeSeconds",
			lc_sqs_attribute(attributes, "ReceiveMessageWaitTimeSeconds", 0));
	}
	lc_sqs_unlock();
	return messages;
}

json_t *lc_sqs_receive_message(struct lc_sqs_call *call)
{
	const char *name = lc_sqs_queue(call);
	int64_t max = lc_sqs_integer(call, "MaxNumberOfMessages", 1);
	int64_t began_ms = sl_clock_monotonic_ms();
	if (!name) {
		return NULL;
	}
	if (max < 1 || max > 10) {
		return lc_sqs_error(call, "InvalidParameterValue", "InvalidParameterValueException",
			"Value %lld for parameter MaxNumberOfMessages is invalid. Reason: Must be "
			"between 1 and 10, if provided.",
			(long long)max);
	}
	for (;;) {
		int64_t wait_s = 0;
		json_t *messages = receive(call, name, max, &wait_s);
		if (!messages) {
			return lc_sqs_no_queue(call);
		}
		wait_s = wait_s > 20 ? 20 : wait_s;
		if (json_array_size(messages) > 0 || lc_stopping() ||
			sl_clock_monotonic_ms() - began_ms >= wait_s * 1000) {
			return json_pack("{s:o}", "Messages", messages);
		}
		json_decref(messages);
		sl_clock_sleep(NAP_MS);
	}
}

/* Runs a statement on the message of a receipt. */
static json_t *with_receipt(struct lc_sqs_call *call, const char *sql, int64_t visible_ms)
{
	const char *name = lc_sqs_queue(call);
	const char *receipt = lc_sqs_string(call, "ReceiptHandle");
	if (!name) {
		return NULL;
	}
	sqlite3 *db = lc_sqs_lock();
	json_auto_t *attributes = lc_sqs_attributes(db, name);
	sqlite3_stmt *statement = lc_db_prepare(db, sql, LC_TEXTS(name, receipt ? receipt : ""));
	if (visible_ms > 0) {
		sqlite3_bind_int64(statement, 3, visible_ms);
	}
	(void)lc_db_step(statement);
	sqlite3_finalize(statement);
	lc_sqs_unlock();
	if (!attributes) {
		return lc_sqs_no_queue(call);
	}
	if (!receipt || !sl_uuid_valid(receipt)) {
		return lc_sqs_error(call, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid",
			"The input receipt handle \"%s\" is not a valid receipt handle.",
			receipt ? receipt : "");
	}
	return json_object(); /* deleting what is gone is no error */
}

json_t *lc_sqs_delete_message(struct lc_sqs_call *call)
{
	return with_receipt(call, "DELETE FROM messages WHERE queue = ?1 AND receipt = ?2", 0);
}

json_t *lc_sqs_change_visibility(struct lc_sqs_call *call)
{
	int64_t seconds = lc_sqs_integer(call, "VisibilityTimeout", 0);
	return with_receipt(call,
		"UPDATE messages SET visible_ms = ?3 WHERE queue = ?1 AND receipt = ?2",
		sl_clock_now_ms() + seconds * 1000);
}
