/* SPDX-License-Identifier: Apache-2.0 */
/* The test server's routes, and the levers that tests pull. */

#include "server_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_spec.h"
#include "log.h"
#include "mem.h"

static enum sl_err echo(struct sl_request *request, struct sl_reply *reply)
{
	const char *q = sl_request_query(request, "q");
	static const char *const names[] = {"q", NULL};
	enum sl_err err = sl_request_only_query(request, names);
	if (err != SL_ERR_OK) {
		return err;
	}
	sl_reply_json(reply, 200,
		json_pack("{s:s, s:s*, s:s}", "id", sl_request_param(request, "id"), "q", q,
			"request_id", request->request_id));
	return SL_ERR_OK;
}

static enum sl_err json(struct sl_request *request, struct sl_reply *reply)
{
	json_t *root;
	enum sl_err err = sl_request_json(request, &root);
	if (err != SL_ERR_OK) {
		return err;
	}
	sl_reply_json(reply, 201, json_pack("{s:O}", "got", root));
	return SL_ERR_OK;
}

static enum sl_err raw(struct sl_request *request, struct sl_reply *reply)
{
	reply->content_type = "text/plain";
	sl_buf_add(&reply->body, request->body, request->body_len);
	return SL_ERR_OK;
}

static enum sl_err broken(struct sl_request *request, struct sl_reply *reply)
{
	sl_reply_json(reply, 200, json_object()); /* dropped: the error counts */
	enum sl_err code = sl_err_from_code(sl_request_param(request, "code"));
	const char *q = sl_request_query(request, "q");
	if (q == NULL) {
		return code;
	}
	sl_error_set_at(&request->error, code, "/a/b", "it broke: %s", q);
	struct sl_provider_error *provider = &request->error.provider;
	provider->service = sl_strdup("mediaconvert");
	provider->operation = sl_strdup("CreateJob");
	provider->code = sl_strdup("BadRequestException");
	provider->message = sl_strdup("no \xff such queue");
	provider->request_id = sl_strdup("r-1");
	request->error.retry_after_ms = 1500;
	return code;
}

static enum sl_err headers(struct sl_request *request, struct sl_reply *reply)
{
	(void)request;
	sl_reply_header(reply, "Cache-Control", "private, max-age=5");
	sl_reply_header(reply, "Content-Type", "text/vtt");
	sl_reply_header(reply, "X-Bad", "a\r\nX-Injected: b");
	sl_buf_puts(&reply->body, "WEBVTT\n");
	return SL_ERR_OK;
}

static enum sl_err nothing(struct sl_request *request, struct sl_reply *reply)
{
	(void)request;
	reply->status = 204;
	return SL_ERR_OK;
}

static enum sl_err big(struct sl_request *request, struct sl_reply *reply)
{
	(void)request;
	for (int i = 0; i < 1 << 16; i++) {
		sl_buf_puts(&reply->body, "0123456789abcdef");
	}
	return SL_ERR_OK;
}

/* Counts up, a byte at a time, until it has none left or fails. */
struct counter {
	struct fixture *fixture;
	uint64_t fails_at;
};

static ssize_t counter_read(void *context, uint64_t offset, char *out, size_t max)
{
	const struct counter *counter = context;
	size_t len = max < 1000 ? max : 1000; /* less than is asked for */
	if (offset + len > counter->fails_at) {
		return offset == counter->fails_at ? -1 : (ssize_t)(counter->fails_at - offset);
	}
	for (size_t i = 0; i < len; i++) {
		out[i] = (char)('a' + (offset + i) % 26);
	}
	return (ssize_t)len;
}

static void counter_free(void *context)
{
	struct counter *counter = context;
	struct fixture *fixture = counter->fixture;
	pthread_mutex_lock(&fixture->lock);
	fixture->freed++;
	pthread_cond_broadcast(&fixture->changed);
	pthread_mutex_unlock(&fixture->lock);
	free(counter);
}

/* A million bytes; "whole", or the offset at which they end early. */
static enum sl_err stream(struct sl_request *request, struct sl_reply *reply)
{
	struct counter *counter = sl_calloc(1, sizeof(*counter));
	counter->fixture = request->app;
	counter->fails_at = strtoull(sl_request_param(request, "end"), NULL, 10);
	counter->fails_at = counter->fails_at > 0 ? counter->fails_at : UINT64_MAX;
	sl_reply_stream(reply,
		&(const struct sl_reply_stream){1000000, counter_read, counter_free, counter});
	return SL_ERR_OK;
}

