/* SPDX-License-Identifier: Apache-2.0 */
/* Shared files, settings and credentials: what the SDKs read, in their order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "credentials.h"
#include "ini.h"
#include "mem.h"
#include "profile.h"
#include "settings.h"
#include "text.h"

static char directory[] = "/tmp/spotlist-test-XXXXXX";

static void write_file(const char *variable, const char *name, const char *text)
{
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	setenv(variable, path, 1);
}

static int forget_environment(void **state)
{
	(void)state;
	static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SNS",
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT",
		"AWS_USE_DUALSTACK_ENDPOINT", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE",
		"AWS_CA_BUNDLE"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		unsetenv(names[i]);
	}
	setenv("HOME", directory, 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	return 0;
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	static const char *const names[] = {"config", "credentials"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		SL_AUTO(sl_freep)
		char *path = sl_asprintf("%s/%s", directory, names[i]);
		unlink(path);
	}
	return rmdir(directory);
}

static const char config_text[] = "# a comment\n"
				  "[default]\n"
				  "region = eu-west-1   ; behind\n"
				  "[profile dev]\n"
				  "REGION=eu-north-1\n"
				  "aws_access_key_id = from-config\n"
				  "aws_secret_access_key = s#cret=;x\n"
				  "services = local\n"
				  "max_attempts = 7\n"
				  "endpoint_url = http://profile:1\n"
				  "[profile \"two words\"]\r\n"
				  "region = us-west-2\r\n"
				  "[services local]\n"
				  "s3 =\n"
				  "  endpoint_url = http://services:2\n"
				  "\n"
				  "dynamodb =\n"
				  "\tendpoint_url = http://services:3\n"
				  "[profile dev]\n"
				  "long = a\n"
				  "  b\n";

static void ini_files_are_read_as_the_sdks_do(void **state)
{
	(void)state;
	SL_AUTO(sl_ini_destroyp)
	struct sl_ini *ini = NULL;
	assert_int_equal(sl_ini_parse(config_text, strlen(config_text), &ini, NULL), 0);
	static const char *const cases[][4] = {
		{NULL, "default", "region", "eu-west-1"},
		{"profile", "dev", "region", "eu-north-1"},
		{"profile", "dev", "aws_secret_access_key", "s#cret=;x"},
		{"profile", "dev", "long", "a\nb"},
		{"profile", "two words", "region", "us-west-2"},
		{"services", "local", "s3.endpoint_url", "http://services:2"},
		{"services", "local", "dynamodb.endpoint_url", "http://services:3"},
		{NULL, "dev", "region", NULL},
		{"profile", "default", "region", NULL},
		{"profile", "dev", "nothing", NULL},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		const char *got = sl_ini_get(ini, cases[i][0], cases[i][1], cases[i][2]);
		assert_true(sl_text_equal(got, cases[i][3]));
	}
	assert_true(sl_ini_has(ini, "profile", "dev"));
	assert_false(sl_ini_has(ini, "profile", "none"));
}

static void malformed_ini_files_name_the_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *line;
	} cases[] = {
		{"a = b\n", "line 1"},
		{"[x]\nno equals sign\n", "line 2"},
		{"[x\n", "line 1"},
		{"[]\n", "line 1"},
		{"[x] y\n", "line 1"},
		{"[x]\n = y\n", "line 2"},
		{"[x]\na = \xff\n", "UTF-8"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct sl_ini *ini = NULL;
		assert_int_equal(sl_ini_parse(cases[i].text, strlen(cases[i].text), &ini, &error),
			SL_ERR_CONFIG);
		assert_non_null(strstr(error.detail, cases[i].line));
		assert_null(ini);
	}
}

static void the_environment_wins_and_files_come_next(void **state)
{
	(void)state;
	write_file("AWS_CONFIG_FILE", "config", config_text);
	write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials",
		"[default]\naws_access_key_id=id1\naws_secret_access_key=secret1\n"
		"aws_session_token=token1\n");
	struct sl_credentials_source *sources[] = {
		sl_credentials_source_create(NULL, SL_CREDENTIALS_ENVIRONMENT),
		sl_credentials_source_create(NULL, SL_CREDENTIALS_SHARED_FILE),
		sl_credentials_source_create(NULL, SL_CREDENTIALS_CONFIG_FILE),
	};
	struct sl_credentials_chain *chain = sl_credentials_chain_create(sources, 3);
	struct sl_credentials got;
	static const struct {
		const char *env_id, *profile, *id, *token;
	} cases[] = {
		{"id0", NULL, "id0", NULL},
		{NULL, NULL, "id1", "token1"},
		{NULL, "dev", "from-config", NULL},
		{"id0", "dev", "id0", NULL},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		unsetenv("AWS_ACCESS_KEY_ID");
		unsetenv("AWS_SECRET_ACCESS_KEY");
		unsetenv("AWS_PROFILE");
		if (cases[i].env_id) {
			setenv("AWS_ACCESS_KEY_ID", cases[i].env_id, 1);
			setenv("AWS_SECRET_ACCESS_KEY", "secret0", 1);
		}
		if (cases[i].profile) {
			setenv("AWS_PROFILE", cases[i].profile, 1);
		}
		sl_credentials_chain_forget(chain);
		assert_int_equal(sl_credentials_chain_get(chain, 0, &got, NULL), 0);
		assert_string_equal(got.access_key_id, cases[i].id);
		assert_true(sl_text_equal(got.session_token, cases[i].token));
		sl_credentials_finish(&got);
	}
	sl_credentials_chain_destroy(chain);
}

static void missing_half_or_broken_keys_are_told(void **state)
{
	(void)state;
	struct sl_credentials_source *source =
		sl_credentials_source_create(NULL, SL_CREDENTIALS_ENVIRONMENT);
	struct sl_credentials_chain *chain = sl_credentials_chain_create(&source, 1);
	static const struct {
		const char *id, *secret, *says;
	} cases[] = {
		{"", "", "There are no AWS credentials"},
		{"id", "", "secret access key is missing"},
		{"", "hunter2", "access key id is missing"},
		{"id\r\nX: y", "hunter2", "keys hold"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		setenv("AWS_ACCESS_KEY_ID", cases[i].id, 1);
		setenv("AWS_SECRET_ACCESS_KEY", cases[i].secret, 1);
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct sl_credentials got;
		assert_int_equal(
			sl_credentials_chain_get(chain, 0, &got, &error), SL_ERR_AWS_CREDENTIALS);
		assert_non_null(strstr(error.detail, cases[i].says));
		assert_null(strstr(error.detail, "hunter2"));
	}
	sl_credentials_chain_destroy(chain);
}

/* A source whose keys expire, and that can fail. */
struct expiring {
	struct sl_credentials_source source;
	int asked;
	bool fails;
	int64_t expires_ms; /* of the keys that it gives next */
};

