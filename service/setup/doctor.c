/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the doctor's checks, each on a thread as soon as those before it are done, and prints what
 * they found in the order of the table. Entry point: sl_doctor(). Main thread; the mutex guards
 * who is done. */

#include "doctor.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkup.h"
#include "clock.h"
#include "cond.h"
#include "mem.h"

#define BIT(id_) (1U << (SL_CHECK_##id_))

/* `needs`: skipped when one of these failed. `after`: only begins when these are done. */
static const struct check {
	const char *name;
	sl_check_fn *run;
	unsigned needs;
	unsigned after;
} checks[SL_CHECK_COUNT_] = {
	[SL_CHECK_SETTINGS] = {"settings", sl_check_settings, 0, 0},
	[SL_CHECK_REGION] = {"aws settings", sl_check_region, 0, 0},
	[SL_CHECK_DATABASE] = {"database", sl_check_database, 0, 0},
	[SL_CHECK_ACCESS] = {"access", sl_check_access, BIT(DATABASE), 0},
	[SL_CHECK_ENDPOINTS] = {"endpoints", sl_check_endpoints, BIT(REGION), 0},
	[SL_CHECK_CLOCK] = {"clock", sl_check_clock, BIT(REGION), BIT(ENDPOINTS)},
	[SL_CHECK_CREDENTIALS] = {"credentials", sl_check_credentials, BIT(REGION), BIT(ENDPOINTS)},
	[SL_CHECK_ACCOUNT] = {"account", sl_check_account, BIT(CREDENTIALS), 0},
	[SL_CHECK_BUCKET] = {"bucket", sl_check_bucket, BIT(CREDENTIALS), 0},
	[SL_CHECK_BUCKET_SETUP] = {"bucket set-up", sl_check_bucket_setup, BIT(BUCKET), 0},
	[SL_CHECK_TABLE] = {"table", sl_check_table, BIT(CREDENTIALS), 0},
	[SL_CHECK_TOPICS] = {"topics", sl_check_topics, BIT(CREDENTIALS), 0},
	[SL_CHECK_SUBSCRIPTIONS] = {"subscriptions", sl_check_subscriptions, BIT(CREDENTIALS), 0},
	[SL_CHECK_DEAD_LETTERS] = {"dead letters", sl_check_dead_letters, BIT(CREDENTIALS),
		BIT(SUBSCRIPTIONS)},
	[SL_CHECK_RULES] = {"event rules", sl_check_rules, BIT(CREDENTIALS), BIT(TOPICS)},
	[SL_CHECK_MEDIACONVERT] = {"mediaconvert", sl_check_mediaconvert, BIT(CREDENTIALS), 0},
	[SL_CHECK_REKOGNITION] = {"rekognition", sl_check_rekognition, BIT(CREDENTIALS), 0},
	[SL_CHECK_PERMISSIONS] = {"permissions", sl_check_permissions, BIT(CREDENTIALS),
		BIT(BUCKET)},
	[SL_CHECK_WEBHOOKS] = {"webhooks", sl_check_webhooks, 0, 0},
	[SL_CHECK_SERVER] = {"server", sl_check_server, 0, 0},
};

struct doctor;

struct run {
	struct doctor *doctor;
	const struct check *check;
	struct sl_findings findings;
	bool done; /* guarded; what is in findings may be read then */
	pthread_t thread;
};

struct doctor {
	struct sl_checkup checkup;
	struct sl_secrets secrets;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct run runs[SL_CHECK_COUNT_];
};

/* --- one check ------------------------------------------------------------------------------ */

static bool are_done(const struct doctor *doctor, unsigned set)
{
	for (size_t i = 0; i < SL_CHECK_COUNT_; i++) {
		if ((set & 1U << i) != 0 && !doctor->runs[i].done) {
			return false;
		}
	}
	return true;
}

/* The first of those needed that did not end well; NULL: none. */
static const struct check *obstacle(const struct doctor *doctor, unsigned needs)
{
	for (size_t i = 0; i < SL_CHECK_COUNT_; i++) {
		const struct run *run = &doctor->runs[i];
		enum sl_verdict_kind worst = sl_findings_worst(&run->findings);
		bool only_skipped = worst == SL_FOUND_SKIP && run->findings.count == 1;
		if ((needs & 1U << i) != 0 && (worst == SL_FOUND_FAIL || only_skipped)) {
			return run->check;
		}
	}
	return NULL;
}

static void *run_check(void *argument)
{
	struct run *run = argument;
	struct doctor *doctor = run->doctor;
	const struct check *check = run->check;
	pthread_mutex_lock(&doctor->mutex);
	while (!are_done(doctor, check->needs | check->after)) {
		pthread_cond_wait(&doctor->changed, &doctor->mutex);
	}
	const struct check *before = obstacle(doctor, check->needs);
	pthread_mutex_unlock(&doctor->mutex);

	struct sl_findings findings = {0};
	if (before != NULL) {
		sl_find(&findings, SL_FOUND_SKIP, NULL, "not looked at, because of *%s*",
			before->name);
	} else {
		check->run(&doctor->checkup, &findings);
	}
	pthread_mutex_lock(&doctor->mutex);
	run->findings = findings;
	run->done = true;
	pthread_cond_broadcast(&doctor->changed);
	pthread_mutex_unlock(&doctor->mutex);
	return NULL;
}

