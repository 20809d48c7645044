/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNS's deliveries: one thread that sends what is due over many connections at once (curl_multi)
 * and is woken when something new is queued. What a stop cuts short is sent after the next start.
 * Entry points: lc_sns_delivery_*.
 */

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "clock.h"
#include "lc_sns.h"

enum {
	TIMEOUT_MS = 15000,
	TOTAL_MS = 3600 * 1000, /* AWS's hard limit of all retries of one delivery */
	FLYING_MAX = 256,
	FLYING_PER_SUBSCRIPTION = 16, /* so that one slow endpoint leaves room for others */
	IDLE_MS = 60 * 1000,
};

struct flight {
	int64_t id;
	char *subscription_arn, *endpoint, *topic_arn, *type, *message_id, *body;
	bool raw;
	int64_t created_ms, attempt;
	struct lc_sns_retry retry;
	CURL *easy;
	struct curl_slist *headers;
	struct flight *next;
};

static struct {
	pthread_t thread;
	CURLM *multi;
	atomic_bool stopping;
	struct flight *flights; /* the thread's own */
	int count;
} delivery;

/* --- one request ------------------------------------------------------------------------- */

static void flight_destroy(struct flight *flight)
{
	if (flight->easy != NULL) {
		curl_multi_remove_handle(delivery.multi, flight->easy);
		curl_easy_cleanup(flight->easy);
	}
	curl_slist_free_all(flight->headers);
	free(flight->subscription_arn);
	free(flight->endpoint);
	free(flight->topic_arn);
	free(flight->type);
	free(flight->message_id);
	free(flight->body);
	free(flight);
}

SL_PRINTF(2, 3) static void header(struct flight *flight, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *line = sl_vasprintf(format, arguments);
	va_end(arguments);
	flight->headers = curl_slist_append(flight->headers, line);
}

/* As recorded from AWS; a raw delivery says so, a confirmation has no subscription yet. */
static void headers_make(struct flight *flight)
{
	header(flight, "x-amz-sns-message-type: %s", flight->type);
	header(flight, "x-amz-sns-message-id: %s", flight->message_id);
	header(flight, "x-amz-sns-topic-arn: %s", flight->topic_arn);
	if (strcmp(flight->type, "SubscriptionConfirmation") != 0) {
		header(flight, "x-amz-sns-subscription-arn: %s", flight->subscription_arn);
	}
	if (flight->raw) {
		header(flight, "x-amz-sns-rawdelivery: true");
	}
	header(flight, "Content-Type: %s", flight->retry.content_type);
	header(flight, "Connection: Keep-Alive");
	header(flight, "User-Agent: Amazon Simple Notification Service Agent");
	header(flight, "Accept-Encoding: gzip, deflate");
	header(flight, "Accept:");
	header(flight, "Expect:");
}

static size_t discard(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes;
	(void)context;
	return size * count;
}

static void flight_launch(struct flight *flight)
{
	headers_make(flight);
	CURL *easy = curl_easy_init();
	if (easy == NULL) {
		SL_BUG("curl_easy_init failed");
	}
	flight->easy = easy;
	curl_easy_setopt(easy, CURLOPT_URL, flight->endpoint);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, flight->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(flight->body));
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, flight->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, flight);
	curl_multi_add_handle(delivery.multi, easy);
	flight->next = delivery.flights;
	delivery.flights = flight;
	delivery.count++;
}

/* --- what is due ------------------------------------------------------------------------- */

static void retry_read(sqlite3 *db, struct flight *flight)
{
	json_auto_t *topic = lc_sns_topic_attributes(db, flight->topic_arn);
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement =
		lc_db_prepare(db, "SELECT attributes FROM subscriptions WHERE arn = ?",
			LC_TEXTS(flight->subscription_arn));
	json_auto_t *subscription = lc_db_step(statement)
		? json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL)
		: NULL;
	lc_sns_policy_effective(json_string_value(json_object_get(topic, "DeliveryPolicy")),
		json_string_value(json_object_get(subscription, "DeliveryPolicy")), &flight->retry);
}

