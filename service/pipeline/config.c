/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of settings. Read in main before threads start. */

#include "config.h"

#include <stddef.h>

#include "prices.h"
#include "text.h"

static const char *const auth_modes[] = {"tokens", "off", NULL}; /* enum sl_config_auth */
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};

/* clang-format off */
#define STR(name_, member_, fallback_, flags_, help_) \
	{.name = (name_), .kind = SL_CONFIG_STR, .offset = offsetof(struct sl_config, member_), \
	 .fallback = (fallback_), .flags = (flags_), .help = (help_)}
#define INT(name_, member_, fallback_, min_, max_, help_) \
	{.name = (name_), .kind = SL_CONFIG_INT, .offset = offsetof(struct sl_config, member_), \
	 .fallback = (fallback_), .min = (min_), .max = (max_), .help = (help_)}

const struct sl_config_field sl_config_fields[] = {
	STR("SPOTLIST_LISTEN", listen, "127.0.0.1:8080", SL_CONFIG_PLAIN,
		"Address of the API; port 0 takes any free one."),
	STR("SPOTLIST_ADMIN_LISTEN", admin_listen, "127.0.0.1:8081", SL_CONFIG_PLAIN,
		"Address of /healthz, /readyz and /metrics, on a thread of their own."),
	{.name = "SPOTLIST_AUTH", .kind = SL_CONFIG_ENUM,
	 .offset = offsetof(struct sl_config, auth), .fallback = "tokens", .names = auth_modes,
	 .help = "tokens: every request needs one (docs/access.md); off: none, on loopback only."},
	INT("SPOTLIST_AUTH_RECHECK_MS", auth_recheck_ms, "5000", 0, 60000,
		"Milliseconds after which a known token is asked for again; revoking one notifies at once."),
	INT("SPOTLIST_AUTH_GRACE_S", auth_grace_s, "900", 0, 86400,
		"Seconds that known tokens stay good while PostgreSQL is away."),
	INT("SPOTLIST_TOKEN_RATE", token_rate, "100", 0, 1000000,
		"Requests a second, over all processes, of a token without a rate of its own; 0: no limit."),
	{.name = "SPOTLIST_CORS_ORIGINS", .kind = SL_CONFIG_LIST,
	 .offset = offsetof(struct sl_config, cors_origins), .fallback = "",
	 .help = "Origins whose pages may call the API (https://app.example.com), comma-separated, or *."},
	STR("SPOTLIST_DATABASE_URL", database_url, NULL, SL_CONFIG_SECRET | SL_CONFIG_REQUIRED,
		"PostgreSQL connection string or URI (libpq)."),
	STR("SPOTLIST_BUCKET", bucket, NULL, SL_CONFIG_REQUIRED,
		"S3 bucket for uploads and everything that spotlist makes."),
	STR("SPOTLIST_TABLE", table, "rekognition-thumbs", SL_CONFIG_PLAIN,
		"DynamoDB table of the results; partition key fileName (S)."),
	STR("SPOTLIST_MEDIACONVERT_ROLE_ARN", mediaconvert_role_arn, NULL, SL_CONFIG_REQUIRED,
		"IAM role that MediaConvert takes to read and write the bucket."),
	STR("SPOTLIST_MEDIACONVERT_QUEUE", mediaconvert_queue, "Default", SL_CONFIG_PLAIN,
		"MediaConvert queue, name or ARN."),
	STR("SPOTLIST_REKOGNITION_TOPIC_ARN", rekognition_topic_arn, NULL, SL_CONFIG_PLAIN,
		"SNS topic for Rekognition's NotificationChannel; empty: jobs are only polled."),
	STR("SPOTLIST_REKOGNITION_ROLE_ARN", rekognition_role_arn, NULL, SL_CONFIG_PLAIN,
		"IAM role that Rekognition takes to publish to that topic."),
	{.name = "SPOTLIST_SNS_TOPIC_ARNS", .kind = SL_CONFIG_LIST,
	 .offset = offsetof(struct sl_config, sns_topic_arns), .fallback = "",
	 .help = "Topics whose messages POST /sns accepts, comma-separated; all others are refused."},
	INT("SPOTLIST_SNS_MAX_AGE_S", sns_max_age_s, "3900", 60, 604800,
		"Seconds after which a signed SNS message is refused as a replay."),
	INT("SPOTLIST_WORKERS", workers, "8", 1, 256, "Threads that do the steps of videos."),
	INT("SPOTLIST_HTTP_THREADS", http_threads, "16", 1, 256, "Threads that answer the API."),
	INT("SPOTLIST_CACHE_MB", cache_mb, "32", 0, 65536,
		"Megabytes of finished metadata documents kept at hand; 0: none."),
	INT("SPOTLIST_CONNECTIONS", connections, "1024", 16, 65536, "Open HTTP connections at most."),
	INT("SPOTLIST_HTTP_TIMEOUT_S", http_timeout_s, "30", 1, 3600,
		"Seconds after which an idle or slow HTTP connection is closed."),
	INT("SPOTLIST_PREFLIGHT_TIMEOUT_MS", preflight_timeout_ms, "5000", 100, 60000,
		"Milliseconds that a submission waits for S3 to tell of its source."),
	INT("SPOTLIST_POLL_INTERVAL_MS", poll_interval_ms, "60000", 50, 3600000,
		"Milliseconds that lost callbacks may delay a video: jobs are asked for within it."),
	INT("SPOTLIST_LEASE_MS", lease_ms, "30000", 1000, 3600000,
		"Milliseconds after which a step of a dead process is taken over; held ones are renewed."),
	INT("SPOTLIST_GIVE_UP_S", give_up_s, "86400", 10, 2592000,
		"Seconds after which a step that keeps failing is given up."),
	INT("SPOTLIST_UPLOAD_EXPIRY_S", upload_expiry_s, "3600", 10, 604800,
		"Seconds that a presigned upload is valid."),
	INT("SPOTLIST_SHUTDOWN_S", shutdown_s, "20", 1, 600,
		"Seconds that a stopping server lets open requests and steps finish."),
	INT("SPOTLIST_OPEN_TRANSCODES", open_transcodes, "40", 1, 100000,
		"MediaConvert jobs open at once, over all processes."),
	INT("SPOTLIST_OPEN_CELEBRITIES", open_celebrities, "16", 1, 100000,
		"Parts of 25 frames looked at at once, over all processes."),
	INT("SPOTLIST_OPEN_LABELS", open_labels, "18", 1, 100000,
		"Rekognition jobs open at once; AWS allows an account 20 of all kinds."),
	INT("SPOTLIST_OPEN_TRANSCRIPTS", open_transcripts, "90", 1, 100000,
		"Transcribe jobs open at once; AWS allows 100 to 250."),
	INT("SPOTLIST_QUEUE_LIMIT", queue_limit, "10000", 1, 10000000,
		"Videos that may wait for MediaConvert; POST /videos answers 429 beyond."),
	INT("SPOTLIST_RATE_CREATE_JOB", rate_create_job, "2", 1, 10000,
		"MediaConvert CreateJob and ListJobs calls a second, over all processes."),
	INT("SPOTLIST_RATE_GET_JOB", rate_get_job, "5", 1, 10000,
		"MediaConvert GetJob calls a second."),
	INT("SPOTLIST_RATE_RECOGNIZE_CELEBRITIES", rate_recognize_celebrities, "0", 0, 10000,
		"RecognizeCelebrities calls a second; 0: AWS's default, 50 or 5 by region."),
	INT("SPOTLIST_RATE_START_LABEL_DETECTION", rate_start_label_detection, "5", 1, 10000,
		"StartLabelDetection calls a second."),
	INT("SPOTLIST_RATE_GET_LABEL_DETECTION", rate_get_label_detection, "0", 0, 10000,
		"GetLabelDetection calls a second; 0: AWS's default, 20 or 5 by region."),
	INT("SPOTLIST_RATE_START_TRANSCRIPTION_JOB", rate_start_transcription_job, "25", 1, 10000,
		"StartTranscriptionJob calls a second."),
	INT("SPOTLIST_RATE_GET_TRANSCRIPTION_JOB", rate_get_transcription_job, "30", 1, 10000,
		"GetTranscriptionJob calls a second."),
	INT("SPOTLIST_TRANSCODE_LIMIT_S", transcode_limit_s, "43200", 1, 2592000,
		"Seconds that a MediaConvert job may take; then it is cancelled."),
	INT("SPOTLIST_CELEBRITIES_LIMIT_S", celebrities_limit_s, "43200", 1, 2592000,
		"Seconds that a part of the frames may take."),
	INT("SPOTLIST_LABELS_LIMIT_S", labels_limit_s, "43200", 1, 2592000,
		"Seconds that a label detection job may take."),
	INT("SPOTLIST_TRANSCRIPT_LIMIT_S", transcript_limit_s, "43200", 1, 2592000,
		"Seconds that a transcription job may take; then it is deleted."),
	INT("SPOTLIST_VIDEO_LIMIT_S", video_limit_s, "172800", 1, 2592000,
		"Seconds that a video may take in all, from when it left the queue."),
	{.name = "SPOTLIST_WEBHOOK_SECRET", .kind = SL_CONFIG_LIST,
	 .offset = offsetof(struct sl_config, webhook_secrets), .fallback = "",
	 .flags = SL_CONFIG_SECRET,
	 .help = "Keys that sign callbacks, whsec_ and base64 each, comma-separated; none: no callbacks."},
	{.name = "SPOTLIST_WEBHOOK_ALLOW_HTTP", .kind = SL_CONFIG_BOOL,
	 .offset = offsetof(struct sl_config, webhook_allow_http), .fallback = "no",
	 .help = "Whether callbacks may go to http:// addresses."},
	{.name = "SPOTLIST_WEBHOOK_ALLOW_NETWORKS", .kind = SL_CONFIG_LIST,
	 .offset = offsetof(struct sl_config, webhook_allow_networks), .fallback = "",
	 .help = "Networks that are not public but may get callbacks (10.1.0.0/16), comma-separated."},
	STR("SPOTLIST_WEBHOOK_CA_BUNDLE", webhook_ca_bundle, "", SL_CONFIG_PLAIN,
		"PEM file of the roots that receivers' certificates chain to; empty: the system's."),
	INT("SPOTLIST_WEBHOOK_TIMEOUT_MS", webhook_timeout_ms, "15000", 100, 60000,
		"Milliseconds that a receiver has to answer, redirects included."),
	INT("SPOTLIST_WEBHOOK_SENDERS", webhook_senders, "4", 1, 64,
		"Threads that send callbacks; half of them at most to one receiver."),
	{.name = "SPOTLIST_WEBHOOK_RETRY_MS", .kind = SL_CONFIG_LIST,
	 .offset = offsetof(struct sl_config, webhook_retry_ms),
	 .fallback = "5000,300000,1800000,7200000,18000000,28800000,28800000",
	 .help = "Milliseconds before each further attempt; about a day in all."},
	STR("SPOTLIST_PRICES", prices_path, "", SL_CONFIG_PLAIN,
		"JSON file with AWS's prices, like docs/prices.json; empty: that one, which is built in."),
	STR("SPOTLIST_MONTHLY_CAP", monthly_cap, "", SL_CONFIG_PLAIN,
		"Dollars that a month may cost by our count, e.g. 250.00; empty: no cap."),
	{.name = "SPOTLIST_LOG_LEVEL", .kind = SL_CONFIG_ENUM,
	 .offset = offsetof(struct sl_config, log_level), .fallback = "info", .names = log_levels,
	 .help = "debug, info, warn or error."},
	{.name = NULL, .kind = SL_CONFIG_END_},
};
/* clang-format on */

