/* SPDX-License-Identifier: Apache-2.0 */
/* spotlist: the table of subcommands. */

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "fsm.h"
#include "log.h"
#include "migrate.h"
#include "routes.h"
#include "serve.h"
#include "text.h"

extern char **environ;

struct command {
	const char *name;
	const char *option; /* the one option that it must have, or NULL */
	int (*run)(void);
	const char *help;
};

/* EX_CONFIG of sysexits.h: starting it again changes nothing, unlike after a 1. */
#define EXIT_CONFIG 78

static int fail(const struct sl_error *error)
{
	sl_log_error(SL_LOG_ERROR, "cannot go on", error, SL_F_END);
	return error->code == SL_ERR_CONFIG ? EXIT_CONFIG : EXIT_FAILURE;
}

/* Loads the configuration, runs `then` with it. */
static int with_config(enum sl_err (*then)(const struct sl_config *config, struct sl_error *reterr))
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_config_release)
	struct sl_config config = {0};
	enum sl_err err = sl_config_read(environ, &config, &error);
	if (err == SL_ERR_OK) {
		sl_log_set_level((enum sl_log_level)config.log_level);
		err = then(&config, &error);
	}
	return err == SL_ERR_OK ? 0 : fail(&error);
}

static int run_serve(void)
{
	/* Blocked before any thread starts, so that only sigwait() sees them. */
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of that write */
	return with_config(sl_serve);
}

static void on_applied(void *context, const char *name)
{
	(void)context;
	sl_log(SL_LOG_INFO, "migration applied", SL_F("name", name), SL_F_END);
}

static enum sl_err migrate(const struct sl_config *config, struct sl_error *reterr)
{
	return sl_migrate(config->database_url, on_applied, NULL, reterr);
}

static int run_migrate(void)
{
	return with_config(migrate);
}

static enum sl_err print_config(const struct sl_config *config, struct sl_error *reterr)
{
	(void)reterr;
	sl_config_print(sl_config_fields, config, stdout);
	return SL_ERR_OK;
}

static int run_config(void)
{
	return with_config(print_config);
}

static int run_fsm(void)
{
	sl_fsm_mermaid(stdout);
	return 0;
}

static int run_routes(void)
{
	sl_routes_print(stdout);
	return 0;
}

static int run_version(void)
{
	puts("spotlist " SL_VERSION);
	return 0;
}

static const struct command commands[] = {
	{"serve", NULL, run_serve, "run the HTTP service and its workers until SIGTERM"},
	{"migrate", NULL, run_migrate, "bring the database schema up to date"},
	{"config", "--print", run_config, "show every setting and where it stands"},
	{"fsm", "--mermaid", run_fsm, "draw the states of videos and analyses"},
	{"routes", NULL, run_routes, "list the operations of the API"},
	{"version", NULL, run_version, "tell the version"},
};

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: spotlist COMMAND\n\n");
	for (size_t i = 0; i < SL_ARRAY_SIZE(commands); i++) {
		fprintf(out, "  %-7s %-10s %s\n", commands[i].name,
			commands[i].option != NULL ? commands[i].option : "", commands[i].help);
	}
	fprintf(out,
		"\nSettings come from the environment: SPOTLIST_* (see config --print) and "
		"AWS_*.\n");
	return status;
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		return usage(argc < 2 ? stderr : stdout, argc < 2 ? 2 : 0);
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		int expected = command->option != NULL ? 3 : 2;
		if (strcmp(argv[1], command->name) != 0) {
			continue;
		}
		if (argc != expected ||
			(command->option != NULL && strcmp(argv[2], command->option) != 0)) {
			return usage(stderr, 2);
		}
		curl_global_init(CURL_GLOBAL_DEFAULT);
		int status = command->run();
		curl_global_cleanup();
		return status;
	}
	fprintf(stderr, "spotlist: there is no command \"%s\"\n", argv[1]);
	return usage(stderr, 2);
}
