/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that looks up what a scrape tells of the queues. Shared under the mutex: the list of
 * questions, `stopping`. Entry: sl_gauges_create().
 */

#include "gauges.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fsm.h"
#include "gate.h"
#include "json_spec.h"
#include "mem.h"
#include "metrics.h"
#include "prices.h"

struct question {
	struct question *next;
	sl_gauges_done *done;
	void *context;
};

struct sl_gauges {
	struct sl_app *app;
	pthread_t thread;
	bool joined;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	struct question *questions;
	bool stopping;
};

/* The families, in the order in which the statement returns their rows. */
static const struct {
	const char *name;
	const char *help;
	const char *labels[2];
} families[] = {
	{"spotlist_videos", "Videos by state.", {"state", NULL}},
	{"spotlist_steps",
		"Steps by kind and what they wait for: due, later, parked (at a gate), held.",
		{"kind", "state"}},
	{"spotlist_step_oldest_seconds",
		"Seconds that the oldest step of a kind has been due, or parked.",
		{"kind", "state"}},
	{"spotlist_gate_waiting", "Steps that wait for a place at a gate.", {"gate", NULL}},
	{"spotlist_gate_oldest_seconds", "Seconds that the oldest of them has waited.",
		{"gate", NULL}},
	{"spotlist_gate_open", "Places that are taken at a gate.", {"gate", NULL}},
	{"spotlist_webhook_deliveries_waiting", "Callbacks that are to be delivered yet.",
		{NULL, NULL}},
	{"spotlist_webhook_oldest_seconds", "Seconds since the oldest of them was made.",
		{NULL, NULL}},
	{"spotlist_estimated_cost_dollars",
		"What the present month (UTC) has cost at AWS, by our count and price table.",
		{NULL, NULL}},
	{"spotlist_reserved_cost_dollars",
		"What is under way is expected to cost on top; only where there is a cap.",
		{NULL, NULL}},
};

/* --- one answer ---------------------------------------------------------------------------- */

static void add_row(struct sl_buf *out, const struct sl_pg_rows *rows, int row)
{
	size_t family = (size_t)sl_pg_i64(rows, row, "family");
	if (family >= SL_ARRAY_SIZE(families)) {
		SL_BUG("a row of no family of metrics");
	}
	const char *const *labels = families[family].labels;
	const char *name = families[family].name;
	if (row == 0 || sl_pg_i64(rows, row - 1, "family") != (int64_t)family) {
		sl_metrics_family(out, name, "gauge", families[family].help);
	}
	if (labels[1] != NULL) {
		sl_metrics_sample(out, name, labels[0], sl_pg_text(rows, row, "a"), labels[1],
			sl_pg_text(rows, row, "b"), NULL);
	} else if (labels[0] != NULL) {
		sl_metrics_sample(out, name, labels[0], sl_pg_text(rows, row, "a"), NULL);
	} else {
		sl_metrics_sample(out, name, NULL);
	}
	sl_buf_printf(out, "%s\n", sl_pg_text(rows, row, "value"));
}

static void add_places(struct sl_buf *out, const struct sl_config *config)
{
	const char *name = "spotlist_gate_places";
	sl_metrics_family(out, name, "gauge", "Places that there are at a gate.");
	for (int i = 0; i < SL_GATES_; i++) {
		sl_metrics_sample(out, name, "gate", sl_gate_name((enum sl_gate)i), NULL);
		sl_buf_printf(out, "%lld\n", (long long)sl_gate_places(config, (enum sl_gate)i));
	}
}

static void add_cap(struct sl_buf *out, const struct sl_config *config)
{
	if (config->monthly_cap_micros >= 0) {
		char text[SL_DOLLARS_SIZE];
		sl_dollars_format(config->monthly_cap_micros, text);
		sl_metrics_family(
			out, "spotlist_cost_cap_dollars", "gauge", "SPOTLIST_MONTHLY_CAP.");
		sl_buf_printf(out, "spotlist_cost_cap_dollars %s\n", text);
	}
}

