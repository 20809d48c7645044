/* SPDX-License-Identifier: Apache-2.0 */
/* See patience.h. The list of connections is under the mutex, the deadlines are atomic: their
 * connections' threads set them, this module's own thread reads them. */

#include "patience.h"

#include <linux/tcp.h> /* glibc's tcp_info ends before tcpi_bytes_acked */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
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
	atomic_bool sending;          /* the deadline is that of a reply */
	atomic_bool late;             /* it was shut down */
	uint64_t acknowledged;        /* bytes, when this module's thread asked last; its own */
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

static int64_t whole_request_ms(const struct seat *seat)
{
	return seat->patience->timeout_ms * SL_PATIENCE_TIMEOUTS;
}

/* What the client's machine has taken since it was asked last. */
static uint64_t newly_acknowledged(struct seat *seat)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	if (getsockopt(seat->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
		len < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked)) {
		return UINT64_MAX; /* not known: so that nobody is wronged */
	}
	uint64_t before = seat->acknowledged;
	seat->acknowledged = info.tcpi_bytes_acked;
	return seat->acknowledged - before;
}

/* Or the kernel would go on to feed a slow reader what it has of the reply, megabytes. */
static void reset_when_closed(const struct seat *seat)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	(void)setsockopt(seat->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* Its time is over. A reader that is fast enough gets the same again. */
static void decide(struct seat *seat, int64_t deadline_ms, int64_t now_ms)
{
	int64_t span_ms = whole_request_ms(seat);
	if (atomic_load(&seat->sending) &&
		newly_acknowledged(seat) >= (uint64_t)span_ms * SL_PATIENCE_RATE / 1000) {
		/* Unless the connection has gone on to something else meanwhile. */
		(void)atomic_compare_exchange_strong(
			&seat->deadline_ms, &deadline_ms, now_ms + span_ms);
	} else if (!atomic_exchange(&seat->late, true)) {
		reset_when_closed(seat);
		(void)shutdown(seat->fd, SHUT_RDWR);
	}
}

/* With the lock held, so that no descriptor can be closed, and be another's, meanwhile. */
static void look_at_all(struct sl_patience *patience)
{
	int64_t now_ms = sl_clock_monotonic_ms();
	for (struct seat *seat = patience->first; seat != NULL; seat = seat->next) {
		int64_t deadline_ms = atomic_load(&seat->deadline_ms);
		if (deadline_ms != 0 && deadline_ms < now_ms) {
			decide(seat, deadline_ms, now_ms);
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
		look_at_all(patience);
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

static void begin(struct MHD_Connection *connection, bool sending)
{
	struct seat *seat = seat_of(connection);
	if (seat != NULL) {
		set_deadline(seat, sl_clock_monotonic_ms() + whole_request_ms(seat));
		atomic_store_explicit(&seat->sending, sending, memory_order_relaxed);
	}
}

void sl_patience_receive(struct MHD_Connection *connection)
{
	begin(connection, false);
}

void sl_patience_handle(struct MHD_Connection *connection)
{
	struct seat *seat = seat_of(connection);
	if (seat != NULL) {
		set_deadline(seat, 0);
	}
}

void sl_patience_send(struct MHD_Connection *connection)
{
	begin(connection, true);
}

bool sl_patience_end(struct MHD_Connection *connection, bool timed_out)
{
	struct seat *seat = seat_of(connection);
	if (seat == NULL) {
		return false;
	}
	if (timed_out) {
		reset_when_closed(seat);
	}
	/* The next request may begin as late as an idle connection lives. */
	set_deadline(seat,
		sl_clock_monotonic_ms() + seat->patience->timeout_ms + whole_request_ms(seat));
	atomic_store_explicit(&seat->sending, false, memory_order_relaxed);
	return atomic_load_explicit(&seat->late, memory_order_relaxed);
}
