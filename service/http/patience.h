/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PATIENCE_H
#define SL_PATIENCE_H

/*
 * Private to service/http: how long a client may take in all. libmicrohttpd's own timeout begins
 * anew with every byte, so that one who sends a head, or reads a reply, byte by byte would never be
 * cut off. Here a connection has a deadline for what it is doing, and a thread that looks at all of
 * them shuts down those that are late; the library then closes them as it does when a client
 * leaves.
 */

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "defs.h"

#define SL_PATIENCE_TIMEOUTS 4     /* so many idle timeouts for a whole request */
#define SL_PATIENCE_RATE     16384 /* bytes a second, over that time, of a reply */

struct sl_patience;

/** Starts the thread; NULL when none can be had. `timeout_ms` is that of an idle connection. */
struct sl_patience *sl_patience_create(int64_t timeout_ms);

/** Ends the thread; once the daemon has been stopped. NULL is fine. */
void sl_patience_destroy(struct sl_patience *patience);

/** What MHD_OPTION_NOTIFY_CONNECTION tells; the socket's context is its. The daemon's threads. */
void sl_patience_notify(struct sl_patience *patience, struct MHD_Connection *connection,
	void **socket_context, enum MHD_ConnectionNotificationCode what);

/* What a connection does next; the thread that serves it. */

/** A request has begun: it must be here, body and all, in time. */
void sl_patience_receive(struct MHD_Connection *connection);

/** A handler has it: that is our time. */
void sl_patience_handle(struct MHD_Connection *connection);

/** A reply is sent: however large it is, it must be read, and not too slowly. */
void sl_patience_send(struct MHD_Connection *connection);

/** The request has ended, by the idle timeout or otherwise, and another may come; true when it was
 *  too slow and has been cut off. */
bool sl_patience_end(struct MHD_Connection *connection, bool timed_out);

#endif
