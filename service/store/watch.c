/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that looks whether the server is there, so that not every request must find out:
 * sl_pg_watch_state(), which any thread may ask. A change has nobody to be returned to, so this
 * file logs it. */

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

#define APPLICATION "spotlist watch"
#define LOOK_MS     2000 /* while all is well; a closed connection is noticed at once */
#define TRY_MS      500  /* while it is not */

struct sl_pg_watch {
	struct sl_pg *pg; /* the thread's own, once it runs */
	int stop_fd;      /* eventfd: readable means stop */
	pthread_t thread;
	bool has_thread;
	atomic_bool is_hung;
	pthread_mutex_t mutex; /* guards what follows */
	struct sl_error state;
};

/* A connection that is lost or silent may be the only one: the server is away, or hangs, when a new
 * one fails as well. */
static enum sl_err look(struct sl_pg_watch *watch, struct sl_error *reterr)
{
	bool was_open = watch->pg->conn != NULL;
	enum sl_err err = sl_pg_ping(watch->pg, reterr);
	if (err && was_open) {
		bool silent = watch->pg->silent;
		err = sl_pg_ping(watch->pg, reterr);
		if (err && silent) {
			atomic_store(&watch->is_hung, true);
		}
	}
	if (!err) {
		atomic_store(&watch->is_hung, false);
	}
	return err;
}

static enum sl_err look_and_note(struct sl_pg_watch *watch, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = look(watch, &error);
	if (err && reterr) {
		sl_error_set(reterr, err, "%s", error.detail);
	}
	enum sl_err before = sl_pg_watch_state(watch, NULL);
	if (err && err != before) {
		sl_log_error(SL_LOG_WARN, "the database cannot be used, will go on when it can",
			&error, SL_F_END);
	} else if (!err && before) {
		sl_log(SL_LOG_INFO, "the database can be used again", SL_F_END);
	}
	(void)pthread_mutex_lock(&watch->mutex);
	sl_error_move(&watch->state, &error);
	(void)pthread_mutex_unlock(&watch->mutex);
	return err;
}

/* Until it is time for the next look, or the connection was closed; false: told to stop. */
static bool wait_for_next(const struct sl_pg_watch *watch, bool is_well)
{
	struct pollfd fds[] = {
		{.fd = watch->stop_fd, .events = POLLIN},
		{.fd = watch->pg->conn ? PQsocket(watch->pg->conn) : -1, .events = POLLIN},
	};
	if (poll(fds, SL_ARRAY_SIZE(fds), is_well ? LOOK_MS : TRY_MS) < 0 && errno != EINTR) {
		SL_BUG("poll failed");
	}
	return fds[0].revents == 0;
}

static void *run(void *argument)
{
	struct sl_pg_watch *watch = argument;
	enum sl_err err = sl_pg_watch_state(watch, NULL);
	while (wait_for_next(watch, !err)) {
		err = look_and_note(watch, NULL);
	}
	return NULL;
}

/* The thread takes no signals: main waits for them. */
static bool start_thread(struct sl_pg_watch *watch)
{
	sigset_t all;
	sigset_t before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	watch->has_thread = pthread_create(&watch->thread, NULL, run, watch) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return watch->has_thread;
}

enum sl_err sl_pg_watch_create(
	const char *conninfo, struct sl_pg_watch **ret, struct sl_error *reterr)
{
	struct sl_pg_watch *watch = sl_calloc(1, sizeof(*watch));
	watch->pg = sl_pg_create(conninfo, APPLICATION);
	atomic_init(&watch->is_hung, false);
	(void)pthread_mutex_init(&watch->mutex, NULL);
	watch->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	enum sl_err err = SL_ERR_OK;
	if (watch->stop_fd < 0) {
		err = sl_error_set(reterr, SL_ERR_IO, "eventfd: %s", strerror(errno));
	}
	if (!err && look_and_note(watch, reterr) == SL_ERR_CONFIG) {
		err = SL_ERR_CONFIG;
	}
	if (!err && !start_thread(watch)) {
		err = sl_error_set(reterr, SL_ERR_IO, "no thread to watch the database");
	}
	if (err) {
		sl_pg_watch_destroy(watch);
		return err;
	}
	*ret = watch;
	return SL_ERR_OK;
}

enum sl_err sl_pg_watch_state(struct sl_pg_watch *watch, struct sl_error *reterr)
{
	(void)pthread_mutex_lock(&watch->mutex);
	enum sl_err err = watch->state.code;
	if (err) {
		sl_error_set(reterr, err, "%s",
			watch->state.detail ? watch->state.detail : sl_err_title(err));
	}
	(void)pthread_mutex_unlock(&watch->mutex);
	return err;
}

const atomic_bool *sl_pg_watch_hung(const struct sl_pg_watch *watch)
{
	return &watch->is_hung;
}

void sl_pg_watch_destroy(struct sl_pg_watch *watch)
{
	if (!watch) {
		return;
	}
	const uint64_t one = 1;
	if (watch->has_thread) {
		if (write(watch->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
			SL_BUG("an eventfd did not take a write");
		}
		(void)pthread_join(watch->thread, NULL);
	}
	if (watch->stop_fd >= 0) {
		(void)close(watch->stop_fd);
	}
	sl_pg_destroy(watch->pg);
	sl_error_finish(&watch->state);
	(void)pthread_mutex_destroy(&watch->mutex);
	free(watch);
}
