/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the server, with an end: sl_pg_await(), sl_pg_issue(). libpq's own waits have none,
 * and a server that hangs closes no socket. On the thread that owns the connection. */

#include <poll.h>

#include "clock.h"
#include "pg_private.h"

/* So soon is noticed that waiting is vain. */
#define SLICE_MS 250

/* Waits for the socket, at most a slice. False when patience is at its end. */
static bool wait_a_little(PGconn *conn, const struct sl_pg_patience *patience, short events,
	int64_t deadline_ms, struct pollfd *ret)
{
	int64_t slice_ms = SLICE_MS;
	if (patience && patience->timeout_ms > 0) {
		int64_t left_ms = deadline_ms - sl_clock_monotonic_ms();
		if (left_ms <= 0) {
			return false;
		}
		slice_ms = left_ms < SLICE_MS ? left_ms : SLICE_MS;
	}
	if (patience && patience->is_hung && atomic_load(patience->is_hung)) {
		return false;
	}
	*ret = (struct pollfd){.fd = PQsocket(conn), .events = events};
	if (poll(ret, 1, (int)slice_ms) < 0) {
		ret->revents = 0;
	}
	return true;
}

static int64_t deadline_of(const struct sl_pg_patience *patience)
{
	return sl_clock_monotonic_ms() + (patience ? patience->timeout_ms : 0);
}

/* Until everything is sent, and with `until_result` a result is there. */
static bool wait_for(PGconn *conn, const struct sl_pg_patience *patience, bool until_result)
{
	const int64_t deadline_ms = deadline_of(patience);
	for (;;) {
		int unsent = PQflush(conn);
		if (PQstatus(conn) != CONNECTION_OK || unsent < 0) {
			return until_result; /* PQgetResult() tells what happened */
		}
		if (unsent == 0 && (!until_result || !PQisBusy(conn))) {
			return true;
		}
		struct pollfd fd;
		short events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
		if (!wait_a_little(conn, patience, events, deadline_ms, &fd)) {
			return false;
		}
		/* Also while sending: a server that waits for us to read does not read itself. */
		if ((fd.revents & ~POLLOUT) != 0 && PQconsumeInput(conn) != 1) {
			return until_result;
		}
	}
}

bool sl_pg_await(PGconn *conn, const struct sl_pg_patience *patience)
{
	return wait_for(conn, patience, /* until_result= */ true);
}

bool sl_pg_flush(PGconn *conn, const struct sl_pg_patience *patience)
{
	return wait_for(conn, patience, /* until_result= */ false);
}

static bool succeeded(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* The result that counts: the first failure, else the last. PQexec() would return the last, which
 * after "terminating connection" (57P01) only says that the server closed the connection. */
PGresult *sl_pg_await_results(
	PGconn *conn, const struct sl_pg_patience *patience, bool *ret_in_time)
{
	SL_AUTO(sl_pg_clearp)
	PGresult *kept = NULL;
	bool in_time = sl_pg_await(conn, patience);
	while (in_time) {
		SL_AUTO(sl_pg_clearp)
		PGresult *next = PQgetResult(conn);
		if (!next) {
			break;
		}
		if (!kept || succeeded(kept)) {
			PQclear(kept);
			kept = sl_take(&next);
		}
		ExecStatusType status = PQresultStatus(kept);
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
			break; /* has no end of its own */
		}
		in_time = sl_pg_await(conn, patience);
	}
	if (ret_in_time) {
		*ret_in_time = in_time;
	}
	return in_time ? sl_take(&kept) : NULL;
}

PGresult *sl_pg_issue(PGconn *conn, const char *sql, const struct sl_pg_patience *patience)
{
	return PQsendQuery(conn, sql) == 1 ? sl_pg_await_results(conn, patience, NULL) : NULL;
}

enum sl_err sl_pg_hung(const char *what, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_DATABASE_UNAVAILABLE,
		"%s: PostgreSQL does not answer: look whether it hangs or the network does", what);
}
