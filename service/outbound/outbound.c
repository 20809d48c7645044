/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of a URL, and one POST over curl_multi, whose waits can be ended from another
 * thread. Entry: sl_outbound_check_url(), sl_outbound_post(). A sender belongs to one thread. */

#include "outbound.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "text.h"

#define MAX_URL           2048
#define MAX_HOST          253
#define MAX_REDIRECTS     3
#define MAX_ANSWER        ((size_t)64 * 1024) /* beyond, nobody listens */
#define MAX_HEADERS       ((size_t)64 * 1024) /* libcurl itself would keep them all */
#define CONNECT_MS        5000
#define POLL_MS           1000
#define MAX_RETRY_AFTER_S 86400

struct sl_outbound {
	const struct sl_outbound_policy *policy;
	CURLM *multi;
	atomic_bool interrupted;
};

/* One request of a POST, which has more when it is redirected. */
struct hop {
	const struct sl_outbound_policy *policy;
	CURL *easy;
	char refused[128]; /* why an address was not connected to; "": none was refused */
	char words[CURL_ERROR_SIZE];
	size_t received; /* bytes of the body */
	size_t headers;  /* bytes of all headers, of interim answers too */
};

/* --- the judgement of a URL ---------------------------------------------------------------- */

static void free_urlp(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void free_curlp(char **text)
{
	curl_free(*text);
}

static enum sl_err refuse(struct sl_error *reterr, const char *why)
{
	return sl_error_set(reterr, SL_ERR_CALLBACK_REFUSED, "The callback URL %s", why);
}

/* Whatever two parsers might read differently is not let in. */
static const char *odd_text(const char *url)
{
	static const char marks[] = "-._~:/?[]@!$&'()*+,;=%";
	if (strlen(url) > MAX_URL) {
		return "is too long";
	}
	for (const char *c = url; *c != '\0'; c++) {
		if (*c == '#') {
			return "must not have a fragment";
		}
		if (!(isascii((unsigned char)*c) && isalnum((unsigned char)*c)) &&
			strchr(marks, *c) == NULL) {
			return "has characters that a URL must not have";
		}
	}
	/* libcurl is content with one slash, and would find another authority than we do below. */
	const char *authority = url + strcspn(url, ":");
	if (!sl_text_starts_with(authority, "://") || authority[3] == '/') {
		return "is not an absolute URL";
	}
	authority += 3;
	size_t len = strcspn(authority, "/?");
	if (memchr(authority, '@', len) != NULL) {
		return "must not name a user";
	}
	return memchr(authority, '%', len) != NULL ? "has an escaped host" : NULL;
}

/* "a.1", "0x7f": not a name, by the rule of https://url.spec.whatwg.org/#ends-in-a-number-checker
 */
static bool ends_in_number(const char *host)
{
	size_t len = strlen(host);
	len -= len > 0 && host[len - 1] == '.';
	size_t start = len;
	while (start > 0 && host[start - 1] != '.') {
		start--;
	}
	const char *label = host + start;
	len -= start;
	size_t digits = strspn(label, "0123456789");
	if (len > 0 && digits >= len) {
		return true;
	}
	bool hex = len >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');
	return hex && 2 + strspn(label + 2, "0123456789abcdefABCDEF") >= len;
}

static enum sl_err check_host(
	const struct sl_outbound_policy *policy, const char *host, struct sl_error *reterr)
{
	struct sockaddr_storage address;
	if (sl_address_of_host(host, &address)) {
		const char *what =
			sl_address_refusal((const struct sockaddr *)&address, &policy->allowed);
		if (what == NULL) {
			return SL_ERR_OK;
		}
		return sl_error_set(reterr, SL_ERR_CALLBACK_REFUSED,
			"The callback URL names %s, %s", host, what);
	}
	size_t len = strlen(host);
	bool name = len > 0 && len <= MAX_HOST &&
		strspn(host,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-_.") == len;
	if (!name || host[0] == '.' || strstr(host, "..") != NULL || ends_in_number(host)) {
		return refuse(reterr, "has no valid host");
	}
	return SL_ERR_OK;
}

static enum sl_err check_parts(
	const struct sl_outbound_policy *policy, CURLU *parsed, struct sl_error *reterr)
{
	SL_AUTO(free_curlp)
	char *scheme = NULL;
	SL_AUTO(free_curlp)
	char *host = NULL;
	SL_AUTO(free_curlp)
	char *port = NULL;
	SL_AUTO(free_curlp)
	char *zone = NULL;
	if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
		return refuse(reterr, "is not a valid URL");
	}
	if (strcmp(scheme, "https") != 0 && !(policy->allow_http && strcmp(scheme, "http") == 0)) {
		return refuse(reterr, "must begin with https://");
	}
	if (curl_url_get(parsed, CURLUPART_ZONEID, &zone, 0) == CURLUE_OK) {
		return refuse(reterr, "names an interface of this machine");
	}
	int64_t number;
	if (!sl_text_parse_i64(port, 1, 65535, &number)) {
		return refuse(reterr, "has a port that cannot be");
	}
	return check_host(policy, host, reterr);
}

/* The caller owns `*ret`. */
static enum sl_err parse(const struct sl_outbound_policy *policy, const char *url, CURLU **ret,
	struct sl_error *reterr)
{
	const char *odd = odd_text(url);
	if (odd != NULL) {
		return refuse(reterr, odd);
	}
	SL_AUTO(free_urlp)
	CURLU *parsed = curl_url();
	if (parsed == NULL) {
		SL_BUG("curl gives no handle");
	}
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
		return refuse(reterr, "is not a valid URL");
	}
	enum sl_err err = check_parts(policy, parsed, reterr);
	if (err == SL_ERR_OK) {
		*ret = sl_take(&parsed);
	}
	return err;
}