static void execute_id(sqlite3 *db, const char *sql, int64_t id)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, NULL);
	sqlite3_bind_int64(statement, 1, id);
	(void)lc_db_step(statement);
}

/* Takes the next delivery that is due; NULL when there is none. */
static struct flight *flight_take(void)
{
	struct flight *flight = NULL;
	sqlite3 *db = lc_sns_lock();
	sqlite3_stmt *statement = lc_db_prepare(db,
		"SELECT id, subscription_arn, endpoint, topic_arn, type, message_id, body, raw, "
		"created_ms, attempt FROM deliveries AS d WHERE flying = 0 AND not_before_ms <= ?1 "
		"AND (SELECT count(*) FROM deliveries AS f WHERE f.subscription_arn = "
		"d.subscription_arn AND f.flying = 1) < ?2 ORDER BY not_before_ms, id LIMIT 1",
		NULL);
	sqlite3_bind_int64(statement, 1, sl_clock_now_ms());
	sqlite3_bind_int(statement, 2, FLYING_PER_SUBSCRIPTION);
	if (lc_db_step(statement)) {
		flight = sl_calloc(1, sizeof(*flight));
		flight->id = sqlite3_column_int64(statement, 0);
		flight->subscription_arn = lc_sns_column(statement, 1);
		flight->endpoint = lc_sns_column(statement, 2);
		flight->topic_arn = lc_sns_column(statement, 3);
		flight->type = lc_sns_column(statement, 4);
		flight->message_id = lc_sns_column(statement, 5);
		flight->body = lc_sns_column(statement, 6);
		flight->raw = sqlite3_column_int(statement, 7) != 0;
		flight->created_ms = sqlite3_column_int64(statement, 8);
		flight->attempt = sqlite3_column_int64(statement, 9);
	}
	sqlite3_finalize(statement);
	if (flight != NULL) {
		execute_id(db, "UPDATE deliveries SET flying = 1 WHERE id = ?", flight->id);
		retry_read(db, flight);
	}
	lc_sns_unlock();
	return flight;
}

/* Milliseconds until the next delivery is due, at most IDLE_MS; a landing or a wake-up comes
 * earlier by itself, so subscriptions that fly as many as they may do not count. */
static int next_due_ms(void)
{
	int64_t wait = IDLE_MS;
	sqlite3 *db = lc_sns_lock();
	sqlite3_stmt *statement = lc_db_prepare(db,
		"SELECT min(not_before_ms) FROM deliveries WHERE flying = 0 AND not_before_ms > ?1",
		NULL);
	int64_t now = sl_clock_now_ms();
	sqlite3_bind_int64(statement, 1, now);
	if (lc_db_step(statement) && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
		int64_t due = sqlite3_column_int64(statement, 0) - now;
		wait = due < wait ? due : wait;
	}
	sqlite3_finalize(statement);
	lc_sns_unlock();
	return (int)wait;
}

/* --- landing ----------------------------------------------------------------------------- */

static void retry_later(struct flight *flight, int64_t delay_ms)
{
	sqlite3 *db = lc_sns_lock();
	sqlite3_stmt *statement = lc_db_prepare(db,
		"UPDATE deliveries SET flying = 0, attempt = ?2, not_before_ms = ?3 WHERE id = ?1",
		NULL);
	sqlite3_bind_int64(statement, 1, flight->id);
	sqlite3_bind_int64(statement, 2, flight->attempt + 1);
	sqlite3_bind_int64(statement, 3, sl_clock_now_ms() + delay_ms);
	(void)lc_db_step(statement);
	sqlite3_finalize(statement);
	lc_sns_unlock();
}

static void forget(const struct flight *flight)
{
	sqlite3 *db = lc_sns_lock();
	execute_id(db, "DELETE FROM deliveries WHERE id = ?", flight->id);
	lc_sns_unlock();
}

