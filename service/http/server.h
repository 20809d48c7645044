/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SERVER_H
#define SL_SERVER_H

/*
 * The HTTP server: the only box that knows libmicrohttpd. A pool of poll(2) threads for the API
 * and a second daemon with one thread for /healthz, /readyz and the like, so that a busy pool
 * never starves its own health check.
 *
 * Not epoll: MHD 0.9.75 can sleep with a full batch of 128 ready connections in hand.
 */

#include "router.h"

struct sl_server;

struct sl_cors;

struct sl_server_options {
	const char *name;   /* in metrics: "api", "admin"; NULL: "http" */
	const char *listen; /* "127.0.0.1:8080", "[::1]:0"; port 0: any free one */
	const struct sl_route *routes;
	size_t route_count;
	unsigned threads; /* 1: a single internal thread (the admin daemon) */
	unsigned connection_limit;
	unsigned per_ip_limit; /* 0: none */
	unsigned timeout_s;    /* idle connections and slow senders */
	void *app;
	const struct sl_cors *cors; /* NULL: no reply tells of it */
	/* Called once the route is known, before the query is decoded and the body is read; NULL:
	 * everybody may. Its error, set in the request too, is the answer. */
	enum sl_err (*authorize)(void *app, struct sl_request *request);
	/* Called after each request with its request and final status; may be NULL. Asserts that
	 * nothing was left open (a transaction). */
	void (*after)(void *app, const struct sl_request *request, int status);
};

/** Starts listening. SL_ERR_IO when the address cannot be had, SL_ERR_CONFIG when it is no
 *  address or a route lacks its auth policy. */
SL_MUST_CHECK enum sl_err sl_server_create(
	const struct sl_server_options *options, struct sl_server **ret, struct sl_error *reterr);

/** The port it listens on. */
unsigned sl_server_port(const struct sl_server *server);

/** Stops accepting connections; open requests go on. New requests on kept-alive connections are
 *  answered 503 shutting_down with Connection: close. */
void sl_server_quiesce(struct sl_server *server);

/** Waits until no request is running (suspended ones included), at most `timeout_ms`. */
bool sl_server_drain(struct sl_server *server, int64_t timeout_ms);

/** Stops the threads. Suspended requests must have been resumed before. NULL is fine. */
void sl_server_destroy(struct sl_server *server);

#endif
