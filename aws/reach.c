/* SPDX-License-Identifier: Apache-2.0 */
/* How far one comes towards an address: sl_reach_services(). On the calling thread, all
 * addresses at once. */

#include "reach.h"

#include <stdlib.h>
#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "diagnose.h"
#include "fault.h"
#include "mem.h"
#include "text.h"

#define MAX_BODY_BYTES   8192
#define MAX_HEADER_BYTES 16384

/* One transfer. */
struct probe {
	struct sl_reach *reach;
	CURL *easy;
	struct sl_answer answer;
	char error[CURL_ERROR_SIZE];
	CURLcode code;
	bool done;
};

void sl_reach_finish(struct sl_reach *reach)
{
	free(reach->url);
	free(reach->proxy);
	free(reach->detail);
	free(reach->issuer);
	free(reach->subject);
	free(reach->bucket_region);
	*reach = (struct sl_reach){0};
}

/* --- proxies -------------------------------------------------------------------------------- */

/* NO_PROXY names hosts and domains, with commas or spaces between; "*" is all. */
static bool is_exempt(const char *host)
{
	const char *list = getenv("no_proxy");
	list = list != NULL ? list : getenv("NO_PROXY");
	size_t host_len = strcspn(host, ":");
	while (list != NULL && *list != '\0') {
		list += strspn(list, ", .");
		size_t len = strcspn(list, ", ");
		bool all = len == 1 && *list == '*';
		bool ends = len > 0 && len <= host_len &&
			strncasecmp(host + host_len - len, list, len) == 0 &&
			(len == host_len || host[host_len - len - 1] == '.');
		if (all || ends) {
			return true;
		}
		list += len;
	}
	return false;
}

/* "host:port" of the proxy that curl will take for `url`, without user and password. */
static char *proxy_of(const char *url)
{
	bool https = sl_text_starts_with(url, "https://");
	const char *host = url + (https ? 8 : 7);
	/* HTTP_PROXY in capitals may come from a request's header in CGI: curl does not read it. */
	const char *const names[] = {https ? "https_proxy" : "http_proxy",
		https ? "HTTPS_PROXY" : NULL, "all_proxy", "ALL_PROXY"};
	const char *value = NULL;
	for (size_t i = 0; i < SL_ARRAY_SIZE(names) && value == NULL; i++) {
		value = names[i] != NULL ? getenv(names[i]) : NULL;
	}
	if (value == NULL || *value == '\0' || is_exempt(host)) {
		return NULL;
	}
	const char *scheme = strstr(value, "://");
	value = scheme != NULL ? scheme + 3 : value;
	const char *at = strrchr(value, '@');
	value = at != NULL ? at + 1 : value;
	return sl_strndup(value, strcspn(value, "/"));
}

/* --- one transfer --------------------------------------------------------------------------- */

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct probe *probe = context;
	struct sl_buf *headers = &probe->answer.headers;
	size_t len = size * count;
	if (headers->len + len > MAX_HEADER_BYTES) {
		return 0;
	}
	sl_buf_add(headers, line, len);
	return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct probe *probe = context;
	struct sl_buf *body = &probe->answer.body;
	size_t len = size * count;
	if (body->len + len > MAX_BODY_BYTES) {
		return 0; /* enough to see what it is */
	}
	sl_buf_add(body, bytes, len);
	return len;
}

