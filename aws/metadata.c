/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the metadata service of the machine or container: sl_metadata_fetch(). With a
 * handle of its own; any thread. */

#include <openssl/crypto.h>
#include <string.h>

#include "credentials_internal.h"

#define MAX_ANSWER_BYTES 65536

void sl_metadata_answer_finish(struct sl_metadata_answer *answer)
{
	if (answer->body.data) {
		OPENSSL_cleanse(answer->body.data, answer->body.capacity);
	}
	sl_buf_finish(&answer->body);
}

static void cleanup_easyp(CURL **easy)
{
	curl_easy_cleanup(*easy);
}

static void free_listp(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct sl_buf *body = context;
	size_t len = size * count;
	if (body->len + len > MAX_ANSWER_BYTES) {
		return 0;
	}
	sl_buf_add(body, bytes, len);
	return len;
}

static void set_options(CURL *easy, const struct sl_metadata_call *call, struct sl_buf *body,
	const struct curl_slist *lines)
{
	struct sl_aws defaults = {0};
	sl_curl_defaults(easy, &defaults, call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CAINFO, call->ca_bundle);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nothing that leaves the machine */
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
	if (strcmp(call->method, "PUT") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
	}
}

enum sl_err sl_metadata_fetch(const struct sl_metadata_call *call, struct sl_metadata_answer *ret,
	struct sl_error *reterr)
{
	SL_AUTO(cleanup_easyp)
	CURL *easy = curl_easy_init();
	SL_AUTO(free_listp)
	struct curl_slist *lines = curl_slist_append(NULL, "Accept: application/json");
	for (size_t i = 0; i < SL_ARRAY_SIZE(call->headers); i++) {
		if (call->headers[i]) {
			lines = curl_slist_append(lines, call->headers[i]);
		}
	}
	if (!easy || !lines) {
		SL_BUG("curl gives no handle");
	}
	*ret = (struct sl_metadata_answer){0};
	set_options(easy, call, &ret->body, lines);
	CURLcode code = curl_easy_perform(easy);
	long status = 0;
	curl_off_t connected_us = 0;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected_us);
	ret->connected = connected_us > 0;
	if (code == CURLE_WRITE_ERROR) {
		return sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE,
			"the answer is larger than %d bytes", MAX_ANSWER_BYTES);
	}
	if (code != CURLE_OK) {
		return sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE, "%s", curl_easy_strerror(code));
	}
	ret->status = (int)status;
	return SL_ERR_OK;
}
