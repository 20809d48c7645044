/* SPDX-License-Identifier: Apache-2.0 */
/* Signature Version 4: sl_sigv4_sign() builds canonical request, string to sign and signature, one
 * function a stage. Pure; any thread. */

#include "sigv4.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "text.h"

#define DIGEST_SIZE 32
#define ALGORITHM   "AWS4-HMAC-SHA256"

/* A name and value that are already in their canonical form; owned. */
struct canonical_pair {
	char *name;
	char *value;
	size_t order; /* of appearance: equal header names keep it */
};

struct canonical_list {
	struct canonical_pair *items;
	size_t count;
};

static void canonical_list_finish(struct canonical_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].value);
	}
	free(list->items);
	list->items = NULL;
	list->count = 0;
}

static void canonical_list_add(struct canonical_list *list, char *name, char *value)
{
	list->items = sl_reallocarray(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count] = (struct canonical_pair){name, value, list->count};
	list->count++;
}

static void hash_bytes(const void *bytes, size_t len, unsigned char ret[static DIGEST_SIZE])
{
	if (EVP_Digest(bytes, len, ret, NULL, EVP_sha256(), NULL) != 1) {
		SL_BUG("SHA-256 failed");
	}
}

static void hash_mac(
	const void *key, size_t key_len, const char *text, unsigned char ret[static DIGEST_SIZE])
{
	unsigned len = 0;
	if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), ret,
		    &len)) {
		SL_BUG("HMAC-SHA-256 failed");
	}
}

static void hex_digest(
	const unsigned char digest[static DIGEST_SIZE], char ret[static SL_SIGV4_HASH_SIZE])
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf hex = SL_BUF_INIT;
	sl_text_hex(&hex, digest, DIGEST_SIZE);
	memcpy(ret, sl_buf_str(&hex), SL_SIGV4_HASH_SIZE);
}

void sl_sigv4_hash(const void *bytes, size_t len, char ret[static SL_SIGV4_HASH_SIZE])
{
	unsigned char digest[DIGEST_SIZE];
	hash_bytes(bytes ? bytes : "", len, digest);
	hex_digest(digest, ret);
}

static char *percent_encoded(const char *text, const char *keep)
{
	struct sl_buf out = SL_BUF_INIT;
	sl_text_percent_encode(&out, text, strlen(text), keep);
	return sl_buf_steal(&out);
}

/* RFC 3986 dot segments go, and so do empty segments; a trailing slash stays. */
static char *normalized_path(const char *path)
{
	struct sl_buf out = SL_BUF_INIT;
	bool directory = true;
	for (const char *at = path; *at;) {
		size_t len = strcspn(at, "/");
		if (len == 0 || (len == 1 && at[0] == '.')) {
			directory = true;
		} else if (len == 2 && at[0] == '.' && at[1] == '.') {
			while (out.len > 0 && out.data[out.len - 1] != '/') {
				out.data[--out.len] = '\0';
			}
			if (out.len > 0) {
				out.data[--out.len] = '\0';
			}
			directory = true;
		} else {
			sl_buf_putc(&out, '/');
			sl_buf_add(&out, at, len);
			directory = at[len] == '/';
		}
		at += len;
		at += *at == '/';
	}
	if (directory || out.len == 0) {
		sl_buf_putc(&out, '/');
	}
	return sl_buf_steal(&out);
}

static char *canonical_path(const char *path, const struct sl_sigv4_config *config)
{
	SL_AUTO(sl_freep)
	char *whole = config->normalize ? normalized_path(path) : sl_strdup(path);
	SL_AUTO(sl_freep)
	char *once = percent_encoded(whole, "/");
	return config->encode_twice ? percent_encoded(once, "/") : sl_take(&once);
}

static int compare_query(const void *a, const void *b)
{
	const struct canonical_pair *x = a;
	const struct canonical_pair *y = b;
	int by_name = strcmp(x->name, y->name);
	return by_name ? by_name : strcmp(x->value, y->value);
}

static int compare_header(const void *a, const void *b)
{
	const struct canonical_pair *x = a;
	const struct canonical_pair *y = b;
	int by_name = strcmp(x->name, y->name);
	return by_name ? by_name : (x->order > y->order) - (x->order < y->order);
}

static char *canonical_query(const struct sl_pair *query, size_t count)
{
	SL_AUTO(canonical_list_finish)
	struct canonical_list list = {NULL, 0};
	for (size_t i = 0; i < count; i++) {
		canonical_list_add(&list, percent_encoded(query[i].name, ""),
			percent_encoded(query[i].value, ""));
	}
	if (list.count > 1) {
		qsort(list.items, list.count, sizeof(*list.items), compare_query);
	}
	struct sl_buf out = SL_BUF_INIT;
	for (size_t i = 0; i < list.count; i++) {
		sl_buf_printf(
			&out, "%s%s=%s", i ? "&" : "", list.items[i].name, list.items[i].value);
	}
	return sl_buf_steal(&out);
}

