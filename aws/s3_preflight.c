/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many HeadObjects at once: sl_s3_preflight_submit() queues from any thread, one thread drives
 * them all with a curl_multi handle and calls back. The mutex guards queue, tail, outstanding and
 * stopping; flights, multi and easy handles are the thread's own.
 */
#include "s3_preflight.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "mem.h"
#include "s3_internal.h"

#define MAX_OUTSTANDING 4096
#define MAX_IN_FLIGHT   128
#define MAX_POLL_MS     1000

struct check {
	struct check *next;
	char *bucket;
	char *path;
	int64_t deadline_ms; /* monotonic */
	sl_s3_preflight_done *done;
	void *context;
	sl_s3_preflight_look *look; /* NULL: only HEAD is wanted */
	int64_t piece_bytes;
	int pieces; /* that may still be read */
};

enum flight_state {
	FLIGHT_FREE,
	FLIGHT_IN_MULTI, /* curl has it */
	FLIGHT_WAITING,  /* until wake_ms, to be sent again */
};

/* HEAD; why it was refused, which only GET tells; and HEAD again when that has passed. */
enum flight_question {
	ASK_HEAD,
	ASK_WHY,
	ASK_HEAD_AGAIN,
	ASK_PIECE, /* HEAD was answered; whatever comes of this does not change that */
};

struct flight {
	enum flight_state state;
	struct check *check;
	CURL *easy; /* kept from one check to the next */
	struct sl_call call;
	struct sl_operation operation;
	enum flight_question question;
	int64_t wake_ms;
	struct sl_s3_object object; /* what HEAD told, while pieces are read */
	int64_t piece_at;
	char range[64];
	struct sl_pair range_header;
};

struct sl_s3_preflight {
	struct sl_aws *aws;
	int64_t deadline_ms;
	CURLM *multi;
	pthread_t thread;
	bool joined;
	pthread_mutex_t mutex;
	struct check *queue;
	struct check **tail;
	size_t outstanding; /* submitted and not called back */
	bool stopping;
	struct flight flights[MAX_IN_FLIGHT];
	size_t in_flight;
};

static void free_check(struct check *check)
{
	free(check->bucket);
	free(check->path);
	free(check);
}

/* Calls back and forgets the check. No lock is held: the callback may submit again. */
static void end_check(struct sl_s3_preflight *preflight, struct check *check, enum sl_err err,
	const struct sl_s3_object *object, const struct sl_error *error)
{
	check->done(check->context, err, object, error);
	free_check(check);
	pthread_mutex_lock(&preflight->mutex);
	preflight->outstanding--;
	pthread_mutex_unlock(&preflight->mutex);
}

static void refuse_check(
	struct sl_s3_preflight *preflight, struct check *check, enum sl_err err, const char *detail)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	end_check(preflight, check, sl_error_set(&error, err, "%s", detail), NULL, &error);
}

static void end_flight(struct sl_s3_preflight *preflight, struct flight *flight, enum sl_err err,
	const struct sl_s3_object *object, const struct sl_error *error)
{
	if (flight->state == FLIGHT_IN_MULTI) {
		curl_multi_remove_handle(preflight->multi, flight->easy);
	}
	end_check(preflight, flight->check, err, object, error);
	sl_operation_finish(&flight->operation);
	sl_s3_object_finish(&flight->object);
	flight->check = NULL;
	flight->state = FLIGHT_FREE;
	preflight->in_flight--;
}

/* HEAD was answered, and that is what counts. */
static void end_with_object(struct sl_s3_preflight *preflight, struct flight *flight)
{
	struct sl_s3_object object = flight->object;
	flight->object = (struct sl_s3_object){0, NULL};
	end_flight(preflight, flight, SL_ERR_OK, &object, NULL);
	sl_s3_object_finish(&object);
}

