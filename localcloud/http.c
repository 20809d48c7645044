/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd's side of localcloud: collects a request, streams its body in, sends the reply.
 * Entry points: lc_http_*. Handlers run on the thread of their connection.
 */
#include "http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "dispatch.h"
#include "text.h"
#include "uuid.h"

#define MAX_CONNECTIONS   1024
#define IDLE_TIMEOUT_S    30u
#define CONNECTION_MEMORY ((size_t)64 * 1024)

struct lc_http {
	struct lc_cloud *cloud;
	struct MHD_Daemon *daemon;
	int socket_fd;
};

/* One request under way, from its first line to MHD's completion callback. */
struct exchange {
	struct lc_call call;
	bool begun;
	char *path;
	char *query;
	char *method;
	struct lc_header *headers;
	size_t header_count;
	char request_id[SL_UUID_SIZE];
	int64_t started_ms;
	int status;
};

/* --- collecting ---------------------------------------------------------------------------- */

/* MHD decodes the path it passes on; signatures are over what was really sent. */
static void *on_request_line(void *context, const char *uri, SL_UNUSED struct MHD_Connection *c)
{
	struct lc_http *http = context;
	struct exchange *exchange = sl_calloc(1, sizeof *exchange);
	size_t path_len = strcspn(uri, "?");

	exchange->call.cloud = http->cloud;
	exchange->path = sl_strndup(uri, path_len);
	exchange->query = sl_strdup(uri[path_len] ? uri + path_len + 1 : "");
	exchange->started_ms = sl_clock_monotonic_ms();
	return exchange;
}

static enum MHD_Result on_header(
	void *context, SL_UNUSED enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct exchange *exchange = context;

	exchange->headers = sl_reallocarray(
		exchange->headers, exchange->header_count + 1, sizeof *exchange->headers);
	struct lc_header *header = &exchange->headers[exchange->header_count++];
	header->name = sl_strdup(name);
	header->value = sl_strdup(value ? value : "");
	for (char *c = header->name; *c; c++) {
		if (*c >= 'A' && *c <= 'Z') {
			*c = (char)(*c - 'A' + 'a');
		}
	}
	return MHD_YES;
}

/* "http://host/path" is a valid request target too. */
static void strip_authority(char *path)
{
	if (strncasecmp(path, "http://", 7) == 0) {
		const char *slash = strchr(path + 7, '/');
		const char *rest = slash ? slash : "/";
		memmove(path, rest, strlen(rest) + 1);
	}
}

static bool is_loopback(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	if (address && address->sa_family == AF_INET6) {
		const struct in6_addr *v6 =
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		return IN6_IS_ADDR_LOOPBACK(v6) ||
			(IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
	}
	return false;
}

static void begin(struct exchange *exchange, struct MHD_Connection *connection, const char *method)
{
	struct lc_request *request = &exchange->call.request;

	exchange->begun = true;
	exchange->method = sl_strdup(method);
	strip_authority(exchange->path);
	sl_uuid_create(exchange->request_id);
	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, exchange);
	*request = (struct lc_request){
		.from_loopback = is_loopback(connection),
		.method = exchange->method,
		.raw_path = exchange->path,
		.raw_query = exchange->query,
		.headers = exchange->headers,
		.header_count = exchange->header_count,
		.request_id = exchange->request_id,
	};
	const char *length = lc_request_header(request, "content-length");
	int64_t content_length = -1;
	if (length && !sl_text_parse_i64(length, 0, INT64_MAX, &content_length)) {
		content_length = INT64_MAX;
	}
	lc_dispatch_begin(&exchange->call, content_length);
}

/* --- replying ------------------------------------------------------------------------------ */

