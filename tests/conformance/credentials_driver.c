/* SPDX-License-Identifier: Apache-2.0 */
/* credentials_driver: each line of input, JSON {"env": {…}, "now_ms": n, "again": bool}, becomes
 * this process's AWS_* environment; a new chain (the same one, with "again") is asked for keys as
 * of that time, or of now, and a line of JSON tells what it gave. {"region": true} asks for the
 * settings instead. */

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "credentials.h"
#include "mem.h"

extern char **environ;

static void set_environment(json_t *wanted)
{
	for (size_t i = 0; environ[i];) {
		SL_AUTO(sl_freep)
		char *name = sl_strndup(environ[i], strcspn(environ[i], "="));
		if (strncmp(name, "AWS_", 4) == 0) {
			unsetenv(name);
		} else {
			i++;
		}
	}
	const char *name;
	const json_t *value;
	json_object_foreach (wanted, name, value) {
		setenv(name, json_string_value(value), 1);
	}
}

static json_t *told(enum sl_err err, const struct sl_error *error)
{
	return json_pack("{s:s,s:s?}", "err", sl_err_code(err), "detail", error->detail);
}

static json_t *keys(struct sl_aws *aws, int64_t now_ms)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_credentials_finish)
	struct sl_credentials got = {0};
	enum sl_err err = sl_credentials_chain_get(aws->credentials, now_ms, &got, &error);
	if (err) {
		return told(err, &error);
	}
	return json_pack("{s:s,s:s,s:s,s:s?,s:I,s:s}", "err", "ok", "id", got.access_key_id,
		"secret", got.secret_access_key, "token", got.session_token, "expires_ms",
		(json_int_t)got.expires_ms, "source", got.source);
}

/* What a line asks for; `aws` is kept for "again". */
static json_t *perform(const json_t *line, struct sl_aws **aws)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (!json_is_true(json_object_get(line, "again"))) {
		sl_aws_destroy(*aws);
		*aws = NULL;
		set_environment(json_object_get(line, "env"));
		enum sl_err err = sl_aws_create(aws, &error);
		if (err) {
			return told(err, &error);
		}
	}
	if (json_is_true(json_object_get(line, "region"))) {
		return json_pack("{s:s,s:s}", "err", "ok", "region", sl_aws_region(*aws));
	}
	const json_t *now = json_object_get(line, "now_ms");
	return keys(*aws, now ? json_integer_value(now) : sl_clock_now_ms());
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = NULL;
	SL_AUTO(sl_freep)
	char *line = NULL;
	size_t capacity = 0;
	for (ssize_t len; (len = getline(&line, &capacity, stdin)) > 0;) {
		json_auto_t *asked = json_loadb(line, (size_t)len, 0, NULL);
		json_auto_t *answer = perform(asked, &aws);
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
	}
	return 0;
}
