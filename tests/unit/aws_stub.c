/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP/1.1 server for tests: aws_stub.h. One accepting thread, one per connection. */
#include "aws_stub.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mem.h"

struct connection {
	struct connection *next;
	struct stub *stub;
	pthread_t thread;
	int fd;
};

struct stub {
	stub_handler *handler;
	void *context;
	int fd;
	char *url;
	pthread_t thread;
	struct connection *connections; /* the accepting thread's; after its end stub_destroy()'s */
};

char *stub_header(const struct stub_request *request, const char *name)
{
	size_t name_len = strlen(name);
	const char *line = sl_buf_str(&request->headers);
	while (*line != '\0') {
		size_t len = strcspn(line, "\r");
		if (len > name_len && line[name_len] == ':' &&
			strncasecmp(line, name, name_len) == 0) {
			const char *value = line + name_len + 1;
			value += strspn(value, " ");
			return sl_strndup(value, (size_t)(line + len - value));
		}
		line += len + strspn(line + len, "\r\n");
	}
	return NULL;
}

/* Reads until `in` holds an empty line, and returns the length up to behind it; 0: the end. */
static size_t read_head(int fd, struct sl_buf *in)
{
	for (;;) {
		const char *end = in->len > 0 ? memmem(in->data, in->len, "\r\n\r\n", 4) : NULL;
		if (end != NULL) {
			return (size_t)(end - in->data) + 4;
		}
		char bytes[16384];
		ssize_t len = recv(fd, bytes, sizeof bytes, 0);
		if (len <= 0) {
			return 0;
		}
		sl_buf_add(in, bytes, (size_t)len);
	}
}

static bool read_body(int fd, struct sl_buf *in, size_t until)
{
	static const size_t chunk = 65536;
	char *bytes = sl_calloc(1, chunk);
	ssize_t len = 1;
	while (in->len < until && (len = recv(fd, bytes, chunk, 0)) > 0) {
		sl_buf_add(in, bytes, (size_t)len);
	}
	free(bytes);
	return in->len >= until;
}

static void request_finish(struct stub_request *request)
{
	free(request->method);
	free(request->target);
	sl_buf_finish(&request->headers);
	sl_buf_finish(&request->body);
	memset(request, 0, sizeof *request);
}

/* One request off the connection; what follows it stays in `in`. */
static bool read_request(int fd, struct sl_buf *in, struct stub_request *ret)
{
	size_t head_len = read_head(fd, in);
	if (head_len == 0) {
		return false;
	}
	const char *method_end = strchr(in->data, ' ');
	const char *target_end = method_end != NULL ? strchr(method_end + 1, ' ') : NULL;
	const char *line_end = strstr(in->data, "\r\n");
	if (target_end == NULL || target_end > line_end) {
		return false;
	}
	ret->method = sl_strndup(in->data, (size_t)(method_end - in->data));
	ret->target = sl_strndup(method_end + 1, (size_t)(target_end - method_end - 1));
	sl_buf_add(&ret->headers, line_end + 2, head_len - (size_t)(line_end + 2 - in->data) - 2);
	char *length = stub_header(ret, "Content-Length");
	size_t body_len = length != NULL ? strtoull(length, NULL, 10) : 0;
	free(length);
	if (!read_body(fd, in, head_len + body_len)) {
		return false;
	}
	sl_buf_add(&ret->body, in->data + head_len, body_len);
	size_t rest = in->len - head_len - body_len;
	memmove(in->data, in->data + head_len + body_len, rest + 1);
	in->len = rest;
	return true;
}

static bool send_all(int fd, const struct sl_buf *out)
{
	size_t sent = 0;
	while (sent < out->len) {
		ssize_t len = send(fd, out->data + sent, out->len - sent, MSG_NOSIGNAL);
		if (len <= 0) {
			return false;
		}
		sent += (size_t)len;
	}
	return true;
}

