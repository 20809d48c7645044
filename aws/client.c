/* SPDX-License-Identifier: Apache-2.0 */
/* What is shared (struct sl_aws) and what is one thread's (struct sl_client): configuration,
 * credentials, clock; and the blocking drive of an operation over curl_multi, whose waits another
 * thread can end with sl_client_interrupt(). */

#include "client.h"

#include <stdatomic.h>

#include "call_internal.h"
#include "clock.h"
#include "mem.h"

#define POLL_MS 1000 /* longest wait between two looks; curl's own timers make it shorter */

struct sl_client {
	struct sl_aws *aws;
	CURLM *multi;
	CURL *easy;
	int64_t deadline_ms; /* of each operation, from its start */
	atomic_bool interrupted;
};

static int64_t system_clock(void *context)
{
	(void)context;
	return sl_clock_now_ms();
}

enum sl_err sl_aws_create(struct sl_aws **ret, struct sl_error *reterr)
{
	struct sl_settings settings = {0};
	enum sl_err err = sl_settings_load(&settings, reterr);
	if (err) {
		return err;
	}
	struct sl_aws *aws = sl_calloc(1, sizeof(*aws));
	aws->settings = settings;
	struct sl_credentials_source *sources[] = {
		sl_credentials_environment_create(),
		sl_credentials_files_create(),
	};
	aws->credentials = sl_credentials_chain_create(sources, SL_ARRAY_SIZE(sources));
	sl_retry_quota_init(&aws->quota);
	aws->clock = system_clock;
	*ret = aws;
	return SL_ERR_OK;
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

/* Performs the prepared transfer; false when it was interrupted. */
static bool transfer(struct sl_client *client, CURLcode *ret)
{
	*ret = CURLE_FAILED_INIT;
	if (curl_multi_add_handle(client->multi, client->easy) != CURLM_OK) {
		return true;
	}
	bool done = false;
	while (!done && !sl_client_interrupted(client)) {
		int running = 0;
		int queued = 0;
		done = curl_multi_perform(client->multi, &running) != CURLM_OK;
		const CURLMsg *message = curl_multi_info_read(client->multi, &queued);
		if (message && message->msg == CURLMSG_DONE) {
			*ret = message->data.result;
			done = true;
		}
		if (!done) {
			curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
		}
	}
	curl_multi_remove_handle(client->multi, client->easy);
	return done;
}

static enum sl_err shutting_down(const struct sl_call *call, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_SHUTTING_DOWN, "%s %s was interrupted",
		sl_service_name(call->service), call->operation);
}

enum sl_err sl_call(struct sl_client *client, const struct sl_call *call, struct sl_answer *ret,
	struct sl_error *reterr)
{
	SL_AUTO(sl_operation_finish)
	struct sl_operation op;
	sl_operation_init(&op, client->aws, call, sl_clock_monotonic_ms() + client->deadline_ms);
	for (;;) {
		if (sl_client_interrupted(client)) {
			return shutting_down(call, reterr);
		}
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_operation_prepare(&op, client->easy, reterr);
		if (err) {
			return err;
		}
		CURLcode code;
		if (!transfer(client, &code)) {
			return shutting_down(call, reterr);
		}
		int64_t delay_ms = 0;
		switch (sl_operation_judge(&op, client->easy, code, &delay_ms, &error)) {
		case SL_VERDICT_DONE:
			*ret = op.answer;
			op.answer = (struct sl_answer){.body = SL_BUF_INIT, .headers = SL_BUF_INIT};
			return SL_ERR_OK;
		case SL_VERDICT_FAILED:
			err = error.code;
			sl_error_move(reterr, &error);
			return err;
		case SL_VERDICT_RETRY:
			break;
		}
		if (!sl_client_wait(client, delay_ms)) {
			return shutting_down(call, reterr);
		}
	}
}
