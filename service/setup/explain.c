/* SPDX-License-Identifier: Apache-2.0 */
/* Tells every setting, its origin and what is wrong with it: sl_explain(). On the thread of the
 * command. */

#include "explain.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "config.h"
#include "mem.h"
#include "text.h"

#define NAME_COLUMN  40
#define VALUE_COLUMN 56

struct explaining {
	FILE *out;
	bool json;
	bool bad;
	char **problems; /* of SPOTLIST_* settings, until their row has told them */
	size_t problem_count;
};

/* The user and password of a URL are shown as three stars. The caller frees it. */
static char *without_password(const char *value)
{
	const char *scheme = strstr(value, "://");
	const char *host = scheme ? scheme + 3 : value;
	const char *at = NULL;
	for (const char *c = host; *c && !strchr("/?#", *c); c++) {
		at = *c == '@' ? c : at;
	}
	return at ? sl_asprintf("%.*s***%s", (int)(host - value), value, at) : sl_strdup(value);
}

/* What is wrong may repeat the value: it is hidden there as well. */
static char *without_value(const char *problem, const char *value, const char *shown)
{
	const char *found =
		value && *value && strcmp(value, shown) != 0 ? strstr(problem, value) : NULL;
	return found ? sl_asprintf("%.*s%s%s", (int)(found - problem), problem, shown,
			       found + strlen(value))
		     : sl_strdup(problem);
}

/* Control characters would forge lines. */
static void make_plain(char *text)
{
	for (char *at = text; at && *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f) {
			*at = '?';
		}
	}
}

static void tell(
	void *context, const char *name, const char *value, const char *where, const char *problem)
{
	struct explaining *explaining = context;
	explaining->bad = explaining->bad || problem;
	SL_AUTO(sl_freep)
	char *shown = value ? without_password(value) : NULL;
	SL_AUTO(sl_freep)
	char *wrong = problem ? without_value(problem, value, shown ? shown : "") : NULL;
	if (explaining->json) {
		json_auto_t *row = json_pack("{s:s,s:s?,s:s,s:s?}", "setting", name, "value", shown,
			"from", where, "problem", wrong);
		SL_AUTO(sl_freep)
		char *line = row ? json_dumps(row, JSON_COMPACT) : NULL;
		fprintf(explaining->out, "%s\n", line ? line : "{}");
		return;
	}
	make_plain(shown);
	make_plain(wrong);
	fprintf(explaining->out, "%-*s %-*s %s\n", NAME_COLUMN, name, VALUE_COLUMN,
		shown ? (*shown ? shown : "\"\"") : "-", where);
	if (wrong) {
		fprintf(explaining->out, "%-*s ^ wrong: %s\n", NAME_COLUMN, "", wrong);
	}
}

static void keep_problem(void *context, const struct sl_error *error)
{
	struct explaining *explaining = context;
	explaining->problems = sl_reallocarray(
		explaining->problems, explaining->problem_count + 1, sizeof(*explaining->problems));
	explaining->problems[explaining->problem_count++] =
		sl_strdup(error->detail ? error->detail : sl_err_title(error->code));
}

static bool names(const char *problem, const char *setting)
{
	const char *at = strstr(problem, setting);
	size_t len = strlen(setting);
	return at && strspn(at + len, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == 0;
}

/* The problem of this row, taken out of the list; NULL: none. The caller frees it. */
static char *take_problem(struct explaining *explaining, const char *setting)
{
	for (size_t i = 0; i < explaining->problem_count; i++) {
		char *problem = explaining->problems[i];
		if (problem && names(problem, setting)) {
			explaining->problems[i] = NULL;
			return problem;
		}
	}
	return NULL;
}

static void explain_ours(struct explaining *explaining, char **environ_)
{
	SL_AUTO(sl_config_release)
	struct sl_config config = {0};
	sl_config_survey(
		sl_config_fields, "SPOTLIST_", environ_, &config, keep_problem, explaining);
	SL_AUTO(sl_error_finish)
	struct sl_error cost = SL_ERROR_INIT;
	if (sl_config_read_cost(&config, &cost) != SL_ERR_OK) {
		keep_problem(explaining, &cost);
	}
	for (const struct sl_config_field *field = sl_config_fields; field->kind != SL_CONFIG_END_;
		field++) {
		const char *given = getenv(field->name);
		const char *value = given ? given : field->fallback;
		bool secret = (field->flags & SL_CONFIG_SECRET) && value && *value;
		SL_AUTO(sl_freep)
		char *where =
			given ? sl_asprintf("environment, %s", field->name) : sl_strdup("default");
		SL_AUTO(sl_freep)
		char *problem = take_problem(explaining, field->name);
		tell(explaining, field->name, secret ? "***" : value ? value : "", where, problem);
	}
	for (size_t i = 0; i < explaining->problem_count; i++) {
		if (explaining->problems[i]) {
			tell(explaining, "SPOTLIST_*", NULL, "environment",
				explaining->problems[i]);
		}
		free(explaining->problems[i]);
	}
	free(explaining->problems);
}

/* Which keys, by the end of their id; never the secret. */
static void explain_credentials(struct explaining *explaining, struct sl_aws *aws)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_credentials_finish)
	struct sl_credentials keys = {0};
	if (sl_aws_credentials(aws, &keys, &error) != SL_ERR_OK) {
		tell(explaining, "AWS credentials", NULL, "nowhere",
			error.detail ? error.detail : sl_err_title(error.code));
		return;
	}
	char until[SL_CLOCK_RFC3339_SIZE] = "";
	if (keys.expires_ms) {
		sl_clock_rfc3339(keys.expires_ms, until);
	}
	size_t len = strlen(keys.access_key_id);
	SL_AUTO(sl_freep)
	char *value = sl_asprintf("key id ...%s%s%s%s", len > 8 ? keys.access_key_id + len - 4 : "",
		keys.session_token ? ", temporary" : "", *until ? ", until " : "", until);
	tell(explaining, "AWS credentials", value, keys.source, NULL);
}

int sl_explain(char **environ_, bool json, FILE *out)
{
	struct explaining explaining = {.out = out, .json = json};
	explain_ours(&explaining, environ_);
	bool good = false;
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = sl_aws_survey(tell, &explaining, &good);
	explain_credentials(&explaining, aws);
	return explaining.bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
