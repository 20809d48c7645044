/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_WORKER_H
#define SL_WORKER_H

/*
 * The threads that do steps. Each claims the step that has been due for longest, does it, and
 * commits or puts it off. They sleep until the next step is due or LISTEN wakes them.
 */

#include "client.h"
#include "config.h"
#include "gate.h"

struct sl_worker;
struct sl_workers;

/* A worker looks for itself this often even if nobody wakes it: a lost notification costs seconds,
 * not a video. */
#define SL_WORKERS_LOOK_MS 5000

/** Starts config->workers threads and the listener. `config` and `aws` must outlive them. */
SL_MUST_CHECK enum sl_err sl_workers_create(const struct sl_config *config, struct sl_aws *aws,
	struct sl_workers **ret, struct sl_error *reterr);

/** Asks them to claim nothing more, lets running steps finish for `grace_ms`, then interrupts
 *  their AWS calls (the steps are handed back), joins, and frees. NULL is fine. */
void sl_workers_destroy(struct sl_workers *workers, int64_t grace_ms);

/* --- for steps, on their worker's thread --------------------------------------------------- */

/** Sleeps in the middle of a step; false when the worker is to stop. */
bool sl_worker_wait(struct sl_worker *worker, int64_t ms);

/** Whether the lease of the step in hand was found lost at its last renewal. */
bool sl_worker_lost_lease(const struct sl_worker *worker);

/** A place at a gate has become free: the workers admit the next. */
void sl_worker_gate_changed(struct sl_worker *worker, enum sl_gate gate);

#endif
