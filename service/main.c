/* SPDX-License-Identifier: Apache-2.0 */
/* spotlist: the table of subcommands. */

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "doctor.h"
#include "explain.h"
#include "fsm.h"
#include "health.h"
#include "log.h"
#include "mem.h"
#include "migrate.h"
#include "provision.h"
#include "rebuild.h"
#include "routes.h"
#include "serve.h"
#include "sns_verify.h"
#include "text.h"
#include "token_command.h"

extern char **environ;

/* What may follow a command's name. */
struct option {
	const char *name;
	const char *value; /* what follows it, as the usage says; NULL: nothing */
	bool required;
	bool repeated;
	size_t offset; /* in struct options: bool, or struct sl_json_strv where there is a value */
	const char *help;
};

/* Of all commands. */
struct options {
	bool mermaid; /* there is nothing else that this command can do */
	struct {
		bool print, explain, json;
	} config;
	struct sl_rebuild_options rebuild;
	struct sl_provision_options provision;
	struct sl_sns_verify_options sns_verify;
	int64_t problems; /* that rebuild found */
	bool ready;       /* of health */
	struct {
		bool json, actions;
	} doctor;
	struct sl_token_options token;
};

struct command {
	const char *name;
	int (*run)(struct options *options);
	const char *help;
	const struct option *options; /* up to one without a name; or NULL */
};

/* EX_CONFIG of sysexits.h: starting it again changes nothing, unlike after a 1. */
#define EXIT_CONFIG 78
#define EXIT_USAGE  2

static int fail(const struct sl_error *error)
{
	sl_log_error(SL_LOG_ERROR, "cannot go on", error, SL_F_END);
	return error->code == SL_ERR_CONFIG ? EXIT_CONFIG : EXIT_FAILURE;
}

typedef enum sl_err config_fn(
	const struct sl_config *config, struct options *options, struct sl_error *reterr);

/* Loads the configuration, runs `then` with it. */
static int with_config(config_fn *then, struct options *options)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_config_release)
	struct sl_config config = {0};
	enum sl_err err = sl_config_read(environ, &config, &error);
	if (err == SL_ERR_OK) {
		sl_log_set_level((enum sl_log_level)config.log_level);
		err = then(&config, options, &error);
	}
	return err == SL_ERR_OK ? 0 : fail(&error);
}

static enum sl_err serve(
	const struct sl_config *config, struct options *options, struct sl_error *reterr)
{
	(void)options;
	return sl_serve(config, reterr);
}

static int run_serve(struct options *options)
{
	/* Blocked before any thread starts, so that only sigwait() sees them. */
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of that write */
	return with_config(serve, options);
}

static void on_applied(void *context, const char *name)
{
	(void)context;
	sl_log(SL_LOG_INFO, "migration applied", SL_F("name", name), SL_F_END);
}

static enum sl_err migrate(
	const struct sl_config *config, struct options *options, struct sl_error *reterr)
{
	(void)options;
	return sl_migrate(config->database_url, on_applied, NULL, reterr);
}

static int run_migrate(struct options *options)
{
	return with_config(migrate, options);
}

/* What the command found goes to standard output; exits with 1 when that is anything. */
static enum sl_err rebuild(
	const struct sl_config *config, struct options *options, struct sl_error *reterr)
{
	return sl_rebuild(config, &options->rebuild, stdout, &options->problems, reterr);
}

static int run_rebuild(struct options *options)
{
	int status = with_config(rebuild, options);
	return status == 0 && options->problems > 0 ? EXIT_FAILURE : status;
}

static enum sl_err print_config(
	const struct sl_config *config, struct options *options, struct sl_error *reterr)
{
	(void)options;
	(void)reterr;
	sl_config_print(sl_config_fields, config, stdout);
	return SL_ERR_OK;
}

