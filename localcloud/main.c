/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localcloud: a stand-in for the AWS services that spotlist uses, on one machine. Reads the
 * options, starts the services and the HTTP server, and waits for SIGTERM or SIGINT.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud.h"
#include "faults.h"
#include "http.h"
#include "probe.h"
#include "replay.h"
#include "run.h"
#include "services.h"
#include "text.h"

#define EXIT_USAGE 2

static const char usage[] =
	"Usage: localcloud --data DIR [OPTION]...\n"
	"A stand-in for the AWS services that spotlist uses: S3, SNS, EventBridge, STS, DynamoDB,\n"
	"MediaConvert, Rekognition, Transcribe. Requests must be signed, as on AWS.\n"
	"\n"
	"  --data DIR            keep everything below DIR, made when missing; DIR/ca.pem is the\n"
	"                        CA certificate behind its SNS signatures (use as AWS_CA_BUNDLE)\n"
	"  --listen HOST:PORT    address to serve on, port 0 for any free one [127.0.0.1:4566]\n"
	"  --public-url URL      how others reach it, when that is not the listen address\n"
	"  --region NAME         the region it plays [us-east-1]\n"
	"  --gallery DIR         pictures of named people, for RecognizeCelebrities\n"
	"  --replay DIR          given answers for objects that name them: docs/localcloud.md\n"
	"  --access-key KEY      the access key it accepts [test]\n"
	"  --secret-key KEY      and its secret [test]\n"
	"  --label-threshold N   confidence (0-100) below which detections are not reported [80]\n"
	"  --session-seconds N   temporary keys live so long, whatever is asked; for tests of "
	"expiry\n"
	"  --verbose             log every request\n"
	"  --health HOST:PORT    start nothing; exit with 0 if the one that serves there is ready\n"
	"  --help                this text\n"
	"  --version             the version\n"
	"\n"
	"When every service is ready it prints `localcloud ready http://HOST:PORT` on stdout.\n"
	"SIGTERM or SIGINT stops it; jobs under way are resumed at the next start.\n";

enum setting {
	OPTION_DATA = 1,
	OPTION_LISTEN,
	OPTION_PUBLIC_URL,
	OPTION_REGION,
	OPTION_GALLERY,
	OPTION_REPLAY,
	OPTION_ACCESS_KEY,
	OPTION_SECRET_KEY,
	OPTION_LABEL_THRESHOLD,
	OPTION_SESSION_SECONDS,
	OPTION_VERBOSE,
	OPTION_HEALTH,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option options[] = {
	{"data", required_argument, NULL, OPTION_DATA},
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"public-url", required_argument, NULL, OPTION_PUBLIC_URL},
	{"region", required_argument, NULL, OPTION_REGION},
	{"gallery", required_argument, NULL, OPTION_GALLERY},
	{"replay", required_argument, NULL, OPTION_REPLAY},
	{"access-key", required_argument, NULL, OPTION_ACCESS_KEY},
	{"secret-key", required_argument, NULL, OPTION_SECRET_KEY},
	{"label-threshold", required_argument, NULL, OPTION_LABEL_THRESHOLD},
	{"session-seconds", required_argument, NULL, OPTION_SESSION_SECONDS},
	{"verbose", no_argument, NULL, OPTION_VERBOSE},
	{"health", required_argument, NULL, OPTION_HEALTH},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

struct settings {
	const char *data, *listen, *public_url, *region, *gallery, *replay, *access_key,
		*secret_key;
	double label_threshold;
	int64_t session_seconds;
	bool verbose;
};

SL_NORETURN static void fail_usage(const char *what, const char *value)
{
	(void)fprintf(stderr, "localcloud: %s%s%s\nTry `localcloud --help`.\n", what,
		value ? ": " : "", value ? value : "");
	exit(EXIT_USAGE);
}

static double parse_percentage(const char *text)
{
	char *end;
	errno = 0;
	double value = strtod(text, &end);
	if (errno || end == text || *end || !(value >= 0 && value <= 100)) {
		fail_usage("--label-threshold must be a number from 0 to 100", text);
	}
	return value;
}

#define HEALTH_TIMEOUT_MS 4000

/* For supervisors that run a command, and images without curl. */
SL_NORETURN static void tell_health(const char *address)
{
	struct sl_error error = SL_ERROR_INIT;
	if (sl_probe(address, "/_localcloud/health", HEALTH_TIMEOUT_MS, &error) == SL_ERR_OK) {
		exit(EXIT_SUCCESS);
	}
	sl_log_error(SL_LOG_ERROR, "not ready", &error, SL_F_END);
	sl_error_finish(&error);
	exit(EXIT_FAILURE);
}

static void apply_option(struct settings *settings, int option)
{
	switch (option) {
	case OPTION_DATA:
		settings->data = optarg;
		break;
	case OPTION_LISTEN:
		settings->listen = optarg;
		break;
	case OPTION_PUBLIC_URL:
		settings->public_url = optarg;
		break;
	case OPTION_REGION:
		settings->region = optarg;
		break;
	case OPTION_GALLERY:
		settings->gallery = optarg;
		break;
	case OPTION_REPLAY:
		settings->replay = optarg;
		break;
	case OPTION_ACCESS_KEY:
		settings->access_key = optarg;
		break;
	case OPTION_SECRET_KEY:
		settings->secret_key = optarg;
		break;
	case OPTION_LABEL_THRESHOLD:
		settings->label_threshold = parse_percentage(optarg);
		break;
	case OPTION_SESSION_SECONDS:
		if (!sl_text_parse_i64(optarg, 1, 43200, &settings->session_seconds)) {
			fail_usage("--session-seconds must be a number from 1 to 43200", optarg);
		}
		break;
	case OPTION_VERBOSE:
		settings->verbose = true;
		break;
	case OPTION_HEALTH:
		tell_health(optarg);
	case OPTION_HELP:
		(void)fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	case OPTION_VERSION:
		(void)puts("localcloud " SL_VERSION);
		exit(EXIT_SUCCESS);
	default: /* getopt_long has said what */
		(void)fputs("Try `localcloud --help`.\n", stderr);
		exit(EXIT_USAGE);
	}
}

static struct settings read_options(int argc, char **argv)
{
	struct settings settings = {
		.listen = "127.0.0.1:4566",
		.region = "us-east-1",
		.access_key = "test",
		.secret_key = "test",
		.label_threshold = 80,
	};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		apply_option(&settings, option);
	}
	if (optind < argc) {
		fail_usage("unexpected argument", argv[optind]);
	}
	if (!settings.data) {
		fail_usage("--data DIR is required", NULL);
	}
	return settings;
}

