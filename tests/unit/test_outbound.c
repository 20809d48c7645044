/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses and URLs may be sent to, and how messages are signed. Tables. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "mem.h"
#include "outbound.h"
#include "signature.h"
#include "test_addresses.h"

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage storage = {0};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(&storage, &v4, sizeof(v4));
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
		memcpy(&storage, &v6, sizeof(v6));
	}
	return storage;
}

static const char *refusal(const char *text, const struct sl_networks *allowed)
{
	struct sockaddr_storage address = address_of(text);
	return sl_address_refusal((const struct sockaddr *)&address, allowed);
}

static void every_address_is_judged_as_the_registries_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(addresses); i++) {
		const char *what = refusal(addresses[i].address, NULL);
		if ((what != NULL) != addresses[i].refused) {
			fail_msg("%s: %s", addresses[i].address, what != NULL ? what : "allowed");
		}
	}
}

static void what_is_no_internet_address_is_refused(void **state)
{
	(void)state;
	const struct sockaddr unix_socket = {.sa_family = AF_UNIX};
	assert_non_null(sl_address_refusal(&unix_socket, NULL));
}

static void allowed_networks_are_exact(void **state)
{
	(void)state;
	char *texts[] = {(char[]){"10.1.0.0/16"}, (char[]){"127.0.0.1"}, (char[]){"fd00:1::/33"},
		(char[]){"::ffff:10.0.0.0/104"}};
	struct sl_networks allowed;
	assert_int_equal(sl_networks_parse(texts, SL_ARRAY_SIZE(texts), &allowed, NULL), SL_ERR_OK);
	static const struct {
		const char *address;
		bool refused;
	} rows[] = {
		{"10.1.0.0", false},
		{"10.1.255.255", false},
		{"10.0.255.255", true},
		{"10.2.0.0", true},
		{"127.0.0.1", false},
		{"127.0.0.2", true},
		{"::1", true},
		{"::ffff:127.0.0.1", true}, /* another family: to be named itself */
		{"::ffff:10.1.2.3", false},
		{"::ffff:11.0.0.1", true},
		{"fd00:1::1", false},
		{"fd00:1:7fff:ffff::", false},
		{"fd00:1:8000::", true},
		{"8.8.8.8", false},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		if ((refusal(rows[i].address, &allowed) != NULL) != rows[i].refused) {
			fail_msg("%s", rows[i].address);
		}
	}
	sl_networks_finish(&allowed);
}

static void networks_are_read_strictly(void **state)
{
	(void)state;
	static const char *const good[] = {
		"0.0.0.0/0", "::/0", "10.0.0.0/8", "1.2.3.4", "1.2.3.4/32", "fe80::/10", "::1/128"};
	static const char *const bad[] = {"", "/", "10/8", "10.0.0.0/", "10.0.0.0/33",
		"10.0.0.0/-1", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.1/8", "010.0.0.0/8", "::/129",
		"fe80::1/10", "::1%lo", "localhost", "10.0.0.0/8/8", "10.0.0.0/0x8"};
	struct sl_network network;
	for (size_t i = 0; i < SL_ARRAY_SIZE(good); i++) {
		if (!sl_network_parse(good[i], &network)) {
			fail_msg("\"%s\" should be read", good[i]);
		}
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(bad); i++) {
		if (sl_network_parse(bad[i], &network)) {
			fail_msg("\"%s\" should not be read", bad[i]);
		}
	}
}

