/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the server. Started bottom-up; stopped: quiesce, let open requests and steps end,
 * stop the daemons, join the workers, close PostgreSQL. Main thread.
 */

#include "serve.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "app.h"
#include "authorize.h"
#include "clock.h"
#include "cors.h"
#include "descriptors.h"
#include "document_cache.h"
#include "gauges.h"
#include "log.h"
#include "mem.h"
#include "prices.h"
#include "probe.h"
#include "routes.h"
#include "server.h"
#include "supervisor.h"
#include "webhook_sender.h"
#include "worker.h"

struct process {
	const struct sl_config *config;
	unsigned connections; /* of HTTP that there may be */
	struct sl_app app;
	struct sl_workers *workers;
	struct sl_webhook_sender *callbacks;
	struct sl_server *server;
	struct sl_server *admin;
	struct sl_cors *cors;
};

static enum sl_err check_exposure(const struct sl_config *config, struct sl_error *reterr)
{
	if (config->auth == SL_CONFIG_AUTH_OFF && !sl_config_is_loopback(config->listen)) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"SPOTLIST_AUTH=off lets everybody in who reaches SPOTLIST_LISTEN=%s, which "
			"is not a loopback address; leave it at tokens (docs/access.md)",
			config->listen);
	}
	return SL_ERR_OK;
}

