/* SPDX-License-Identifier: Apache-2.0 */
/* What trust costs, on one core: trust sns MESSAGE CERT ROOTS AT_MS SECONDS verifies one SNS
 * message again and again; trust sign BODY SECONDS signs a typical request, and does the bare
 * hashes and HMACs of it. Prints JSON; scripts/bench_trust.py sets it beside its yardsticks. */

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "sigv4.h"
#include "sns_certificate.h"
#include "text.h"

#define BATCH  200 /* between two looks at the clock */
#define REGION "eu-west-1"

static void die(const char *what)
{
	fprintf(stderr, "trust: %s\n", what);
	exit(1);
}

static struct sl_buf read_file(const char *path)
{
	struct sl_buf text = SL_BUF_INIT;
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		die(path);
	}
	char chunk[4096];
	size_t got;
	while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
		sl_buf_add(&text, chunk, got);
	}
	fclose(file);
	return text;
}

static int64_t number(const char *text)
{
	int64_t value = 0;
	if (!sl_text_parse_i64(text, 1, INT64_MAX, &value)) {
		die("a number is none");
	}
	return value;
}

/* Processor time, as `openssl speed` counts: other programs may have the core at times. */
static double used_s(void)
{
	struct timespec used;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* How often a second `once` can be done. */
static double rate(void (*once)(void *context), void *context, int64_t seconds)
{
	double start_s = used_s();
	double now_s = start_s;
	double count = 0;
	while (now_s < start_s + (double)seconds) {
		for (int i = 0; i < BATCH; i++) {
			once(context);
		}
		count += BATCH;
		now_s = used_s();
	}
	return count / (now_s - start_s);
}

/* --- SNS ------------------------------------------------------------------------------------ */

struct sns {
	struct sl_sns_verifier *verifier;
	struct sl_buf body;
	struct sl_sns_message message;
	int64_t now_ms;
};

static void verify(void *context)
{
	struct sns *sns = context;
	if (sl_sns_verifier_check(sns->verifier, &sns->message, sns->now_ms, NULL) != SL_ERR_OK) {
		die("the message is refused");
	}
}

static void parse_and_verify(void *context)
{
	struct sns *sns = context;
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message message = {NULL};
	if (sl_sns_message_parse(sns->body.data, sns->body.len, &message, NULL) != SL_ERR_OK ||
		sl_sns_verifier_check(sns->verifier, &message, sns->now_ms, NULL) != SL_ERR_OK) {
		die("the message is refused");
	}
}

static int bench_sns(char **argv)
{
	struct sns sns = {.body = read_file(argv[0]), .now_ms = number(argv[3])};
	struct sl_buf certificate = read_file(argv[1]);
	if (sl_sns_message_parse(sns.body.data, sns.body.len, &sns.message, NULL) != SL_ERR_OK) {
		die("there is no message");
	}
	const char *const topics[] = {sns.message.topic_arn};
	const struct sl_sns_verifier_options options = {
		.topic_arns = topics, .topic_count = 1, .max_age_ms = 3600000};
	const struct sl_sns_trust trust = {.ca_bundle = argv[2], .given = certificate.data};
	sns.verifier = sl_sns_verifier_create_with(&trust, &options);
	double alone = rate(verify, &sns, number(argv[4]));
	double whole = rate(parse_and_verify, &sns, number(argv[4]));
	printf("{\"bytes\": %zu, \"verified\": %.1f, \"parsed_and_verified\": %.1f}\n",
		sns.body.len, alone, whole);
	sl_sns_verifier_destroy(sns.verifier);
	sl_sns_message_finish(&sns.message);
	sl_buf_finish(&sns.body);
	sl_buf_finish(&certificate);
	return 0;
}

/* --- SigV4 ---------------------------------------------------------------------------------- */

struct signing {
	struct sl_buf body;
	size_t canonical_len; /* bytes that are hashed besides the body */
	size_t string_len;
};

/* As aws/request.c signs a PutItem. */
static void sign(void *context)
{
	struct signing *signing = context;
	char payload_hash[SL_SIGV4_HASH_SIZE];
	sl_sigv4_hash(signing->body.data, signing->body.len, payload_hash);
	static const struct sl_pair headers[] = {
		{"Host", "dynamodb." REGION ".amazonaws.com"},
		{"Content-Type", "application/x-amz-json-1.0"},
		{"X-Amz-Target", "DynamoDB_20120810.PutItem"},
	};
	const struct sl_sigv4_request request = {
		.method = "POST",
		.path = "/",
		.headers = headers,
		.header_count = SL_ARRAY_SIZE(headers),
		.payload_hash = payload_hash,
	};
	const struct sl_sigv4_config config = {
		.mode = SL_SIGV4_HEADER,
		.access_key_id = "AKIDEXAMPLE",
		.secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		.session_token = "FwoGZXIvYXdzEJr//////////wEaDExampleExampleExample",
		.region = REGION,
		.service = "dynamodb",
		.time_ms = INT64_C(1795000000123),
		.normalize = true,
		.encode_twice = true,
	};
	struct sl_sigv4_signed signed_;
	sl_sigv4_sign(&request, &config, &signed_);
	signing->canonical_len = strlen(signed_.canonical_request);
	signing->string_len = strlen(signed_.string_to_sign);
	sl_sigv4_signed_finish(&signed_);
}

/* The same bytes through OpenSSL: two hashes, four HMACs of a word, one of the string to sign. */
static void bare(void *context)
{
	const struct signing *signing = context;
	unsigned char digest[32];
	unsigned len = 0;
	bool ok = EVP_Digest(signing->body.data, signing->body.len, digest, NULL, EVP_sha256(),
			  NULL) == 1 &&
		EVP_Digest(signing->body.data, signing->canonical_len, digest, NULL, EVP_sha256(),
			NULL) == 1;
	for (int i = 0; ok && i < 5; i++) {
		size_t bytes = i < 4 ? 9 : signing->string_len;
		ok = HMAC(EVP_sha256(), digest, sizeof digest,
			     (const unsigned char *)signing->body.data, bytes, digest,
			     &len) != NULL;
	}
	if (!ok) {
		die("OpenSSL failed");
	}
}

static int bench_sign(char **argv)
{
	struct signing signing = {.body = read_file(argv[0])};
	double signed_ = rate(sign, &signing, number(argv[1]));
	if (signing.body.len < signing.canonical_len) {
		die("the body is shorter than the canonical request");
	}
	double hashed = rate(bare, &signing, number(argv[1]));
	printf("{\"bytes\": %zu, \"sign_us\": %.2f, \"bare_us\": %.2f}\n", signing.body.len,
		1e6 / signed_, 1e6 / hashed);
	sl_buf_finish(&signing.body);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "sns") == 0) {
		return bench_sns(argv + 2);
	}
	if (argc == 4 && strcmp(argv[1], "sign") == 0) {
		return bench_sign(argv + 2);
	}
	fprintf(stderr, "usage: trust sns MESSAGE CERT ROOTS AT_MS SECONDS | sign BODY SECONDS\n");
	return 2;
}
