/* SPDX-License-Identifier: Apache-2.0 */
/* The form of tokens and of the header that carries them: sl_token_create(), sl_bearer_parse().
 * Pure, any thread. */

#include "token.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "text.h"

#define PREFIX_LEN (sizeof(SL_TOKEN_PREFIX) - 1)
#define CHECK_LEN  ((size_t)6)
#define RANDOM_LEN (SL_TOKEN_LEN - PREFIX_LEN - CHECK_LEN)
#define BASE       62

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char *const scope_names[] = {
	[SL_SCOPE_NONE] = "none",
	[SL_SCOPE_READ] = "read",
	[SL_SCOPE_SUBMIT] = "submit",
	[SL_SCOPE_ADMIN] = "admin",
};

enum sl_scope sl_scope_parse(const char *name)
{
	for (int i = SL_SCOPE_READ; i <= SL_SCOPE_ADMIN; i++) {
		if (sl_text_equal(name, scope_names[i])) {
			return (enum sl_scope)i;
		}
	}
	return SL_SCOPE_NONE;
}

const char *sl_scope_name(enum sl_scope scope)
{
	return scope_names[scope];
}

static bool is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* CRC-32 as zlib's, bit by bit: 52 bytes, and only when a token is not known yet. */
static void add_check(const char *text, char ret[static CHECK_LEN])
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < PREFIX_LEN + RANDOM_LEN; i++) {
		crc ^= (unsigned char)text[i];
		for (int bit = 0; bit < 8; bit++) {
			crc = (crc >> 1) ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
		}
	}
	crc = ~crc;
	for (size_t i = CHECK_LEN; i-- > 0; crc /= BASE) {
		ret[i] = digits[crc % BASE];
	}
}

/* Every digit equally likely: bytes that do not divide evenly are thrown away. */
static char random_digit(void)
{
	unsigned char byte;
	do {
		if (RAND_bytes(&byte, 1) != 1) {
			SL_BUG("no random bytes");
		}
	} while (byte >= 256 / BASE * BASE);
	return digits[byte % BASE];
}

void sl_token_create(char ret[static SL_TOKEN_SIZE])
{
	memcpy(ret, SL_TOKEN_PREFIX, PREFIX_LEN);
	for (size_t i = 0; i < RANDOM_LEN; i++) {
		ret[PREFIX_LEN + i] = random_digit();
	}
	add_check(ret, ret + PREFIX_LEN + RANDOM_LEN);
	ret[SL_TOKEN_LEN] = '\0';
}

bool sl_token_plausible(const char *text, size_t len)
{
	if (len != SL_TOKEN_LEN || memcmp(text, SL_TOKEN_PREFIX, PREFIX_LEN) != 0) {
		return false;
	}
	for (size_t i = PREFIX_LEN; i < len; i++) {
		if (!is_digit(text[i])) {
			return false;
		}
	}
	char check[CHECK_LEN];
	add_check(text, check);
	return memcmp(text + PREFIX_LEN + RANDOM_LEN, check, CHECK_LEN) == 0;
}

bool sl_token_occurs(const char *text)
{
	const char *at = text;
	while ((at = strstr(at, SL_TOKEN_PREFIX)) != NULL) {
		at += PREFIX_LEN;
		size_t run = 0;
		while (run < RANDOM_LEN && is_digit(at[run])) {
			run++;
		}
		if (run == RANDOM_LEN) {
			return true;
		}
	}
	return false;
}

/* Found once: looking it up for each request costs more than hashing. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void find_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL) {
		SL_BUG("no SHA-256");
	}
}

void sl_token_hash(const char *text, size_t len, unsigned char ret[static SL_TOKEN_HASH_LEN])
{
	pthread_once(&sha256_once, find_sha256);
	if (EVP_Digest(text, len, ret, NULL, sha256, NULL) != 1) {
		SL_BUG("SHA-256 failed");
	}
}

bool sl_token_name_valid(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(name[i]) && strchr("._@:/+-", name[i]) == NULL) {
			return false;
		}
	}
	return len >= 1 && len <= SL_TOKEN_NAME_MAX && !sl_token_occurs(name);
}

/* token68 of RFC 9110 §11.2, its padding at the end only. */
static bool is_token68(const char *text, size_t len)
{
	size_t body = 0;
	while (body < len && (is_digit(text[body]) || strchr("-._~+/", text[body]) != NULL)) {
		body++;
	}
	size_t end = body;
	while (end < len && text[end] == '=') {
		end++;
	}
	return body > 0 && end == len;
}

enum sl_bearer sl_bearer_parse(const char *header, const char **ret_token, size_t *ret_len)
{
	static const char scheme[] = "Bearer";
	const size_t scheme_len = sizeof(scheme) - 1;
	if (header == NULL || strncasecmp(header, scheme, scheme_len) != 0) {
		return SL_BEARER_ABSENT;
	}
	const char *at = header + scheme_len;
	size_t spaces = strspn(at, " ");
	if (spaces == 0 && *at != '\0') {
		return is_digit(*at) || *at == '-' ? SL_BEARER_ABSENT : SL_BEARER_MALFORMED;
	}
	at += spaces;
	size_t len = strlen(at);
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) {
		len--;
	}
	if (!is_token68(at, len)) {
		return SL_BEARER_MALFORMED;
	}
	*ret_token = at;
	*ret_len = len;
	return SL_BEARER_GIVEN;
}
