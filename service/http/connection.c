/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd's callbacks. It calls sl_connection_called() with the headers, with each piece of
 * the body, and at the end; a reply may be queued in the first and the last of these only. Runs in
 * the daemon's threads, one at a time per connection. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "exchange.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"
#include "uuid.h"

/* A body that comes in drops, each in time, must still end: this many idle timeouts in all. */
#define BODY_TIMEOUTS 4

#define LOGGED_TARGET 256
#define MAX_RECORDS   128

/* --- counting ------------------------------------------------------------------------------ */

/* False when new requests are refused. */
static bool count_in(struct sl_exchange *exchange)
{
	atomic_fetch_add(&exchange->server->active, 1);
	exchange->counted = true;
	sl_metric_add(SL_METRIC_HTTP_IN_FLIGHT, 1, SL_LABELS(exchange->server->options.name));
	return !atomic_load(&exchange->server->quiesced);
}

static void count_down(struct sl_server *server, atomic_size_t *counter)
{
	atomic_fetch_sub(counter, 1);
	if (atomic_load(&server->awaited)) {
		pthread_mutex_lock(&server->lock);
		pthread_cond_broadcast(&server->less);
		pthread_mutex_unlock(&server->lock);
	}
}

/* Counted before it is asked whether the server stops, and the server says so before it looks at
 * the counter: one of the two sees the other. */
static bool enter_handler(struct sl_exchange *exchange)
{
	struct sl_server *server = exchange->server;
	if (exchange->phase == SL_EXCHANGE_HANDLING) {
		return true; /* it slept, and is counted */
	}
	atomic_fetch_add(&server->handling, 1);
	if (atomic_load(&server->stopping)) {
		count_down(server, &server->handling);
		return false;
	}
	exchange->phase = SL_EXCHANGE_HANDLING;
	sl_patience_handle(exchange->connection);
	return true;
}

static void leave_handler(struct sl_exchange *exchange, enum sl_exchange_phase next)
{
	struct sl_server *server = exchange->server;
	bool handling = exchange->phase == SL_EXCHANGE_HANDLING;
	exchange->phase = next;
	if (handling && exchange->slept) {
		/* Whoever woke it still has the lock, perhaps: see sl_request_resume(). */
		pthread_mutex_lock(&server->lock);
		pthread_mutex_unlock(&server->lock);
	}
	if (handling) {
		count_down(server, &server->handling);
	}
}

/* --- answering ----------------------------------------------------------------------------- */

static enum MHD_Result answer(struct sl_exchange *exchange, struct sl_reply *reply)
{
	leave_handler(exchange, SL_EXCHANGE_REPLIED);
	return sl_reply_send(exchange, reply);
}

static enum MHD_Result answer_error(struct sl_exchange *exchange)
{
	SL_AUTO(sl_reply_finish)
	struct sl_reply reply;
	sl_reply_init(&reply);
	sl_problem_reply(exchange, &reply);
	return answer(exchange, &reply);
}

static enum MHD_Result answer_options(struct sl_exchange *exchange)
{
	SL_AUTO(sl_reply_finish)
	struct sl_reply reply;
	sl_reply_init(&reply);
	reply.status = MHD_HTTP_NO_CONTENT;
	if (exchange->match.allow[0] != '\0') {
		sl_reply_header(&reply, MHD_HTTP_HEADER_ALLOW, exchange->match.allow);
	}
	sl_cors_preflight(exchange, &reply);
	return answer(exchange, &reply);
}

static enum MHD_Result call_handler(struct sl_exchange *exchange)
{
	struct sl_request *request = &exchange->request;
	const struct sl_server_options *options = &exchange->server->options;
	if (!enter_handler(exchange)) {
		sl_error_set(&request->error, SL_ERR_SHUTTING_DOWN, "ask another instance");
		exchange->close = true;
		return answer_error(exchange);
	}
	SL_AUTO(sl_reply_finish)
	struct sl_reply reply;
	sl_reply_init(&reply);
	exchange->asleep = false;
	enum sl_err err = request->route->handler(request, &reply);
	if ((err == SL_REQUEST_SUSPENDED) != exchange->asleep) {
		SL_BUG("a handler must suspend its request and say so, or do neither");
	}
	if (err == SL_REQUEST_SUSPENDED) {
		return MHD_YES; /* it may run already in another thread's hands: touch nothing */
	}
	if (err != SL_ERR_OK) {
		if (request->error.code != err) {
			sl_error_finish(&request->error);
			request->error.code = err;
		}
		sl_reply_finish(&reply);
		sl_reply_init(&reply);
		sl_problem_reply(exchange, &reply);
	} else {
		sl_error_finish(&request->error);
	}
	if (options->after != NULL) {
		options->after(options->app, request, reply.status);
	}
	return answer(exchange, &reply);
}