static const struct {
	const char *url;
	const char *why; /* part of the words; NULL: accepted */
} urls[] = {
	{"https://example.com", NULL},
	{"https://example.com/", NULL},
	{"HTTPS://EXAMPLE.com:443/a/b?c=d&e=%20", NULL},
	{"https://example.com./", NULL},
	{"https://a-b_c.example/", NULL},
	{"https://xn--bcher-kva.example/", NULL},
	{"https://8.8.8.8/", NULL},
	{"https://134744072/", NULL},
	{"https://[2606:4700::1111]:8443/x", NULL},
	{"https://example.com/@user", NULL},
	{"https://example.com?x=@", NULL},
	{"https://1.example/", NULL},
	{"https://0x7f.example/", NULL},
	{"https://localhost/", NULL}, /* DNS's business: judged when it is connected to */
	{"http://example.com/", "https://"},
	{"ftp://example.com/", "https://"},
	{"file:///etc/passwd", "absolute"},
	{"", "absolute"},
	{"https://", "valid"},
	{"https:///x", "absolute"},
	{"https:/example.com", "absolute"},
	{"https:/https://8.8.8.8/", "absolute"},
	{"https:/127.0.0.1/://8.8.8.8/", "absolute"},
	{"//example.com", "absolute"},
	{"example.com", "absolute"},
	{"https://user@example.com/", "user"},
	{"https://user:password@example.com/", "user"},
	{"https://@example.com/", "user"},
	{"https://example.com:0/", "port"},
	{"https://example.com:65536/", "valid"},
	{"https://example.com:8o/", "valid"},
	{"https://example.com/#x", "fragment"},
	{"https://example.com/a b", "characters"},
	{"https://example.com/\x01", "characters"},
	{"https://example.com/\xc3\xbc", "characters"},
	{"https://ex\xef\xbc\x91mple.com/", "characters"},
	{"https://good.example\\@127.0.0.1/", "characters"},
	{"https://%31%32%37.0.0.1/", "escaped host"},
	{"https://loc%61lhost/", "escaped host"},
	{"https://a..b/", "host"},
	{"https://.a/", "host"},
	{"https://a!b/", "valid"},
	{"https://1.2.3.256/", "host"},
	{"https://1.2.3.4.5/", "host"},
	{"https://999999999999/", "host"},
	{"https://foo.0x7f/", "host"},
	{"https://foo.09/", "host"},
	{"https://127.0.0.1/", "loopback"},
	{"https://127.0.0.1:8080/", "loopback"},
	{"https://127.0.0.1./", "loopback"},
	{"https://127.1/", "loopback"},
	{"https://2130706433/", "loopback"},
	{"https://0x7f000001/", "loopback"},
	{"https://0X7F.1/", "loopback"},
	{"https://017700000001/", "loopback"},
	{"https://0177.0.0.1/", "loopback"},
	{"https://0x7f.0x0.0x0.0x1/", "loopback"},
	{"https://0/", "unspecified"},
	{"https://0.0.0.0/", "unspecified"},
	{"https://10.255.255.255/", "private"},
	{"https://3232235777/", "private"},
	{"https://169.254.169.254/latest/meta-data/", "link-local"},
	{"https://0xa9fea9fe/", "link-local"},
	{"https://100.100.100.200/", "carrier-grade"},
	{"https://168.63.129.16/", "cloud"},
	{"https://[::1]/", "loopback"},
	{"https://[0:0:0:0:0:0:0:1]/", "loopback"},
	{"https://[::]/", "unspecified"},
	{"https://[::ffff:127.0.0.1]/", "inside IPv6"},
	{"https://[::ffff:7f00:1]/", "inside IPv6"},
	{"https://[::127.0.0.1]/", "inside IPv6"},
	{"https://[64:ff9b::a00:1]/", "NAT64"},
	{"https://[fd00:ec2::254]/", "private"},
	{"https://[fe80::1]/", "link-local"},
	{"https://[ff02::1]/", "multicast"},
	{"https://[fe80::1%25lo]/", "escaped host"},
	{"https://[fe80::1%lo]/", "escaped host"},
	{"https://[::1/", "valid"},
	{"https://[]/", "valid"},
	{"https://[v1.x]/", "valid"},
};