/* What proxies and libraries add or change on the way (the list of botocore). */
static bool header_is_signed(const char *lower_name)
{
	static const char *const unsigned_names[] = {"authorization", "connection", "expect",
		"keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
		"transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(unsigned_names); i++) {
		if (strcmp(lower_name, unsigned_names[i]) == 0) {
			return false;
		}
	}
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Runs of white space, line folds among them, become one space; the ends are trimmed. */
static char *collapsed(const char *value)
{
	struct sl_buf out = SL_BUF_INIT;
	for (const char *at = value; *at; at++) {
		if (!is_space(*at)) {
			sl_buf_putc(&out, *at);
		} else if (out.len > 0 && !is_space(at[1]) && at[1]) {
			sl_buf_putc(&out, ' ');
		}
	}
	return sl_buf_steal(&out);
}

static void headers_add(struct canonical_list *list, const char *name, const char *value)
{
	char *lower = sl_strdup(name);
	for (char *at = lower; *at; at++) {
		*at = (char)tolower((unsigned char)*at);
	}
	if (!header_is_signed(lower)) {
		free(lower);
		return;
	}
	canonical_list_add(list, lower, collapsed(value));
}

/* "name:value\n" per name in order, and the names joined with ';'. */
static void canonical_headers(
	struct canonical_list *list, struct sl_buf *ret_lines, struct sl_buf *ret_names)
{
	if (list->count > 1) {
		qsort(list->items, list->count, sizeof(*list->items), compare_header);
	}
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0 && strcmp(list->items[i].name, list->items[i - 1].name) == 0) {
			sl_buf_printf(ret_lines, ",%s", list->items[i].value);
			continue;
		}
		sl_buf_printf(ret_lines, "%s%s:%s", i ? "\n" : "", list->items[i].name,
			list->items[i].value);
		sl_buf_printf(ret_names, "%s%s", i ? ";" : "", list->items[i].name);
	}
	if (list->count > 0) {
		sl_buf_putc(ret_lines, '\n');
	}
}

static void derive_signature(const struct sl_sigv4_config *config, const char *date,
	const char *string_to_sign, char ret[static SL_SIGV4_HASH_SIZE])
{
	char *secret = sl_asprintf("AWS4%s", config->secret_access_key);
	unsigned char key[DIGEST_SIZE];
	unsigned char digest[DIGEST_SIZE];
	hash_mac(secret, strlen(secret), date, digest);
	OPENSSL_cleanse(secret, strlen(secret));
	free(secret);
	const char *const parts[] = {config->region, config->service, "aws4_request"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(parts); i++) {
		memcpy(key, digest, sizeof(key));
		hash_mac(key, sizeof(key), parts[i], digest);
	}
	memcpy(key, digest, sizeof(key));
	hash_mac(key, sizeof(key), string_to_sign, digest);
	OPENSSL_cleanse(key, sizeof(key));
	hex_digest(digest, ret);
}

/* What both modes need, worked out once. */
struct signing {
	const struct sl_sigv4_request *request;
	const struct sl_sigv4_config *config;
	char time[SL_CLOCK_AMZ_SIZE];
	char date[9];
	char *scope;
};

/* Canonical request to signature, from the parts that differ between the modes. */
static void sign_parts(const struct signing *signing, const char *query, const char *header_lines,
	const char *header_names, struct sl_sigv4_signed *ret)
{
	const struct sl_sigv4_request *request = signing->request;
	SL_AUTO(sl_freep)
	char *path = canonical_path(request->path, signing->config);
	ret->canonical_request = sl_asprintf("%s\n%s\n%s\n%s\n%s\n%s", request->method, path, query,
		header_lines, header_names, request->payload_hash);
	char hash[SL_SIGV4_HASH_SIZE];
	sl_sigv4_hash(ret->canonical_request, strlen(ret->canonical_request), hash);
	ret->string_to_sign =
		sl_asprintf("%s\n%s\n%s\n%s", ALGORITHM, signing->time, signing->scope, hash);
	derive_signature(signing->config, signing->date, ret->string_to_sign, ret->signature);
}

