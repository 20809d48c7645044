/* SPDX-License-Identifier: Apache-2.0 */
/* A health check's question: one request by libcurl, no proxy, no redirect, a deadline. Any
 * thread. */

#include "probe.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "text.h"

#define ANSWER_BYTES 4096

static void free_easy(CURL **easy)
{
	curl_easy_cleanup(*easy);
}

/* What listens on all addresses is asked on loopback. */
static const char *askable(const char *host)
{
	if (strcmp(host, "0.0.0.0") == 0) {
		return "127.0.0.1";
	}
	return strcmp(host, "::") == 0 ? "::1" : host;
}

/* "host:port" or "[host]:port", both numeric, as a URL that the caller frees; NULL: it is none. */
static char *url_of(const char *address, const char *target)
{
	const char *colon = strrchr(address, ':');
	int64_t port = 0;
	if (colon == NULL || !sl_text_parse_i64(colon + 1, 1, UINT16_MAX, &port)) {
		return NULL;
	}
	size_t len = (size_t)(colon - address);
	bool brackets = len > 2 && address[0] == '[' && colon[-1] == ']';
	SL_AUTO(sl_freep)
	char *host = brackets ? sl_strndup(address + 1, len - 2) : sl_strndup(address, len);
	unsigned char bytes[sizeof(struct in6_addr)];
	if (inet_pton(brackets ? AF_INET6 : AF_INET, host, bytes) != 1) {
		return NULL;
	}
	return sl_asprintf(
		brackets ? "http://[%s]:%d%s" : "http://%s:%d%s", askable(host), (int)port, target);
}

/* The beginning of the answer is enough. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct sl_buf *body = context;
	size_t len = size * count;
	size_t room = ANSWER_BYTES - body->len;
	sl_buf_add(body, bytes, len < room ? len : room);
	return len;
}

static const char *why(CURL *easy, CURLcode code)
{
	long problem = 0;
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &problem);
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return "no answer in time";
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_GOT_NOTHING:
		return "the answer is not HTTP";
	case CURLE_COULDNT_CONNECT:
		return problem != 0 ? strerror((int)problem) : curl_easy_strerror(code);
	default:
		return curl_easy_strerror(code);
	}
}

static enum sl_err ask(CURL *easy, const char *url, int64_t timeout_ms, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
	CURLcode code = curl_easy_perform(easy);
	if (code != CURLE_OK) {
		return sl_error_set(reterr, SL_ERR_IO, "%s: %s", url, why(easy, code));
	}
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? SL_ERR_OK
			     : sl_error_set(reterr, SL_ERR_IO, "%s: %ld%s%.1000s", url, status,
				       body.len > 0 ? ": " : "", sl_buf_str(&body));
}

enum sl_err sl_probe(
	const char *address, const char *target, int64_t timeout_ms, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *url = url_of(address, target);
	if (url == NULL) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"\"%s\" is no address to ask; write 127.0.0.1:8081 or [::1]:8081, without "
			"port 0",
			address);
	}
	SL_AUTO(free_easy)
	CURL *easy = curl_easy_init();
	return easy != NULL ? ask(easy, url, timeout_ms, reterr)
			    : sl_error_set(reterr, SL_ERR_IO, "curl has no memory for a handle");
}
