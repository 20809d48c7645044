/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_COND_H
#define SL_COND_H

/* Condition variables that wait by the monotonic clock, which nobody sets back. */

#include <pthread.h>
#include <time.h>

#include "defs.h"

/** A condition whose pthread_cond_timedwait() takes what sl_cond_deadline() gives. */
void sl_cond_init(pthread_cond_t *cond);

/** The time so many milliseconds from now. */
struct timespec sl_cond_deadline(int64_t in_ms);

#endif
