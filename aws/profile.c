/* SPDX-License-Identifier: Apache-2.0 */
/* The shared config and credentials files, seen by one profile: sl_profile_load(). A profile is
 * read-only once loaded; any thread. */

#include "profile.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "ini.h"
#include "mem.h"
#include "text.h"

#define MAX_FILE_BYTES (1 << 20)

struct sl_profile {
	char *name;
	struct sl_ini *config;
	struct sl_ini *credentials;
	char *config_path;
	char *credentials_path;
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static void close_filep(FILE **file)
{
	if (*file) {
		fclose(*file);
	}
}

static void wipe_buf(struct sl_buf *buf)
{
	if (buf->data) {
		OPENSSL_cleanse(buf->data, buf->capacity);
	}
	sl_buf_finish(buf);
}

/* The path that the variable names, or the default under HOME; NULL without either. */
static char *file_path(const char *named, const char *fallback)
{
	const char *home = variable("HOME");
	if (named && sl_text_starts_with(named, "~/") && home) {
		return sl_asprintf("%s%s", home, named + 1);
	}
	if (named) {
		return sl_strdup(named);
	}
	return home ? sl_asprintf("%s/%s", home, fallback) : NULL;
}

static enum sl_err read_file(
	const char *env_name, const char *path, struct sl_ini **ret, struct sl_error *reterr)
{
	const char *named = variable(env_name);
	SL_AUTO(close_filep)
	FILE *file = path ? fopen(path, "re") : NULL;
	if (path && !file && (named || (errno != ENOENT && errno != EACCES && errno != ENOTDIR))) {
		return sl_error_set(reterr, SL_ERR_CONFIG, "%s%scannot read %s: %s",
			named ? env_name : "", named ? ": " : "", path, strerror(errno));
	}
	SL_AUTO(wipe_buf)
	struct sl_buf text = SL_BUF_INIT;
	char chunk[4096];
	size_t got = 0;
	while (file && text.len <= MAX_FILE_BYTES &&
		(got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		sl_buf_add(&text, chunk, got);
	}
	OPENSSL_cleanse(chunk, sizeof(chunk));
	if ((file && ferror(file)) || text.len > MAX_FILE_BYTES) {
		return sl_error_set(
			reterr, SL_ERR_CONFIG, "cannot read %s, or it is too large", path);
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_ini_parse(sl_buf_str(&text), text.len, ret, &error)) {
		return sl_error_set(reterr, SL_ERR_CONFIG, "%s: %s", path, error.detail);
	}
	return SL_ERR_OK;
}

/* "default" may also be written [profile default], which wins. */
const char *sl_profile_config_of(
	const struct sl_profile *profile, const char *name, const char *key)
{
	const char *value = sl_ini_get(profile->config, "profile", name, key);
	if (!value && strcmp(name, "default") == 0) {
		value = sl_ini_get(profile->config, NULL, name, key);
	}
	return value;
}

const char *sl_profile_credential_of(
	const struct sl_profile *profile, const char *name, const char *key)
{
	return sl_ini_get(profile->credentials, NULL, name, key);
}

const char *sl_profile_value_of(const struct sl_profile *profile, const char *name, const char *key)
{
	const char *value = sl_profile_credential_of(profile, name, key);
	return value && *value ? value : sl_profile_config_of(profile, name, key);
}

bool sl_profile_has(const struct sl_profile *profile, const char *name)
{
	return sl_ini_has(profile->config, "profile", name) ||
		sl_ini_has(profile->credentials, NULL, name) ||
		(strcmp(name, "default") == 0 && sl_ini_has(profile->config, NULL, name));
}

enum sl_err sl_profile_load(struct sl_profile **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_profile_destroyp)
	struct sl_profile *profile = sl_calloc(1, sizeof(*profile));
	const char *by = variable("AWS_PROFILE") ? "AWS_PROFILE" : "AWS_DEFAULT_PROFILE";
	const char *named = variable(by);
	profile->name = sl_strdup(named ? named : "default");
	profile->config_path = file_path(variable("AWS_CONFIG_FILE"), ".aws/config");
	profile->credentials_path =
		file_path(variable("AWS_SHARED_CREDENTIALS_FILE"), ".aws/credentials");
	enum sl_err err =
		read_file("AWS_CONFIG_FILE", profile->config_path, &profile->config, reterr);
	if (!err) {
		err = read_file("AWS_SHARED_CREDENTIALS_FILE", profile->credentials_path,
			&profile->credentials, reterr);
	}
	if (err) {
		return err;
	}
	if (named && strcmp(named, "default") != 0 && !sl_profile_has(profile, named)) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"%s: there is no profile \"%s\" in %s or %s", by, named,
			profile->config_path ? profile->config_path : "the config file",
			profile->credentials_path ? profile->credentials_path
						  : "the credentials file");
	}
	*ret = sl_take(&profile);
	return SL_ERR_OK;
}

struct sl_profile *sl_profile_empty(void)
{
	struct sl_profile *profile = sl_calloc(1, sizeof(*profile));
	profile->name = sl_strdup("default");
	if (sl_ini_parse("", 0, &profile->config, NULL) ||
		sl_ini_parse("", 0, &profile->credentials, NULL)) {
		SL_BUG("nothing is malformed");
	}
	return profile;
}

void sl_profile_destroy(struct sl_profile *profile)
{
	if (!profile) {
		return;
	}
	free(profile->name);
	free(profile->config_path);
	free(profile->credentials_path);
	sl_ini_destroy(profile->config);
	sl_ini_destroy(profile->credentials);
	free(profile);
}

void sl_profile_destroyp(struct sl_profile **profile)
{
	sl_profile_destroy(*profile);
	*profile = NULL;
}

const char *sl_profile_name(const struct sl_profile *profile)
{
	return profile->name;
}

const char *sl_profile_config_path(const struct sl_profile *profile)
{
	return profile->config_path;
}

const char *sl_profile_credentials_path(const struct sl_profile *profile)
{
	return profile->credentials_path;
}

const char *sl_profile_config(const struct sl_profile *profile, const char *key)
{
	return sl_profile_config_of(profile, profile->name, key);
}

const char *sl_profile_credential(const struct sl_profile *profile, const char *key)
{
	return sl_profile_credential_of(profile, profile->name, key);
}

const char *sl_profile_service(
	const struct sl_profile *profile, const char *service, const char *key)
{
	const char *section = sl_profile_config(profile, "services");
	if (!section) {
		return NULL;
	}
	SL_AUTO(sl_freep)
	char *nested = sl_asprintf("%s.%s", service, key);
	return sl_ini_get(profile->config, "services", section, nested);
}
