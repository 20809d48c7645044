/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HEALTH_H
#define SL_HEALTH_H

#include <stdbool.h>

#include "err.h"

/** `spotlist health`: asks the `spotlist serve` of this machine (SPOTLIST_ADMIN_LISTEN) whether it
 *  lives, or with `ready` whether it can use its database. No other setting is looked at. */
SL_MUST_CHECK enum sl_err sl_health(bool ready, struct sl_error *reterr);

#endif
