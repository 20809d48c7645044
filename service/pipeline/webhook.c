/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks as rows: settings, the address a submission names, making, listing and replaying
 * messages. HTTP threads; sl_webhook_enqueue() on workers. */

#include "webhook.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"
#include "uuid.h"

#define MAX_RETRY_MS (7 * INT64_C(86400000))

/* --- settings ------------------------------------------------------------------------------ */

static enum sl_err read_keys(const struct sl_config_list *secrets,
	struct sl_webhook_settings *settings, struct sl_error *reterr)
{
	settings->keys = sl_calloc(secrets->count + 1, sizeof(*settings->keys));
	for (size_t i = 0; i < secrets->count; i++) {
		if (!sl_signature_key_parse(secrets->items[i], &settings->keys[i])) {
			return sl_error_set(reterr, SL_ERR_CONFIG,
				"SPOTLIST_WEBHOOK_SECRET: item %zu is not whsec_ and the base64 "
				"of %d to %d bytes",
				i + 1, SL_SIGNATURE_KEY_MIN, SL_SIGNATURE_KEY_MAX);
		}
		settings->key_count++;
	}
	return SL_ERR_OK;
}

static enum sl_err read_schedule(const struct sl_config_list *delays,
	struct sl_webhook_settings *settings, struct sl_error *reterr)
{
	settings->retry_ms = sl_calloc(delays->count + 1, sizeof(*settings->retry_ms));
	for (size_t i = 0; i < delays->count; i++) {
		if (!sl_text_parse_i64(delays->items[i], 1, MAX_RETRY_MS, &settings->retry_ms[i])) {
			return sl_error_set(reterr, SL_ERR_CONFIG,
				"SPOTLIST_WEBHOOK_RETRY_MS: \"%s\" is not a whole number from 1 to "
				"%lld",
				delays->items[i], (long long)MAX_RETRY_MS);
		}
		settings->retry_count++;
	}
	return SL_ERR_OK;
}

static enum sl_err read_policy(
	const struct sl_config *config, struct sl_outbound_policy *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	const struct sl_config_list *allowed = &config->webhook_allow_networks;
	*ret = (struct sl_outbound_policy){
		.allow_http = config->webhook_allow_http,
		.ca_bundle = config->webhook_ca_bundle,
		.timeout_ms = config->webhook_timeout_ms,
	};
	enum sl_err err = sl_networks_parse(allowed->items, allowed->count, &ret->allowed, &error);
	if (err != SL_ERR_OK) {
		return sl_error_set(
			reterr, err, "SPOTLIST_WEBHOOK_ALLOW_NETWORKS: %s", error.detail);
	}
	return SL_ERR_OK;
}

enum sl_err sl_webhook_settings_read(
	const struct sl_config *config, struct sl_webhook_settings *ret, struct sl_error *reterr)
{
	struct sl_webhook_settings settings = {0};
	enum sl_err err = read_policy(config, &settings.policy, reterr);
	if (err == SL_ERR_OK) {
		err = read_keys(&config->webhook_secrets, &settings, reterr);
	}
	if (err == SL_ERR_OK) {
		err = read_schedule(&config->webhook_retry_ms, &settings, reterr);
	}
	if (err != SL_ERR_OK) {
		sl_webhook_settings_finish(&settings);
		return err;
	}
	*ret = settings;
	return SL_ERR_OK;
}

void sl_webhook_settings_finish(struct sl_webhook_settings *settings)
{
	for (size_t i = 0; i < settings->key_count; i++) {
		sl_signature_key_finish(&settings->keys[i]);
	}
	free(settings->keys);
	free(settings->retry_ms);
	sl_networks_finish(&settings->policy.allowed);
	*settings = (struct sl_webhook_settings){0};
}

/* --- what a submission may name ------------------------------------------------------------ */

