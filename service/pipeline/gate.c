/* SPDX-License-Identifier: Apache-2.0 */
/* The table of gates; entering and admission. Any thread. */

#include "gate.h"

#include <stddef.h>
#include <string.h>

/* How long a client should wait before it submits again. */
#define QUEUE_FULL_RETRY_MS 30000

static const struct {
	const char *name;
	const char *track;
	size_t places; /* offset in struct sl_config */
} gates[SL_GATES_] = {
	[SL_GATE_TRANSCODE] = {"transcode", "video", offsetof(struct sl_config, open_transcodes)},
	[SL_GATE_CELEBRITIES] = {"celebrities", "celebrities",
		offsetof(struct sl_config, open_celebrities)},
	[SL_GATE_LABELS] = {"labels", "labels", offsetof(struct sl_config, open_labels)},
	[SL_GATE_TRANSCRIPT] = {"transcript", "transcript",
		offsetof(struct sl_config, open_transcripts)},
};

const char *sl_gate_name(enum sl_gate gate)
{
	return gates[gate].name;
}

int sl_gate_parse(const char *name)
{
	for (int i = 0; i < SL_GATES_; i++) {
		if (strcmp(gates[i].name, name) == 0) {
			return i;
		}
	}
	return -1;
}

int64_t sl_gate_places(const struct sl_config *config, enum sl_gate gate)
{
	return *(const int64_t *)((const char *)config + gates[gate].places);
}

static const char *gate_of_track(const char *track)
{
	for (int i = 0; i < SL_GATES_; i++) {
		if (strcmp(gates[i].track, track) == 0) {
			return gates[i].name;
		}
	}
	SL_BUG("a track without a gate");
}

enum sl_err sl_gate_enter(struct sl_pg *pg, const char *video_id, const char *track, int64_t part,
	enum sl_step_kind kind, const char *payload, struct sl_error *reterr)
{
	return sl_pg_exec(pg, SL_SQL_step_park, NULL, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(track), SL_PG_I64(part), SL_PG_TEXT(sl_step_kind_name(kind)),
		SL_PG_TEXT(gate_of_track(track)), SL_PG_TEXT(payload));
}

struct admission {
	const struct sl_config *config;
	enum sl_gate gate;
};

static enum sl_err admit_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct admission *admission = context;
	const char *name = gates[admission->gate].name;
	int64_t places = sl_gate_places(admission->config, admission->gate);
	enum sl_err err = sl_pg_exec(pg, SL_SQL_gate_lock, NULL, reterr, SL_PG_TEXT(name));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(
			pg, SL_SQL_gate_admit, NULL, reterr, SL_PG_TEXT(name), SL_PG_I64(places));
	}
	return err;
}

enum sl_err sl_gate_admit(struct sl_pg *pg, const struct sl_config *config, enum sl_gate gate,
	struct sl_error *reterr)
{
	struct admission admission = {config, gate};
	return sl_pg_tx(pg, "gate_admit", admit_tx, &admission, reterr);
}

enum sl_err sl_gate_check_queue(
	struct sl_pg *pg, const struct sl_config *config, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_gate_full, &rows, reterr,
		SL_PG_TEXT(gates[SL_GATE_TRANSCODE].name), SL_PG_I64(config->queue_limit));
	if (err == SL_ERR_OK && rows.count > 0) {
		err = sl_error_set(reterr, SL_ERR_QUEUE_FULL,
			"%lld videos wait for MediaConvert already; submit again later",
			(long long)config->queue_limit);
		if (reterr != NULL) {
			reterr->retry_after_ms = QUEUE_FULL_RETRY_MS;
		}
	}
	return err;
}
