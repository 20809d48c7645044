/* SPDX-License-Identifier: Apache-2.0 */
/* See patience.h. The list of connections is under the mutex, the deadlines are atomic: their
 * connections' threads set them, this module's own thread reads them. */

#include "patience.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "clock.h"
#include "cond.h"
#include "mem.h"

#define LOOK_MS_MIN 50
#define LOOK_MS_MAX 1000

struct seat {
	struct seat *next;
	struct seat **at; /* what points to this one */
	struct sl_patience *patience;
	int fd;
	_Atomic(int64_t) deadline_ms; /* monotonic; 0: none */
	atomic_bool late;             /* it was shut down */
	bool sending;                 /* the deadline is that of a reply */
};

struct sl_patience {
	int64_t timeout_ms;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the list and `stopping` */
	pthread_cond_t stop;
	bool stopping;
	struct seat *first;
};

/* --- looking after all of them ------------------------------------------------------------- */

/* With the lock held, so that no descriptor can be closed, and be another's, meanwhile. */
static void cut_the_late(struct sl_patience *patience)
{
	int64_t now_ms = sl_clock_monotonic_ms();
	for (struct seat *seat = patience->first; seat != NULL; seat = seat->next) {
		int64_t deadline_ms =
			atomic_load_explicit(&seat->deadline_ms, memory_order_relaxed);
		if (deadline_ms != 0 && deadline_ms < now_ms &&
			!atomic_exchange(&seat->late, true)) {
			(void)shutdown(seat->fd, SHUT_RDWR);
		}
	}
}

static void *look(void *cls)
{
	struct sl_patience *patience = cls;
	int64_t pause_ms = patience->timeout_ms / 8;
	pause_ms = pause_ms < LOOK_MS_MIN ? LOOK_MS_MIN : pause_ms;
	pause_ms = pause_ms > LOOK_MS_MAX ? LOOK_MS_MAX : pause_ms;
	pthread_mutex_lock(&patience->lock);
	while (!patience->stopping) {
		int64_t until_ms = sl_clock_monotonic_ms() + pause_ms;
		const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
		(void)pthread_cond_timedwait(&patience->stop, &patience->lock, &until);
		cut_the_late(patience);
	}
	pthread_mutex_unlock(&patience->lock);
	return NULL;
}

static void patience_free(struct sl_patience *patience)
{
	pthread_cond_destroy(&patience->stop);
	pthread_mutex_destroy(&patience->lock);
	free(patience);
}

struct sl_patience *sl_patience_create(int64_t timeout_ms)
{
	struct sl_patience *patience = sl_calloc(1, sizeof(*patience));
	patience->timeout_ms = timeout_ms;
	pthread_mutex_init(&patience->lock, NULL);
	sl_cond_init(&patience->stop);
	if (pthread_create(&patience->thread, NULL, look, patience) != 0) {
		patience_free(patience);
		return NULL;
	}
	return patience;
}

void sl_patience_destroy(struct sl_patience *patience)
{
	if (patience == NULL) {
		return;
	}
	pthread_mutex_lock(&patience->lock);
	patience->stopping = true;
	pthread_cond_signal(&patience->stop);
	pthread_mutex_unlock(&patience->lock);
	pthread_join(patience->thread, NULL);
	patience_free(patience);
}

/* --- one of them --------------------------------------------------------------------------- */

static void set_deadline(struct seat *seat, int64_t deadline_ms)
{
	atomic_store_explicit(&seat->deadline_ms, deadline_ms, memory_order_relaxed);
}

static int64_t whole_request_ms(const struct seat *seat)
{
	return seat->patience->timeout_ms * SL_PATIENCE_TIMEOUTS;
}

static struct seat *take_seat(struct sl_patience *patience, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info == NULL) {
		return NULL;
	}
	struct seat *seat = sl_calloc(1, sizeof(*seat));
	seat->patience = patience;
	seat->fd = info->connect_fd;
	set_deadline(seat, sl_clock_monotonic_ms() + whole_request_ms(seat));
	pthread_mutex_lock(&patience->lock);
	seat->next = patience->first;
	seat->at = &patience->first;
	if (seat->next != NULL) {
		seat->next->at = &seat->next;
	}
	patience->first = seat;
	pthread_mutex_unlock(&patience->lock);
	return seat;
}

static void leave_seat(struct seat *seat)
{
	struct sl_patience *patience = seat->patience;
	pthread_mutex_lock(&patience->lock);
	*seat->at = seat->next;
	if (seat->next != NULL) {
		seat->next->at = seat->at;
	}
	pthread_mutex_unlock(&patience->lock);
	free(seat);
}

void sl_patience_notify(struct sl_patience *patience, struct MHD_Connection *connection,
	void **socket_context, enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = take_seat(patience, connection);
	} else if (*socket_context != NULL) { /* its descriptor is still open */
		leave_seat(*socket_context);
		*socket_context = NULL;
	}
}

static struct seat *seat_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

void sl_patience_receive(struct MHD_Connection *connection)
{
	struct seat *seat = seat_of(connection);
	if (seat != NULL) {
		seat->sending = false;
		set_deadline(seat, sl_clock_monotonic_ms() + whole_request_ms(seat));
	}
}

void sl_patience_handle(struct MHD_Connection *connection)
{
	struct seat *seat = seat_of(connection);
	if (seat != NULL) {
		set_deadline(seat, 0);
	}
}

void sl_patience_send(struct MHD_Connection *connection, uint64_t bytes)
{
	struct seat *seat = seat_of(connection);
	if (seat == NULL) {
		return;
	}
	int64_t deadline_ms = sl_clock_monotonic_ms() + whole_request_ms(seat);
	if (seat->sending) {
		deadline_ms = atomic_load_explicit(&seat->deadline_ms, memory_order_relaxed);
	}
	seat->sending = true;
	set_deadline(seat, deadline_ms + (int64_t)(bytes * 1000 / SL_PATIENCE_RATE));
}

bool sl_patience_end(struct MHD_Connection *connection)
{
	struct seat *seat = seat_of(connection);
	if (seat == NULL) {
		return false;
	}
	seat->sending = false;
	set_deadline(seat,
		sl_clock_monotonic_ms() + seat->patience->timeout_ms + whole_request_ms(seat));
	return atomic_load_explicit(&seat->late, memory_order_relaxed);
}
