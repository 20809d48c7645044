/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_EXCHANGE_H
#define SL_EXCHANGE_H

/*
 * Private to service/http: the server and one request with its reply, as the files beside it
 * share them. An exchange lives from its request line to libmicrohttpd's completed-callback and
 * belongs to the one thread that serves its connection; the server's counters are atomic.
 */

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "cors.h"
#include "patience.h"
#include "query.h"
#include "router.h"
#include "server.h"

#define SL_HTTP_MAX_TARGET     8192        /* bytes of path and query; more is 414 */
#define SL_HTTP_MAX_HEADERS    100         /* fields */
#define SL_HTTP_MEMORY         (32 * 1024) /* per connection: request line and headers */
#define SL_HTTP_DRAIN_LIMIT    (1 << 20)   /* a refused body up to this is read before the reply */
#define SL_HTTP_STRANGER_LIMIT (64 << 10)  /* the same of who may not call */
#define SL_HTTP_DROP_LIMIT     (16 << 20)  /* a chunked one grows up to this before it is cut */
#define SL_HTTP_REQUEST_ID_MAX 128
#define SL_HTTP_STREAM_BLOCK   ((size_t)64 * 1024) /* a streamed body is read in pieces of this */

struct sl_server {
	struct sl_server_options options;
	struct MHD_Daemon *daemon;
	struct sl_patience *patience;
	int listen_fd; /* ours to close once the daemon was quiesced; else the daemon's */
	unsigned port;

	/* Counted without a lock: every request passes here several times. */
	atomic_bool quiesced; /* refuse new requests */
	atomic_bool stopping; /* refuse to call handlers */
	atomic_size_t active; /* requests whose headers were read and that are not yet completed */
	atomic_size_t handling; /* of these, given to a handler and not yet answered */
	atomic_bool awaited;    /* somebody waits for a counter to fall, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t less; /* a counter went down */
};

enum sl_exchange_phase {
	SL_EXCHANGE_NEW,      /* the request line is known */
	SL_EXCHANGE_READING,  /* headers seen; the body, if any, is coming */
	SL_EXCHANGE_HANDLING, /* a handler has it; maybe asleep */
	SL_EXCHANGE_REPLIED,  /* the reply is libmicrohttpd's */
};

struct sl_exchange {
	struct sl_request request; /* first: the handler's pointer is ours */
	struct sl_server *server;
	struct MHD_Connection *connection;
	enum sl_exchange_phase phase;
	int64_t started_ms; /* monotonic */
	int64_t started_us; /* the same, for metrics */

	char *target;            /* path as sent; request.target */
	char *query_text;        /* behind the '?'; NULL when there is none */
	size_t target_len;       /* of both, as sent */
	const char *sent_target; /* in the library's buffer, until the first call */
	char *method;
	char request_id[SL_HTTP_REQUEST_ID_MAX + 1];
	struct sl_query query;
	struct sl_match match;
	struct sl_buf body;
	json_t *json; /* what sl_request_json() parsed */

	uint64_t body_seen; /* bytes received, dropped ones included */
	bool counted;       /* in server->active */
	bool stranger;      /* may not call: the body is none of ours */
	bool close;         /* the connection cannot be trusted any further */
	bool late;          /* it took too long, and was cut off */
	bool asleep;        /* sl_request_suspend() was called in this round */
	bool slept;         /* … or in one before */
	int status;         /* of the reply; 0: none was queued */
	uint64_t bytes;     /* of the reply's body */
};

/** The exchange of a request. */
struct sl_exchange *sl_exchange_of(const struct sl_request *request);

/* connection.c: libmicrohttpd's callbacks; `cls` is the server. */
void *sl_connection_opened(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result sl_connection_called(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_len,
	void **exchange);
void sl_connection_completed(void *cls, struct MHD_Connection *connection, void **exchange,
	enum MHD_RequestTerminationCode how);

/* metrics.h, by server and request. */
void sl_connection_changed(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode what);

/* What the headers say about the body that follows. */
struct sl_framing {
	uint64_t content_length;
	bool chunked;
	bool expects_continue;
};

/**
 * screen.c: refuses header shapes that two parsers might read differently (request smuggling) or
 * that HTTP/1.1 forbids. `line` is the request line in the library's buffer, which begins with the
 * method, `version` its end. BAD_REQUEST means: answer and close.
 */
SL_MUST_CHECK enum sl_err sl_screen_headers(const struct sl_exchange *exchange, const char *line,
	const char *version, struct sl_framing *ret, struct sl_error *reterr);

/** screen.c: refuses a target that is too long or no path; cuts the authority of an absolute one.
 */
SL_MUST_CHECK enum sl_err sl_screen_target(struct sl_exchange *exchange, struct sl_error *reterr);

/** reply.c: an empty reply with the defaults. */
void sl_reply_init(struct sl_reply *reply);
void sl_reply_finish(struct sl_reply *reply);

/** reply.c: queues the reply, whose body it takes. */
SL_MUST_CHECK enum MHD_Result sl_reply_send(struct sl_exchange *exchange, struct sl_reply *reply);

/** cors.c: what every reply tells of CORS, and what the answer to a preflight does. */
void sl_cors_answer(const struct sl_exchange *exchange, struct MHD_Response *response);
void sl_cors_preflight(const struct sl_exchange *exchange, struct sl_reply *reply);

/** problem.c: makes problem+json of request.error. */
void sl_problem_reply(const struct sl_exchange *exchange, struct sl_reply *reply);

#endif
