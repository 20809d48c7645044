/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_HTTP_H
#define LC_HTTP_H

/* The HTTP server; the only box of localcloud that knows libmicrohttpd. */

#include "cloud.h"

struct lc_http;

/** Opens the listening socket on "host:port" (port 0: any; "[::1]:0" for IPv6) and tells the
 *  actual address in `ret_address`, owned by the caller. -1 with a log line on failure. */
int lc_http_listen(const char *address, char **ret_address);

/** Serves on the socket from now on; NULL with a log line on failure. */
struct lc_http *lc_http_start(struct lc_cloud *cloud, int socket_fd);

/** Takes no new connections; what is under way goes on. */
void lc_http_quiesce(struct lc_http *http);

/** Ends every connection, joins the threads and closes the socket. NULL is fine. */
void lc_http_stop(struct lc_http *http);

#endif