static int run_config(struct options *options)
{
	bool explain = options->config.explain;
	if (explain == options->config.print || (options->config.json && !explain)) {
		fprintf(stderr, "usage: spotlist config --print | --explain [--json]\n");
		return EXIT_USAGE;
	}
	return explain ? sl_explain(environ, options->config.json, stdout)
		       : with_config(print_config, options);
}

/* Says nothing when all is well: supervisors keep what health checks print. */
static int run_health(struct options *options)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_health(options->ready, &error) == SL_ERR_OK) {
		return 0;
	}
	sl_log_error(SL_LOG_ERROR, options->ready ? "not ready" : "not alive", &error, SL_F_END);
	return EXIT_FAILURE;
}

static int run_doctor(struct options *options)
{
	if (options->doctor.actions) {
		sl_doctor_print_actions(stdout);
		return 0;
	}
	return sl_doctor(environ, options->doctor.json, stdout);
}

static int run_provision(struct options *options)
{
	return sl_provision(&options->provision, stdout, stderr);
}

static int run_fsm(struct options *options)
{
	(void)options;
	sl_fsm_mermaid(stdout);
	return 0;
}

static int run_routes(struct options *options)
{
	(void)options;
	sl_routes_print(stdout);
	return 0;
}

static int run_sns_verify(struct options *options)
{
	return sl_sns_verify_command(&options->sns_verify);
}

static enum sl_err token_create(
	const struct sl_config *config, struct options *options, struct sl_error *reterr)
{
	return sl_token_create_command(config, &options->token, reterr);
}

static int run_token_create(struct options *options)
{
	return with_config(token_create, options);
}

static enum sl_err token_list(
	const struct sl_config *config, struct options *options, struct sl_error *reterr)
{
	return sl_token_list_command(config, &options->token, reterr);
}

static int run_token_list(struct options *options)
{
	return with_config(token_list, options);
}

static enum sl_err token_revoke(
	const struct sl_config *config, struct options *options, struct sl_error *reterr)
{
	return sl_token_revoke_command(config, &options->token, reterr);
}

static int run_token_revoke(struct options *options)
{
	return with_config(token_revoke, options);
}

static int run_version(struct options *options)
{
	(void)options;
	puts("spotlist " SL_VERSION);
	return 0;
}

/* clang-format off */
static const struct option config_options[] = {
	{"--print",   NULL, false, false, offsetof(struct options, config.print),
		"SPOTLIST_* as they are set, with what they are for"},
	{"--explain", NULL, false, false, offsetof(struct options, config.explain),
		"these and AWS's, and where each comes from; goes on after what is wrong"},
	{"--json",    NULL, false, false, offsetof(struct options, config.json),
		"with --explain: a JSON object a line: setting, value, from, problem"},
	{NULL},
};

static const struct option doctor_options[] = {
	{"--json",    NULL, false, false, offsetof(struct options, doctor.json),
		"a JSON object a line: check, status (ok, warn, fail, skip), found, remedy"},
	{"--actions", NULL, false, false, offsetof(struct options, doctor.actions),
		"only list what spotlist's role must be allowed, and on what"},
	{NULL},
};

static const struct option fsm_options[] = {
	{"--mermaid", NULL, true,  false, offsetof(struct options, mermaid), NULL},
	{NULL},
};

static const struct option health_options[] = {
	{"--ready",   NULL, false, false, offsetof(struct options, ready),
		"whether it can also use its database"},
	{NULL},
};

static const struct option provision_options[] = {
	{"--bucket",    "NAME", false, false, offsetof(struct options, provision.bucket),
		"the S3 bucket; by default SPOTLIST_BUCKET"},
	{"--table",     "NAME", false, false, offsetof(struct options, provision.table),
		"the DynamoDB table"},
	{"--endpoint",  "URL",  false, false, offsetof(struct options, provision.endpoint),
		"where SNS reaches spotlist, https://host/sns; subscribes, and waits until it confirms"},
	{"--replace",   NULL,   false, false, offsetof(struct options, provision.replace),
		"remove the topics' HTTP subscriptions to other endpoints"},
	{"--wait",      "SECONDS", false, false, offsetof(struct options, provision.wait_s),
		"for confirmations and for the table; 60"},
	{"--parameter", "NAME=VALUE", false, true, offsetof(struct options, provision.parameters),
		"another parameter of the template; may be repeated"},
	{"--dry-run",   NULL,   false, false, offsetof(struct options, provision.dry_run),
		"change nothing, tell what would be changed"},
	{"--template",  NULL,   false, false, offsetof(struct options, provision.print_template),
		"print the CloudFormation template, and do nothing"},
	{NULL},
};

