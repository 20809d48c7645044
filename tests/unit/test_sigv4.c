/* SPDX-License-Identifier: Apache-2.0 */
/* Signature Version 4: canonical forms that vectors in aws-c-auth's layout do not reach, and two
 * published signatures. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"
#include "sigv4.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct sl_sigv4_config s3_config = {
	.mode = SL_SIGV4_HEADER,
	.access_key_id = "AKIAIOSFODNN7EXAMPLE",
	.secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	.region = "us-east-1",
	.service = "s3",
	.time_ms = INT64_C(1369353600000), /* 2013-05-24T00:00:00Z */
	.expires_s = 86400,
	.sign_body = true,
};

/* The S3 documentation's "GET Object" and "presigned URL" examples. */
static void published_s3_examples_have_their_signatures(void **state)
{
	(void)state;
	const struct sl_pair headers[] = {
		{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}};
	struct sl_sigv4_request request = {.method = "GET",
		.path = "/test.txt",
		.headers = headers,
		.header_count = 2,
		.payload_hash = EMPTY_HASH};
	struct sl_sigv4_config config = s3_config;
	struct sl_sigv4_signed signed_;
	sl_sigv4_sign(&request, &config, &signed_);
	assert_string_equal(signed_.signature,
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	sl_sigv4_signed_finish(&signed_);

	config.mode = SL_SIGV4_QUERY;
	request.header_count = 1;
	request.payload_hash = SL_SIGV4_UNSIGNED_PAYLOAD;
	sl_sigv4_sign(&request, &config, &signed_);
	assert_string_equal(signed_.signature,
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	sl_sigv4_signed_finish(&signed_);
}

static void paths_are_encoded_as_each_service_wants(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		bool normalize, twice;
		const char *want;
	} cases[] = {
		{"/", true, true, "/"},
		{"/2017-08-29/jobs/1 2", true, true, "/2017-08-29/jobs/1%25202"},
		{"/arn:aws:x", true, true, "/arn%253Aaws%253Ax"},
		{"/a/../b/./c//d/", true, false, "/b/c/d/"},
		{"/../..", true, false, "/"},
		{"/a/..", true, false, "/"},
		{"/a/b/..", true, false, "/a/"},
		{"/a/.", true, false, "/a/"},
		{"/a..b/...", true, false, "/a..b/..."},
		{"/a/../b//c", false, false, "/a/../b//c"},
		{"/a+b%2F #?&=\"'(é)", false, false,
			"/a%2Bb%252F%20%23%3F%26%3D%22%27%28%C3%A9%29"},
		{"/한국어/😀.mp4", false, false, "/%ED%95%9C%EA%B5%AD%EC%96%B4/%F0%9F%98%80.mp4"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		const struct sl_pair host = {"host", "h"};
		const struct sl_sigv4_request request = {.method = "GET",
			.path = cases[i].path,
			.headers = &host,
			.header_count = 1,
			.payload_hash = EMPTY_HASH};
		struct sl_sigv4_config config = s3_config;
		config.normalize = cases[i].normalize;
		config.encode_twice = cases[i].twice;
		struct sl_sigv4_signed signed_;
		sl_sigv4_sign(&request, &config, &signed_);
		SL_AUTO(sl_freep)
		char *start = sl_asprintf("GET\n%s\n\nhost:h\n", cases[i].want);
		signed_.canonical_request[strlen(start)] = '\0';
		assert_string_equal(signed_.canonical_request, start);
		sl_sigv4_signed_finish(&signed_);
	}
}

static void query_and_headers_become_canonical(void **state)
{
	(void)state;
	const struct sl_pair query[] = {{"prefix", "a b+c/é"}, {"list-type", "2"}, {"acl", ""},
		{"a", "2"}, {"a", "10"}, {"a-b", "x"}};
	const struct sl_pair headers[] = {{"Host", "h:8080"}, {"X-B", " 1  2\t3 "},
		{"User-Agent", "never signed"}, {"Expect", "100-continue"}, {"x-b", "4"},
		{"Content-Type", "text/plain"}, {"X-Empty", ""}};
	const struct sl_sigv4_request request = {.method = "GET",
		.path = "/",
		.query = query,
		.query_count = SL_ARRAY_SIZE(query),
		.headers = headers,
		.header_count = SL_ARRAY_SIZE(headers),
		.payload_hash = EMPTY_HASH};
	struct sl_sigv4_signed signed_;
	sl_sigv4_sign(&request, &s3_config, &signed_);
	assert_string_equal(signed_.canonical_request,
		"GET\n/\na=10&a=2&a-b=x&acl=&list-type=2&prefix=a%20b%2Bc%2F%C3%A9\n"
		"content-type:text/plain\nhost:h:8080\nx-amz-content-sha256:" EMPTY_HASH "\n"
		"x-amz-date:20130524T000000Z\nx-b:1 2 3,4\nx-empty:\n\n"
		"content-type;host;x-amz-content-sha256;x-amz-date;x-b;x-empty\n" EMPTY_HASH);
	assert_string_equal(
		signed_.query.data, "prefix=a%20b%2Bc%2F%C3%A9&list-type=2&acl=&a=2&a=10&a-b=x");
	sl_sigv4_signed_finish(&signed_);
}

static void session_token_is_signed_unless_omitted(void **state)
{
	(void)state;
	const struct sl_pair host = {"Host", "h"};
	const struct sl_sigv4_request request = {.method = "GET",
		.path = "/",
		.headers = &host,
		.header_count = 1,
		.payload_hash = EMPTY_HASH};
	struct sl_sigv4_config config = s3_config;
	config.session_token = "T+/=";
	for (int mode = SL_SIGV4_HEADER; mode <= SL_SIGV4_QUERY; mode++) {
		for (int omit = 0; omit <= 1; omit++) {
			config.mode = (enum sl_sigv4_mode)mode;
			config.omit_session_token = omit;
			struct sl_sigv4_signed signed_;
			sl_sigv4_sign(&request, &config, &signed_);
			bool is_signed =
				strcasestr(signed_.canonical_request, "x-amz-security-token");
			assert_int_equal(is_signed, !omit);
			const char *sent = mode == SL_SIGV4_HEADER
				? strstr(signed_.headers.data, "\nX-Amz-Security-Token: T+/=\n")
				: strstr(signed_.query.data, "&X-Amz-Security-Token=T%2B%2F%3D&");
			assert_non_null(sent);
			sl_sigv4_signed_finish(&signed_);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_s3_examples_have_their_signatures),
		cmocka_unit_test(paths_are_encoded_as_each_service_wants),
		cmocka_unit_test(query_and_headers_become_canonical),
		cmocka_unit_test(session_token_is_signed_unless_omitted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