static void send_flight(struct sl_s3_preflight *preflight, struct flight *flight)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_operation_prepare(&flight->operation, flight->easy, &error);
	if (err == SL_ERR_OK) {
		curl_easy_setopt(flight->easy, CURLOPT_PRIVATE, flight);
		if (curl_multi_add_handle(preflight->multi, flight->easy) == CURLM_OK) {
			flight->state = FLIGHT_IN_MULTI;
			return;
		}
		err = sl_error_set(&error, SL_ERR_INTERNAL, "curl does not take the transfer");
	}
	if (flight->question == ASK_PIECE) {
		end_with_object(preflight, flight);
		return;
	}
	end_flight(preflight, flight, err, NULL, &error);
}

static struct sl_call piece_call(struct flight *flight)
{
	const struct check *check = flight->check;
	snprintf(flight->range, sizeof(flight->range), "bytes=%lld-%lld",
		(long long)flight->piece_at,
		(long long)(flight->piece_at + check->piece_bytes - 1));
	flight->range_header = (struct sl_pair){"Range", flight->range};
	return (struct sl_call){
		.service = SL_SERVICE_S3,
		.operation = "GetObject",
		.method = "GET",
		.bucket = check->bucket,
		.path = check->path,
		.headers = &flight->range_header,
		.header_count = 1,
		.idempotent = true,
		.max_answer = (size_t)check->piece_bytes,
	};
}

static void ask(
	struct sl_s3_preflight *preflight, struct flight *flight, enum flight_question question)
{
	const struct check *check = flight->check;
	flight->question = question;
	if (question == ASK_PIECE) {
		flight->call = piece_call(flight);
	} else {
		flight->call = question == ASK_WHY ? sl_s3_why_call(check->bucket, check->path)
						   : sl_s3_head_call(check->bucket, check->path);
	}
	sl_operation_init(&flight->operation, preflight->aws, &flight->call, check->deadline_ms);
	flight->state = FLIGHT_WAITING;
	send_flight(preflight, flight);
}

static void start_flight(struct sl_s3_preflight *preflight, struct check *check)
{
	struct flight *flight = preflight->flights;
	while (flight->state != FLIGHT_FREE) {
		flight++;
	}
	if (flight->easy == NULL) {
		flight->easy = curl_easy_init();
	}
	if (flight->easy == NULL) {
		refuse_check(
			preflight, check, SL_ERR_OVERLOADED, "curl has no memory for a handle");
		return;
	}
	flight->check = check;
	preflight->in_flight++;
	ask(preflight, flight, ASK_HEAD);
}

/* Whether the answer leads to another question, which is then asked. */
static bool ask_on(struct sl_s3_preflight *preflight, struct flight *flight, enum sl_err err,
	const struct sl_error *error)
{
	enum flight_question next = ASK_WHY;
	if (flight->question == ASK_WHY) {
		next = ASK_HEAD_AGAIN;
	}
	bool unclear =
		flight->question == ASK_HEAD && err != SL_ERR_OK && sl_s3_head_is_unclear(error);
	bool past = flight->question == ASK_WHY && sl_s3_why_is_past(err, error);
	if (unclear || past) {
		sl_operation_finish(&flight->operation);
		ask(preflight, flight, next);
		return true;
	}
	return false;
}

/* Whether a piece is read next. */
static bool read_on(struct sl_s3_preflight *preflight, struct flight *flight, int64_t offset)
{
	struct check *check = flight->check;
	if (check->look == NULL || check->pieces == 0 || offset < 0 ||
		offset >= flight->object.size_bytes) {
		return false;
	}
	check->pieces--;
	flight->piece_at = offset;
	sl_operation_finish(&flight->operation);
	ask(preflight, flight, ASK_PIECE);
	return true;
}

static void land_piece(struct sl_s3_preflight *preflight, struct flight *flight, bool good)
{
	const struct check *check = flight->check;
	int64_t next = -1;
	bool more = good && flight->operation.answer.status == 206 &&
		check->look(
			check->context, &flight->operation.answer.body, flight->piece_at, &next);
	if (!more || !read_on(preflight, flight, next)) {
		end_with_object(preflight, flight);
	}
}