static char *state_names(void)
{
	SL_AUTO(sl_json_decrefp)
	json_t *names = json_array();
	for (int i = 0; i < SL_VIDEO_STATES_; i++) {
		json_array_append_new(
			names, json_string(sl_fsm_video_state_name((enum sl_video_state)i)));
	}
	return sl_json_text(names);
}

static char *gate_names(void)
{
	SL_AUTO(sl_json_decrefp)
	json_t *names = json_array();
	for (int i = 0; i < SL_GATES_; i++) {
		json_array_append_new(names, json_string(sl_gate_name((enum sl_gate)i)));
	}
	return sl_json_text(names);
}

static enum sl_err look(struct sl_gauges *gauges, struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	SL_AUTO(sl_freep)
	char *states = state_names();
	SL_AUTO(sl_freep)
	char *gates = gate_names();
	enum sl_err err = sl_app_pg_take(gauges->app, &held, reterr);
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(held.pg, SL_SQL_metrics_gauges, &rows, reterr, SL_PG_TEXT(states),
			SL_PG_TEXT(gates));
	}
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		add_row(out, &rows, i);
	}
	if (err == SL_ERR_OK) {
		add_places(out, gauges->app->config);
		add_cap(out, gauges->app->config);
	}
	return err;
}

/* --- the thread ---------------------------------------------------------------------------- */

/* Everything that was asked by now; waits for the first. NULL: stopping, and nothing is left. */
static struct question *take(struct sl_gauges *gauges)
{
	pthread_mutex_lock(&gauges->lock);
	while (gauges->questions == NULL && !gauges->stopping) {
		pthread_cond_wait(&gauges->asked, &gauges->lock);
	}
	struct question *questions = gauges->questions;
	gauges->questions = NULL;
	pthread_mutex_unlock(&gauges->lock);
	return questions;
}

static void *run(void *argument)
{
	struct sl_gauges *gauges = argument;
	struct question *questions;
	while ((questions = take(gauges)) != NULL) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		SL_AUTO(sl_buf_finish)
		struct sl_buf text = SL_BUF_INIT;
		enum sl_err err = look(gauges, &text, &error);
		/* Who asked at the same time gets the same answer. */
		while (questions != NULL) {
			struct question *question = questions;
			questions = question->next;
			question->done(question->context, err, &text);
			free(question);
		}
	}
	return NULL;
}

struct sl_gauges *sl_gauges_create(struct sl_app *app)
{
	struct sl_gauges *gauges = sl_calloc(1, sizeof(*gauges));
	gauges->app = app;
	pthread_mutex_init(&gauges->lock, NULL);
	pthread_cond_init(&gauges->asked, NULL);
	if (pthread_create(&gauges->thread, NULL, run, gauges) != 0) {
		SL_BUG("no thread for what is scraped");
	}
	return gauges;
}

void sl_gauges_ask(struct sl_gauges *gauges, sl_gauges_done *done, void *context)
{
	pthread_mutex_lock(&gauges->lock);
	bool stopping = gauges->stopping;
	if (!stopping) {
		struct question *question = sl_calloc(1, sizeof(*question));
		*question = (struct question){gauges->questions, done, context};
		gauges->questions = question;
		pthread_cond_signal(&gauges->asked);
	}
	pthread_mutex_unlock(&gauges->lock);
	if (stopping) {
		const struct sl_buf nothing = SL_BUF_INIT;
		done(context, SL_ERR_SHUTTING_DOWN, &nothing);
	}
}

void sl_gauges_stop(struct sl_gauges *gauges)
{
	pthread_mutex_lock(&gauges->lock);
	gauges->stopping = true;
	pthread_cond_signal(&gauges->asked);
	pthread_mutex_unlock(&gauges->lock);
	if (!gauges->joined) {
		pthread_join(gauges->thread, NULL);
		gauges->joined = true;
	}
}

void sl_gauges_destroy(struct sl_gauges *gauges)
{
	if (gauges == NULL) {
		return;
	}
	sl_gauges_stop(gauges);
	pthread_cond_destroy(&gauges->asked);
	pthread_mutex_destroy(&gauges->lock);
	free(gauges);
}