static bool start(
	struct probe *probe, struct sl_reach *reach, const struct sl_aws *aws, int64_t timeout_ms)
{
	*probe = (struct probe){.reach = reach, .easy = curl_easy_init()};
	if (probe->easy == NULL) {
		return false;
	}
	sl_curl_defaults(probe->easy, aws, timeout_ms);
	curl_easy_setopt(probe->easy, CURLOPT_URL, reach->url);
	curl_easy_setopt(probe->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(probe->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(probe->easy, CURLOPT_HEADERDATA, probe);
	curl_easy_setopt(probe->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(probe->easy, CURLOPT_WRITEDATA, probe);
	curl_easy_setopt(probe->easy, CURLOPT_ERRORBUFFER, probe->error);
	curl_easy_setopt(probe->easy, CURLOPT_PRIVATE, probe);
	/* A name server that says nothing must not hold up our end. */
	curl_easy_setopt(probe->easy, CURLOPT_QUICK_EXIT, 1L);
	return true;
}

static void probe_finish(struct probe *probe)
{
	curl_easy_cleanup(probe->easy);
	sl_answer_finish(&probe->answer);
}

/* All of them; curl's own timeouts end each. */
static void perform(struct probe *probes, size_t count)
{
	CURLM *multi = curl_multi_init();
	if (multi == NULL) {
		SL_BUG("curl gives no handle");
	}
	for (size_t i = 0; i < count; i++) {
		if (probes[i].easy != NULL) {
			curl_multi_add_handle(multi, probes[i].easy);
		}
	}
	int running = 1;
	while (running > 0 && curl_multi_perform(multi, &running) == CURLM_OK && running > 0) {
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	int queued = 0;
	const CURLMsg *message;
	while ((message = curl_multi_info_read(multi, &queued)) != NULL) {
		struct probe *probe = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&probe);
		probe->code = message->data.result;
		probe->done = true;
	}
	for (size_t i = 0; i < count; i++) {
		if (probes[i].easy != NULL) {
			curl_multi_remove_handle(multi, probes[i].easy);
		}
	}
	curl_multi_cleanup(multi);
}

/* --- what came of it ------------------------------------------------------------------------ */

static void read_answer(struct probe *probe)
{
	struct sl_reach *reach = probe->reach;
	struct sl_answer *answer = &probe->answer;
	answer->request_id = sl_answer_header(answer, "x-amzn-requestid");
	if (answer->request_id == NULL) {
		answer->request_id = sl_answer_header(answer, "x-amz-request-id");
	}
	reach->has_date = sl_fault_clock_offset(answer, sl_clock_now_ms(), &reach->clock_offset_ms);
	if (sl_diagnose_is_page(answer)) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf detail = SL_BUF_INIT;
		const char *host = strstr(reach->url, "://") + 3;
		SL_AUTO(sl_freep)
		char *name = sl_strndup(host, strcspn(host, "/"));
		sl_diagnose_page(&detail, answer, name);
		reach->detail = sl_buf_steal(&detail);
		return;
	}
	reach->reached = true;
	reach->bucket_region = sl_answer_header(answer, "x-amz-bucket-region");
}

static void judge(struct probe *probe)
{
	struct sl_reach *reach = probe->reach;
	long status = 0;
	curl_easy_getinfo(probe->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status > 0 && (probe->code == CURLE_OK || probe->code == CURLE_WRITE_ERROR)) {
		probe->answer.status = (int)status;
		read_answer(probe);
		return;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf detail = SL_BUF_INIT;
	sl_diagnose_transfer(&detail, probe->easy, probe->code, reach->url, probe->error);
	reach->detail = sl_buf_steal(&detail);
	reach->bad_tls = probe->code == CURLE_PEER_FAILED_VERIFICATION ||
		probe->code == CURLE_SSL_CONNECT_ERROR;
}

static char *certificate_field(const struct curl_slist *lines, const char *name)
{
	size_t len = strlen(name);
	for (; lines != NULL; lines = lines->next) {
		if (strncmp(lines->data, name, len) == 0 && lines->data[len] == ':') {
			return sl_strdup(lines->data + len + 1);
		}
	}
	return NULL;
}

/* Whose certificate it is that is not trusted: a handshake, and nothing is sent after it. */
static void look_at_certificates(
	struct sl_reach *targets, size_t count, const struct sl_aws *aws, int64_t timeout_ms)
{
	struct probe *probes = sl_calloc(count, sizeof(*probes));
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		if (targets[i].bad_tls && start(&probes[i], &targets[i], aws, timeout_ms)) {
			curl_easy_setopt(probes[i].easy, CURLOPT_SSL_VERIFYPEER, 0L);
			curl_easy_setopt(probes[i].easy, CURLOPT_SSL_VERIFYHOST, 0L);
			curl_easy_setopt(probes[i].easy, CURLOPT_CERTINFO, 1L);
			curl_easy_setopt(probes[i].easy, CURLOPT_CONNECT_ONLY, 1L);
			any = true;
		}
	}
	if (any) {
		perform(probes, count);
	}
	for (size_t i = 0; i < count; i++) {
		struct curl_certinfo *chain = NULL;
		if (probes[i].easy != NULL &&
			curl_easy_getinfo(probes[i].easy, CURLINFO_CERTINFO, &chain) == CURLE_OK &&
			chain != NULL && chain->num_of_certs > 0) {
			targets[i].issuer = certificate_field(chain->certinfo[0], "Issuer");
			targets[i].subject = certificate_field(chain->certinfo[0], "Subject");
		}
		probe_finish(&probes[i]);
	}
	free(probes);
}

static void reach_all(
	const struct sl_aws *aws, struct sl_reach *targets, size_t count, int64_t timeout_ms)
{
	struct probe *probes = sl_calloc(count, sizeof(*probes));
	for (size_t i = 0; i < count; i++) {
		if (targets[i].url != NULL) {
			targets[i].proxy = proxy_of(targets[i].url);
			(void)start(&probes[i], &targets[i], aws, timeout_ms);
		}
	}
	perform(probes, count);
	for (size_t i = 0; i < count; i++) {
		if (probes[i].easy != NULL) {
			judge(&probes[i]);
		}
		probe_finish(&probes[i]);
	}
	free(probes);
	look_at_certificates(targets, count, aws, timeout_ms);
}

void sl_reach_services(
	struct sl_aws *aws, struct sl_reach *targets, size_t count, int64_t timeout_ms)
{
	for (size_t i = 0; i < count; i++) {
		SL_AUTO(sl_endpoint_finish)
		struct sl_endpoint endpoint = {0};
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (sl_endpoint_resolve(sl_aws_endpoints(aws), targets[i].service,
			    targets[i].bucket, &endpoint, &error) != SL_ERR_OK) {
			targets[i].detail = sl_strdup(error.detail);
			continue;
		}
		SL_AUTO(sl_buf_finish)
		struct sl_buf url = SL_BUF_INIT;
		sl_endpoint_url(&endpoint, "/", &url);
		targets[i].url = sl_buf_steal(&url);
	}
	reach_all(aws, targets, count, timeout_ms);
}