static void land_flight(struct sl_s3_preflight *preflight, struct flight *flight, CURLcode code)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_s3_object_finish)
	struct sl_s3_object object = {0, NULL};
	curl_multi_remove_handle(preflight->multi, flight->easy);
	flight->state = FLIGHT_WAITING;
	int64_t delay_ms = 0;
	enum sl_err err = SL_ERR_OK;
	switch (sl_operation_judge(&flight->operation, flight->easy, code, &delay_ms, &error)) {
	case SL_VERDICT_RETRY:
		flight->wake_ms = sl_clock_monotonic_ms() + delay_ms;
		return;
	case SL_VERDICT_DONE:
		if (flight->question != ASK_WHY && flight->question != ASK_PIECE) {
			err = sl_s3_read_head(&flight->operation.answer, &object, &error);
		}
		break;
	case SL_VERDICT_FAILED:
		err = error.code;
		break;
	}
	if (flight->question == ASK_PIECE) {
		land_piece(preflight, flight, err == SL_ERR_OK);
		return;
	}
	if (ask_on(preflight, flight, err, &error)) {
		return;
	}
	if (err == SL_ERR_OK && flight->check->look != NULL) {
		flight->object = object;
		object = (struct sl_s3_object){0, NULL};
		if (!read_on(preflight, flight, 0)) {
			land_piece(preflight, flight, false);
		}
		return;
	}
	end_flight(preflight, flight, err, err == SL_ERR_OK ? &object : NULL,
		err == SL_ERR_OK ? NULL : &error);
}

static void land_finished(struct sl_s3_preflight *preflight)
{
	int left;
	CURLMsg *message;
	while ((message = curl_multi_info_read(preflight->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE) {
			continue;
		}
		/* The message dies with the handle's removal. */
		CURLcode code = message->data.result;
		struct flight *flight = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight);
		land_flight(preflight, flight, code);
	}
}

/* Sends again what has waited long enough; the time until the next one is due. */
static int64_t resend_waiting(struct sl_s3_preflight *preflight)
{
	int64_t now_ms = sl_clock_monotonic_ms();
	int64_t pause_ms = MAX_POLL_MS;
	for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
		struct flight *flight = &preflight->flights[i];
		if (flight->state != FLIGHT_WAITING) {
			continue;
		}
		int64_t wait_ms = flight->wake_ms - now_ms;
		if (wait_ms <= 0) {
			send_flight(preflight, flight);
		} else if (wait_ms < pause_ms) {
			pause_ms = wait_ms;
		}
	}
	return pause_ms;
}

static struct check *take_check(struct sl_s3_preflight *preflight)
{
	pthread_mutex_lock(&preflight->mutex);
	struct check *check = preflight->queue;
	if (check != NULL) {
		preflight->queue = check->next;
		if (preflight->queue == NULL) {
			preflight->tail = &preflight->queue;
		}
	}
	pthread_mutex_unlock(&preflight->mutex);
	return check;
}

static void start_queued(struct sl_s3_preflight *preflight)
{
	struct check *check;
	while (preflight->in_flight < MAX_IN_FLIGHT && (check = take_check(preflight)) != NULL) {
		if (sl_clock_monotonic_ms() >= check->deadline_ms) {
			refuse_check(preflight, check, SL_ERR_AWS_UNAVAILABLE,
				"S3 was too busy to check the object in time");
		} else {
			start_flight(preflight, check);
		}
	}
}

static bool is_stopping(struct sl_s3_preflight *preflight)
{
	pthread_mutex_lock(&preflight->mutex);
	bool stopping = preflight->stopping;
	pthread_mutex_unlock(&preflight->mutex);
	return stopping;
}

static void end_everything(struct sl_s3_preflight *preflight)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err =
		sl_error_set(&error, SL_ERR_SHUTTING_DOWN, "The service is shutting down");
	for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
		if (preflight->flights[i].state != FLIGHT_FREE) {
			end_flight(preflight, &preflight->flights[i], err, NULL, &error);
		}
	}
	struct check *check;
	while ((check = take_check(preflight)) != NULL) {
		end_check(preflight, check, err, NULL, &error);
	}
}

