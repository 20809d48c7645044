/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending callbacks: claim, POST, write down what came of it. Shared: a mutex, a condition and
 * what it guards; a second mutex makes one thread claim at a time, so that each sees whom the
 * others send to. Entry: sl_webhook_sender_create().
 */

#include "webhook_sender.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"
#include "cond.h"
#include "json_spec.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"

/* A lost notification costs seconds. Also after an error of the database: the listener says when it
 * is back. */
#define LOOK_AGAIN_MS   5000
#define LEASE_SPARE_MS  30000 /* beyond the POST itself: for writing down what came of it */
#define CONNECTIONS     2     /* held for milliseconds, to claim and to write down */
#define MAX_ERROR_BYTES 500

struct thread {
	struct sl_webhook_sender *sender;
	struct sl_outbound *outbound;
	char *origin; /* whom it sends to; NULL: nobody */
	pthread_t id;
};

struct sl_webhook_sender {
	struct sl_webhook_settings settings;
	struct sl_pg_pool *pool;
	struct sl_pg_listener *listener;
	pthread_mutex_t claiming;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	uint64_t wakeups;
	bool stopping;
	unsigned running; /* threads that are not finished */
	unsigned count;
	struct thread threads[];
};

/* A message that this thread has claimed. */
struct message {
	char *id;
	char *video_id;
	char *url;
	char *body;
	int64_t tries;
	int64_t claims;
};

static void message_finish(struct message *message)
{
	free(message->id);
	free(message->video_id);
	free(message->url);
	free(message->body);
}

/* A connection from the pool, for one statement. */
struct held {
	struct sl_pg_pool *pool;
	struct sl_pg *pg;
};

static void held_give(struct held *held)
{
	if (held->pg != NULL) {
		sl_pg_pool_give(held->pool, held->pg);
	}
}

/* --- waiting ------------------------------------------------------------------------------- */

static void on_notify(void *context, const char *payload)
{
	(void)payload;
	struct sl_webhook_sender *sender = context;
	pthread_mutex_lock(&sender->lock);
	sender->wakeups++;
	pthread_cond_broadcast(&sender->changed);
	pthread_mutex_unlock(&sender->lock);
}

static void sleep_until_woken(struct sl_webhook_sender *sender, uint64_t seen, int64_t wait_ms)
{
	struct timespec until = sl_cond_deadline(wait_ms);
	pthread_mutex_lock(&sender->lock);
	int timed_out = 0;
	while (!sender->stopping && sender->wakeups == seen && timed_out == 0) {
		timed_out = pthread_cond_timedwait(&sender->changed, &sender->lock, &until);
	}
	pthread_mutex_unlock(&sender->lock);
}

static bool look(struct sl_webhook_sender *sender, uint64_t *ret_seen)
{
	pthread_mutex_lock(&sender->lock);
	*ret_seen = sender->wakeups;
	bool stopping = sender->stopping;
	pthread_mutex_unlock(&sender->lock);
	return !stopping;
}

/* --- claiming ------------------------------------------------------------------------------ */

/* The receivers that have half of the senders, as a JSON array; owned. */
static char *busy_origins(struct sl_webhook_sender *sender)
{
	unsigned most = sender->count / 2 > 0 ? sender->count / 2 : 1;
	SL_AUTO(sl_json_decrefp)
	json_t *busy = json_array();
	pthread_mutex_lock(&sender->lock);
	for (unsigned i = 0; i < sender->count; i++) {
		const char *origin = sender->threads[i].origin;
		unsigned senders = 0;
		for (unsigned j = 0; origin != NULL && j < sender->count; j++) {
			const char *other = sender->threads[j].origin;
			senders += other != NULL && strcmp(origin, other) == 0;
		}
		if (senders >= most) {
			json_array_append_new(busy, json_string(origin));
		}
	}
	pthread_mutex_unlock(&sender->lock);
	return sl_json_text(busy);
}

static void set_origin(struct thread *thread, const char *origin)
{
	struct sl_webhook_sender *sender = thread->sender;
	pthread_mutex_lock(&sender->lock);
	free(thread->origin);
	thread->origin = sl_strdup(origin);
	pthread_mutex_unlock(&sender->lock);
}

