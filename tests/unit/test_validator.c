/* SPDX-License-Identifier: Apache-2.0 */
/* Replies with an ETag over a socket, as libcurl sees and unpacks them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "mem.h"
#include "server_fixture.h"

static struct fixture *fixture;

struct answer {
	long status;
	struct sl_buf body;
	struct sl_buf fields;
};

static int start(void **state)
{
	(void)state;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	fixture = fixture_create(2, 30);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_destroy(fixture);
	curl_global_cleanup();
	return 0;
}

static size_t take(char *bytes, size_t size, size_t count, void *out)
{
	sl_buf_add(out, bytes, size * count);
	return size * count;
}

/* `coding`: what Accept-Encoding says, and libcurl undoes; `etag`: If-None-Match, or NULL. */
static struct answer ask(const char *path, const char *coding, const char *etag, bool head)
{
	struct answer answer = {0};
	SL_AUTO(sl_freep)
	char *url = sl_asprintf("http://127.0.0.1:%u%s", fixture->port, path);
	SL_AUTO(sl_freep)
	char *field = sl_asprintf("If-None-Match: %s", etag != NULL ? etag : "");
	struct curl_slist *fields = etag != NULL ? curl_slist_append(NULL, field) : NULL;
	CURL *curl = curl_easy_init();
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOBODY, head ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, coding);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.fields);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(fields);
	return answer;
}

/* The value of a field, or NULL; valid until the next call. */
static const char *field(const struct answer *answer, const char *name)
{
	static char value[128];
	const char *at = sl_buf_str(&answer->fields);
	for (; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n' ? 1 : 0;
		if (strncasecmp(at, name, strlen(name)) == 0 && at[strlen(name)] == ':') {
			snprintf(value, sizeof(value), "%.*s",
				(int)strcspn(at + strlen(name) + 2, "\r\n"), at + strlen(name) + 2);
			return value;
		}
	}
	return NULL;
}

static void done(struct answer *answer)
{
	sl_buf_finish(&answer->body);
	sl_buf_finish(&answer->fields);
}

static void assert_not_modified(const char *path, const char *coding, const char *etag)
{
	struct answer answer = ask(path, coding, etag, false);
	assert_int_equal(answer.status, 304);
	assert_int_equal(answer.body.len, 0);
	assert_string_equal(field(&answer, "ETag"), etag);
	assert_string_equal(field(&answer, "Vary"), "Accept-Encoding");
	assert_null(field(&answer, "Content-Encoding"));
	assert_null(field(&answer, "Content-Type"));
	done(&answer);
}

/* Both forms of one resource: same text, different ETags, each of which spares the body. */
static void both_forms(const char *path, size_t len)
{
	struct answer plain = ask(path, NULL, NULL, false);
	struct answer packed = ask(path, "gzip", NULL, false);
	assert_int_equal(plain.status, 200);
	assert_int_equal(packed.status, 200);
	assert_int_equal(plain.body.len, len);
	assert_int_equal(packed.body.len, len);
	assert_memory_equal(plain.body.data, packed.body.data, len);
	assert_null(field(&plain, "Content-Encoding"));
	assert_string_equal(field(&packed, "Content-Encoding"), "gzip");
	assert_string_equal(field(&plain, "Cache-Control"), "private, no-cache");
	SL_AUTO(sl_freep)
	char *etag = sl_strdup(field(&plain, "ETag"));
	SL_AUTO(sl_freep)
	char *packed_etag = sl_strdup(field(&packed, "ETag"));
	assert_string_not_equal(etag, packed_etag);
	assert_not_modified(path, NULL, etag);
	assert_not_modified(path, "gzip", packed_etag);
	struct answer other = ask(path, NULL, packed_etag, false);
	assert_int_equal(other.status, 200); /* it has other bytes than it would get now */
	done(&other);
	done(&plain);
	done(&packed);
}

static void a_body_and_a_stream_have_two_forms(void **state)
{
	(void)state;
	both_forms("/kept/large", 16005);
	both_forms("/kept/stream", 1000000);
}

static void what_is_small_is_not_packed(void **state)
{
	(void)state;
	struct answer answer = ask("/kept/small", "gzip", NULL, false);
	assert_int_equal(answer.status, 200);
	assert_null(field(&answer, "Content-Encoding"));
	assert_string_equal(sl_buf_str(&answer.body), "small");
	/* sha256sum's first 32 digits */
	assert_string_equal(field(&answer, "ETag"), "\"81db8ebbbbc69c6c6ad4a6aa92b76e0c\"");
	done(&answer);
}

static void head_tells_what_get_would(void **state)
{
	(void)state;
	struct answer answer = ask("/kept/large", NULL, NULL, true);
	assert_int_equal(answer.status, 200);
	assert_string_equal(field(&answer, "Content-Length"), "16005");
	SL_AUTO(sl_freep)
	char *etag = sl_strdup(field(&answer, "ETag"));
	done(&answer);
	answer = ask("/kept/large", NULL, etag, true);
	assert_int_equal(answer.status, 304);
	done(&answer);
	answer = ask("/kept/stream", "gzip", NULL, true);
	assert_int_equal(answer.status, 200);
	assert_string_equal(field(&answer, "ETag"), "\"version-1-gzip\"");
	done(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_and_a_stream_have_two_forms),
		cmocka_unit_test(what_is_small_is_not_packed),
		cmocka_unit_test(head_tells_what_get_would),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