static const struct option rebuild_options[] = {
	{"--check",   NULL, false, false, offsetof(struct options, rebuild.check),
		"change nothing; tell every difference between the two, and exit with 1 if there is any"},
	{"--missing", NULL, false, false, offsetof(struct options, rebuild.missing),
		"only videos that PostgreSQL does not have: go on where an earlier run was stopped"},
	{"--video",   "ID", false, true,  offsetof(struct options, rebuild.videos),
		"only this video; may be repeated"},
	{NULL},
};

static const struct option sns_verify_options[] = {
	{"--topic-arn", "ARN", false, true, offsetof(struct options, sns_verify.topic_arns),
		"a topic that is allowed; may be repeated"},
	{"--cert", "FILE", false, false, offsetof(struct options, sns_verify.cert),
		"PEM of the signing certificate, its issuers after it if they are no roots, instead of\n"
		"      fetching it: the URL's rules, name, chain and validity are checked all the same,\n"
		"      but not that SNS serves this certificate at that URL, nor over TLS"},
	{"--at", "TIME", false, false, offsetof(struct options, sns_verify.at),
		"judge the certificate's validity and the message's age as of this time (RFC 3339)"},
	{"--max-age", "SECONDS", false, false, offsetof(struct options, sns_verify.max_age),
		"how far from that time a message may be (3900)"},
	{NULL},
};

static const struct option token_create_options[] = {
	{"--scope",   "SCOPE", false, false, offsetof(struct options, token.scope),
		"read; submit: that too; or admin: all"},
	{"--name",    "NAME", false, false, offsetof(struct options, token.name),
		"what lists and logs call it"},
	{"--expires", "TIME", false, false, offsetof(struct options, token.expires),
		"90d, 12h, 2027-01-31T00:00:00Z; never, which is the default"},
	{"--rate",    "N", false, false, offsetof(struct options, token.rate),
		"requests a second; 0: no limit; by default SPOTLIST_TOKEN_RATE"},
	{NULL},
};

static const struct option token_list_options[] = {
	{"--all",     NULL, false, false, offsetof(struct options, token.all),
		"revoked ones too"},
	{"--json",    NULL, false, false, offsetof(struct options, token.json),
		"a JSON object a line"},
	{NULL},
};

static const struct option token_revoke_options[] = {
	{"--id",      "ID", false, false, offsetof(struct options, token.id), "the token's id"},
	{"--name",    "NAME", false, false, offsetof(struct options, token.name), "or its name"},
	{NULL},
};

static const struct command commands[] = {
	{"serve",   run_serve,   "run the HTTP service and its workers until SIGTERM", NULL},
	{"migrate", run_migrate, "bring the database schema up to date", NULL},
	{"provision", run_provision, "make or repair in AWS what spotlist needs, and print its settings", provision_options},
	{"rebuild", run_rebuild, "make PostgreSQL's mirror of finished videos out of DynamoDB", rebuild_options},
	{"doctor",  run_doctor,  "look at all that spotlist needs; say what is wrong and what to do", doctor_options},
	{"health",  run_health,  "tell by the exit status whether this machine's `serve` lives", health_options},
	{"config",  run_config,  "show every setting and where it stands", config_options},
	{"fsm",     run_fsm,     "draw the states of videos and analyses", fsm_options},
	{"routes",  run_routes,  "list the operations of the API", NULL},
	{"sns verify", run_sns_verify, "tell whether the SNS message on standard input is to be believed, and why", sns_verify_options},
	{"token create", run_token_create, "make an access token and print it", token_create_options},
	{"token list", run_token_list, "list the access tokens, without what they are", token_list_options},
	{"token revoke", run_token_revoke, "revoke an access token; every process hears of it", token_revoke_options},
	{"version", run_version, "tell the version", NULL},
};
/* clang-format on */

