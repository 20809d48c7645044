/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_FIXTURE_H
#define SERVER_FIXTURE_H

/* A server with routes that behave in every way a handler may. */

#include <pthread.h>
#include <stdio.h>

#include "server.h"

#define MAX_SLEEPERS 512

struct fixture {
	struct sl_server *server;
	unsigned port;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct sl_request *sleepers[MAX_SLEEPERS];
	size_t sleeping;
	size_t freed;   /* states released */
	size_t in_gate; /* handlers that wait at /gate */
	bool gate_open;
	size_t after; /* calls of the after hook */
	FILE *log;    /* stderr while the server runs */
	int real_stderr;
};

struct fixture *fixture_create(unsigned threads, unsigned timeout_s);

/** Waits until at least `count` requests sleep. */
void fixture_wait_sleeping(struct fixture *fixture, size_t count);

/** Wakes all sleepers from the calling thread; returns how many. */
size_t fixture_wake_all(struct fixture *fixture, enum sl_err outcome);

/** Waits until at least `count` handlers wait at the gate. */
void fixture_wait_gate(struct fixture *fixture, size_t count);
void fixture_open_gate(struct fixture *fixture);

/** Waits until at least `count` states were freed. */
void fixture_wait_freed(struct fixture *fixture, size_t count);

/** What was logged up to now; the caller frees it. */
char *fixture_log(struct fixture *fixture);

void fixture_destroy(struct fixture *fixture);

#endif