enum sl_err sl_outbound_check_url(
	const struct sl_outbound_policy *policy, const char *url, struct sl_error *reterr)
{
	SL_AUTO(free_urlp)
	CURLU *parsed = NULL;
	return parse(policy, url, &parsed, reterr);
}

char *sl_outbound_origin(const char *url)
{
	const char *authority = strstr(url, "://");
	size_t len = authority != NULL ? (size_t)(authority - url) + 3 : 0;
	len += strcspn(url + len, "/?#");
	char *origin = sl_strndup(url, len);
	for (char *c = origin; *c != '\0'; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	return origin;
}

/* --- sending ------------------------------------------------------------------------------- */

struct sl_outbound *sl_outbound_create(const struct sl_outbound_policy *policy)
{
	struct sl_outbound *outbound = sl_calloc(1, sizeof(*outbound));
	outbound->policy = policy;
	outbound->multi = curl_multi_init();
	if (outbound->multi == NULL) {
		SL_BUG("curl gives no handle");
	}
	atomic_init(&outbound->interrupted, false);
	return outbound;
}

void sl_outbound_destroy(struct sl_outbound *outbound)
{
	if (outbound == NULL) {
		return;
	}
	curl_multi_cleanup(outbound->multi);
	free(outbound);
}

void sl_outbound_interrupt(struct sl_outbound *outbound)
{
	atomic_store(&outbound->interrupted, true);
	curl_multi_wakeup(outbound->multi);
}

/* The last word on an address: here it is the one that will be connected to. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	struct hop *hop = context;
	const char *what = sl_address_refusal(&address->addr, &hop->policy->allowed);
	if (what != NULL) {
		char text[SL_ADDRESS_TEXT_SIZE];
		sl_address_text(&address->addr, text);
		snprintf(hop->refused, sizeof(hop->refused), "%s, %s", text, what);
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t discard(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes;
	struct hop *hop = context;
	hop->received += size * count;
	return hop->received > MAX_ANSWER ? 0 : size * count;
}

static size_t count_headers(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes;
	struct hop *hop = context;
	hop->headers += size * count;
	return hop->headers > MAX_HEADERS ? 0 : size * count;
}

static void set_body(CURL *easy, struct curl_slist *headers, const char *body, size_t body_len)
{
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "spotlist/" SL_VERSION);
}

static void set_safety(struct hop *hop, int64_t left_ms)
{
	CURL *easy = hop->easy;
	const char *ca_bundle = hop->policy->ca_bundle;
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, hop);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, hop);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_headers);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, hop);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, hop->words);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (ca_bundle != NULL && *ca_bundle != '\0') {
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_bundle);
	}
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A name server that does not answer must not hold up the end of the process. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(left_ms < CONNECT_MS ? left_ms : CONNECT_MS));
}

/* False when it was interrupted. */
static bool transfer(struct sl_outbound *outbound, CURL *easy, CURLcode *ret)
{
	*ret = CURLE_FAILED_INIT;
	if (curl_multi_add_handle(outbound->multi, easy) != CURLM_OK) {
		return true;
	}
	bool done = false;
	while (!done && !atomic_load(&outbound->interrupted)) {
		int running = 0;
		int queued = 0;
		done = curl_multi_perform(outbound->multi, &running) != CURLM_OK;
		const CURLMsg *message = curl_multi_info_read(outbound->multi, &queued);
		if (message != NULL && message->msg == CURLMSG_DONE) {
			*ret = message->data.result;
			done = true;
		}
		if (!done) {
			curl_multi_poll(outbound->multi, NULL, 0, POLL_MS, NULL);
		}
	}
	curl_multi_remove_handle(outbound->multi, easy);
	return done;
}

static enum sl_err no_answer(
	const struct hop *hop, CURLcode code, const char *url, struct sl_error *reterr)
{
	if (code == CURLE_COULDNT_CONNECT && hop->refused[0] != '\0') {
		/* Not the whole URL, which may have secrets in it. */
		SL_AUTO(sl_freep)
		char *origin = sl_outbound_origin(url);
		return sl_error_set(
			reterr, SL_ERR_CALLBACK_REFUSED, "%s leads to %s", origin, hop->refused);
	}
	if (hop->headers > MAX_HEADERS) {
		return sl_error_set(reterr, SL_ERR_IO, "the answer's headers have no end");
	}
	long status = 0;
	curl_easy_getinfo(hop->easy, CURLINFO_RESPONSE_CODE, &status);
	const char *words = hop->words[0] != '\0' ? hop->words : curl_easy_strerror(code);
	sl_error_set(reterr, SL_ERR_IO, "%s", words);
	if (reterr != NULL) {
		reterr->provider.http_status = (int)status;
	}
	return SL_ERR_IO;
}

/* What came of a hop; `*ret_redirect` (owned by the caller) when it leads elsewhere. */
static enum sl_err judge(const struct hop *hop, CURLcode code, const char *url,
	struct sl_outbound_answer *ret, char **ret_redirect, struct sl_error *reterr)
{
	bool enough = code == CURLE_WRITE_ERROR && hop->received > MAX_ANSWER;
	if (code != CURLE_OK && !enough) {
		return no_answer(hop, code, url, reterr);
	}
	long status = 0;
	char *target = NULL;
	curl_off_t retry_after_s = 0;
	curl_easy_getinfo(hop->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(hop->easy, CURLINFO_REDIRECT_URL, &target);
	curl_easy_getinfo(hop->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	if ((status == 307 || status == 308) && target != NULL) {
		*ret_redirect = sl_strdup(target);
		return SL_ERR_OK;
	}
	if (retry_after_s > MAX_RETRY_AFTER_S) {
		retry_after_s = MAX_RETRY_AFTER_S;
	}
	bool hint = status == 429 || status == 503;
	*ret = (struct sl_outbound_answer){
		.status = (int)status,
		.retry_after_ms = hint ? (int64_t)retry_after_s * 1000 : 0,
	};
	return SL_ERR_OK;
}

static void cleanup_hop(struct hop *hop)
{
	curl_easy_cleanup(hop->easy);
}

static void free_slistp(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

struct message {
	const char *const *headers;
	const char *body;
	size_t body_len;
	int64_t deadline_ms;
};

static struct curl_slist *header_list(const char *const *headers)
{
	/* Without "Expect" no receiver is waited for before the body is sent. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	for (; *headers != NULL; headers++) {
		list = curl_slist_append(list, *headers);
	}
	return list;
}

static enum sl_err send_hop(struct sl_outbound *outbound, const char *url,
	const struct message *message, struct sl_outbound_answer *ret, char **ret_redirect,
	struct sl_error *reterr)
{
	SL_AUTO(free_urlp)
	CURLU *parsed = NULL;
	enum sl_err err = parse(outbound->policy, url, &parsed, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	int64_t left_ms = message->deadline_ms - sl_clock_monotonic_ms();
	if (left_ms <= 0) {
		return sl_error_set(reterr, SL_ERR_IO, "the redirects took too long");
	}
	SL_AUTO(free_slistp)
	struct curl_slist *headers = header_list(message->headers);
	SL_AUTO(cleanup_hop)
	struct hop hop = {.policy = outbound->policy, .easy = curl_easy_init()};
	if (hop.easy == NULL) {
		SL_BUG("curl gives no handle");
	}
	curl_easy_setopt(hop.easy, CURLOPT_CURLU, parsed);
	set_body(hop.easy, headers, message->body, message->body_len);
	set_safety(&hop, left_ms);
	CURLcode code;
	if (!transfer(outbound, hop.easy, &code)) {
		return sl_error_set(reterr, SL_ERR_SHUTTING_DOWN, "the POST was interrupted");
	}
	return judge(&hop, code, url, ret, ret_redirect, reterr);
}

enum sl_err sl_outbound_post(struct sl_outbound *outbound, const char *url,
	const char *const *headers, const char *body, size_t body_len,
	struct sl_outbound_answer *ret, struct sl_error *reterr)
{
	const struct message message = {
		headers, body, body_len, sl_clock_monotonic_ms() + outbound->policy->timeout_ms};
	SL_AUTO(sl_freep)
	char *target = sl_strdup(url);
	for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
		SL_AUTO(sl_freep)
		char *next = NULL;
		struct sl_outbound_answer answer = {0};
		enum sl_err err = send_hop(outbound, target, &message, &answer, &next, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		if (next == NULL) {
			*ret = answer;
			return SL_ERR_OK;
		}
		free(target);
		target = sl_take(&next);
	}
	return sl_error_set(
		reterr, SL_ERR_CALLBACK_REFUSED, "it redirects more than %d times", MAX_REDIRECTS);
}