static void print_usage_of(FILE *out, const struct option *option)
{
	const char *space = option->value != NULL ? " " : "";
	const char *value = option->value != NULL ? option->value : "";
	if (option->help != NULL) {
		fprintf(out, "    %s%s%s: %s\n", option->name, space, value, option->help);
	}
}

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: spotlist COMMAND\n\n");
	for (size_t i = 0; i < SL_ARRAY_SIZE(commands); i++) {
		const struct option *option = commands[i].options;
		bool must = option != NULL && option->required;
		fprintf(out, "  %-9s %-10s %s\n", commands[i].name, must ? option->name : "",
			commands[i].help);
		for (; option != NULL && option->name != NULL; option++) {
			print_usage_of(out, option);
		}
	}
	fprintf(out,
		"\nSettings come from the environment: SPOTLIST_* (see config --print) and "
		"AWS_*.\n");
	return status;
}

static const struct option *find_option(const struct command *command, const char *name)
{
	const struct option *option = command->options;
	while (option != NULL && option->name != NULL && strcmp(option->name, name) != 0) {
		option++;
	}
	return option != NULL && option->name != NULL ? option : NULL;
}

/* Takes an option and its value, if it has one; false when something is wrong with them. */
static bool take_option(const struct option *option, char ***argv, struct options *ret)
{
	char *target = (char *)ret + option->offset;
	if (option->value == NULL) {
		bool again = *(bool *)target;
		*(bool *)target = true;
		return !again;
	}
	struct sl_json_strv *list = (struct sl_json_strv *)(void *)target;
	const char *value = *++*argv;
	if (value == NULL || (list->count > 0 && !option->repeated)) {
		return false;
	}
	list->items = sl_reallocarray(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = value;
	return true;
}

/* Everything behind the command's name. */
static bool take_options(const struct command *command, char **argv, struct options *ret)
{
	for (; *argv != NULL; argv++) {
		const struct option *option = find_option(command, *argv);
		if (option == NULL || !take_option(option, &argv, ret)) {
			return false;
		}
	}
	const struct option *option = command->options;
	for (; option != NULL && option->name != NULL; option++) {
		if (option->required && !*((const bool *)((const char *)ret + option->offset))) {
			return false;
		}
	}
	return true;
}

static void options_finish(struct options *options)
{
	free(options->rebuild.videos.items);
	sl_provision_options_finish(&options->provision);
	sl_sns_verify_options_finish(&options->sns_verify);
	sl_token_options_finish(&options->token);
}

/* How many arguments a command's name takes, which may be two words; 0: it is another's. */
static int match_name(const char *name, char **argv)
{
	const char *space = strchr(name, ' ');
	size_t len = space != NULL ? (size_t)(space - name) : strlen(name);
	if (strlen(argv[1]) != len || strncmp(argv[1], name, len) != 0) {
		return 0;
	}
	if (space == NULL) {
		return 1;
	}
	return argv[2] != NULL && strcmp(argv[2], space + 1) == 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		return usage(argc < 2 ? stderr : stdout, argc < 2 ? 2 : 0);
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		int words = match_name(command->name, argv);
		if (words == 0) {
			continue;
		}
		SL_AUTO(options_finish)
		struct options options = {0};
		if (!take_options(command, argv + 1 + words, &options)) {
			return usage(stderr, 2);
		}
		curl_global_init(CURL_GLOBAL_DEFAULT);
		int status = command->run(&options);
		curl_global_cleanup();
		return status;
	}
	fprintf(stderr, "spotlist: there is no command \"%s\"\n", argv[1]);
	return usage(stderr, 2);
}