/* --- the three calls ----------------------------------------------------------------------- */

static void choose_request_id(struct sl_exchange *exchange)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	const char *theirs = sl_request_header(&exchange->request, "X-Request-Id");
	size_t len = theirs != NULL ? strlen(theirs) : 0;
	if (len > 0 && len <= SL_HTTP_REQUEST_ID_MAX && strspn(theirs, allowed) == len) {
		memcpy(exchange->request_id, theirs, len + 1);
	} else {
		sl_uuid_create(exchange->request_id);
	}
	exchange->request.request_id = exchange->request_id;
}

static bool is_options(const struct sl_exchange *exchange)
{
	return strcmp(exchange->request.method, "OPTIONS") == 0;
}

static enum sl_err route(struct sl_exchange *exchange)
{
	struct sl_request *request = &exchange->request;
	struct sl_match *match = &exchange->match;
	const struct sl_server_options *options = &exchange->server->options;
	if (strcmp(request->target, "*") == 0) {
		return SL_ERR_OK; /* OPTIONS *: about the server as a whole */
	}
	sl_router_match(
		options->routes, options->route_count, request->method, request->target, match);
	request->route = match->route;
	if (match->err == SL_ERR_METHOD_NOT_ALLOWED && is_options(exchange)) {
		return SL_ERR_OK;
	}
	if (match->err != SL_ERR_OK) {
		return sl_error_set(&request->error, match->err, "%s",
			match->err == SL_ERR_BAD_REQUEST ? "the path is not percent-encoded UTF-8"
				: match->err == SL_ERR_NOT_FOUND ? "no operation has this path"
								 : "see the Allow header");
	}
	enum sl_err err =
		options->authorize != NULL ? options->authorize(options->app, request) : SL_ERR_OK;
	if (err != SL_ERR_OK) {
		exchange->stranger = true;
		return err;
	}
	const char *query = exchange->query_text;
	return query == NULL
		? SL_ERR_OK
		: sl_query_parse(query, strlen(query), &exchange->query, &request->error);
}

static uint64_t body_limit(const struct sl_exchange *exchange)
{
	const struct sl_route *chosen = exchange->request.route;
	return chosen != NULL ? chosen->max_body : 0;
}

static void refuse_body(struct sl_exchange *exchange)
{
	uint64_t limit = body_limit(exchange);
	if (limit == 0) {
		sl_error_set(&exchange->request.error, SL_ERR_BODY_TOO_LARGE,
			"this operation takes no body");
	} else {
		sl_error_set(&exchange->request.error, SL_ERR_BODY_TOO_LARGE,
			"the body may have %llu bytes", (unsigned long long)limit);
	}
	sl_buf_finish(&exchange->body);
}

/* Headers are in. Decides what can be decided without the body, into request.error. */
static void examine(struct sl_exchange *exchange, const char *line, const char *version,
	struct sl_framing *ret_framing)
{
	struct sl_error *error = &exchange->request.error;
	choose_request_id(exchange);
	bool open = count_in(exchange);
	enum sl_err err = sl_screen_headers(exchange, line, version, ret_framing, error);
	if (err != SL_ERR_OK) {
		exchange->close = true;
		return;
	}
	if (!open) {
		sl_error_set(error, SL_ERR_SHUTTING_DOWN, "ask another instance");
		exchange->close = true;
		return;
	}
	err = sl_screen_target(exchange, error);
	if (err == SL_ERR_OK) {
		err = route(exchange);
	}
	if (err == SL_ERR_OK && ret_framing->content_length > body_limit(exchange)) {
		refuse_body(exchange);
	}
}

static enum MHD_Result first_call(
	struct sl_exchange *exchange, const char *method, const char *version)
{
	struct sl_framing framing = {0};
	exchange->phase = SL_EXCHANGE_READING;
	exchange->method = sl_strdup(method);
	exchange->request.method = exchange->method;
	examine(exchange, method, version, &framing);
	bool refused = exchange->request.error.code != SL_ERR_OK;
	/* A reply now closes the connection, and its reset may overtake the reply while the client
	 * is still sending. So a modest body is read first, unless the client waits to be asked. */
	bool waits = framing.expects_continue && (framing.chunked || framing.content_length > 0);
	uint64_t modest = exchange->stranger ? SL_HTTP_STRANGER_LIMIT : SL_HTTP_DRAIN_LIMIT;
	bool hopeless = exchange->close || waits || framing.content_length > modest ||
		(exchange->stranger && framing.chunked);
	return refused && hopeless ? answer_error(exchange) : MHD_YES;
}