/* What is given up goes to the subscription's dead-letter queue, when that lets SNS in. */
static void redrive(const struct flight *flight)
{
	sqlite3 *db = lc_sns_lock();
	sqlite3_stmt *statement =
		lc_db_prepare(db, "SELECT attributes FROM subscriptions WHERE arn = ?",
			LC_TEXTS(flight->subscription_arn));
	json_auto_t *attributes = lc_db_step(statement)
		? json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL)
		: NULL;
	sqlite3_finalize(statement);
	lc_sns_unlock();
	const char *text = json_string_value(json_object_get(attributes, "RedrivePolicy"));
	json_auto_t *policy = text ? json_loads(text, 0, NULL) : NULL;
	const char *queue = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
	if (queue && strcmp(flight->type, "Notification") == 0 &&
		!lc_sqs_deliver(queue, "sns.amazonaws.com", flight->topic_arn, flight->body)) {
		sl_log(SL_LOG_WARN, "dead-letter queue is not there or does not let SNS in",
			SL_F("queue", queue), SL_F("topic", flight->topic_arn), SL_F_END);
	}
}

/* AWS: 5xx, 429 and no answer at all are tried again by the policy, all else is final. */
static void flight_land(struct flight *flight, CURLcode result)
{
	long status = 0;
	curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &status);
	bool answered = result == CURLE_OK;
	bool retryable = !answered || status >= 500 || status == 429 || status < 200;
	int64_t delay = lc_sns_policy_delay_ms(&flight->retry, flight->attempt + 1);
	bool in_time = sl_clock_now_ms() + delay - flight->created_ms <= TOTAL_MS;
	if (answered && status >= 200 && status < 300) {
		forget(flight);
		return;
	}
	bool again = retryable && delay >= 0 && in_time;
	sl_log(SL_LOG_WARN, again ? "sns delivery failed, retrying" : "sns delivery dropped",
		SL_F("endpoint", flight->endpoint), SL_F("message_id", flight->message_id),
		SL_F_I64("status", status),
		SL_F("reason", answered ? NULL : curl_easy_strerror(result)),
		SL_F_I64("attempt", flight->attempt + 1), SL_F_END);
	if (again) {
		retry_later(flight, delay);
	} else {
		redrive(flight);
		forget(flight);
	}
}

static void flight_unlink(struct flight *flight)
{
	struct flight **link = &delivery.flights;
	while (*link != flight) {
		link = &(*link)->next;
	}
	*link = flight->next;
	delivery.count--;
}

static void reap(void)
{
	int left;
	CURLMsg *message;
	while ((message = curl_multi_info_read(delivery.multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE) {
			continue;
		}
		struct flight *flight;
		CURLcode result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight);
		flight_land(flight, result);
		flight_unlink(flight);
		flight_destroy(flight);
	}
}

/* --- the thread -------------------------------------------------------------------------- */

static void *run(void *context)
{
	(void)context;
	while (!atomic_load(&delivery.stopping)) {
		struct flight *flight;
		while (delivery.count < FLYING_MAX && (flight = flight_take()) != NULL) {
			flight_launch(flight);
		}
		int running;
		curl_multi_perform(delivery.multi, &running);
		int before = delivery.count;
		reap();
		if (delivery.count == before) { /* else there is room, or something to retry */
			curl_multi_poll(delivery.multi, NULL, 0, next_due_ms(), NULL);
		}
	}
	return NULL;
}

void lc_sns_delivery_start(void)
{
	sqlite3 *db = lc_sns_lock();
	lc_db_execute(db, "UPDATE deliveries SET flying = 0", NULL);
	lc_sns_unlock();
	atomic_store(&delivery.stopping, false);
	delivery.multi = curl_multi_init();
	if (delivery.multi == NULL || pthread_create(&delivery.thread, NULL, run, NULL) != 0) {
		SL_BUG("the delivery thread could not be started");
	}
}

void lc_sns_delivery_stop(void)
{
	atomic_store(&delivery.stopping, true);
	curl_multi_wakeup(delivery.multi);
	pthread_join(delivery.thread, NULL);
	while (delivery.flights != NULL) {
		struct flight *flight = delivery.flights;
		flight_unlink(flight);
		flight_destroy(flight);
	}
	curl_multi_cleanup(delivery.multi);
	delivery.multi = NULL;
}

void lc_sns_delivery_wake(void)
{
	if (delivery.multi != NULL) {
		curl_multi_wakeup(delivery.multi);
	}
}