static void every_url_is_judged(void **state)
{
	(void)state;
	const struct sl_outbound_policy policy = {.timeout_ms = 1000};
	for (size_t i = 0; i < SL_ARRAY_SIZE(urls); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_outbound_check_url(&policy, urls[i].url, &error);
		bool expected = urls[i].why == NULL
			? err == SL_ERR_OK
			: err == SL_ERR_CALLBACK_REFUSED && strstr(error.detail, urls[i].why);
		if (!expected) {
			fail_msg("%s: %s", urls[i].url, error.detail ? error.detail : "accepted");
		}
	}
}

static void http_is_accepted_where_it_is_allowed(void **state)
{
	(void)state;
	const struct sl_outbound_policy policy = {.allow_http = true, .timeout_ms = 1000};
	assert_int_equal(sl_outbound_check_url(&policy, "http://example.com/", NULL), SL_ERR_OK);
	assert_int_equal(sl_outbound_check_url(&policy, "ftp://example.com/", NULL),
		SL_ERR_CALLBACK_REFUSED);
	assert_int_equal(
		sl_outbound_check_url(&policy, "http://127.0.0.1/", NULL), SL_ERR_CALLBACK_REFUSED);
}

static void origins_are_scheme_host_and_port(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *origin = sl_outbound_origin("HTTPS://Example.com:8443/A?b");
	assert_string_equal(origin, "https://example.com:8443");
	SL_AUTO(sl_freep)
	char *bare = sl_outbound_origin("https://example.com?b");
	assert_string_equal(bare, "https://example.com");
}

/* The first is the example that Standard Webhooks' own libraries test themselves with; the others
 * were computed with Python's hmac. */
static const struct {
	const char *secret;
	const char *id;
	int64_t timestamp;
	const char *body;
	const char *signature;
} vectors[] = {
	{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
		"{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	{"whsec_"
	 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+"
	 "Pw==",
		"a", 0, "", "v1,uveq/R7Ke8zKZ1m8ObG+BocfQ3KjHEmEeOmkG099p/g="},
};

static void signatures_are_those_of_standard_webhooks(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(vectors); i++) {
		struct sl_signature_key key;
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		assert_true(sl_signature_key_parse(vectors[i].secret, &key));
		sl_signature_add(&out, &key, 1, vectors[i].id, vectors[i].timestamp,
			vectors[i].body, strlen(vectors[i].body));
		assert_string_equal(sl_buf_str(&out), vectors[i].signature);
	}
}

static void each_key_signs(void **state)
{
	(void)state;
	struct sl_signature_key keys[2];
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf second = SL_BUF_INIT;
	assert_true(sl_signature_key_parse(vectors[0].secret, &keys[0]));
	assert_true(sl_signature_key_parse(vectors[1].secret, &keys[1]));
	sl_signature_add(&out, keys, 2, "id", 7, "body", 4);
	sl_signature_add(&second, &keys[1], 1, "id", 7, "body", 4);
	const char *space = strchr(sl_buf_str(&out), ' ');
	assert_non_null(space);
	assert_string_equal(space + 1, sl_buf_str(&second));
	sl_signature_key_finish(&keys[0]);
	assert_int_equal(keys[0].len, 0);
}

static void secrets_are_read_strictly(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
		"whsec_c2hvcnQ=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=",
		"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4"
		"OTo7PD0+P0A="};
	struct sl_signature_key key;
	for (size_t i = 0; i < SL_ARRAY_SIZE(bad); i++) {
		if (sl_signature_key_parse(bad[i], &key)) {
			fail_msg("\"%s\" should not be read", bad[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_is_judged_as_the_registries_do),
		cmocka_unit_test(what_is_no_internet_address_is_refused),
		cmocka_unit_test(allowed_networks_are_exact),
		cmocka_unit_test(networks_are_read_strictly),
		cmocka_unit_test(every_url_is_judged),
		cmocka_unit_test(http_is_accepted_where_it_is_allowed),
		cmocka_unit_test(origins_are_scheme_host_and_port),
		cmocka_unit_test(signatures_are_those_of_standard_webhooks),
		cmocka_unit_test(each_key_signs),
		cmocka_unit_test(secrets_are_read_strictly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
