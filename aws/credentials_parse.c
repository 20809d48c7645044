/* SPDX-License-Identifier: Apache-2.0 */
/* What sources hand over as text or JSON becomes keys: sl_credentials_from_strings(),
 * sl_credentials_from_json(), sl_credentials_split_command(). Pure; any thread. */

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "credentials_internal.h"
#include "mem.h"

#define MAX_KEY_BYTES   4096
#define MAX_TOKEN_BYTES 65536

void sl_credentials_finish(struct sl_credentials *credentials)
{
	char *const secrets[] = {credentials->secret_access_key, credentials->session_token};
	for (size_t i = 0; i < SL_ARRAY_SIZE(secrets); i++) {
		if (secrets[i]) {
			OPENSSL_cleanse(secrets[i], strlen(secrets[i]));
		}
		free(secrets[i]);
	}
	free(credentials->access_key_id);
	free(credentials->source);
	*credentials = (struct sl_credentials){0};
}

void sl_credentials_copy(const struct sl_credentials *from, struct sl_credentials *ret)
{
	*ret = (struct sl_credentials){
		.access_key_id = sl_strdup(from->access_key_id),
		.secret_access_key = sl_strdup(from->secret_access_key),
		.session_token = sl_strdup(from->session_token),
		.expires_ms = from->expires_ms,
		.source = sl_strdup(from->source),
	};
}

/* These go into header lines as they are: a line break would make a header of its own. */
static bool is_key(const char *text, size_t max)
{
	size_t len = text ? strlen(text) : 0;
	for (size_t i = 0; i < len && len <= max; i++) {
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f) {
			return false;
		}
	}
	return len <= max;
}

enum sl_err sl_credentials_from_strings(const char *where, const char *id, const char *secret,
	const char *token, const char *expiration, struct sl_credentials *ret,
	struct sl_error *reterr)
{
	bool has_id = id && *id;
	bool has_secret = secret && *secret;
	if (!has_id && !has_secret) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	if (!has_id || !has_secret) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "%s: %s is missing", where,
			has_id ? "the secret access key" : "the access key id");
	}
	if (!is_key(id, MAX_KEY_BYTES) || !is_key(secret, MAX_KEY_BYTES) ||
		!is_key(token, MAX_TOKEN_BYTES)) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"%s: the keys hold spaces, line breaks or other characters that keys never "
			"have, or are far too long",
			where);
	}
	int64_t expires_ms = 0;
	if (expiration && *expiration && !sl_clock_parse_rfc3339(expiration, &expires_ms)) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"%s: the time of expiration is not of the form 2026-11-23T02:00:00Z",
			where);
	}
	*ret = (struct sl_credentials){
		.access_key_id = sl_strdup(id),
		.secret_access_key = sl_strdup(secret),
		.session_token = token && *token ? sl_strdup(token) : NULL,
		.expires_ms = expires_ms,
	};
	return SL_ERR_OK;
}

/* A service's own words, cut to what a line of a log can bear. */
static enum sl_err refused(const char *where, const json_t *root, struct sl_error *reterr)
{
	const char *code = json_string_value(json_object_get(root, "Code"));
	const char *message = json_string_value(json_object_get(root, "Message"));
	return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "%s answers %.100s: %.300s", where,
		code ? code : "an error", message ? message : "without a reason");
}

enum sl_err sl_credentials_from_json(const char *where, const char *text, size_t len,
	enum sl_credentials_json kind, struct sl_credentials *ret, struct sl_error *reterr)
{
	json_auto_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		return sl_error_set(
			reterr, SL_ERR_AWS_CREDENTIALS, "%s gives no JSON object", where);
	}
	bool process = kind == SL_CREDENTIALS_JSON_PROCESS;
	const json_t *version = json_object_get(root, "Version");
	if (process && json_integer_value(version) != 1) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"%s gives JSON without \"Version\": 1, the one that is known", where);
	}
	const json_t *code = json_object_get(root, "Code");
	if (!process && json_is_string(code) && strcmp(json_string_value(code), "Success") != 0) {
		return refused(where, root, reterr);
	}
	const char *names[] = {
		"AccessKeyId", "SecretAccessKey", process ? "SessionToken" : "Token", "Expiration"};
	const char *values[SL_ARRAY_SIZE(names)];
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		const json_t *value = json_object_get(root, names[i]);
		values[i] = json_string_value(value);
		bool optional = process && i >= 2;
		if (!values[i] && !(optional && (!value || json_is_null(value)))) {
			return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
				"%s gives JSON without %s", where, names[i]);
		}
	}
	enum sl_err err = sl_credentials_from_strings(
		where, values[0], values[1], values[2], values[3], ret, reterr);
	return err != SL_ERR_AWS_NOT_FOUND
		? err
		: sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "%s gives empty keys", where);
}

static void close_filep(FILE **file)
{
	if (*file) {
		fclose(*file);
	}
}

enum sl_err sl_credentials_read_token(
	const char *setting, const char *path, size_t max, char **ret, struct sl_error *reterr)
{
	SL_AUTO(close_filep)
	FILE *file = fopen(path, "re");
	if (!file) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "%s: cannot read %s: %s",
			setting, path, strerror(errno));
	}
	char *text = sl_calloc(max + 2, 1);
	size_t len = fread(text, 1, max + 1, file);
	bool good = !ferror(file) && len <= max && memchr(text, '\0', len) == NULL;
	while (good && len > 0 && isspace((unsigned char)text[len - 1])) {
		text[--len] = '\0';
	}
	if (!good || len == 0) {
		OPENSSL_cleanse(text, max + 2);
		free(text);
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"%s: %s is empty, cannot be read, or is no token", setting, path);
	}
	*ret = text;
	return SL_ERR_OK;
}

/* Takes one word from `*at`, which is not white space; false when a quote or escape is open. */
static bool take_word(const char **at, struct sl_buf *word)
{
	char quote = '\0';
	for (; **at && (quote || !isspace((unsigned char)**at)); (*at)++) {
		char c = **at;
		if (quote ? c == quote : c == '\'' || c == '"') {
			if (quote) {
				quote = '\0';
			} else {
				quote = c;
			}
			continue;
		}
		bool escapes = c == '\\' && quote != '\'';
		if (escapes && (*at)[1] == '\0') {
			return false;
		}
		if (escapes && (!quote || (*at)[1] == '"' || (*at)[1] == '\\')) {
			c = *++*at;
		}
		sl_buf_putc(word, c);
	}
	return quote == '\0';
}

char **sl_credentials_split_command(const char *command)
{
	size_t count = 0;
	SL_AUTO(sl_credentials_free_words)
	char **words = sl_calloc(1, sizeof(*words));
	const char *at = command;
	for (;;) {
		while (isspace((unsigned char)*at)) {
			at++;
		}
		if (!*at) {
			return sl_take(&words);
		}
		SL_AUTO(sl_buf_finish)
		struct sl_buf word = SL_BUF_INIT;
		if (!take_word(&at, &word)) {
			return NULL;
		}
		words = sl_reallocarray(words, count + 2, sizeof(*words));
		words[count++] = sl_buf_steal(&word);
		words[count] = NULL;
	}
}

void sl_credentials_free_words(char ***words)
{
	for (char **word = *words; word && *word; word++) {
		free(*word);
	}
	free(*words);
	*words = NULL;
}
