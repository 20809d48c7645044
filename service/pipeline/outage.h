/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OUTAGE_H
#define SL_OUTAGE_H

/* An outage at a provider fails every step that asks it, again and again: which of these failures
 * deserve a line of the log. Thread-safe. */

#include <stdbool.h>

#include "defs.h"
#include "err.h"

/** A failure that is like one told in the last minute is not told; then how many were not is. */
#define SL_OUTAGE_SILENCE_MS 60000

struct sl_outages;
struct sl_outages *sl_outages_create(void);
void sl_outages_destroy(struct sl_outages *outages);

/** Whether to tell. `*ret_repeated` is how many like it were not told since the last that was. What
 *  cannot pass by itself, and what no provider said, is always told. `now_ms` is monotonic. */
bool sl_outages_tell(struct sl_outages *outages, const struct sl_error *error, int64_t now_ms,
	int64_t *ret_repeated);

#endif
