/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's notification protocol, which is a datagram: no library is needed. Main thread. */

#include "supervisor.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "text.h"

void sl_supervisor_tell(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (path == NULL || *path == '\0' || strlen(path) >= sizeof(to.sun_path)) {
		return;
	}
	size_t len = strlen(path);
	memcpy(to.sun_path, path, len);
	if (*path == '@') {
		to.sun_path[0] = '\0'; /* an abstract address */
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return;
	}
	/* A supervisor that does not listen is no reason to stop working. */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

int64_t sl_supervisor_watchdog_ms(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	const char *usec = getenv("WATCHDOG_USEC");
	int64_t value = 0;
	if (pid != NULL && (!sl_text_parse_i64(pid, 1, INT32_MAX, &value) || value != getpid())) {
		return 0; /* it is somebody else's */
	}
	if (usec == NULL || !sl_text_parse_i64(usec, 1, INT64_MAX, &value)) {
		return 0;
	}
	return value / 1000;
}