static enum MHD_Result body_call(struct sl_exchange *exchange, const char *data, size_t *data_len)
{
	size_t len = *data_len;
	*data_len = 0; /* all of it is taken, or dropped */
	exchange->body_seen += len;
	int64_t patience_ms = (int64_t)exchange->server->options.timeout_s * 1000 * BODY_TIMEOUTS;
	bool late = sl_clock_monotonic_ms() - exchange->started_ms > patience_ms;
	if (late || exchange->body_seen > body_limit(exchange) + SL_HTTP_DROP_LIMIT) {
		if (exchange->request.error.code == SL_ERR_OK) {
			sl_error_set(&exchange->request.error, SL_ERR_BAD_REQUEST,
				"the body did not arrive in time");
		}
		return MHD_NO; /* no reply may be queued in this call: close */
	}
	if (exchange->request.error.code != SL_ERR_OK) {
		return MHD_YES;
	}
	if (exchange->body_seen > body_limit(exchange)) {
		refuse_body(exchange);
		return MHD_YES;
	}
	sl_buf_add(&exchange->body, data, len);
	return MHD_YES;
}

static enum MHD_Result last_call(struct sl_exchange *exchange)
{
	struct sl_request *request = &exchange->request;
	if (exchange->phase == SL_EXCHANGE_READING) {
		if (request->error.code != SL_ERR_OK) {
			return answer_error(exchange);
		}
		if (request->route == NULL) {
			return answer_options(exchange);
		}
		if (exchange->body.len > 0) {
			request->body = exchange->body.data;
			request->body_len = exchange->body.len;
		}
	}
	return call_handler(exchange);
}

enum MHD_Result sl_connection_called(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_len,
	void **exchange_)
{
	(void)cls;
	(void)connection;
	(void)url; /* decoded by the library, and cut at a NUL: ours is what was sent */
	struct sl_exchange *exchange = *exchange_;
	if (exchange->phase == SL_EXCHANGE_NEW) {
		return first_call(exchange, method, version);
	}
	return *data_len > 0 ? body_call(exchange, data, data_len) : last_call(exchange);
}

/* --- begin and end ------------------------------------------------------------------------- */

/*
 * libmicrohttpd 0.9.75 makes a record of every query parameter in the connection's memory, and
 * when that is used up it forgets what it was doing: no reply, until the timeout. So a query that
 * would not fit is cut off here, where it is first seen. (MAX_RECORDS take a quarter of the memory,
 * and a target of up to half of it leaves the other half free.)
 */
static bool exhausts_memory(const char *query, size_t target_len)
{
	size_t records = 1;
	for (const char *p = query; *p != '\0'; p++) {
		records += *p == '&' ? 1 : 0;
	}
	return records > MAX_RECORDS || target_len > SL_HTTP_MEMORY / 2;
}

static void cut_off(struct sl_exchange *exchange)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info != NULL) {
		(void)shutdown(info->connect_fd, SHUT_RDWR);
	}
	sl_error_set(&exchange->request.error, SL_ERR_BAD_PARAMETER,
		"the query is far too long or has far too many parameters");
}

void *sl_connection_opened(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct sl_server *server = cls;
	struct sl_exchange *exchange = sl_calloc(1, sizeof(*exchange));
	exchange->server = server;
	exchange->connection = connection;
	exchange->started_us = sl_clock_monotonic_us();
	exchange->started_ms = exchange->started_us / 1000;
	sl_patience_receive(connection);
	exchange->request.app = server->options.app;
	const char *sent = target != NULL ? target : "";
	size_t path_len = strcspn(sent, "?");
	exchange->sent_target = sent;
	exchange->target_len = strlen(sent);
	exchange->target = sl_strndup(sent, path_len);
	exchange->query_text = sent[path_len] == '?' ? sl_strdup(sent + path_len + 1) : NULL;
	exchange->request.target = exchange->target;
	if (exchange->query_text != NULL &&
		exhausts_memory(exchange->query_text, exchange->target_len)) {
		cut_off(exchange);
	}
	return exchange;
}

static const char *ending(enum MHD_RequestTerminationCode how)
{
	switch (how) {
	case MHD_REQUEST_TERMINATED_COMPLETED_OK:
		return NULL;
	case MHD_REQUEST_TERMINATED_TIMEOUT_REACHED:
		return "timeout";
	case MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN:
		return "shutdown";
	case MHD_REQUEST_TERMINATED_READ_ERROR:
	case MHD_REQUEST_TERMINATED_CLIENT_ABORT:
		return "client_left";
	default:
		return "closed";
	}
}