static enum sl_err next_due(
	struct sl_pg *pg, const char *busy, int64_t *ret_wait_ms, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_webhook_next_due, &rows, reterr, SL_PG_TEXT(busy));
	if (err == SL_ERR_OK && rows.count > 0) {
		int64_t wait_ms = sl_pg_i64(&rows, 0, "wait_ms");
		wait_ms = wait_ms < 1 ? 1 : wait_ms;
		*ret_wait_ms = wait_ms < LOOK_AGAIN_MS ? wait_ms : LOOK_AGAIN_MS;
	}
	return err;
}

/* `ret->id` stays NULL when nothing is due; then `*ret_wait_ms` says how long to sleep. */
static enum sl_err claim_with(struct thread *thread, struct sl_pg *pg, struct message *ret,
	int64_t *ret_wait_ms, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *busy = busy_origins(thread->sender);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	int64_t lease_ms = thread->sender->settings.policy.timeout_ms + LEASE_SPARE_MS;
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_webhook_claim, &rows, reterr, SL_PG_I64(lease_ms), SL_PG_TEXT(busy));
	if (err != SL_ERR_OK) {
		return err;
	}
	if (rows.count == 0) {
		*ret_wait_ms = LOOK_AGAIN_MS;
		return next_due(pg, busy, ret_wait_ms, reterr);
	}
	*ret = (struct message){
		.id = sl_strdup(sl_pg_text(&rows, 0, "id")),
		.video_id = sl_strdup(sl_pg_text(&rows, 0, "video_id")),
		.url = sl_strdup(sl_pg_text(&rows, 0, "url")),
		.body = sl_strdup(sl_pg_text(&rows, 0, "body")),
		.tries = sl_pg_i64(&rows, 0, "tries"),
		.claims = sl_pg_i64(&rows, 0, "claims"),
	};
	set_origin(thread, sl_pg_text(&rows, 0, "origin"));
	return SL_ERR_OK;
}

static void claim(struct thread *thread, struct message *ret, int64_t *ret_wait_ms)
{
	struct sl_webhook_sender *sender = thread->sender;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(held_give)
	struct held held = {.pool = sender->pool};
	pthread_mutex_lock(&sender->claiming);
	enum sl_err err = sl_pg_pool_take(sender->pool, &held.pg, &error);
	if (err == SL_ERR_OK) {
		err = claim_with(thread, held.pg, ret, ret_wait_ms, &error);
	}
	pthread_mutex_unlock(&sender->claiming);
	if (err != SL_ERR_OK) {
		sl_log_error(SL_LOG_WARN, "cannot claim a callback", &error, SL_F_END);
		*ret_wait_ms = LOOK_AGAIN_MS;
	}
}

/* --- sending ------------------------------------------------------------------------------- */

static enum sl_err post(struct thread *thread, const struct message *message, int *ret_status,
	int64_t *ret_retry_after_ms, struct sl_error *reterr)
{
	const struct sl_webhook_settings *settings = &thread->sender->settings;
	int64_t now_s = sl_clock_now_ms() / 1000;
	size_t body_len = strlen(message->body);
	SL_AUTO(sl_buf_finish)
	struct sl_buf signature = SL_BUF_INIT;
	sl_buf_puts(&signature, "webhook-signature: ");
	sl_signature_add(&signature, settings->keys, settings->key_count, message->id, now_s,
		message->body, body_len);
	SL_AUTO(sl_freep)
	char *id = sl_asprintf("webhook-id: %s", message->id);
	SL_AUTO(sl_freep)
	char *timestamp = sl_asprintf("webhook-timestamp: %lld", (long long)now_s);
	const char *const headers[] = {
		"Content-Type: application/json", id, timestamp, sl_buf_str(&signature), NULL};
	struct sl_outbound_answer answer = {0};
	enum sl_err err = sl_outbound_post(
		thread->outbound, message->url, headers, message->body, body_len, &answer, reterr);
	*ret_status = err == SL_ERR_OK ? answer.status : reterr->provider.http_status;
	*ret_retry_after_ms = answer.retry_after_ms;
	if (err == SL_ERR_OK && answer.status / 100 != 2) {
		sl_error_set(reterr, SL_ERR_IO, "the receiver answered %d", answer.status);
	}
	return err;
}