enum sl_err sl_webhook_check(
	const struct sl_config *config, const char *url, struct sl_error *reterr)
{
	static const char pointer[] = "/callback/url";
	if (config->webhook_secrets.count == 0) {
		return sl_error_set_at(reterr, SL_ERR_CALLBACK_REFUSED, pointer,
			"This service sends no callbacks: SPOTLIST_WEBHOOK_SECRET is not set");
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_outbound_policy policy;
	enum sl_err err = read_policy(config, &policy, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	err = sl_outbound_check_url(&policy, url, &error);
	sl_networks_finish(&policy.allowed);
	return err == SL_ERR_OK ? err : sl_error_set_at(reterr, err, pointer, "%s", error.detail);
}

/* --- messages ------------------------------------------------------------------------------ */

static enum sl_err insert_message(struct sl_pg *pg, const char *video_id,
	const struct sl_pg_rows *subject, struct sl_error *reterr)
{
	const char *url = sl_pg_text(subject, 0, "callback_url");
	const char *type = sl_pg_text(subject, 0, "type");
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows video = {0};
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_video_resource, &video, reterr, SL_PG_TEXT(video_id));
	if (err != SL_ERR_OK || video.count == 0) {
		return err;
	}
	char id[SL_UUID_SIZE];
	sl_uuid_create(id);
	SL_AUTO(sl_freep)
	char *origin = sl_outbound_origin(url);
	/* Type and time are words of ours and the resource is JSON: nothing needs escaping. */
	SL_AUTO(sl_freep)
	char *body = sl_asprintf("{\"type\":\"%s\",\"timestamp\":\"%s\",\"data\":%s}", type,
		sl_pg_text(subject, 0, "at"), sl_pg_text(&video, 0, "body"));
	return sl_pg_exec(pg, SL_SQL_webhook_insert, NULL, reterr, SL_PG_TEXT(id),
		SL_PG_TEXT(video_id), SL_PG_TEXT(url), SL_PG_TEXT(origin), SL_PG_TEXT(type),
		SL_PG_TEXT(body));
}

enum sl_err sl_webhook_enqueue(struct sl_pg *pg, const char *video_id, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows subject = {0};
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_webhook_subject, &subject, reterr, SL_PG_TEXT(video_id));
	if (err == SL_ERR_OK && subject.count > 0) {
		err = insert_message(pg, video_id, &subject, reterr);
	}
	return err;
}

/* --- the API ------------------------------------------------------------------------------- */

static enum sl_err check_video(struct sl_pg *pg, const char *video_id, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = SL_ERR_OK;
	if (sl_uuid_valid(video_id)) {
		err = sl_pg_exec(pg, SL_SQL_video_exists, &rows, reterr, SL_PG_TEXT(video_id));
	}
	if (err == SL_ERR_OK && rows.count == 0) {
		return sl_error_set(
			reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", video_id);
	}
	return err;
}

enum sl_err sl_webhook_list(
	struct sl_pg *pg, const char *video_id, struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = check_video(pg, video_id, reterr);
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(
			pg, SL_SQL_webhook_list, &rows, reterr, SL_PG_TEXT(video_id), SL_PG_NULL);
	}
	if (err == SL_ERR_OK) {
		sl_buf_printf(out, "{\"deliveries\":%s}", sl_pg_text(&rows, 0, "body"));
	}
	return err;
}

static enum sl_err append_one(struct sl_pg *pg, const char *video_id, const char *delivery_id,
	struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_webhook_list, &rows, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(delivery_id));
	if (err == SL_ERR_OK) {
		/* A list of one, without its brackets. */
		const char *list = sl_pg_text(&rows, 0, "body");
		sl_buf_add(out, list + 1, strlen(list) - 2);
	}
	return err;
}

enum sl_err sl_webhook_replay(struct sl_pg *pg, const char *video_id, const char *delivery_id,
	struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = check_video(pg, video_id, reterr);
	if (err == SL_ERR_OK && sl_uuid_valid(delivery_id)) {
		err = sl_pg_exec(pg, SL_SQL_webhook_replay, &rows, reterr, SL_PG_TEXT(video_id),
			SL_PG_TEXT(delivery_id));
	}
	if (err == SL_ERR_OK && rows.count == 0) {
		return sl_error_set(reterr, SL_ERR_DELIVERY_NOT_FOUND,
			"the video has no delivery %s", delivery_id);
	}
	return err == SL_ERR_OK ? append_one(pg, video_id, delivery_id, out, reterr) : err;
}
