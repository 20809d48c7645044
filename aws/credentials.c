/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of sources and when they are asked again: sl_credentials_chain_get(). Any thread; the
 * mutex guards what is known and is never held while a source is asked. */

#include "credentials.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cond.h"
#include "credentials_internal.h"
#include "log.h"
#include "mem.h"

#define MINUTE_MS    INT64_C(60000)
#define ADVISORY_MS  (15 * MINUTE_MS) /* before they expire: time to ask, nobody waits */
#define MANDATORY_MS (10 * MINUTE_MS) /* everybody waits */
#define PAUSE_MS     MINUTE_MS        /* between two attempts while keys still serve */
#define EXTENSION_MS (10 * MINUTE_MS) /* of keys whose source is out, at least */
#define JITTER_MS    (5 * MINUTE_MS)
#define MAX_ROUNDS   4
#define WAIT_MS      (2 * MINUTE_MS) /* for another thread; every source ends before */

struct sl_credentials_chain {
	pthread_mutex_t mutex; /* guards all below but the sources */
	pthread_cond_t done;   /* an attempt has ended */
	struct sl_credentials_source **sources;
	size_t count;
	struct sl_credentials current;
	bool known;
	bool asking;       /* a thread asks; only it touches the sources */
	size_t giver;      /* index of the source that gave `current` */
	int64_t next_ms;   /* no attempt before, while `current` serves */
	uint64_t attempts; /* ended ones */
	enum sl_err last;  /* what the last one came to */
	struct sl_error last_error;
};

struct sl_credentials_chain *sl_credentials_chain_create(
	struct sl_credentials_source **sources, size_t count)
{
	struct sl_credentials_chain *chain = sl_calloc(1, sizeof(*chain));
	pthread_mutex_init(&chain->mutex, NULL);
	sl_cond_init(&chain->done);
	chain->sources = sl_calloc(count + 1, sizeof(struct sl_credentials_source *));
	for (size_t i = 0; i < count; i++) {
		chain->sources[i] = sources[i];
	}
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
	sl_error_finish(&chain->last_error);
	pthread_cond_destroy(&chain->done);
	pthread_mutex_destroy(&chain->mutex);
	free(chain);
}

static enum sl_err none_found(struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
		"There are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
		"AWS_PROFILE and the shared files, or give the machine or container a role");
}

/* Keys that serve are renewed where they came from: a file that is just being written again must
 * not make spotlist somebody else. Without the mutex. */
static enum sl_err ask(struct sl_credentials_chain *chain, size_t first, size_t last,
	int64_t now_ms, size_t *ret_giver, struct sl_credentials *ret, struct sl_error *reterr)
{
	for (size_t i = first; i < last; i++) {
		struct sl_credentials_source *source = chain->sources[i];
		struct sl_credentials got = {0};
		enum sl_err err = source->get(source, &got, reterr);
		if (err == SL_ERR_AWS_NOT_FOUND) {
			continue;
		}
		if (!err && got.expires_ms && got.expires_ms <= now_ms && !source->outlives) {
			sl_credentials_finish(&got);
			return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
				"%s gives keys that have expired", source->name);
		}
		if (!err) {
			got.source = got.source ? got.source : sl_strdup(source->name);
			*ret_giver = i;
			*ret = got;
		}
		return err;
	}
	return last - first == 1 && chain->count > 1
		? sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "%s gives no keys any more",
			  chain->sources[first]->name)
		: none_found(reterr);
}

/* As the SDKs do with a machine's own keys: AWS goes on taking them while its metadata service
 * has an outage. A few minutes more or less keep machines from asking together. */
static void extend(struct sl_credentials_chain *chain, int64_t now_ms)
{
	int64_t jitter_ms = (int64_t)(((uintptr_t)chain >> 4) * 2654435761u % JITTER_MS);
	chain->current.expires_ms = now_ms + EXTENSION_MS + jitter_ms + MANDATORY_MS;
	chain->next_ms = now_ms + PAUSE_MS;
}

/* With the mutex held: what an attempt came to. Owns `fresh`. */
static void settle(struct sl_credentials_chain *chain, enum sl_err err, size_t giver,
	int64_t now_ms, struct sl_credentials *fresh, struct sl_error *error)
{
	chain->next_ms = now_ms + PAUSE_MS;
	chain->attempts++;
	chain->last = err;
	if (!err) {
		sl_credentials_finish(&chain->current);
		chain->current = *fresh;
		chain->known = true;
		chain->giver = giver;
	}
	bool outlives = chain->known && chain->sources[chain->giver]->outlives;
	if (outlives && chain->current.expires_ms &&
		chain->current.expires_ms <= now_ms + (err ? MANDATORY_MS : 0)) {
		extend(chain, now_ms);
	}
	sl_error_finish(&chain->last_error);
	if (err) {
		sl_error_set(&chain->last_error, err, "%s", error->detail ? error->detail : "");
	}
}

/* With the mutex held, which is given back meanwhile. */
static void refresh(struct sl_credentials_chain *chain, int64_t now_ms)
{
	size_t first = chain->known ? chain->giver : 0;
	size_t last = chain->known ? chain->giver + 1 : chain->count;
	bool serves = chain->known;
	chain->asking = true;
	pthread_mutex_unlock(&chain->mutex);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_credentials fresh = {0};
	size_t giver = 0;
	enum sl_err err = ask(chain, first, last, now_ms, &giver, &fresh, &error);
	if (err && serves) {
		sl_log_error(SL_LOG_WARN, "AWS credentials not renewed, the old ones serve", &error,
			SL_F_END);
	}
	pthread_mutex_lock(&chain->mutex);
	settle(chain, err, giver, now_ms, &fresh, &error);
	chain->asking = false;
	pthread_cond_broadcast(&chain->done);
}

