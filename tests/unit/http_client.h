/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

/* A client that can misbehave: raw sockets on 127.0.0.1 for tests. Reads give up after 20 s. */

#include <stdbool.h>
#include <stddef.h>

struct answer {
	int status; /* 0: the peer closed before a whole reply came */
	char *head; /* status line and fields, owned */
	char *body; /* owned, NUL-terminated */
	size_t body_len;
};

/** A connected socket. */
int client_dial(unsigned port);

/** Sends all of it; false when the peer is gone. */
bool client_send(int fd, const void *bytes, size_t len);
bool client_sendf(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Reads one reply; `head_only`: none of its body follows, whatever Content-Length says. */
void client_read(int fd, bool head_only, struct answer *ret);

/** A field of the reply, or NULL; valid until the next call in this thread. */
const char *client_field(const struct answer *answer, const char *name);

/** Whether the peer closes (or resets) without sending anything more. */
bool client_closed(int fd);

void answer_finish(struct answer *answer);

/** Dial, send, read, close. */
struct answer client_ask(unsigned port, bool head_only, const char *request);

#endif