enum sl_err sl_config_read(char **environ_, struct sl_config *ret, struct sl_error *reterr)
{
	*ret = (struct sl_config){.monthly_cap_micros = -1};
	enum sl_err err = sl_config_load(sl_config_fields, "SPOTLIST_", environ_, ret, reterr);
	if (err == SL_ERR_OK) {
		err = sl_config_read_cost(ret, reterr);
		if (err != SL_ERR_OK) {
			sl_config_release(ret);
		}
	}
	return err;
}

enum sl_err sl_config_read_cost(struct sl_config *config, struct sl_error *reterr)
{
	if (*config->monthly_cap != '\0' &&
		!sl_dollars_parse(config->monthly_cap, 6, &config->monthly_cap_micros)) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"SPOTLIST_MONTHLY_CAP=%s is no amount of dollars; write 250 or 250.00, or "
			"nothing for no cap",
			config->monthly_cap);
	}
	return sl_prices_load(config->prices_path, &config->prices, reterr);
}

bool sl_config_is_loopback(const char *listen)
{
	return sl_text_starts_with(listen, "127.") || sl_text_starts_with(listen, "[::1]:") ||
		sl_text_starts_with(listen, "localhost:");
}

void sl_config_release(struct sl_config *config)
{
	sl_prices_destroy(config->prices);
	config->prices = NULL;
	sl_config_finish(sl_config_fields, config);
}
