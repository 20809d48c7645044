/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_GATE_H
#define SL_GATE_H

/*
 * Gates: what only so many steps may do at once, over all processes (open jobs at a provider).
 * A step waits parked in front of its gate until its turn; turns give each tag its share. The
 * admitted row itself is the place: it stays from start to collection, and when it is deleted the
 * place is free. So no place can leak, and a crash changes nothing.
 */

#include "config.h"
#include "pg.h"
#include "step_kind.h"

enum sl_gate {
	SL_GATE_TRANSCODE,
	SL_GATE_CELEBRITIES,
	SL_GATE_LABELS,
	SL_GATE_TRANSCRIPT,
	SL_GATES_
};

#define SL_GATES_ALL ((1U << SL_GATES_) - 1)

const char *sl_gate_name(enum sl_gate gate);
/** -1 for a name that is none. */
int sl_gate_parse(const char *name);

/** How many places there are. */
int64_t sl_gate_places(const struct sl_config *config, enum sl_gate gate);

/** Puts a new step in front of its gate, which goes by the track ("video": transcode). Inside a
 *  transaction; workers are told at its commit, and admit. */
SL_MUST_CHECK enum sl_err sl_gate_enter(struct sl_pg *pg, const char *video_id, const char *track,
	int64_t part, enum sl_step_kind kind, const char *payload, struct sl_error *reterr);

/** Fills free places, in a transaction of its own. */
SL_MUST_CHECK enum sl_err sl_gate_admit(struct sl_pg *pg, const struct sl_config *config,
	enum sl_gate gate, struct sl_error *reterr);

/** QUEUE_FULL when as many videos wait for MediaConvert as may. */
SL_MUST_CHECK enum sl_err sl_gate_check_queue(
	struct sl_pg *pg, const struct sl_config *config, struct sl_error *reterr);

#endif