/* With the mutex held: until the attempt that runs has ended, or takes far too long. */
static void wait_for_other(struct sl_credentials_chain *chain)
{
	uint64_t attempts = chain->attempts;
	struct timespec until = sl_cond_deadline(WAIT_MS);
	while (chain->attempts == attempts &&
		pthread_cond_timedwait(&chain->done, &chain->mutex, &until) == 0) {
	}
}

/* With the mutex held: whether `current` serves without an attempt of this thread's. */
static bool serves(const struct sl_credentials_chain *chain, int64_t now_ms)
{
	if (!chain->known) {
		return false;
	}
	int64_t left_ms =
		chain->current.expires_ms ? chain->current.expires_ms - now_ms : INT64_MAX;
	bool pausing = left_ms > 0 && now_ms < chain->next_ms &&
		now_ms >= chain->next_ms - PAUSE_MS; /* or the clock was set back */
	return left_ms > ADVISORY_MS || pausing || (chain->asking && left_ms > MANDATORY_MS);
}

/* With the mutex held: `current` may be used when this gives OK. What was renewed may be forgotten
 * before this thread sees it, hence the rounds. */
static enum sl_err see_to_it(
	struct sl_credentials_chain *chain, int64_t now_ms, struct sl_error *reterr)
{
	for (int round = 0; round < MAX_ROUNDS && !serves(chain, now_ms); round++) {
		if (chain->asking) {
			wait_for_other(chain);
		} else {
			refresh(chain, now_ms);
		}
		if (chain->known &&
			(!chain->current.expires_ms || now_ms < chain->current.expires_ms)) {
			return SL_ERR_OK;
		}
		if (chain->last) {
			return sl_error_set(reterr, chain->last, "%s", chain->last_error.detail);
		}
	}
	return chain->known
		? SL_ERR_OK
		: sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			  "the AWS credentials have expired, and new ones take too long");
}

enum sl_err sl_credentials_chain_get(struct sl_credentials_chain *chain, int64_t now_ms,
	struct sl_credentials *ret, struct sl_error *reterr)
{
	pthread_mutex_lock(&chain->mutex);
	enum sl_err err = see_to_it(chain, now_ms, reterr);
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

/* --- sources -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	sl_credentials_fn *get;
	bool needs_profile;
	bool outlives;
} kinds[SL_CREDENTIALS_KIND_COUNT_] = {
	[SL_CREDENTIALS_ENVIRONMENT] = {"the environment", sl_credentials_environment, false,
		false},
	[SL_CREDENTIALS_ROLE] = {"the profile's role", sl_credentials_role, true, false},
	[SL_CREDENTIALS_WEB_IDENTITY] = {"web identity", sl_credentials_web_identity, true, false},
	[SL_CREDENTIALS_SSO] = {"single sign-on", sl_credentials_sso, true, false},
	[SL_CREDENTIALS_SHARED_FILE] = {"the shared credentials file", sl_credentials_shared_file,
		true, false},
	[SL_CREDENTIALS_PROCESS] = {"credential_process", sl_credentials_process, true, false},
	[SL_CREDENTIALS_CONFIG_FILE] = {"the config file", sl_credentials_config_file, true, false},
	[SL_CREDENTIALS_CONTAINER] = {"the container's role", sl_credentials_container, false,
		false},
	[SL_CREDENTIALS_INSTANCE] = {"the machine's role (IMDS)", sl_credentials_instance, true,
		true},
};

struct plain_source {
	struct sl_credentials_source base;
	struct sl_aws *aws;
	enum sl_credentials_kind kind;
};

static enum sl_err plain_get(
	struct sl_credentials_source *self, struct sl_credentials *ret, struct sl_error *reterr)
{
	const struct plain_source *source = (const struct plain_source *)self;
	if (!kinds[source->kind].needs_profile) {
		return kinds[source->kind].get(source->aws, NULL, NULL, ret, reterr);
	}
	SL_AUTO(sl_profile_destroyp)
	struct sl_profile *profile = NULL;
	enum sl_err err = sl_profile_load(&profile, reterr);
	if (!err) {
		err = kinds[source->kind].get(
			source->aws, profile, sl_profile_name(profile), ret, reterr);
	}
	return err;
}

static void plain_destroy(struct sl_credentials_source *self)
{
	free(self);
}

struct sl_credentials_source *sl_credentials_source_create(
	struct sl_aws *aws, enum sl_credentials_kind kind)
{
	struct plain_source *source = sl_calloc(1, sizeof(*source));
	source->base = (struct sl_credentials_source){
		kinds[kind].name, plain_get, plain_destroy, kinds[kind].outlives};
	source->aws = aws;
	source->kind = kind;
	return &source->base;
}

struct sl_credentials_chain *sl_credentials_chain_default(struct sl_aws *aws)
{
	struct sl_credentials_source *sources[SL_CREDENTIALS_KIND_COUNT_];
	for (int i = 0; i < SL_CREDENTIALS_KIND_COUNT_; i++) {
		sources[i] = sl_credentials_source_create(aws, (enum sl_credentials_kind)i);
	}
	return sl_credentials_chain_create(sources, SL_ARRAY_SIZE(sources));
}