static enum sl_err expiring_get(
	struct sl_credentials_source *self, struct sl_credentials *ret, struct sl_error *reterr)
{
	struct expiring *expiring = (struct expiring *)self;
	expiring->asked++;
	if (expiring->fails) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "out of order");
	}
	*ret = (struct sl_credentials){.access_key_id = sl_strdup("id"),
		.secret_access_key = sl_strdup("secret"),
		.expires_ms = expiring->expires_ms};
	return SL_ERR_OK;
}

static void expiring_destroy(struct sl_credentials_source *self)
{
	(void)self;
}

static void keys_are_kept_until_shortly_before_they_expire(void **state)
{
	(void)state;
	struct expiring expiring = {{"test", expiring_get, expiring_destroy, false}, 0, false, 0};
	struct sl_credentials_source *source = &expiring.source;
	struct sl_credentials_chain *chain = sl_credentials_chain_create(&source, 1);
	static const struct {
		int64_t now_ms;
		bool fails;
		int asked;
		enum sl_err err;
	} cases[] = {
		{0, false, 1, SL_ERR_OK},
		{2699999, false, 1, SL_ERR_OK},
		{2700000, true, 2, SL_ERR_OK}, /* 15 minutes before: a failure is no harm yet */
		{2759999, true, 2, SL_ERR_OK}, /* and is not tried again at once */
		{3000000, true, 3, SL_ERR_OK},
		{3600000, true, 4, SL_ERR_AWS_CREDENTIALS},
		{3600000, false, 5, SL_ERR_OK},
		{3600001, true, 5, SL_ERR_OK},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		struct sl_credentials got = {0};
		expiring.fails = cases[i].fails;
		expiring.expires_ms = cases[i].now_ms + 3600000;
		assert_int_equal(
			sl_credentials_chain_get(chain, cases[i].now_ms, &got, NULL), cases[i].err);
		assert_int_equal(expiring.asked, cases[i].asked);
		sl_credentials_finish(&got);
	}
	sl_credentials_chain_destroy(chain);
}

