/* SPDX-License-Identifier: Apache-2.0 */
/* Credential sources and the chain that asks them: sl_credentials_chain_get() is thread-safe by
 * the chain's mutex; sources are called under it. */

#include "credentials.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "profile.h"

#define REFRESH_BEFORE_MS (INT64_C(10) * 60 * 1000) /* ask again that long before they expire */

struct sl_credentials_chain {
	pthread_mutex_t mutex; /* guards all below */
	struct sl_credentials_source **sources;
	size_t count;
	struct sl_credentials current;
	bool known;
};

static void wipe(char *secret)
{
	if (secret) {
		OPENSSL_cleanse(secret, strlen(secret));
	}
	free(secret);
}

void sl_credentials_finish(struct sl_credentials *credentials)
{
	free(credentials->access_key_id);
	wipe(credentials->secret_access_key);
	wipe(credentials->session_token);
	*credentials = (struct sl_credentials){0};
}

void sl_credentials_copy(const struct sl_credentials *from, struct sl_credentials *ret)
{
	*ret = (struct sl_credentials){
		sl_strdup(from->access_key_id),
		sl_strdup(from->secret_access_key),
		sl_strdup(from->session_token),
		from->expires_ms,
	};
}

/* These go into header lines as they are: a line break would make a header of its own. */
static bool is_printable(const char *text)
{
	for (const char *at = text; at && *at; at++) {
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f) {
			return false;
		}
	}
	return true;
}

/* From what a source found: nothing, half of it, or a pair (with a token or without). */
static enum sl_err from_strings(const char *where, const char *id, const char *secret,
	const char *token, struct sl_credentials *ret, struct sl_error *reterr)
{
	bool has_id = id && *id;
	bool has_secret = secret && *secret;
	if (!has_id && !has_secret) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	if (!has_id || !has_secret) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "%s: %s is missing", where,
			has_id ? "the secret access key" : "the access key id");
	}
	if (!is_printable(id) || !is_printable(secret) || !is_printable(token)) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"%s: the keys hold spaces, line breaks or other characters that keys never "
			"have",
			where);
	}
	*ret = (struct sl_credentials){
		sl_strdup(id), sl_strdup(secret), token && *token ? sl_strdup(token) : NULL, 0};
	return SL_ERR_OK;
}

static void destroy_plain(struct sl_credentials_source *self)
{
	free(self);
}

static enum sl_err environment_get(
	struct sl_credentials_source *self, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)self;
	return from_strings("the environment", getenv("AWS_ACCESS_KEY_ID"),
		getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"), ret, reterr);
}

struct sl_credentials_source *sl_credentials_environment_create(void)
{
	struct sl_credentials_source *source = sl_calloc(1, sizeof(*source));
	*source = (struct sl_credentials_source){"environment", environment_get, destroy_plain};
	return source;
}

static enum sl_err files_get(
	struct sl_credentials_source *self, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)self;
	SL_AUTO(sl_profile_destroyp)
	struct sl_profile *profile = NULL;
	enum sl_err err = sl_profile_load(&profile, reterr);
	if (err) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *where = sl_asprintf("profile %s", sl_profile_name(profile));
	err = from_strings(where, sl_profile_credential(profile, "aws_access_key_id"),
		sl_profile_credential(profile, "aws_secret_access_key"),
		sl_profile_credential(profile, "aws_session_token"), ret, reterr);
	if (err != SL_ERR_AWS_NOT_FOUND) {
		return err;
	}
	return from_strings(where, sl_profile_config(profile, "aws_access_key_id"),
		sl_profile_config(profile, "aws_secret_access_key"),
		sl_profile_config(profile, "aws_session_token"), ret, reterr);
}

struct sl_credentials_source *sl_credentials_files_create(void)
{
	struct sl_credentials_source *source = sl_calloc(1, sizeof(*source));
	*source = (struct sl_credentials_source){"shared files", files_get, destroy_plain};
	return source;
}

struct sl_credentials_chain *sl_credentials_chain_create(
	struct sl_credentials_source **sources, size_t count)
{
	struct sl_credentials_chain *chain = sl_calloc(1, sizeof(*chain));
	pthread_mutex_init(&chain->mutex, NULL);
	chain->sources = sl_calloc(count, sizeof(struct sl_credentials_source *));
	memcpy(chain->sources, sources, count * sizeof(struct sl_credentials_source *));
	chain->count = count;
	return chain;
}

void sl_credentials_chain_destroy(struct sl_credentials_chain *chain)
{
	if (!chain) {
		return;
	}
	for (size_t i = 0; i < chain->count; i++) {
		chain->sources[i]->destroy(chain->sources[i]);
	}
	free(chain->sources);
	sl_credentials_finish(&chain->current);
	pthread_mutex_destroy(&chain->mutex);
	free(chain);
}

static enum sl_err ask_sources(
	struct sl_credentials_chain *chain, struct sl_credentials *ret, struct sl_error *reterr)
{
	for (size_t i = 0; i < chain->count; i++) {
		struct sl_credentials_source *source = chain->sources[i];
		enum sl_err err = source->get(source, ret, reterr);
		if (err != SL_ERR_AWS_NOT_FOUND) {
			return err;
		}
	}
	return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
		"There are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
		"AWS_PROFILE and the shared credentials file");
}

/* Called with the mutex held. Keys that are still good outlive a source that fails. */
static enum sl_err refresh(
	struct sl_credentials_chain *chain, int64_t now_ms, struct sl_error *reterr)
{
	int64_t expires_ms = chain->current.expires_ms;
	if (chain->known && (expires_ms == 0 || now_ms < expires_ms - REFRESH_BEFORE_MS)) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_credentials fresh = {0};
	enum sl_err err = ask_sources(chain, &fresh, &error);
	if (err && chain->known && now_ms < expires_ms) {
		return SL_ERR_OK;
	}
	if (err) {
		sl_error_move(reterr, &error);
		return err;
	}
	sl_credentials_finish(&chain->current);
	chain->current = fresh;
	chain->known = true;
	return SL_ERR_OK;
}

enum sl_err sl_credentials_chain_get(struct sl_credentials_chain *chain, int64_t now_ms,
	struct sl_credentials *ret, struct sl_error *reterr)
{
	pthread_mutex_lock(&chain->mutex);
	enum sl_err err = refresh(chain, now_ms, reterr);
	if (!err) {
		sl_credentials_copy(&chain->current, ret);
	}
	pthread_mutex_unlock(&chain->mutex);
	return err;
}

void sl_credentials_chain_forget(struct sl_credentials_chain *chain)
{
	pthread_mutex_lock(&chain->mutex);
	sl_credentials_finish(&chain->current);
	chain->known = false;
	pthread_mutex_unlock(&chain->mutex);
}