static void sign_header(const struct signing *signing, struct sl_sigv4_signed *ret)
{
	const struct sl_sigv4_request *request = signing->request;
	const struct sl_sigv4_config *config = signing->config;
	SL_AUTO(canonical_list_finish)
	struct canonical_list list = {NULL, 0};
	for (size_t i = 0; i < request->header_count; i++) {
		headers_add(&list, request->headers[i].name, request->headers[i].value);
	}
	headers_add(&list, "x-amz-date", signing->time);
	sl_buf_printf(&ret->headers, "X-Amz-Date: %s\n", signing->time);
	if (config->sign_body) {
		headers_add(&list, "x-amz-content-sha256", request->payload_hash);
		sl_buf_printf(&ret->headers, "X-Amz-Content-Sha256: %s\n", request->payload_hash);
	}
	if (config->session_token) {
		if (!config->omit_session_token) {
			headers_add(&list, "x-amz-security-token", config->session_token);
		}
		sl_buf_printf(&ret->headers, "X-Amz-Security-Token: %s\n", config->session_token);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf lines = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf names = SL_BUF_INIT;
	canonical_headers(&list, &lines, &names);
	SL_AUTO(sl_freep)
	char *query = canonical_query(request->query, request->query_count);
	sign_parts(signing, query, sl_buf_str(&lines), sl_buf_str(&names), ret);
	sl_buf_printf(&ret->headers,
		"Authorization: %s Credential=%s/%s, SignedHeaders=%s, Signature=%s\n", ALGORITHM,
		config->access_key_id, signing->scope, sl_buf_str(&names), ret->signature);
	sl_sigv4_encode_query(&ret->query, request->query, request->query_count);
}

static void sign_query(const struct signing *signing, struct sl_sigv4_signed *ret)
{
	const struct sl_sigv4_request *request = signing->request;
	const struct sl_sigv4_config *config = signing->config;
	SL_AUTO(canonical_list_finish)
	struct canonical_list list = {NULL, 0};
	for (size_t i = 0; i < request->header_count; i++) {
		headers_add(&list, request->headers[i].name, request->headers[i].value);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf lines = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf names = SL_BUF_INIT;
	canonical_headers(&list, &lines, &names);

	SL_AUTO(sl_freep)
	char *credential = sl_asprintf("%s/%s", config->access_key_id, signing->scope);
	SL_AUTO(sl_freep)
	char *expires = sl_asprintf("%lld", (long long)config->expires_s);
	const struct sl_pair added[] = {
		{"X-Amz-Algorithm", ALGORITHM}, {"X-Amz-Credential", credential},
		{"X-Amz-Date", signing->time}, {"X-Amz-SignedHeaders", sl_buf_str(&names)},
		{"X-Amz-Expires", expires},
		{"X-Amz-Security-Token", config->session_token}, /* last: may be left out */
	};
	size_t sent = SL_ARRAY_SIZE(added) - (config->session_token ? 0 : 1);
	size_t signed_ = config->omit_session_token ? SL_ARRAY_SIZE(added) - 1 : sent;
	SL_AUTO(sl_freep)
	struct sl_pair *all = sl_calloc(request->query_count + SL_ARRAY_SIZE(added), sizeof(*all));
	for (size_t i = 0; i < request->query_count; i++) {
		all[i] = request->query[i];
	}
	memcpy(all + request->query_count, added, sizeof(added));
	SL_AUTO(sl_freep)
	char *query = canonical_query(all, request->query_count + signed_);
	sign_parts(signing, query, sl_buf_str(&lines), sl_buf_str(&names), ret);
	sl_sigv4_encode_query(&ret->query, all, request->query_count + sent);
	sl_buf_printf(&ret->query, "&X-Amz-Signature=%s", ret->signature);
}

void sl_sigv4_sign(const struct sl_sigv4_request *request, const struct sl_sigv4_config *config,
	struct sl_sigv4_signed *ret)
{
	struct signing signing = {.request = request, .config = config};
	sl_clock_amz(config->time_ms, signing.time);
	memcpy(signing.date, signing.time, sizeof(signing.date) - 1);
	SL_AUTO(sl_freep)
	char *scope =
		sl_asprintf("%s/%s/%s/aws4_request", signing.date, config->region, config->service);
	signing.scope = scope;
	*ret = (struct sl_sigv4_signed){.headers = SL_BUF_INIT, .query = SL_BUF_INIT};
	if (config->mode == SL_SIGV4_HEADER) {
		sign_header(&signing, ret);
	} else {
		sign_query(&signing, ret);
	}
}

void sl_sigv4_signed_finish(struct sl_sigv4_signed *signed_)
{
	free(signed_->canonical_request);
	free(signed_->string_to_sign);
	sl_buf_finish(&signed_->headers);
	sl_buf_finish(&signed_->query);
	*signed_ = (struct sl_sigv4_signed){.headers = SL_BUF_INIT, .query = SL_BUF_INIT};
}

void sl_sigv4_encode_query(struct sl_buf *out, const struct sl_pair *query, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0) {
			sl_buf_putc(out, '&');
		}
		sl_text_percent_encode(out, query[i].name, strlen(query[i].name), "");
		sl_buf_putc(out, '=');
		sl_text_percent_encode(out, query[i].value, strlen(query[i].value), "");
	}
}