static const char *nth_url(const struct sl_settings *settings, enum sl_service service)
{
	return settings->endpoints.urls[service];
}

static void endpoint_urls_have_their_order(void **state)
{
	(void)state;
	write_file("AWS_CONFIG_FILE", "config", config_text);
	setenv("AWS_PROFILE", "dev", 1);
	struct sl_settings settings;
	assert_int_equal(sl_settings_load(&settings, NULL), 0);
	assert_string_equal(settings.region, "eu-north-1");
	assert_int_equal(settings.max_attempts, 7);
	assert_string_equal(nth_url(&settings, SL_SERVICE_S3), "http://services:2");
	assert_string_equal(nth_url(&settings, SL_SERVICE_DYNAMODB), "http://services:3");
	assert_string_equal(nth_url(&settings, SL_SERVICE_SNS), "http://profile:1");
	sl_settings_finish(&settings);

	setenv("AWS_ENDPOINT_URL", "http://all:4", 1);
	setenv("AWS_ENDPOINT_URL_S3", "http://s3:5", 1);
	setenv("AWS_REGION", "ap-south-1", 1);
	setenv("AWS_DEFAULT_REGION", "ap-south-2", 1);
	assert_int_equal(sl_settings_load(&settings, NULL), 0);
	assert_string_equal(settings.region, "ap-south-1");
	assert_string_equal(nth_url(&settings, SL_SERVICE_S3), "http://s3:5");
	assert_string_equal(nth_url(&settings, SL_SERVICE_DYNAMODB), "http://all:4");
	sl_settings_finish(&settings);

	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	assert_int_equal(sl_settings_load(&settings, NULL), 0);
	assert_null(nth_url(&settings, SL_SERVICE_S3));
	sl_settings_finish(&settings);
}

static void wrong_settings_are_named(void **state)
{
	static const struct {
		const char *name, *value, *says;
	} cases[] = {
		{"AWS_REGION", "", "AWS_REGION"},
		{"AWS_REGION", "evil.example/", "region"},
		{"AWS_ENDPOINT_URL_SNS", "localhost", "sns"},
		{"AWS_USE_FIPS_ENDPOINT", "1", "AWS_USE_FIPS_ENDPOINT"},
		{"AWS_MAX_ATTEMPTS", "0", "AWS_MAX_ATTEMPTS"},
		{"AWS_RETRY_MODE", "never", "AWS_RETRY_MODE"},
		{"AWS_CA_BUNDLE", "/nonexistent/ca.pem", "AWS_CA_BUNDLE"},
		{"AWS_PROFILE", "nobody", "nobody"},
		{"AWS_CONFIG_FILE", "/nonexistent/config", "AWS_CONFIG_FILE"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		forget_environment(state);
		setenv("AWS_REGION", "eu-west-1", 1);
		setenv(cases[i].name, cases[i].value, 1);
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct sl_settings settings;
		assert_int_equal(sl_settings_load(&settings, &error), SL_ERR_CONFIG);
		assert_non_null(strstr(error.detail, cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ini_files_are_read_as_the_sdks_do),
		cmocka_unit_test(malformed_ini_files_name_the_line),
		cmocka_unit_test_setup(
			the_environment_wins_and_files_come_next, forget_environment),
		cmocka_unit_test_setup(missing_half_or_broken_keys_are_told, forget_environment),
		cmocka_unit_test(keys_are_kept_until_shortly_before_they_expire),
		cmocka_unit_test_setup(endpoint_urls_have_their_order, forget_environment),
		cmocka_unit_test_setup(wrong_settings_are_named, forget_environment),
	};
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