int64_t sl_webhook_retry_delay_ms(
	const struct sl_webhook_settings *settings, int64_t tries, int64_t retry_after_ms)
{
	if (tries < 0 || (uint64_t)tries >= settings->retry_count) {
		return -1;
	}
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		SL_BUG("no random bytes");
	}
	int64_t base_ms = settings->retry_ms[tries];
	int64_t delay_ms = base_ms - base_ms / 10 + base_ms / 5 * (int64_t)random / UINT32_MAX;
	return delay_ms > retry_after_ms ? delay_ms : retry_after_ms;
}

static const char *judge(const struct sl_webhook_settings *settings, const struct message *message,
	int status, int64_t retry_after_ms, int64_t *ret_delay_ms)
{
	*ret_delay_ms = 0;
	if (status / 100 == 2) {
		return "delivered";
	}
	if (status == 410) {
		return "failed"; /* Gone: the receiver wants no more of this */
	}
	int64_t delay_ms = sl_webhook_retry_delay_ms(settings, message->tries, retry_after_ms);
	if (delay_ms < 0) {
		return "failed";
	}
	*ret_delay_ms = delay_ms;
	return "pending";
}

static enum sl_err store(struct sl_webhook_sender *sender, enum sl_sql statement,
	const struct sl_pg_param *params, int count, struct sl_error *reterr)
{
	SL_AUTO(held_give)
	struct held held = {.pool = sender->pool};
	enum sl_err err = sl_pg_pool_take(sender->pool, &held.pg, reterr);
	return err == SL_ERR_OK ? sl_pg_run(held.pg, statement, params, count, NULL, reterr) : err;
}

static void log_not_stored(const struct message *message, const struct sl_error *error)
{
	/* Its lease will run out, and it is sent again: receivers know it by its id. */
	sl_log_error(SL_LOG_ERROR, "callback's outcome not stored", error,
		SL_F("delivery", message->id), SL_F("video_id", message->video_id), SL_F_END);
}

static void release(struct sl_webhook_sender *sender, const struct message *message)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	const struct sl_pg_param params[] = {SL_PG_TEXT(message->id), SL_PG_I64(message->claims)};
	if (store(sender, SL_SQL_webhook_release, params, SL_ARRAY_SIZE(params), &error) !=
		SL_ERR_OK) {
		log_not_stored(message, &error);
	}
}

/* What a receiver has a hand in (its certificate's names) may have any bytes, and the log of
 * attempts must not be refused for them. Owned; NULL stays NULL. */
static char *printable(const char *text)
{
	if (text == NULL) {
		return NULL;
	}
	char *copy = sl_strndup(text, strnlen(text, MAX_ERROR_BYTES));
	for (char *c = copy; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~') {
			*c = '?';
		}
	}
	return copy;
}

static void send_message(struct thread *thread, const struct message *message)
{
	struct sl_webhook_sender *sender = thread->sender;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_error_finish)
	struct sl_error store_error = SL_ERROR_INIT;
	int status = 0;
	int64_t retry_after_ms = 0;
	int64_t begin_us = sl_clock_monotonic_us();
	enum sl_err err = post(thread, message, &status, &retry_after_ms, &error);
	int64_t us = sl_clock_monotonic_us() - begin_us;
	int64_t ms = us / 1000;
	if (err == SL_ERR_SHUTTING_DOWN) {
		release(sender, message);
		return;
	}
	int64_t delay_ms;
	/* A status without the whole answer is no answer. */
	const char *state = judge(&sender->settings, message, err == SL_ERR_OK ? status : 0,
		retry_after_ms, &delay_ms);
	sl_metric_add(SL_METRIC_WEBHOOK_ATTEMPTS, 1,
		SL_LABELS(strcmp(state, "pending") == 0 ? "retried" : state));
	sl_metric_observe_us(SL_METRIC_WEBHOOK_SECONDS, us, SL_NO_LABELS);
	sl_log(error.code == SL_ERR_OK ? SL_LOG_INFO : SL_LOG_WARN, "callback attempted",
		SL_F("delivery", message->id), SL_F("video_id", message->video_id),
		SL_F("state", state), SL_F_I64("status", status), SL_F_I64("ms", ms),
		SL_F("detail", error.detail), SL_F_END);
	SL_AUTO(sl_freep)
	char *why = printable(error.detail);
	const struct sl_pg_param params[] = {SL_PG_TEXT(message->id), SL_PG_I64(message->claims),
		SL_PG_TEXT(state), SL_PG_I64(delay_ms), SL_PG_I64(ms),
		status > 0 ? SL_PG_I64(status) : SL_PG_NULL, SL_PG_TEXT(why)};
	if (store(sender, SL_SQL_webhook_record, params, SL_ARRAY_SIZE(params), &store_error) !=
		SL_ERR_OK) {
		log_not_stored(message, &store_error);
	}
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	struct sl_webhook_sender *sender = thread->sender;
	uint64_t seen;
	while (look(sender, &seen)) {
		SL_AUTO(message_finish)
		struct message message = {0};
		int64_t wait_ms = 0;
		claim(thread, &message, &wait_ms);
		if (message.id == NULL) {
			sleep_until_woken(sender, seen, wait_ms);
			continue;
		}
		send_message(thread, &message);
		set_origin(thread, NULL);
	}
	pthread_mutex_lock(&sender->lock);
	sender->running--;
	pthread_cond_broadcast(&sender->changed);
	pthread_mutex_unlock(&sender->lock);
	return NULL;
}

