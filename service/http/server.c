/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a libmicrohttpd daemon: create, quiesce, drain, destroy. Called from main's thread;
 * the counters are shared with the daemon's threads under the server's lock. */

#include "server.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cond.h"
#include "exchange.h"
#include "log.h"
#include "mem.h"
#include "text.h"

#define DEFAULT_TIMEOUT_S        30
#define DEFAULT_CONNECTION_LIMIT 1024
#define SLOW_STOP_MS             10000

/* --- listening ----------------------------------------------------------------------------- */

static enum sl_err bad_address(const char *listen_, struct sl_error *reterr)
{
	sl_error_set(reterr, SL_ERR_CONFIG,
		"\"%s\" is no address to listen on; write 127.0.0.1:8080 or [::1]:8080", listen_);
	return SL_ERR_CONFIG;
}

/* "host:port" or "[host]:port", both numeric. The caller frees the list. */
static enum sl_err resolve(const char *listen_, struct addrinfo **ret, struct sl_error *reterr)
{
	const char *colon = strrchr(listen_, ':');
	int64_t port;
	if (colon == NULL || colon == listen_ ||
		!sl_text_parse_i64(colon + 1, 0, UINT16_MAX, &port)) {
		return bad_address(listen_, reterr);
	}
	bool brackets = listen_[0] == '[' && colon[-1] == ']';
	SL_AUTO(sl_freep)
	char *host = brackets ? sl_strndup(listen_ + 1, (size_t)(colon - listen_) - 2)
			      : sl_strndup(listen_, (size_t)(colon - listen_));
	if (!brackets && strchr(host, ':') != NULL) {
		return bad_address(listen_, reterr);
	}
	struct addrinfo hints = {
		.ai_family = brackets ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	if (getaddrinfo(host, colon + 1, &hints, ret) != 0) {
		return bad_address(listen_, reterr);
	}
	return SL_ERR_OK;
}

static enum sl_err bind_and_listen(
	const char *listen_, const struct addrinfo *address, int *ret_fd, struct sl_error *reterr)
{
	int on = 1;
	int fd =
		socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, address->ai_addr, address->ai_addrlen) != 0 ||
		listen(fd, SOMAXCONN) != 0) {
		int why = errno;
		if (fd >= 0) {
			close(fd);
		}
		return sl_error_set(reterr, SL_ERR_IO,
			"cannot listen on %s: %s: free it, or choose another", listen_,
			strerror(why));
	}
	*ret_fd = fd;
	return SL_ERR_OK;
}

static unsigned bound_port(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	char port[NI_MAXSERV];
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
		getnameinfo((struct sockaddr *)&address, len, NULL, 0, port, sizeof(port),
			NI_NUMERICSERV) != 0) {
		SL_BUG("a listening socket has no port");
	}
	return (unsigned)strtoul(port, NULL, 10);
}

/* --- the daemon ---------------------------------------------------------------------------- */

/* The library tells the clients' mistakes and its own difficulties alike; only the latter are an
 * operator's business. */
SL_PRINTF(2, 0)
static void log_library(void *cls, const char *format, va_list arguments)
{
	(void)cls;
	bool trouble = sl_text_starts_with(format, "Hit process") ||
		sl_text_starts_with(format, "Error accepting") ||
		sl_text_starts_with(format, "Failed to");
	SL_AUTO(sl_freep)
	char *text = sl_vasprintf(format, arguments);
	text[strcspn(text, "\n")] = '\0';
	sl_log(trouble ? SL_LOG_WARN : SL_LOG_DEBUG, "libmicrohttpd", SL_F("text", text), SL_F_END);
}

SL_NORETURN static void panic(void *cls, const char *file, unsigned line, const char *reason)
{
	(void)cls;
	sl_bug(reason != NULL ? reason : "libmicrohttpd panicked", file, (int)line,
		"libmicrohttpd");
}