/* --- the data directory -------------------------------------------------------------------- */

SL_NORETURN static void fail_path(const char *what, const char *path)
{
	sl_log(SL_LOG_ERROR, what, SL_F("path", path), SL_F("reason", strerror(errno)), SL_F_END);
	exit(EXIT_FAILURE);
}

static void make_directory(const char *path)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		fail_path("cannot make a directory", path);
	}
}

static char *absolute(const char *path)
{
	char *real = realpath(path, NULL);
	if (!real) {
		fail_path("cannot find a directory", path);
	}
	return real;
}

/* Two of us in one directory would corrupt each other's work; the lock lives as long as we do. */
static void lock_directory(const char *data_dir)
{
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("%s/lock", data_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail_path("cannot open the lock file", path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		fail_path("the data directory is in use by another localcloud", data_dir);
	}
}

static char *prepare_data(const char *data)
{
	make_directory(data);
	char *data_dir = absolute(data);
	lock_directory(data_dir);
	/* What a killed process left there belongs to nobody. */
	char *tmp = sl_asprintf("%s/tmp", data_dir);
	lc_tmp_remove(tmp);
	SL_AUTO(sl_freep)
	char *again = sl_asprintf("%s/tmp", data_dir);
	make_directory(again);
	return data_dir;
}

static void cloud_init(struct lc_cloud *cloud, const struct settings *settings, const char *address)
{
	*cloud = (struct lc_cloud){
		.data_dir = prepare_data(settings->data),
		.region = sl_strdup(settings->region),
		.access_key = sl_strdup(settings->access_key),
		.secret_key = sl_strdup(settings->secret_key),
		.base_url = settings->public_url ? sl_strdup(settings->public_url)
						 : sl_asprintf("http://%s", address),
		.gallery_dir = settings->gallery ? absolute(settings->gallery) : NULL,
		.replay_dir = settings->replay ? absolute(settings->replay) : NULL,
		.label_threshold = settings->label_threshold,
		.session_seconds = settings->session_seconds,
		.verbose = settings->verbose,
	};
}

static void cloud_finish(struct lc_cloud *cloud)
{
	free(cloud->data_dir);
	free(cloud->region);
	free(cloud->access_key);
	free(cloud->secret_key);
	free(cloud->base_url);
	free(cloud->gallery_dir);
	free(cloud->replay_dir);
}

/* --- running ------------------------------------------------------------------------------- */

/* Before any thread starts, so that all inherit the mask and only wait_for_stop() sees them. */
static sigset_t block_signals(void)
{
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	return stop;
}

static void wait_for_stop(const sigset_t *stop)
{
	int number = 0;
	while (sigwait(stop, &number) != 0) {
	}
	sl_log(SL_LOG_INFO, "stopping", SL_F("signal", strsignal(number)), SL_F_END);
}

static int serve(struct lc_cloud *cloud, int socket_fd, const char *address, const sigset_t *stop)
{
	lc_replay_start(cloud->replay_dir);
	lc_services_start(cloud);
	struct lc_http *http = lc_http_start(cloud, socket_fd);
	if (!http) {
		return EXIT_FAILURE;
	}
	(void)printf("localcloud ready http://%s\n", address);
	(void)fflush(stdout);

	wait_for_stop(stop);
	lc_http_quiesce(http);
	lc_run_stop();
	lc_http_stop(http);
	lc_services_stop();
	lc_replay_stop();
	lc_faults_stop();
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct settings settings = read_options(argc, argv);
	sigset_t stop = block_signals();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		sl_log(SL_LOG_ERROR, "libcurl cannot be initialised", SL_F_END);
		return EXIT_FAILURE;
	}
	SL_AUTO(sl_freep)
	char *address = NULL;
	int socket_fd = lc_http_listen(settings.listen, &address);
	if (socket_fd < 0) {
		return EXIT_FAILURE;
	}
	struct lc_cloud cloud;
	cloud_init(&cloud, &settings, address);
	int status = serve(&cloud, socket_fd, address, &stop);
	cloud_finish(&cloud);
	curl_global_cleanup();
	return status;
}
