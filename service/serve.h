/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SERVE_H
#define SL_SERVE_H

/* `spotlist serve`: everything started, run until SIGTERM or SIGINT, and stopped in order. */

#include "config.h"

/** Runs until a signal. SIGTERM and SIGINT must be blocked in every thread. */
SL_MUST_CHECK enum sl_err sl_serve(const struct sl_config *config, struct sl_error *reterr);

#endif
