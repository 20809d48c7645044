/* SPDX-License-Identifier: Apache-2.0 */
/* What is shared (struct sl_aws: settings, credentials, clock) and what is one thread's (struct
 * sl_client: curl handles and a flag that another thread may set with sl_client_interrupt()). */

#include "client.h"

#include <stdatomic.h>

#include "call_internal.h"
#include "clock.h"
#include "mem.h"

static int64_t system_clock(void *context)
{
	(void)context;
	return sl_clock_now_ms();
}

/* Owns the settings from here on. */
static struct sl_aws *with_settings(const struct sl_settings *settings)
{
	struct sl_aws *aws = sl_calloc(1, sizeof(*aws));
	aws->settings = *settings;
	aws->credentials = sl_credentials_chain_default(aws);
	sl_retry_quota_init(&aws->quota);
	aws->clock = system_clock;
	return aws;
}

enum sl_err sl_aws_create(struct sl_aws **ret, struct sl_error *reterr)
{
	struct sl_settings settings = {0};
	enum sl_err err = sl_settings_load(&settings, reterr);
	if (!err) {
		*ret = with_settings(&settings);
	}
	return err;
}

struct sl_aws *sl_aws_survey(sl_settings_note_fn *note, void *context, bool *ret_good)
{
	struct sl_settings settings;
	*ret_good = sl_settings_survey(&settings, note, context);
	return with_settings(&settings);
}

void sl_aws_destroy(struct sl_aws *aws)
{
	if (!aws) {
		return;
	}
	sl_credentials_chain_destroy(aws->credentials);
	sl_settings_finish(&aws->settings);
	free(aws);
}

void sl_aws_destroyp(struct sl_aws **aws)
{
	sl_aws_destroy(*aws);
	*aws = NULL;
}

const char *sl_aws_region(const struct sl_aws *aws)
{
	return aws->settings.region;
}

const char *sl_aws_ca_bundle(const struct sl_aws *aws)
{
	return aws->settings.ca_bundle;
}

const struct sl_endpoint_settings *sl_aws_endpoints(const struct sl_aws *aws)
{
	return &aws->settings.endpoints;
}

int64_t sl_aws_now_ms(struct sl_aws *aws)
{
	return aws->clock(aws->clock_context) + atomic_load(&aws->clock_offset_ms);
}

void sl_aws_set_clock(struct sl_aws *aws, int64_t (*now_ms)(void *context), void *context)
{
	aws->clock = now_ms;
	aws->clock_context = context;
}

enum sl_err sl_aws_credentials(
	struct sl_aws *aws, struct sl_credentials *ret, struct sl_error *reterr)
{
	return sl_credentials_chain_get(aws->credentials, sl_aws_now_ms(aws), ret, reterr);
}

struct sl_client *sl_client_create(struct sl_aws *aws)
{
	struct sl_client *client = sl_calloc(1, sizeof(*client));
	client->aws = aws;
	client->multi = curl_multi_init();
	client->easy = curl_easy_init();
	if (!client->multi || !client->easy) {
		SL_BUG("curl gives no handle");
	}
	client->deadline_ms = SL_CALL_DEADLINE_MS;
	atomic_init(&client->interrupted, false);
	return client;
}

void sl_client_destroy(struct sl_client *client)
{
	if (!client) {
		return;
	}
	curl_easy_cleanup(client->easy);
	curl_multi_cleanup(client->multi);
	free(client);
}

void sl_client_destroyp(struct sl_client **client)
{
	sl_client_destroy(*client);
	*client = NULL;
}

void sl_client_set_deadline(struct sl_client *client, int64_t deadline_ms)
{
	client->deadline_ms = deadline_ms > 0 ? deadline_ms : SL_CALL_DEADLINE_MS;
}

void sl_client_interrupt(struct sl_client *client)
{
	atomic_store(&client->interrupted, true);
	curl_multi_wakeup(client->multi);
}

struct sl_aws *sl_client_aws(struct sl_client *client)
{
	return client->aws;
}

int64_t sl_client_deadline_ms(const struct sl_client *client)
{
	return client->deadline_ms;
}

bool sl_client_interrupted(struct sl_client *client)
{
	return atomic_load(&client->interrupted);
}

bool sl_client_wait(struct sl_client *client, int64_t wait_ms)
{
	int64_t until = sl_clock_monotonic_ms() + wait_ms;
	for (;;) {
		int64_t left_ms = until - sl_clock_monotonic_ms();
		if (sl_client_interrupted(client)) {
			return false;
		}
		if (left_ms <= 0) {
			return true;
		}
		int slice_ms = left_ms > 60000 ? 60000 : (int)left_ms;
		curl_multi_poll(client->multi, NULL, 0, slice_ms, NULL);
	}
}