static enum sl_err start_access(struct process *process, struct sl_error *reterr)
{
	const struct sl_config *config = process->config;
	struct sl_app *app = &process->app;
	enum sl_err err = sl_cors_create("SPOTLIST_CORS_ORIGINS",
		(const char *const *)config->cors_origins.items, config->cors_origins.count,
		&process->cors, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (config->auth == SL_CONFIG_AUTH_OFF) {
		sl_log(SL_LOG_INFO, "no tokens are asked for", SL_F("listen", config->listen),
			SL_F_END);
		return SL_ERR_OK;
	}
	const struct sl_access_options options = {
		.pool = app->pool,
		.recheck_ms = config->auth_recheck_ms,
		.grace_ms = config->auth_grace_s * 1000,
		.rate = (double)config->token_rate,
	};
	app->access = sl_access_create(&options);
	return sl_access_listen(app->access, config->database_url, reterr);
}

static enum sl_err start_app(struct process *process, struct sl_error *reterr)
{
	const struct sl_config *config = process->config;
	struct sl_app *app = &process->app;
	process->connections = sl_descriptors_reserve(config);
	app->config = config;
	enum sl_err err = sl_aws_create(&app->aws, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	sl_prices_choose(config->prices, sl_aws_region(app->aws));
	app->pool = sl_pg_pool_create(
		config->database_url, "spotlist http", (unsigned)config->http_threads + 1);
	err = sl_pg_pool_watch(app->pool, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_sns_verifier_options options = {
		.topic_arns = (const char *const *)config->sns_topic_arns.items,
		.topic_count = config->sns_topic_arns.count,
		.max_age_ms = config->sns_max_age_s * 1000,
	};
	app->verifier = sl_sns_verifier_create(app->aws, &options);
	app->documents = sl_document_cache_create((size_t)config->cache_mb << 20);
	app->gauges = sl_gauges_create(app);
	app->preflight = sl_s3_preflight_create(app->aws, config->preflight_timeout_ms);
	err = start_access(process, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	err = sl_workers_create(config, app->aws, &process->workers, reterr);
	if (err == SL_ERR_OK) {
		err = sl_webhook_sender_create(config, &process->callbacks, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_document_cache_listen(app->documents, config->database_url, reterr);
	}
	return err;
}

static enum sl_err start_servers(struct process *process, struct sl_error *reterr)
{
	const struct sl_config *config = process->config;
	const struct sl_server_options options = {
		.name = "api",
		.listen = config->listen,
		.routes = sl_routes,
		.route_count = sl_route_count,
		.threads = (unsigned)config->http_threads,
		.connection_limit = process->connections,
		.timeout_s = (unsigned)config->http_timeout_s,
		.app = &process->app,
		.cors = process->cors,
		.authorize = sl_authorize,
	};
	const struct sl_server_options admin = {
		.name = "admin",
		.listen = config->admin_listen,
		.routes = sl_admin_routes,
		.route_count = sl_admin_route_count,
		.threads = 1,
		.connection_limit = 64,
		.timeout_s = (unsigned)config->http_timeout_s,
		.app = &process->app,
	};
	enum sl_err err = sl_server_create(&admin, &process->admin, reterr);
	if (err == SL_ERR_OK) {
		err = sl_server_create(&options, &process->server, reterr);
	}
	return err;
}

/* "127.0.0.1:0" with the port that was really taken. The caller frees it. */
static char *taken_address(const char *configured, const struct sl_server *server)
{
	const char *colon = strrchr(configured, ':');
	int host = colon != NULL ? (int)(colon - configured) : 0;
	return sl_asprintf("%.*s:%u", host, configured, sl_server_port(server));
}

/* Whoever supervises us learns that we live from the answer that others get, so that a process
 * whose threads hang is restarted although this one is well. */
static void heartbeat(const char *admin, int64_t timeout_ms)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_probe(admin, "/healthz", timeout_ms, &error) == SL_ERR_OK) {
		sl_supervisor_tell("WATCHDOG=1");
	} else {
		sl_log_error(SL_LOG_WARN, "no answer to our own health check", &error, SL_F_END);
	}
}

static int next_signal(const sigset_t *stop, const char *admin)
{
	int64_t beat_ms = sl_supervisor_watchdog_ms() / 3;
	int signal_number = 0;
	if (beat_ms == 0) {
		sigwait(stop, &signal_number);
		return signal_number;
	}
	const struct timespec beat = {
		.tv_sec = beat_ms / 1000, .tv_nsec = beat_ms % 1000 * 1000000};
	while ((signal_number = sigtimedwait(stop, NULL, &beat)) < 0) {
		heartbeat(admin, beat_ms);
	}
	return signal_number;
}

static void serve_until_signal(const struct process *process)
{
	SL_AUTO(sl_freep)
	char *address = taken_address(process->config->listen, process->server);
	SL_AUTO(sl_freep)
	char *admin = taken_address(process->config->admin_listen, process->admin);
	sl_log(SL_LOG_INFO, "listening", SL_F("address", address), SL_F("admin", admin),
		SL_F("version", SL_VERSION), SL_F_END);
	sl_supervisor_tell("READY=1");
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	int signal_number = next_signal(&stop, admin);
	sl_supervisor_tell("STOPPING=1");
	sl_log(SL_LOG_INFO, "stopping", SL_F("signal", strsignal(signal_number)), SL_F_END);
}

/* What a stop may take beyond SPOTLIST_SHUTDOWN_S: AWS calls are cut off at once, a statement that
 * PostgreSQL does not answer is not. */
#define STOP_MARGIN_S 10

static void write_line(const char *line)
{
	/* Nothing can be done about a failure: the process is at its end. */
	if (write(STDERR_FILENO, line, strlen(line)) < 0) {
		return;
	}
}

static void on_impatience(int signal_number)
{
	write_line("level=warn msg=\"asked again to stop: ending at once\"\n");
	raise(signal_number);       /* SA_RESETHAND: the default ends the process… */
	_exit(128 + signal_number); /* …unless it is the first of a container, which has none */
}

static void on_alarm(int signal_number)
{
	(void)signal_number;
	write_line("level=error msg=\"did not stop in time: ending at once\"\n");
	_exit(EXIT_FAILURE);
}

/* Whatever hangs, the process ends: a step that it held is taken over when its lease is. */
static void bound_the_stop(int64_t shutdown_s)
{
	struct sigaction impatient = {
		.sa_handler = on_impatience, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	struct sigaction late = {.sa_handler = on_alarm};
	sigaction(SIGTERM, &impatient, NULL);
	sigaction(SIGINT, &impatient, NULL);
	sigaction(SIGALRM, &late, NULL);
	alarm((unsigned)(shutdown_s + STOP_MARGIN_S));
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
}

static void stop(struct process *process)
{
	bound_the_stop(process->config->shutdown_s);
	int64_t grace_ms = process->config->shutdown_s * 1000;
	int64_t deadline = sl_clock_monotonic_ms() + grace_ms;
	if (process->server != NULL) {
		sl_server_quiesce(process->server);
	}
	/* Ends what is suspended: those requests are answered 503 and resumed. */
	if (process->app.preflight != NULL) {
		sl_s3_preflight_stop(process->app.preflight);
	}
	if (process->server != NULL && !sl_server_drain(process->server, grace_ms)) {
		sl_log(SL_LOG_WARN, "requests still open", SL_F_END);
	}
	sl_server_destroy(process->server);
	if (process->app.gauges != NULL) {
		sl_gauges_stop(process->app.gauges); /* what it was asked is suspended */
	}
	sl_server_destroy(process->admin);
	sl_gauges_destroy(process->app.gauges);
	int64_t left = deadline - sl_clock_monotonic_ms();
	sl_workers_destroy(process->workers, left > 0 ? left : 0);
	left = deadline - sl_clock_monotonic_ms();
	sl_webhook_sender_destroy(process->callbacks, left > 0 ? left : 0);
	sl_s3_preflight_destroy(process->app.preflight);
	sl_sns_verifier_destroy(process->app.verifier);
	sl_document_cache_destroy(process->app.documents);
	sl_access_destroy(process->app.access);
	sl_cors_destroy(process->cors);
	sl_pg_pool_destroy(process->app.pool);
	sl_aws_destroy(process->app.aws);
}

enum sl_err sl_serve(const struct sl_config *config, struct sl_error *reterr)
{
	struct process process = {.config = config};
	enum sl_err err = check_exposure(config, reterr);
	if (err == SL_ERR_OK) {
		err = start_app(&process, reterr);
	}
	if (err == SL_ERR_OK) {
		err = start_servers(&process, reterr);
	}
	if (err == SL_ERR_OK) {
		serve_until_signal(&process);
	}
	stop(&process);
	if (err == SL_ERR_OK) {
		sl_log(SL_LOG_INFO, "stopped", SL_F_END);
	}
	return err;
}