/* Has begun a stream, and then fails. */
static enum sl_err stream_error(struct sl_request *request, struct sl_reply *reply)
{
	struct counter *counter = sl_calloc(1, sizeof(*counter));
	counter->fixture = request->app;
	sl_reply_stream(
		reply, &(const struct sl_reply_stream){10, counter_read, counter_free, counter});
	return sl_error_set(&request->error, SL_ERR_VIDEO_NOT_FOUND, "after all");
}

/* The same million bytes every time, with an ETag; or a few with the hash of them. */
static enum sl_err kept(struct sl_request *request, struct sl_reply *reply)
{
	const char *what = sl_request_param(request, "what");
	if (strcmp(what, "stream") == 0) {
		struct counter *counter = sl_calloc(1, sizeof(*counter));
		*counter = (struct counter){request->app, UINT64_MAX};
		sl_reply_stream(reply,
			&(const struct sl_reply_stream){
				1000000, counter_read, counter_free, counter});
		sl_reply_validator(reply, "version-1");
		return SL_ERR_OK;
	}
	for (int i = 0; strcmp(what, "large") == 0 && i < 1000; i++) {
		sl_buf_puts(&reply->body, "0123456789abcdef");
	}
	sl_buf_puts(&reply->body, what);
	sl_reply_validator(reply, NULL);
	return SL_ERR_OK;
}

struct nap {
	struct fixture *fixture;
	enum sl_err outcome;
};

static void nap_free(void *state)
{
	struct nap *nap = state;
	struct fixture *fixture = nap->fixture;
	pthread_mutex_lock(&fixture->lock);
	fixture->freed++;
	pthread_cond_broadcast(&fixture->changed);
	pthread_mutex_unlock(&fixture->lock);
	free(nap);
}

static enum sl_err nap(struct sl_request *request, struct sl_reply *reply)
{
	struct fixture *fixture = request->app;
	if (request->state != NULL) {
		const struct nap *nap = request->state;
		if (nap->outcome != SL_ERR_OK) {
			return nap->outcome;
		}
		sl_reply_json(reply, 200, json_pack("{s:b}", "rested", 1));
		return SL_ERR_OK;
	}
	struct nap *nap = sl_calloc(1, sizeof(*nap));
	nap->fixture = fixture;
	request->state = nap;
	request->state_free = nap_free;
	sl_request_suspend(request);
	pthread_mutex_lock(&fixture->lock);
	if (fixture->sleeping == MAX_SLEEPERS) {
		SL_BUG("too many sleepers");
	}
	fixture->sleepers[fixture->sleeping++] = request;
	pthread_cond_broadcast(&fixture->changed);
	pthread_mutex_unlock(&fixture->lock);
	return SL_REQUEST_SUSPENDED;
}

static enum sl_err gate(struct sl_request *request, struct sl_reply *reply)
{
	struct fixture *fixture = request->app;
	pthread_mutex_lock(&fixture->lock);
	fixture->in_gate++;
	pthread_cond_broadcast(&fixture->changed);
	while (!fixture->gate_open) {
		pthread_cond_wait(&fixture->changed, &fixture->lock);
	}
	pthread_mutex_unlock(&fixture->lock);
	sl_reply_json(reply, 200, json_pack("{s:b}", "through", 1));
	return SL_ERR_OK;
}

static const struct sl_route routes[] = {
	{"GET", "/echo/{id}", "echo", echo, SL_AUTH_READ, 0},
	{"POST", "/json", "json", json, SL_AUTH_READ, 1024},
	{"POST", "/raw", "raw", raw, SL_AUTH_SNS, 1 << 16},
	{"GET", "/broken/{code}", "broken", broken, SL_AUTH_READ, 0},
	{"GET", "/headers", "headers", headers, SL_AUTH_READ, 0},
	{"DELETE", "/nothing", "nothing", nothing, SL_AUTH_READ, 0},
	{"GET", "/big", "big", big, SL_AUTH_READ, 0},
	{"GET", "/kept/{what}", "kept", kept, SL_AUTH_READ, 0},
	{"GET", "/stream/{end}", "stream", stream, SL_AUTH_READ, 0},
	{"GET", "/stream_error", "streamError", stream_error, SL_AUTH_READ, 0},
	{"GET", "/nap", "nap", nap, SL_AUTH_READ, 0},
	{"POST", "/nap", "napWithBody", nap, SL_AUTH_READ, 1024},
	{"GET", "/gate", "gate", gate, SL_AUTH_READ, 0},
	{"GET", "/healthz", "healthz", nothing, SL_AUTH_OPEN, 0},
};

