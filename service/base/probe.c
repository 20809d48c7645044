/* SPDX-License-Identifier: Apache-2.0 */
/* A health check's HTTP client: one request, no proxy, no redirect, a deadline. Any thread. */

#include "probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "text.h"

#define ANSWER_BYTES 4096

struct probe {
	const char *address;
	const char *target;
	int64_t deadline; /* monotonic */
	int fd;
};

SL_PRINTF(3, 4)
static enum sl_err failed(
	const struct probe *probe, struct sl_error *reterr, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *why = sl_vasprintf(format, arguments);
	va_end(arguments);
	return sl_error_set(
		reterr, SL_ERR_IO, "http://%s%s: %s", probe->address, probe->target, why);
}

/* What listens on all addresses is asked on loopback. */
static const char *askable(const char *host)
{
	if (strcmp(host, "0.0.0.0") == 0) {
		return "127.0.0.1";
	}
	return strcmp(host, "::") == 0 ? "::1" : host;
}

static enum sl_err bad_address(const char *address, struct sl_error *reterr)
{
	sl_error_set(reterr, SL_ERR_CONFIG,
		"\"%s\" is no address to ask; write 127.0.0.1:8081 or [::1]:8081, without port 0",
		address);
	return SL_ERR_CONFIG;
}

static enum sl_err resolve(const char *address, struct addrinfo **ret, struct sl_error *reterr)
{
	const char *colon = strrchr(address, ':');
	int64_t port = 0;
	if (colon == NULL || !sl_text_parse_i64(colon + 1, 1, UINT16_MAX, &port)) {
		return bad_address(address, reterr);
	}
	size_t len = (size_t)(colon - address);
	bool brackets = len > 2 && address[0] == '[' && colon[-1] == ']';
	SL_AUTO(sl_freep)
	char *host = brackets ? sl_strndup(address + 1, len - 2) : sl_strndup(address, len);
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	if (getaddrinfo(askable(host), colon + 1, &hints, ret) != 0) {
		return bad_address(address, reterr);
	}
	return SL_ERR_OK;
}

/* False when the time is up. */
static bool wait_for(const struct probe *probe, short events)
{
	struct pollfd slot = {.fd = probe->fd, .events = events};
	for (;;) {
		int64_t left = probe->deadline - sl_clock_monotonic_ms();
		int ready = left > 0 ? poll(&slot, 1, (int)left) : 0;
		if (ready >= 0 || errno != EINTR) {
			return ready > 0;
		}
	}
}

static enum sl_err connect_to(
	struct probe *probe, const struct addrinfo *to, struct sl_error *reterr)
{
	probe->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe->fd < 0) {
		return failed(probe, reterr, "no socket: %s", strerror(errno));
	}
	if (connect(probe->fd, to->ai_addr, to->ai_addrlen) == 0) {
		return SL_ERR_OK;
	}
	int why = errno;
	if (why == EINPROGRESS) {
		if (!wait_for(probe, POLLOUT)) {
			return failed(probe, reterr, "no connection in time");
		}
		socklen_t len = sizeof(why);
		getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &why, &len);
	}
	return why == 0 ? SL_ERR_OK : failed(probe, reterr, "%s", strerror(why));
}

/* The answer up to its end, or as much of it as there is room for. */
static enum sl_err receive(
	const struct probe *probe, char answer[ANSWER_BYTES], struct sl_error *reterr)
{
	size_t len = 0;
	while (len < ANSWER_BYTES - 1) {
		if (!wait_for(probe, POLLIN)) {
			return failed(probe, reterr, "no answer in time");
		}
		ssize_t got = recv(probe->fd, answer + len, ANSWER_BYTES - 1 - len, 0);
		if (got < 0 && errno != EINTR && errno != EAGAIN) {
			return failed(probe, reterr, "%s", strerror(errno));
		}
		if (got == 0) {
			break;
		}
		len += got > 0 ? (size_t)got : 0;
	}
	answer[len] = '\0';
	return SL_ERR_OK;
}

/* The status line, and of a refusal the body, which says why. */
static enum sl_err judge(const struct probe *probe, const char *answer, struct sl_error *reterr)
{
	const char *space = strchr(answer, ' ');
	if (!sl_text_starts_with(answer, "HTTP/1.") || space == NULL) {
		return failed(probe, reterr, "the answer is not HTTP");
	}
	if (sl_text_starts_with(space, " 200 ")) {
		return SL_ERR_OK;
	}
	const char *body = strstr(answer, "\r\n\r\n");
	return failed(probe, reterr, "%.3s%s%.1000s", space + 1, body != NULL ? ": " : "",
		body != NULL ? body + 4 : "");
}

static enum sl_err ask(struct probe *probe, const struct addrinfo *to, struct sl_error *reterr)
{
	enum sl_err err = connect_to(probe, to, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *request = sl_asprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
		probe->target, probe->address);
	/* So little fits into the socket's buffer. */
	if (send(probe->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
		return failed(probe, reterr, "cannot send: %s", strerror(errno));
	}
	char answer[ANSWER_BYTES];
	err = receive(probe, answer, reterr);
	return err == SL_ERR_OK ? judge(probe, answer, reterr) : err;
}

enum sl_err sl_probe(
	const char *address, const char *target, int64_t timeout_ms, struct sl_error *reterr)
{
	struct addrinfo *to = NULL;
	enum sl_err err = resolve(address, &to, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	struct probe probe = {
		.address = address,
		.target = target,
		.deadline = sl_clock_monotonic_ms() + timeout_ms,
		.fd = -1,
	};
	err = ask(&probe, to, reterr);
	if (probe.fd >= 0) {
		close(probe.fd);
	}
	freeaddrinfo(to);
	return err;
}