/* False when it is still not done when the time is up. */
static bool wait_for(struct doctor *doctor, const struct run *run)
{
	int64_t left_ms = doctor->checkup.deadline_ms - sl_clock_monotonic_ms();
	struct timespec until = sl_cond_deadline(left_ms > 0 ? left_ms : 0);
	pthread_mutex_lock(&doctor->mutex);
	int timed_out = 0;
	while (!run->done && timed_out == 0) {
		timed_out = pthread_cond_timedwait(&doctor->changed, &doctor->mutex, &until);
	}
	bool done = run->done;
	pthread_mutex_unlock(&doctor->mutex);
	return done;
}

/* --- all of them ---------------------------------------------------------------------------- */

static void on_setting_problem(void *context, const struct sl_error *error)
{
	struct sl_findings *problems = context;
	sl_find(problems, SL_FOUND_FAIL,
		"`spotlist config --print` tells what each setting means; docs/operations.md", "%s",
		error->detail);
}

static void prepare(struct doctor *doctor, char **environ_)
{
	struct sl_checkup *checkup = &doctor->checkup;
	checkup->environ_ = environ_;
	checkup->topic_attributes = json_object();
	checkup->subscriptions = json_object();
	checkup->deadline_ms = sl_clock_monotonic_ms() + SL_DOCTOR_LIMIT_MS;
	sl_config_survey(sl_config_fields, "SPOTLIST_", environ_, &checkup->config,
		on_setting_problem, &checkup->setting_problems);
	SL_AUTO(sl_error_finish)
	struct sl_error cost = SL_ERROR_INIT;
	if (sl_config_read_cost(&checkup->config, &cost) != SL_ERR_OK) {
		on_setting_problem(&checkup->setting_problems, &cost);
	}
	sl_secrets_collect(&doctor->secrets, environ_, &checkup->config);
	if (sl_aws_create(&checkup->aws, &checkup->aws_error) != SL_ERR_OK) {
		checkup->aws = NULL;
	}
	pthread_mutex_init(&doctor->mutex, NULL);
	sl_cond_init(&doctor->changed);
}

static void start(struct doctor *doctor)
{
	for (size_t i = 0; i < SL_CHECK_COUNT_; i++) {
		struct run *run = &doctor->runs[i];
		run->doctor = doctor;
		run->check = &checks[i];
	}
	for (size_t i = 0; i < SL_CHECK_COUNT_; i++) {
		struct run *run = &doctor->runs[i];
		if (pthread_create(&run->thread, NULL, run_check, run) != 0) {
			SL_BUG("no thread for a check");
		}
	}
}

static void print_run(struct doctor *doctor, const struct run *run, bool done, bool json, FILE *out)
{
	SL_AUTO(sl_findings_finish)
	struct sl_findings late = {0};
	if (!done) {
		sl_find(&late, SL_FOUND_FAIL,
			"Look at what it asks: names (DNS), firewalls, proxies, the source of "
			"credentials",
			"not done within %d s: something that it asked does not answer",
			SL_DOCTOR_LIMIT_MS / 1000);
	}
	const struct sl_findings *findings = done ? &run->findings : &late;
	for (size_t i = 0; i < findings->count; i++) {
		sl_finding_print(
			&findings->items[i], run->check->name, &doctor->secrets, json, out);
	}
	fflush(out);
}

static void doctor_finish(struct doctor *doctor)
{
	struct sl_checkup *checkup = &doctor->checkup;
	for (size_t i = 0; i < SL_CHECK_COUNT_; i++) {
		pthread_join(doctor->runs[i].thread, NULL);
		sl_findings_finish(&doctor->runs[i].findings);
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkup->endpoints); i++) {
		sl_reach_finish(&checkup->endpoints[i]);
	}
	sl_sts_identity_finish(&checkup->identity);
	json_decref(checkup->topic_attributes);
	json_decref(checkup->subscriptions);
	sl_findings_finish(&checkup->setting_problems);
	sl_error_finish(&checkup->aws_error);
	sl_aws_destroy(checkup->aws);
	sl_config_release(&checkup->config);
	sl_secrets_finish(&doctor->secrets);
	pthread_cond_destroy(&doctor->changed);
	pthread_mutex_destroy(&doctor->mutex);
	free(doctor);
}

int sl_doctor(char **environ_, bool json, FILE *out)
{
	signal(SIGPIPE, SIG_IGN); /* of connections that are closed while we write */
	struct doctor *doctor = sl_calloc(1, sizeof(*doctor));
	prepare(doctor, environ_);
	start(doctor);
	bool all_done = true;
	bool failed = false;
	for (size_t i = 0; i < SL_CHECK_COUNT_; i++) {
		struct run *run = &doctor->runs[i];
		bool done = wait_for(doctor, run);
		print_run(doctor, run, done, json, out);
		all_done = all_done && done;
		failed = failed || !done || sl_findings_worst(&run->findings) == SL_FOUND_FAIL;
	}
	if (!all_done) {
		/* A thread that waits for a name server cannot be ended. */
		_exit(EXIT_FAILURE);
	}
	doctor_finish(doctor);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
