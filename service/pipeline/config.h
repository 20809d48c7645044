/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CONFIG_H
#define SL_CONFIG_H

/* The settings of spotlist: SPOTLIST_* in the environment. What concerns AWS itself (region,
 * credentials, endpoints) is read by aws/ from the standard AWS_* variables. */

#include "config_table.h"

struct sl_prices;

enum sl_config_auth {
	SL_CONFIG_AUTH_TOKENS,
	SL_CONFIG_AUTH_OFF,
};

struct sl_config {
	char *listen;
	char *admin_listen;
	int auth; /* enum sl_config_auth */
	int64_t auth_recheck_ms;
	int64_t auth_grace_s;
	int64_t token_rate;
	struct sl_config_list cors_origins;
	char *database_url;
	char *bucket;
	char *table;
	char *mediaconvert_role_arn;
	char *mediaconvert_queue;
	char *rekognition_topic_arn;
	char *rekognition_role_arn;
	struct sl_config_list sns_topic_arns;
	int64_t sns_max_age_s;
	int64_t workers;
	int64_t http_threads;
	int64_t cache_mb;
	int64_t connections;
	int64_t http_timeout_s;
	int64_t preflight_timeout_ms;
	int64_t poll_interval_ms;
	int64_t lease_ms;
	int64_t give_up_s;
	int64_t upload_expiry_s;
	int64_t shutdown_s;
	/* places at the gates: jobs open at once, over all processes */
	int64_t open_transcodes;
	int64_t open_celebrities;
	int64_t open_labels;
	int64_t open_transcripts;
	int64_t queue_limit;
	/* calls a second, over all processes; 0: AWS's default for the region */
	int64_t rate_create_job;
	int64_t rate_get_job;
	int64_t rate_recognize_celebrities;
	int64_t rate_start_label_detection;
	int64_t rate_get_label_detection;
	int64_t rate_start_transcription_job;
	int64_t rate_get_transcription_job;
	/* time limits */
	int64_t transcode_limit_s;
	int64_t celebrities_limit_s;
	int64_t labels_limit_s;
	int64_t transcript_limit_s;
	int64_t video_limit_s;
	/* callbacks: see webhook.h */
	struct sl_config_list webhook_secrets;
	bool webhook_allow_http;
	struct sl_config_list webhook_allow_networks;
	char *webhook_ca_bundle;
	int64_t webhook_timeout_ms;
	int64_t webhook_senders;
	struct sl_config_list webhook_retry_ms;
	/* cost: see usage.h */
	char *prices_path;
	char *monthly_cap;
	int log_level;
	/* made of these when they are read */
	int64_t monthly_cap_micros; /* of a dollar; negative: none */
	struct sl_prices *prices;
};

/** The table, for `spotlist config --print`. */
extern const struct sl_config_field sl_config_fields[];

/** Loads and checks; `reterr` names the variable that is wrong. */
SL_MUST_CHECK enum sl_err sl_config_read(
	char **environ_, struct sl_config *ret, struct sl_error *reterr);
/** The part of it that is about cost, once the table is loaded. */
SL_MUST_CHECK enum sl_err sl_config_read_cost(struct sl_config *config, struct sl_error *reterr);
/** Whether an address to listen on is this machine's own. */
bool sl_config_is_loopback(const char *listen);
void sl_config_release(struct sl_config *config);

#endif
