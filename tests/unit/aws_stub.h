/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_AWS_STUB_H
#define SL_AWS_STUB_H

/*
 * For tests: a small HTTP server on 127.0.0.1 in threads of the test, one per connection. Every
 * request goes to one function of the test, which makes the reply.
 */

#include <stdbool.h>

#include "buf.h"
#include "client.h"

struct stub_request {
	char *method;
	char *target;          /* as sent: path and query */
	struct sl_buf headers; /* lines that end with CRLF */
	struct sl_buf body;
};

struct stub_reply {
	int status;            /* 200 unless set */
	struct sl_buf headers; /* lines that end with CRLF, Content-Length excepted */
	struct sl_buf body;
	int64_t length; /* Content-Length of a HEAD */
};

/** Called on the connection's thread, several at once. */
typedef void stub_handler(
	void *context, const struct stub_request *request, struct stub_reply *reply);

struct stub;

struct stub *stub_create(stub_handler *handler, void *context);

/** Ends all connections and joins all threads; the handler must not wait for anything then. */
void stub_destroy(struct stub *stub);

/** "http://127.0.0.1:PORT". */
const char *stub_url(const struct stub *stub);

/** AWS as the stub plays it: keys AKIDEXAMPLE, region eu-west-1, the endpoint `url` (NULL: AWS's
 *  own) and the roots of `ca_bundle` (NULL: the system's), no shared files. Sets the environment of
 * the process. */
struct sl_aws *stub_aws(const char *url, const char *ca_bundle);

/** Value of a request header, owned by the caller, or NULL. */
char *stub_header(const struct stub_request *request, const char *name);

#endif