/* --- life ---------------------------------------------------------------------------------- */

static void start_threads(struct sl_webhook_sender *sender, unsigned count)
{
	pthread_mutex_lock(&sender->lock);
	sender->running = count;
	sender->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct thread *thread = &sender->threads[i];
		thread->sender = sender;
		thread->outbound = sl_outbound_create(&sender->settings.policy);
		if (pthread_create(&thread->id, NULL, thread_main, thread) != 0) {
			SL_BUG("no thread for a sender of callbacks");
		}
	}
	pthread_mutex_unlock(&sender->lock);
}

enum sl_err sl_webhook_sender_create(
	const struct sl_config *config, struct sl_webhook_sender **ret, struct sl_error *reterr)
{
	unsigned count = (unsigned)config->webhook_senders;
	struct sl_webhook_sender *sender =
		sl_calloc(1, sizeof(*sender) + count * sizeof(sender->threads[0]));
	pthread_mutex_init(&sender->claiming, NULL);
	pthread_mutex_init(&sender->lock, NULL);
	sl_cond_init(&sender->changed);

	enum sl_err err = sl_webhook_settings_read(config, &sender->settings, reterr);
	if (err == SL_ERR_OK && sender->settings.key_count > 0) {
		sender->pool =
			sl_pg_pool_create(config->database_url, "spotlist callbacks", CONNECTIONS);
		err = sl_pg_listener_create(config->database_url, "spotlist_webhooks", on_notify,
			sender, &sender->listener, reterr);
		if (err == SL_ERR_OK) {
			start_threads(sender, count);
		}
	}
	if (err != SL_ERR_OK) {
		sl_webhook_sender_destroy(sender, 0);
		return err;
	}
	*ret = sender;
	return SL_ERR_OK;
}

static void wait_for_end(struct sl_webhook_sender *sender, int64_t grace_ms)
{
	struct timespec until = sl_cond_deadline(grace_ms);
	pthread_mutex_lock(&sender->lock);
	sender->stopping = true;
	pthread_cond_broadcast(&sender->changed);
	int timed_out = 0;
	while (sender->running > 0 && timed_out == 0) {
		timed_out = pthread_cond_timedwait(&sender->changed, &sender->lock, &until);
	}
	pthread_mutex_unlock(&sender->lock);
}

void sl_webhook_sender_destroy(struct sl_webhook_sender *sender, int64_t grace_ms)
{
	if (sender == NULL) {
		return;
	}
	wait_for_end(sender, grace_ms);
	for (unsigned i = 0; i < sender->count; i++) {
		sl_outbound_interrupt(sender->threads[i].outbound);
	}
	for (unsigned i = 0; i < sender->count; i++) {
		struct thread *thread = &sender->threads[i];
		pthread_join(thread->id, NULL);
		sl_outbound_destroy(thread->outbound);
		free(thread->origin);
	}
	sl_pg_listener_destroy(sender->listener);
	sl_pg_pool_destroy(sender->pool);
	sl_webhook_settings_finish(&sender->settings);
	pthread_cond_destroy(&sender->changed);
	pthread_mutex_destroy(&sender->claiming);
	pthread_mutex_destroy(&sender->lock);
	free(sender);
}