static struct MHD_Response *file_response(struct lc_reply *reply)
{
	int fd = reply->file_fd;
	reply->file_fd = -1;
	if (fd < 0) {
		fd = open(reply->file_path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0) {
		return NULL;
	}
	if (reply->file_len == 0) { /* nothing to send, and MHD wants no empty file */
		close(fd);
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	}
	struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(
		(uint64_t)reply->file_len, fd, (uint64_t)reply->file_from);
	if (!response) {
		close(fd);
	}
	return response;
}

static struct MHD_Response *make_response(struct lc_reply *reply)
{
	if (reply->file_fd >= 0 || reply->file_path) {
		return file_response(reply);
	}
	size_t len = reply->body.len;
	return MHD_create_response_from_buffer(
		len, sl_buf_steal(&reply->body), MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_reply(struct exchange *exchange, struct MHD_Connection *connection)
{
	struct lc_reply *reply = &exchange->call.reply;
	struct MHD_Response *response = make_response(reply);

	if (!response) {
		sl_log(SL_LOG_ERROR, "cannot make a reply",
			SL_F("request_id", exchange->request_id), SL_F("reason", strerror(errno)),
			SL_F_END);
		return MHD_NO;
	}
	if (reply->content_type) {
		(void)MHD_add_response_header(
			response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	}
	for (size_t i = 0; i < reply->extra_count; i++) {
		(void)MHD_add_response_header(
			response, reply->extra[i].name, reply->extra[i].value);
	}
	if (exchange->call.protocol == LC_PROTOCOL_S3) {
		(void)MHD_add_response_header(response, "x-amz-request-id", exchange->request_id);
		(void)MHD_add_response_header(response, "x-amz-id-2", "localcloud");
	} else {
		(void)MHD_add_response_header(response, "x-amzn-RequestId", exchange->request_id);
	}
	exchange->status = reply->status;
	enum MHD_Result result = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* A handler may take longer than an idle client is given; MHD would count it as idleness. */
static void complete(struct exchange *exchange, struct MHD_Connection *connection)
{
	(void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	lc_dispatch_complete(&exchange->call);
	(void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, IDLE_TIMEOUT_S);
}

/* A refusal may be sent before the body only where it saves the client from sending it: when it
 * waits for "100 Continue", or when the body is larger than we would even read. */
static bool refuse_at_once(struct exchange *exchange)
{
	struct lc_call *call = &exchange->call;
	const char *expect = lc_request_header(&call->request, "expect");

	if (call->body.fault == LC_BODY_TOO_LARGE) {
		lc_dispatch_complete(call);
		return true;
	}
	return call->refused && expect && strcasecmp(expect, "100-continue") == 0;
}

static enum MHD_Result on_request(SL_UNUSED void *context, struct MHD_Connection *connection,
	SL_UNUSED const char *url, const char *method, SL_UNUSED const char *version,
	const char *upload, size_t *upload_len, void **slot)
{
	struct exchange *exchange = *slot;

	if (!exchange->begun) {
		begin(exchange, connection, method);
		return refuse_at_once(exchange) ? send_reply(exchange, connection) : MHD_YES;
	}
	if (*upload_len > 0) {
		if (!exchange->call.refused) {
			lc_body_feed(&exchange->call.body, upload, *upload_len);
		}
		*upload_len = 0;
		return MHD_YES;
	}
	complete(exchange, connection);
	return exchange->call.cut ? MHD_NO : send_reply(exchange, connection);
}

static void on_completed(void *context, SL_UNUSED struct MHD_Connection *connection, void **slot,
	SL_UNUSED enum MHD_RequestTerminationCode how)
{
	const struct lc_http *http = context;
	struct exchange *exchange = *slot;

	if (!exchange) {
		return;
	}
	if (http->cloud->verbose && exchange->begun) {
		sl_log(SL_LOG_INFO, "request", SL_F("service", exchange->call.request.service),
			SL_F("method", exchange->method), SL_F("path", exchange->path),
			SL_F("query", exchange->query),
			SL_F("target", lc_request_header(&exchange->call.request, "x-amz-target")),
			SL_F_I64("status", exchange->status),
			SL_F_I64("ms", sl_clock_monotonic_ms() - exchange->started_ms),
			SL_F("request_id", exchange->request_id), SL_F_END);
	}
	if (exchange->begun) {
		lc_dispatch_finish(&exchange->call);
	}
	for (size_t i = 0; i < exchange->header_count; i++) {
		free(exchange->headers[i].name);
		free(exchange->headers[i].value);
	}
	free(exchange->headers);
	free(exchange->method);
	free(exchange->path);
	free(exchange->query);
	free(exchange);
	*slot = NULL;
}

SL_PRINTF(2, 0)
static void on_log(SL_UNUSED void *context, const char *format, va_list arguments)
{
	SL_AUTO(sl_freep)
	char *text = sl_vasprintf(format, arguments);
	text[strcspn(text, "\n")] = '\0';
	sl_log(SL_LOG_DEBUG, "http", SL_F("text", text), SL_F_END);
}

/* --- the daemon ---------------------------------------------------------------------------- */

static int bind_first(const struct addrinfo *list)
{
	for (const struct addrinfo *at = list; at; at = at->ai_next) {
		int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
		int on = 1;
		if (fd < 0) {
			continue;
		}
		if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
			bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) {
			return fd;
		}
		int saved = errno;
		close(fd);
		errno = saved;
	}
	return -1;
}

static char *bound_address(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;
	char host[NI_MAXHOST];
	char port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
		getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		SL_BUG("a bound socket has no address");
	}
	return strchr(host, ':') ? sl_asprintf("[%s]:%s", host, port)
				 : sl_asprintf("%s:%s", host, port);
}

int lc_http_listen(const char *address, char **ret_address)
{
	const char *colon = strrchr(address, ':');
	if (!colon) {
		sl_log(SL_LOG_ERROR, "the listen address is not host:port",
			SL_F("address", address), SL_F_END);
		return -1;
	}
	SL_AUTO(sl_freep)
	char *host = sl_strndup(address, (size_t)(colon - address));
	size_t host_len = strlen(host);
	if (host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']') {
		host[host_len - 1] = '\0';
		memmove(host, host + 1, host_len - 1);
	}
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *list = NULL;
	int error = getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &list);
	if (error != 0) {
		sl_log(SL_LOG_ERROR, "the listen address is not known", SL_F("address", address),
			SL_F("reason", gai_strerror(error)), SL_F_END);
		return -1;
	}
	int fd = bind_first(list);
	if (fd < 0) {
		sl_log(SL_LOG_ERROR, "cannot listen", SL_F("address", address),
			SL_F("reason", strerror(errno)), SL_F_END);
	} else {
		*ret_address = bound_address(fd);
	}
	freeaddrinfo(list);
	return fd;
}

struct lc_http *lc_http_start(struct lc_cloud *cloud, int socket_fd)
{
	struct lc_http *http = sl_calloc(1, sizeof *http);
	http->cloud = cloud;
	http->socket_fd = socket_fd;
	/* poll, never epoll: 0.9.75 can sit on a full batch of events (HACKING.md). And a thread
	 * for each connection instead of a pool: handlers here do real work (a face search takes a
	 * second), and whatever shares a pool thread with one waits for it. Measured with four
	 * RecognizeCelebrities under way, the slowest of 5,000 other requests took 1.4 to 2.2 s
	 * with a pool of 16, 0.1 to 0.2 s so. */
	http->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD |
			MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, socket_fd, MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, http,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_END);
	if (!http->daemon) {
		sl_log(SL_LOG_ERROR, "cannot start the HTTP server",
			SL_F("reason", strerror(errno)), SL_F_END);
		free(http);
		return NULL;
	}
	return http;
}

void lc_http_quiesce(struct lc_http *http)
{
	(void)MHD_quiesce_daemon(http->daemon);
}

void lc_http_stop(struct lc_http *http)
{
	if (!http) {
		return;
	}
	MHD_stop_daemon(http->daemon);
	close(http->socket_fd);
	free(http);
}