static enum sl_log_level log_level(const struct sl_exchange *exchange)
{
	const struct sl_request *request = &exchange->request;
	if (exchange->status >= 500) {
		return sl_err_retryable(request->error.code) ? SL_LOG_WARN : SL_LOG_ERROR;
	}
	/* Health checks come every few seconds, for ever. */
	bool check = request->route != NULL && request->route->auth == SL_AUTH_OPEN;
	return check && exchange->status < 400 ? SL_LOG_DEBUG : SL_LOG_INFO;
}

static void log_request(const struct sl_exchange *exchange, enum MHD_RequestTerminationCode how)
{
	const struct sl_request *request = &exchange->request;
	char path[LOGGED_TARGET + sizeof("...")];
	bool cut = strlen(exchange->target) > LOGGED_TARGET;
	snprintf(path, sizeof(path), "%.*s%s", LOGGED_TARGET, exchange->target, cut ? "..." : "");
	int64_t ms = sl_clock_monotonic_ms() - exchange->started_ms;
	const struct sl_log_field fields[] = {
		SL_F("request_id", request->request_id),
		SL_F("op", request->route != NULL ? request->route->operation_id : NULL),
		SL_F("method", request->method),
		SL_F("path", path),
		SL_F("token", request->caller[0] != '\0' ? request->caller : NULL),
		SL_F_I64("status", exchange->status),
		SL_F_I64("ms", ms),
		SL_F_I64("bytes", (int64_t)exchange->bytes),
		SL_F("ended", exchange->late ? "too_slow" : ending(how)),
		SL_F_END,
	};
	if (request->error.code == SL_ERR_OK) {
		sl_log_fields(log_level(exchange), "request", fields);
	} else {
		sl_log_error_fields(log_level(exchange), "request", &request->error, fields);
	}
}

/* A path that is no operation's, and one that was given up before its reply, are no more. */
static void measure_request(const struct sl_exchange *exchange)
{
	static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
	const struct sl_request *request = &exchange->request;
	int class = exchange->status / 100;
	const struct sl_metric_labels labels =
		SL_LABELS(request->route != NULL ? request->route->operation_id : "none",
			classes[class > 0 && class < (int)SL_ARRAY_SIZE(classes) ? class : 0]);
	sl_metric_add(SL_METRIC_HTTP_REQUESTS, 1, labels);
	sl_metric_observe_us(
		SL_METRIC_HTTP_SECONDS, sl_clock_monotonic_us() - exchange->started_us, labels);
}

void sl_connection_changed(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode what)
{
	const struct sl_server *server = cls;
	sl_patience_notify(server->patience, connection, socket_context, what);
	sl_metric_add(SL_METRIC_HTTP_CONNECTIONS, what == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1,
		SL_LABELS(server->options.name));
}

static void exchange_free(struct sl_exchange *exchange)
{
	struct sl_request *request = &exchange->request;
	if (request->state_free != NULL && request->state != NULL) {
		request->state_free(request->state);
	}
	json_decref(exchange->json);
	sl_error_finish(&request->error);
	sl_query_finish(&exchange->query);
	sl_match_finish(&exchange->match);
	sl_buf_finish(&exchange->body);
	free(exchange->target);
	free(exchange->query_text);
	free(exchange->method);
	free(exchange);
}

void sl_connection_completed(void *cls, struct MHD_Connection *connection, void **exchange_,
	enum MHD_RequestTerminationCode how)
{
	(void)cls;
	struct sl_exchange *exchange = *exchange_;
	if (exchange == NULL) {
		return;
	}
	*exchange_ = NULL;
	if (exchange->status == 0) { /* the library's own reply to something unreadable, if any */
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
		exchange->status = info != NULL ? (int)info->http_status : 0;
	}
	exchange->late = sl_patience_end(connection, how == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED);
	log_request(exchange, how);
	measure_request(exchange);
	/* Freed before it is counted out: when the drain has ended, nothing of the application's
	 * state is in use by a request any more. */
	leave_handler(exchange, SL_EXCHANGE_REPLIED);
	struct sl_server *server = exchange->server;
	bool counted = exchange->counted;
	exchange_free(exchange);
	if (counted) {
		sl_metric_add(SL_METRIC_HTTP_IN_FLIGHT, -1, SL_LABELS(server->options.name));
		count_down(server, &server->active);
	}
}