static void *run(void *context)
{
	struct sl_s3_preflight *preflight = context;
	while (!is_stopping(preflight)) {
		start_queued(preflight);
		size_t before = preflight->in_flight;
		int64_t pause_ms = resend_waiting(preflight);
		int running;
		curl_multi_perform(preflight->multi, &running);
		land_finished(preflight);
		/* A place that became free is filled before waiting. */
		if (preflight->in_flight == before) {
			curl_multi_poll(preflight->multi, NULL, 0, (int)pause_ms, NULL);
		}
	}
	end_everything(preflight);
	return NULL;
}

/* --- from other threads --------------------------------------------------------------------- */

struct sl_s3_preflight *sl_s3_preflight_create(struct sl_aws *aws, int64_t deadline_ms)
{
	struct sl_s3_preflight *preflight = sl_calloc(1, sizeof *preflight);
	preflight->aws = aws;
	preflight->deadline_ms = deadline_ms;
	preflight->tail = &preflight->queue;
	pthread_mutex_init(&preflight->mutex, NULL);
	preflight->multi = curl_multi_init();
	if (preflight->multi == NULL) {
		SL_BUG("curl has no memory for a multi handle");
	}
	/* Signals are main's business. */
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&preflight->thread, NULL, run, preflight);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed != 0) {
		SL_BUG("the preflight thread does not start");
	}
	pthread_setname_np(preflight->thread, "s3-preflight");
	return preflight;
}

void sl_s3_preflight_submit(struct sl_s3_preflight *preflight, const char *bucket, const char *key,
	sl_s3_preflight_done *done, void *context)
{
	sl_s3_preflight_probe(preflight, bucket, key, NULL, 0, 0, done, context);
}

void sl_s3_preflight_probe(struct sl_s3_preflight *preflight, const char *bucket, const char *key,
	sl_s3_preflight_look *look, int64_t piece_bytes, int pieces, sl_s3_preflight_done *done,
	void *context)
{
	enum sl_err refused = SL_ERR_OK;
	pthread_mutex_lock(&preflight->mutex);
	if (preflight->stopping) {
		refused = SL_ERR_SHUTTING_DOWN;
	} else if (preflight->outstanding >= MAX_OUTSTANDING) {
		refused = SL_ERR_OVERLOADED;
	} else {
		struct check *check = sl_calloc(1, sizeof *check);
		check->bucket = sl_strdup(bucket);
		check->path = sl_s3_object_path(key);
		check->deadline_ms = sl_clock_monotonic_ms() + preflight->deadline_ms;
		check->done = done;
		check->context = context;
		check->look = look;
		check->piece_bytes = piece_bytes;
		check->pieces = pieces;
		*preflight->tail = check;
		preflight->tail = &check->next;
		preflight->outstanding++;
		/* Under the mutex, so that the handle outlives the call. */
		curl_multi_wakeup(preflight->multi);
	}
	pthread_mutex_unlock(&preflight->mutex);
	if (refused != SL_ERR_OK) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		sl_error_set(
			&error, refused, "The object was not checked: %s", sl_err_title(refused));
		done(context, refused, NULL, &error);
	}
}

void sl_s3_preflight_stop(struct sl_s3_preflight *preflight)
{
	pthread_mutex_lock(&preflight->mutex);
	preflight->stopping = true;
	curl_multi_wakeup(preflight->multi);
	pthread_mutex_unlock(&preflight->mutex);
	if (!preflight->joined) {
		pthread_join(preflight->thread, NULL);
		preflight->joined = true;
	}
}

void sl_s3_preflight_destroy(struct sl_s3_preflight *preflight)
{
	if (preflight == NULL) {
		return;
	}
	sl_s3_preflight_stop(preflight);
	for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
		curl_easy_cleanup(preflight->flights[i].easy);
	}
	curl_multi_cleanup(preflight->multi);
	pthread_mutex_destroy(&preflight->mutex);
	free(preflight);
}
