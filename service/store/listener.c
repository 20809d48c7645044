/* SPDX-License-Identifier: Apache-2.0 */
/* LISTEN on a thread with a connection of its own: sl_pg_listener_create(). The callback runs on
 * that thread. Losing the connection has nobody to be returned to, so this file logs it. */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "pg_private.h"

#define APPLICATION     "spotlist-listener"
#define BACKOFF_BASE_MS 100
#define BACKOFF_CAP_MS  5000
#define LISTEN_MS       10000

struct sl_pg_listener {
	/* constant while the thread runs */
	char *conninfo;
	char *channel;
	void (*on_notify)(void *context, const char *payload);
	void *context;
	int stop_fd; /* eventfd: readable means stop */
	pthread_t thread;
	/* the thread's own */
	PGconn *conn; /* NULL: lost */
};

static enum sl_err start_listening(struct sl_pg_listener *listener, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_closep)
	PGconn *conn = NULL;
	enum sl_err err = sl_pg_open(listener->conninfo, APPLICATION, SL_PG_SERVE, &conn, reterr);
	if (err) {
		return err;
	}
	char *channel = PQescapeIdentifier(conn, listener->channel, strlen(listener->channel));
	if (!channel) {
		return sl_pg_result_error(conn, NULL, "LISTEN", reterr);
	}
	SL_AUTO(sl_freep)
	char *sql = sl_asprintf("LISTEN %s", channel);
	PQfreemem(channel);
	const struct sl_pg_patience patience = {.timeout_ms = LISTEN_MS};
	SL_AUTO(sl_pg_clearp)
	PGresult *result = sl_pg_issue(conn, sql, &patience);
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		return sl_pg_result_error(conn, result, "LISTEN", reterr);
	}
	listener->conn = sl_take(&conn);
	return SL_ERR_OK;
}

static void deliver(struct sl_pg_listener *listener)
{
	for (PGnotify *notify; (notify = PQnotifies(listener->conn)) != NULL;) {
		listener->on_notify(listener->context, notify->extra);
		PQfreemem(notify);
	}
}

/* Until told to stop (true) or the connection is lost (false). */
static bool listen_until_stopped(struct sl_pg_listener *listener)
{
	/* What was notified before LISTEN took effect went by unheard. */
	listener->on_notify(listener->context, NULL);
	for (;;) {
		deliver(listener);
		struct pollfd fds[] = {
			{.fd = listener->stop_fd, .events = POLLIN},
			{.fd = PQsocket(listener->conn), .events = POLLIN},
		};
		if (poll(fds, SL_ARRAY_SIZE(fds), -1) < 0 && errno != EINTR) {
			SL_BUG("poll failed");
		}
		if (fds[0].revents != 0) {
			return true;
		}
		if (fds[1].revents != 0 && PQconsumeInput(listener->conn) != 1) {
			return false;
		}
	}
}

/* Whether to stop, having waited for that. */
static bool stopped_within(const struct sl_pg_listener *listener, int64_t timeout_ms)
{
	struct pollfd stop = {.fd = listener->stop_fd, .events = POLLIN};
	return poll(&stop, 1, (int)timeout_ms) > 0;
}

/* Whether the connection is back; false: told to stop. Logs the first failure of an outage. */
static bool reconnect(struct sl_pg_listener *listener)
{
	for (unsigned attempt = 0;; attempt++) {
		if (stopped_within(
			    listener, sl_pg_backoff_ms(attempt, BACKOFF_BASE_MS, BACKOFF_CAP_MS))) {
			return false;
		}
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (!start_listening(listener, &error)) {
			sl_log(SL_LOG_INFO, "listening for notifications again",
				SL_F("channel", listener->channel), SL_F_END);
			return true;
		}
		if (attempt == 0) {
			sl_log_error(SL_LOG_WARN, "cannot listen for notifications, will retry",
				&error, SL_F("channel", listener->channel), SL_F_END);
		}
	}
}

static void *run(void *argument)
{
	struct sl_pg_listener *listener = argument;
	if (start_listening(listener, NULL) && !reconnect(listener)) {
		return NULL;
	}
	while (!listen_until_stopped(listener)) {
		PQfinish(listener->conn);
		listener->conn = NULL;
		sl_log(SL_LOG_WARN, "connection for notifications lost",
			SL_F("channel", listener->channel), SL_F_END);
		if (!reconnect(listener)) {
			break;
		}
	}
	return NULL;
}

/* The thread takes no signals: main waits for them. */
static bool start_thread(struct sl_pg_listener *listener)
{
	sigset_t all;
	sigset_t before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int failure = pthread_create(&listener->thread, NULL, run, listener);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failure == 0;
}

static void release(struct sl_pg_listener *listener)
{
	PQfinish(listener->conn);
	if (listener->stop_fd >= 0) {
		(void)close(listener->stop_fd);
	}
	free(listener->conninfo);
	free(listener->channel);
	free(listener);
}

enum sl_err sl_pg_listener_create(const char *conninfo, const char *channel,
	void (*on_notify)(void *context, const char *payload), void *context,
	struct sl_pg_listener **ret, struct sl_error *reterr)
{
	struct sl_pg_listener *listener = sl_calloc(1, sizeof(*listener));
	listener->conninfo = sl_strdup(conninfo);
	listener->channel = sl_strdup(channel);
	listener->on_notify = on_notify;
	listener->context = context;
	listener->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	enum sl_err err = SL_ERR_OK;
	if (listener->stop_fd < 0) {
		err = sl_error_set(reterr, SL_ERR_IO, "eventfd: %s", strerror(errno));
	}
	if (!err && !start_thread(listener)) {
		err = sl_error_set(reterr, SL_ERR_IO, "the listener's thread did not start");
	}
	if (err) {
		release(listener);
		return err;
	}
	*ret = listener;
	return SL_ERR_OK;
}

void sl_pg_listener_destroy(struct sl_pg_listener *listener)
{
	if (!listener) {
		return;
	}
	const uint64_t one = 1;
	if (write(listener->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
		SL_BUG("an eventfd did not take a write");
	}
	(void)pthread_join(listener->thread, NULL);
	release(listener);
}
