/* SPDX-License-Identifier: Apache-2.0 */
/* How a service file makes a request: sl_call() drives an operation (request.c, verdict.c) to its
 * end on the client's thread, over curl_multi, whose waits sl_client_interrupt() can end. */

#include "call.h"

#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "json_spec.h"
#include "mem.h"

#define POLL_MS 1000 /* longest wait between two looks; curl's own timers make it shorter */

void sl_answer_finish(struct sl_answer *answer)
{
	sl_buf_finish(&answer->body);
	sl_buf_finish(&answer->headers);
	free(answer->request_id);
	*answer = (struct sl_answer){.body = SL_BUF_INIT, .headers = SL_BUF_INIT};
}

char *sl_answer_header(const struct sl_answer *answer, const char *name)
{
	size_t name_len = strlen(name);
	const char *line = sl_buf_str(&answer->headers);
	while (*line) {
		size_t len = strcspn(line, "\r\n");
		if (len > name_len && line[name_len] == ':' &&
			strncasecmp(line, name, name_len) == 0) {
			const char *value = line + name_len + 1;
			len -= name_len + 1;
			while (len > 0 && (value[0] == ' ' || value[0] == '\t')) {
				value++;
				len--;
			}
			while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) {
				len--;
			}
			return sl_strndup(value, len);
		}
		line += len;
		line += strspn(line, "\r\n");
	}
	return NULL;
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

enum sl_err sl_call_json(struct sl_client *client, const struct sl_call *call, const json_t *body,
	json_t **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *text = body ? sl_json_text(body) : NULL;
	struct sl_call with_body = *call;
	if (text) {
		with_body.body = text;
		with_body.body_len = strlen(text);
	}
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {.body = SL_BUF_INIT};
	enum sl_err err = sl_call(client, &with_body, &answer, reterr);
	if (err) {
		return err;
	}
	json_auto_t *root = answer.body.len == 0
		? json_object()
		: json_loadb(answer.body.data, answer.body.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		struct sl_operation op = {.call = call, .answer = answer};
		return sl_operation_error(
			&op, SL_ERR_AWS_PROTOCOL, "the answer is not a JSON object", reterr);
	}
	*ret = json_incref(root);
	return SL_ERR_OK;
}
