/* SPDX-License-Identifier: Apache-2.0 */
/* Raw HTTP/1.1 for tests. */

#include "http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"

#define READ_TIMEOUT_S 20

int client_dial(unsigned port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval timeout = {READ_TIMEOUT_S, 0};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		SL_BUG("the test server cannot be reached");
	}
	return fd;
}

bool client_send(int fd, const void *bytes, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL);
		if (n <= 0) {
			return false;
		}
		sent += (size_t)n;
	}
	return true;
}

bool client_sendf(int fd, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *text = sl_vasprintf(format, arguments);
	va_end(arguments);
	return client_send(fd, text, strlen(text));
}

const char *client_field(const struct answer *answer, const char *name)
{
	static _Thread_local char value[512];
	size_t len = strlen(name);
	const char *line = answer->head != NULL ? strstr(answer->head, "\r\n") : NULL;
	for (; line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1 + strspn(line + len + 1, " ");
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r"), line);
			return value;
		}
	}
	return NULL;
}

void client_read(int fd, bool head_only, struct answer *ret)
{
	*ret = (struct answer){0};
	SL_AUTO(sl_buf_finish)
	struct sl_buf in = SL_BUF_INIT;
	const char *end = NULL;
	char c;
	while (end == NULL && recv(fd, &c, 1, 0) == 1) { /* bytewise: the next reply stays there */
		sl_buf_putc(&in, c);
		end = in.len >= 4 ? strstr(in.data + in.len - 4, "\r\n\r\n") : NULL;
	}
	if (end == NULL || in.len < 12) {
		return;
	}
	ret->head = sl_buf_steal(&in);
	const char *length = client_field(ret, "Content-Length");
	size_t want = length != NULL && !head_only ? strtoul(length, NULL, 10) : 0;
	ret->body = sl_calloc(want + 1, 1);
	while (ret->body_len < want) {
		ssize_t n = recv(fd, ret->body + ret->body_len, want - ret->body_len, 0);
		if (n <= 0) {
			return;
		}
		ret->body_len += (size_t)n;
	}
	ret->status = (int)strtol(ret->head + 9, NULL, 10);
}

bool client_closed(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

void answer_finish(struct answer *answer)
{
	free(answer->head);
	free(answer->body);
	*answer = (struct answer){0};
}

struct answer client_ask(unsigned port, bool head_only, const char *request)
{
	int fd = client_dial(port);
	struct answer answer;
	client_send(fd, request, strlen(request));
	client_read(fd, head_only, &answer);
	close(fd);
	return answer;
}