static void after(void *app, const struct sl_request *request, int status)
{
	(void)request;
	(void)status;
	struct fixture *fixture = app;
	pthread_mutex_lock(&fixture->lock);
	fixture->after++;
	pthread_mutex_unlock(&fixture->lock);
}

struct fixture *fixture_create(unsigned threads, unsigned timeout_s)
{
	struct fixture *fixture = sl_calloc(1, sizeof(*fixture));
	pthread_mutex_init(&fixture->lock, NULL);
	pthread_cond_init(&fixture->changed, NULL);
	fixture->log = tmpfile();
	fixture->real_stderr = dup(STDERR_FILENO);
	if (fixture->log == NULL || fixture->real_stderr < 0 ||
		dup2(fileno(fixture->log), STDERR_FILENO) < 0) {
		SL_BUG("stderr cannot be captured");
	}
	struct sl_server_options options = {
		.listen = "127.0.0.1:0",
		.routes = routes,
		.route_count = SL_ARRAY_SIZE(routes),
		.threads = threads,
		.connection_limit = 1024,
		.timeout_s = timeout_s,
		.app = fixture,
		.after = after,
	};
	if (sl_server_create(&options, &fixture->server, NULL) != SL_ERR_OK) {
		SL_BUG("the test server does not start");
	}
	fixture->port = sl_server_port(fixture->server);
	return fixture;
}

static void wait_until(struct fixture *fixture, const size_t *counter, size_t count)
{
	pthread_mutex_lock(&fixture->lock);
	while (*counter < count) {
		pthread_cond_wait(&fixture->changed, &fixture->lock);
	}
	pthread_mutex_unlock(&fixture->lock);
}

void fixture_wait_sleeping(struct fixture *fixture, size_t count)
{
	wait_until(fixture, &fixture->sleeping, count);
}

void fixture_wait_gate(struct fixture *fixture, size_t count)
{
	wait_until(fixture, &fixture->in_gate, count);
}

void fixture_wait_freed(struct fixture *fixture, size_t count)
{
	wait_until(fixture, &fixture->freed, count);
}

size_t fixture_wake_all(struct fixture *fixture, enum sl_err outcome)
{
	struct sl_request *woken[MAX_SLEEPERS];
	pthread_mutex_lock(&fixture->lock);
	size_t count = fixture->sleeping;
	fixture->sleeping = 0;
	memcpy(woken, fixture->sleepers, count * sizeof(*woken));
	pthread_mutex_unlock(&fixture->lock);
	for (size_t i = 0; i < count; i++) {
		((struct nap *)woken[i]->state)->outcome = outcome;
		sl_request_resume(woken[i]);
	}
	return count;
}

void fixture_open_gate(struct fixture *fixture)
{
	pthread_mutex_lock(&fixture->lock);
	fixture->gate_open = true;
	pthread_cond_broadcast(&fixture->changed);
	pthread_mutex_unlock(&fixture->lock);
}

char *fixture_log(struct fixture *fixture)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	char chunk[4096];
	off_t at = 0;
	ssize_t n;
	while ((n = pread(fileno(fixture->log), chunk, sizeof(chunk), at)) > 0) {
		sl_buf_add(&text, chunk, (size_t)n);
		at += n;
	}
	return sl_buf_steal(&text);
}

void fixture_destroy(struct fixture *fixture)
{
	sl_server_destroy(fixture->server);
	dup2(fixture->real_stderr, STDERR_FILENO);
	close(fixture->real_stderr);
	fclose(fixture->log);
	pthread_cond_destroy(&fixture->changed);
	pthread_mutex_destroy(&fixture->lock);
	free(fixture);
}
