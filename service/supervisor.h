/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SUPERVISOR_H
#define SL_SUPERVISOR_H

/* What systemd is told, by its notification protocol (sd_notify(3)): datagrams to $NOTIFY_SOCKET.
 * Without one nothing happens. Main thread. */

#include <stdint.h>

/** "READY=1", "STOPPING=1", "WATCHDOG=1"; further assignments follow after newlines. */
void sl_supervisor_tell(const char *state);

/** Milliseconds within which it wants to hear WATCHDOG=1 again; 0: it does not ask for that. */
int64_t sl_supervisor_watchdog_ms(void);

#endif