static bool answer(const struct connection *connection, const struct stub_request *request)
{
	struct stub_reply reply = {.status = 200, .length = -1};
	connection->stub->handler(connection->stub->context, request, &reply);
	bool head = strcmp(request->method, "HEAD") == 0;
	struct sl_buf out = SL_BUF_INIT;
	sl_buf_printf(&out, "HTTP/1.1 %d Stub\r\n%sContent-Length: %lld\r\n\r\n", reply.status,
		sl_buf_str(&reply.headers),
		head && reply.length >= 0 ? (long long)reply.length : (long long)reply.body.len);
	if (!head) {
		sl_buf_add(&out, sl_buf_str(&reply.body), reply.body.len);
	}
	bool ok = send_all(connection->fd, &out);
	sl_buf_finish(&out);
	sl_buf_finish(&reply.headers);
	sl_buf_finish(&reply.body);
	return ok;
}

static void *run_connection(void *context)
{
	struct connection *connection = context;
	struct sl_buf in = SL_BUF_INIT;
	struct stub_request request = {0};
	bool ok = true;
	while (ok && read_request(connection->fd, &in, &request)) {
		ok = answer(connection, &request);
		request_finish(&request);
	}
	request_finish(&request);
	sl_buf_finish(&in);
	shutdown(connection->fd, SHUT_RDWR);
	return NULL;
}

static void *run_stub(void *context)
{
	struct stub *stub = context;
	int fd;
	while ((fd = accept(stub->fd, NULL, NULL)) >= 0) {
		struct connection *connection = sl_calloc(1, sizeof *connection);
		connection->stub = stub;
		connection->fd = fd;
		connection->next = stub->connections;
		stub->connections = connection;
		if (pthread_create(&connection->thread, NULL, run_connection, connection) != 0) {
			abort();
		}
	}
	return NULL;
}

struct stub *stub_create(stub_handler *handler, void *context)
{
	struct stub *stub = sl_calloc(1, sizeof *stub);
	stub->handler = handler;
	stub->context = context;
	stub->fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	if (stub->fd < 0 || bind(stub->fd, (struct sockaddr *)&address, len) != 0 ||
		listen(stub->fd, 1024) != 0 ||
		getsockname(stub->fd, (struct sockaddr *)&address, &len) != 0) {
		perror("aws_stub");
		abort();
	}
	stub->url = sl_asprintf("http://127.0.0.1:%d", ntohs(address.sin_port));
	if (pthread_create(&stub->thread, NULL, run_stub, stub) != 0) {
		abort();
	}
	return stub;
}

void stub_destroy(struct stub *stub)
{
	shutdown(stub->fd, SHUT_RDWR); /* ends accept() */
	pthread_join(stub->thread, NULL);
	close(stub->fd);
	for (struct connection *c = stub->connections, *next; c != NULL; c = next) {
		next = c->next;
		shutdown(c->fd, SHUT_RDWR);
		pthread_join(c->thread, NULL);
		close(c->fd);
		free(c);
	}
	free(stub->url);
	free(stub);
}

const char *stub_url(const struct stub *stub)
{
	return stub->url;
}

static void set_or_unset(const char *name, const char *value)
{
	if (value != NULL) {
		setenv(name, value, 1);
	} else {
		unsetenv(name);
	}
}

struct sl_aws *stub_aws(const char *url, const char *ca_bundle)
{
	setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
	setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 1);
	setenv("AWS_SESSION_TOKEN", "tok/en+=", 1);
	setenv("AWS_REGION", "eu-west-1", 1);
	setenv("NO_PROXY", "127.0.0.1", 1);
	set_or_unset("AWS_CA_BUNDLE", ca_bundle);
	set_or_unset("AWS_ENDPOINT_URL", url);
	struct sl_aws *aws;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_aws_create(&aws, &error) != SL_ERR_OK) {
		fprintf(stderr, "aws_stub: %s\n", error.detail);
		abort();
	}
	return aws;
}
