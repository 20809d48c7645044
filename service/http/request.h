/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REQUEST_H
#define SL_REQUEST_H

/*
 * A request as a handler sees it, and the reply it fills. A handler cannot send: it returns an
 * error code (0: the reply as filled) and the server sends once, makes problem+json of an error,
 * and logs one line. Owned by the server; one thread at a time.
 */

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"
#include "content.h"
#include "defs.h"
#include "err.h"

struct sl_query;
struct sl_route;
struct sl_server;

struct sl_request {
	const struct sl_route *route;
	const char *method;
	const char *target;     /* path as sent, percent-encoded, without the query */
	const char *request_id; /* X-Request-Id of the client when it is sane, else a UUID */
	const char *body;       /* NUL-terminated; NULL when there is none */
	size_t body_len;
	void *app;             /* what sl_server_options.app was */
	char caller[72];       /* for the log; authorize() fills it */
	struct sl_error error; /* the handler fills it before it returns an error code */
	/* A handler that suspends keeps its progress here; freed by state_free at the end. */
	void *state;
	void (*state_free)(void *state);
};

#define SL_REPLY_SIZE_UNKNOWN UINT64_MAX

/* A body that is too large to be held: read in pieces while it is sent, by one thread at a time. */
struct sl_reply_stream {
	uint64_t size; /* bytes, or SL_REPLY_SIZE_UNKNOWN */
	/* Up to `max` bytes from `offset` on, at least one, offsets in order; 0 ends a stream of
	 * unknown size; -1: the rest cannot be had, and the connection is closed. It may block for
	 * as long as a handler may. */
	ssize_t (*read)(void *context, uint64_t offset, char *out, size_t max);
	void (*destroy)(void *context); /* called once, however the reply ends */
	void *context;
};

struct sl_reply {
	int status;               /* default 200 */
	const char *content_type; /* literal; default application/json */
	struct sl_buf body;
	struct sl_reply_stream stream; /* see sl_reply_stream() */
	struct sl_content *content;    /* see sl_reply_content() */
	char etag[SL_ETAG_SIZE];       /* of a stream, without quotes; see sl_reply_validator() */
	struct sl_reply_header_ *headers; /* see sl_reply_header() */
	size_t header_count;
};

/** A path parameter of the route's template ("{id}" → "id"), percent-decoded, never NULL. */
const char *sl_request_param(const struct sl_request *request, const char *name);

/** A query parameter, decoded; NULL when absent. */
const char *sl_request_query(const struct sl_request *request, const char *name);

/** The query as sent; NULL when there is none. */
const char *sl_request_query_text(const struct sl_request *request);

/** All query parameters, for params.h. */
const struct sl_query *sl_request_whole_query(const struct sl_request *request);

/** Refuses query parameters that are not in the NULL-terminated list, or given twice. */
SL_MUST_CHECK enum sl_err sl_request_only_query(
	struct sl_request *request, const char *const *names);

/** A header, any case; NULL when absent. */
const char *sl_request_header(const struct sl_request *request, const char *name);

/** Parses the body as a JSON object: BODY_MISSING, UNSUPPORTED_MEDIA_TYPE, BODY_NOT_JSON,
 *  DUPLICATE_KEY. The tree is borrowed and lives as long as the request. */
SL_MUST_CHECK enum sl_err sl_request_json(struct sl_request *request, json_t **ret_root);

/**
 * Puts the connection to sleep. The handler must then hand its work to another thread and return
 * SL_REQUEST_SUSPENDED; that thread calls sl_request_resume() exactly once, and the handler is
 * called again with `state` set. Suspend before handing over. When the client has left meanwhile
 * the handler is not called again: `state_free` is all that runs. After sl_request_resume() the
 * request may be gone: touch neither it nor its state.
 */
void sl_request_suspend(struct sl_request *request);
void sl_request_resume(struct sl_request *request);

/** What a handler returns after sl_request_suspend(). */
#define SL_REQUEST_SUSPENDED ((enum sl_err)(-1))

/** Adds a reply header; both are copied. Line breaks in a value are refused when it is sent. */
void sl_reply_header(struct sl_reply *reply, const char *name, const char *value);

/** The body comes from `stream`, whose context is taken; nothing was put into `body`. */
void sl_reply_stream(struct sl_reply *reply, const struct sl_reply_stream *stream);

/**
 * For a 200 whose body (or stream) is complete: gives it a strong ETag, so that If-None-Match gets
 * 304, and lets it be sent through gzip to who takes that. `etag` is opaque, without quotes, up to
 * 64 characters of [0-9A-Za-z._-], and differs whenever the bytes do; NULL: a hash of the body,
 * which a stream cannot have.
 */
void sl_reply_validator(struct sl_reply *reply, const char *etag);

/** The same with bytes that other replies send too; takes the reference. */
void sl_reply_content(struct sl_reply *reply, struct sl_content *content);

/** Status and body = compact JSON of `root`, which is released. */
void sl_reply_json(struct sl_reply *reply, int status, json_t *root);

#endif