static enum sl_err start_daemon(struct sl_server *server, struct sl_error *reterr)
{
	const struct sl_server_options *options = &server->options;
	/* With one thread the option is refused: the daemon's own internal thread serves. */
	struct MHD_OptionItem pool[] = {
		{MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)options->threads, NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	if (options->threads == 1) {
		pool[0] = pool[1];
	}
	MHD_set_panic_func(panic, NULL);
	server->patience = sl_patience_create((int64_t)options->timeout_s * 1000);
	if (server->patience == NULL) {
		return sl_error_set(reterr, SL_ERR_IO, "no thread for slow connections can be had");
	}
	unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
		MHD_USE_ERROR_LOG;
	/* The logger is first, so that what the other options complain about is heard. */
	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, sl_connection_called, server,
		MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,                /* */
		MHD_OPTION_LISTEN_SOCKET, server->listen_fd,                  /* */
		MHD_OPTION_CONNECTION_TIMEOUT, options->timeout_s,            /* */
		MHD_OPTION_CONNECTION_LIMIT, options->connection_limit,       /* */
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, options->per_ip_limit,    /* */
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SL_HTTP_MEMORY,   /* */
		MHD_OPTION_URI_LOG_CALLBACK, sl_connection_opened, server,    /* */
		MHD_OPTION_NOTIFY_COMPLETED, sl_connection_completed, server, /* */
		MHD_OPTION_NOTIFY_CONNECTION, sl_connection_changed, server,  /* */
		MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
	if (server->daemon == NULL) {
		/* The socket stays open: 0.9.75 has closed it on some of its failures only, and
		 * closing it twice could hit a stranger. */
		return sl_error_set(reterr, SL_ERR_IO, "cannot start %u HTTP threads on %s",
			options->threads, options->listen);
	}
	return SL_ERR_OK;
}

static void init_lock(struct sl_server *server)
{
	sl_cond_init(&server->less);
	pthread_mutex_init(&server->lock, NULL);
}

static void server_free(struct sl_server *server)
{
	sl_patience_destroy(server->patience);
	pthread_cond_destroy(&server->less);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

enum sl_err sl_server_create(
	const struct sl_server_options *options, struct sl_server **ret, struct sl_error *reterr)
{
	enum sl_err err = sl_router_check(options->routes, options->route_count, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	struct addrinfo *address = NULL;
	err = resolve(options->listen, &address, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	int fd = -1;
	err = bind_and_listen(options->listen, address, &fd, reterr);
	freeaddrinfo(address);
	if (err != SL_ERR_OK) {
		return err;
	}
	struct sl_server *server = sl_calloc(1, sizeof(*server));
	server->options = *options;
	struct sl_server_options *own = &server->options;
	own->name = own->name != NULL ? own->name : "http";
	own->threads = own->threads > 0 ? own->threads : 1;
	own->timeout_s = own->timeout_s > 0 ? own->timeout_s : DEFAULT_TIMEOUT_S;
	unsigned limit =
		own->connection_limit > 0 ? own->connection_limit : DEFAULT_CONNECTION_LIMIT;
	own->connection_limit = limit > own->threads ? limit : own->threads;
	server->listen_fd = fd;
	server->port = bound_port(fd);
	init_lock(server);
	err = start_daemon(server, reterr);
	if (err != SL_ERR_OK) {
		server_free(server);
		return err;
	}
	*ret = server;
	return SL_ERR_OK;
}

unsigned sl_server_port(const struct sl_server *server)
{
	return server->port;
}

/* --- the end ------------------------------------------------------------------------------- */

void sl_server_quiesce(struct sl_server *server)
{
	if (atomic_exchange(&server->quiesced, true)) {
		return;
	}
	MHD_socket fd = MHD_quiesce_daemon(server->daemon);
	if (fd == MHD_INVALID_SOCKET) {
		SL_BUG("the HTTP daemon cannot be quiesced");
	}
	/* Those waiting in the backlog hear now that nobody will accept them. The descriptor itself
	 * must outlive the daemon. */
	(void)shutdown(fd, SHUT_RDWR);
}

/* Waits until the counter is 0; false when `deadline_ms` (monotonic) passes first. */
static bool wait_for_zero(struct sl_server *server, atomic_size_t *counter, int64_t deadline_ms)
{
	struct timespec until = {deadline_ms / 1000, deadline_ms % 1000 * 1000000};
	pthread_mutex_lock(&server->lock);
	atomic_store(&server->awaited, true);
	int outcome = 0;
	while (atomic_load(counter) > 0 && outcome != ETIMEDOUT) {
		outcome = pthread_cond_timedwait(&server->less, &server->lock, &until);
	}
	bool zero = atomic_load(counter) == 0;
	pthread_mutex_unlock(&server->lock);
	return zero;
}

bool sl_server_drain(struct sl_server *server, int64_t timeout_ms)
{
	return wait_for_zero(server, &server->active, sl_clock_monotonic_ms() + timeout_ms);
}

void sl_server_destroy(struct sl_server *server)
{
	if (server == NULL) {
		return;
	}
	sl_server_quiesce(server);
	atomic_store(&server->stopping, true);
	/* libmicrohttpd aborts when it is stopped with a suspended connection. No handler is called
	 * any more, so this counter only falls; whoever suspended a request must resume it. */
	while (!wait_for_zero(server, &server->handling, sl_clock_monotonic_ms() + SLOW_STOP_MS)) {
		sl_log(SL_LOG_WARN, "requests still have not been resumed", SL_F_END);
	}
	MHD_stop_daemon(server->daemon);
	close(server->listen_fd);
	server_free(server);
}
