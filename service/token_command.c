/* SPDX-License-Identifier: Apache-2.0 */
/* `spotlist token create|list|revoke`. No argument is ever a token: arguments are seen by everybody
 * on the machine. On the thread of the command. */

#include "token_command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pg.h"
#include "text.h"
#include "token.h"
#include "uuid.h"

#define APPLICATION "spotlist token"
#define MAX_RATE    1000000.0
#define MAX_DAYS    36500

void sl_token_options_finish(struct sl_token_options *options)
{
	free(options->scope.items);
	free(options->name.items);
	free(options->id.items);
	free(options->expires.items);
	free(options->rate.items);
}

static const char *first(const struct sl_json_strv *values)
{
	return values->count > 0 ? values->items[0] : NULL;
}

/* --- create -------------------------------------------------------------------------------- */

/* When it expires: after so many seconds, or at a time; with neither, never. */
struct expiry {
	bool after, at;
	int64_t seconds;
	int64_t time_ms;
};

static enum sl_err read_expiry(const char *text, struct expiry *ret, struct sl_error *reterr)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	*ret = (struct expiry){.after = false};
	if (text == NULL || strcmp(text, "never") == 0) {
		return SL_ERR_OK;
	}
	char number[8];
	size_t len = strlen(text);
	for (size_t i = 0; i < SL_ARRAY_SIZE(units) && len > 1 && len <= sizeof(number); i++) {
		snprintf(number, sizeof(number), "%.*s", (int)len - 1, text);
		ret->after = text[len - 1] == units[i].unit &&
			sl_text_parse_i64(number, 1, MAX_DAYS, &ret->seconds);
		if (ret->after) {
			ret->seconds *= units[i].seconds;
			return SL_ERR_OK;
		}
	}
	ret->at = sl_clock_parse_rfc3339(text, &ret->time_ms);
	return ret->at ? SL_ERR_OK
		       : sl_error_set(reterr, SL_ERR_CONFIG,
				 "--expires is \"%s\"; write 90d, 12h, 30m, a time like "
				 "2027-01-31T00:00:00Z, or never",
				 text);
}

static enum sl_err read_rate(const char *text, double *ret, struct sl_error *reterr)
{
	char *end = NULL;
	double rate = text != NULL && text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : NAN;
	if (text != NULL && (end == NULL || *end != '\0' || !(rate >= 0 && rate <= MAX_RATE))) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"--rate is \"%s\"; write requests a second, such as 50 or 0.5, or 0 for "
			"no limit",
			text);
	}
	*ret = rate;
	return SL_ERR_OK;
}

static enum sl_err read_name(const char *name, struct sl_error *reterr)
{
	if (name == NULL || sl_token_name_valid(name)) {
		return SL_ERR_OK;
	}
	return sl_error_set(reterr, SL_ERR_CONFIG,
		"--name must be 1 to %d of letters, digits and ._@:/+-, and no token",
		SL_TOKEN_NAME_MAX);
}

static enum sl_err read_scope(const char *scope, struct sl_error *reterr)
{
	if (sl_scope_parse(scope) != SL_SCOPE_NONE) {
		return SL_ERR_OK;
	}
	return sl_error_set(reterr, SL_ERR_CONFIG, "--scope must be given: read, submit or admin");
}

static void tell_created(const char *token, const char *id, const char *name, const char *scope,
	const struct sl_pg_rows *rows)
{
	char when[SL_CLOCK_RFC3339_SIZE] = "";
	bool expires = !sl_pg_null(rows, 0, "expires_ms");
	if (expires) {
		sl_clock_rfc3339(sl_pg_i64(rows, 0, "expires_ms"), when);
	}
	fprintf(stderr, "id %s%s%s, scope %s, expires %s; it is shown this once:\n", id,
		name != NULL ? ", name " : "", name != NULL ? name : "", scope,
		expires ? when : "never");
	printf("%s\n", token);
}

enum sl_err sl_token_create_command(const struct sl_config *config,
	const struct sl_token_options *options, struct sl_error *reterr)
{
	const char *name = first(&options->name);
	const char *scope = first(&options->scope);
	struct expiry expiry;
	double rate = NAN;
	enum sl_err err = read_scope(scope, reterr);
	err = err == SL_ERR_OK ? read_name(name, reterr) : err;
	err = err == SL_ERR_OK ? read_rate(first(&options->rate), &rate, reterr) : err;
	err = err == SL_ERR_OK ? read_expiry(first(&options->expires), &expiry, reterr) : err;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	err = err == SL_ERR_OK ? sl_pg_connect(config->database_url, APPLICATION, &pg, reterr)
			       : err;
	if (err != SL_ERR_OK) {
		return err;
	}
	char id[SL_UUID_SIZE];
	char token[SL_TOKEN_SIZE];
	unsigned char hash[SL_TOKEN_HASH_LEN];
	sl_uuid_create(id);
	sl_token_create(token);
	sl_token_hash(token, SL_TOKEN_LEN, hash);
	SL_AUTO(sl_buf_finish)
	struct sl_buf hex = SL_BUF_INIT;
	sl_text_hex(&hex, hash, sizeof(hash));
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	err = sl_pg_exec(pg, SL_SQL_token_create, &rows, reterr, SL_PG_TEXT(id), SL_PG_TEXT(name),
		SL_PG_TEXT(scope), SL_PG_TEXT(sl_buf_str(&hex)),
		expiry.after ? SL_PG_I64(expiry.seconds) : SL_PG_NULL,
		expiry.at ? SL_PG_I64(expiry.time_ms) : SL_PG_NULL,
		isnan(rate) ? SL_PG_NULL : SL_PG_F64(rate));
	if (err == SL_ERR_OK && rows.count == 0) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"there is a token with this --name; revoke it, or choose another name");
	}
	if (err == SL_ERR_OK) {
		tell_created(token, id, name, scope, &rows);
	}
	return err;
}

/* --- list ---------------------------------------------------------------------------------- */

/* "-" for none. */
static void time_text(const struct sl_pg_rows *rows, int row, const char *column,
	char ret[static SL_CLOCK_RFC3339_SIZE])
{
	if (sl_pg_null(rows, row, column)) {
		snprintf(ret, SL_CLOCK_RFC3339_SIZE, "-");
	} else {
		sl_clock_rfc3339(sl_pg_i64(rows, row, column), ret);
	}
}

static json_t *time_json(const struct sl_pg_rows *rows, int row, const char *column)
{
	char text[SL_CLOCK_RFC3339_SIZE];
	time_text(rows, row, column, text);
	return strcmp(text, "-") == 0 ? json_null() : json_string(text);
}

static void print_json(const struct sl_pg_rows *rows, int row)
{
	const char *name = sl_pg_text(rows, row, "name");
	json_auto_t *object = json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id",
		sl_pg_text(rows, row, "id"), "name", *name ? json_string(name) : json_null(),
		"scope", sl_pg_text(rows, row, "scope"), "state", sl_pg_text(rows, row, "state"),
		"rate",
		sl_pg_null(rows, row, "rate") ? json_null()
					      : json_real(sl_pg_f64(rows, row, "rate")),
		"created_at", time_json(rows, row, "created_ms"), "expires_at",
		time_json(rows, row, "expires_ms"), "last_used_at",
		time_json(rows, row, "last_used_ms"), "revoked_at",
		time_json(rows, row, "revoked_ms"));
	if (object != NULL) {
		json_dumpf(object, stdout, JSON_COMPACT);
		putchar('\n');
	}
}

static void print_line(const struct sl_pg_rows *rows, int row)
{
	char created[SL_CLOCK_RFC3339_SIZE];
	char expires[SL_CLOCK_RFC3339_SIZE];
	char used[SL_CLOCK_RFC3339_SIZE];
	time_text(rows, row, "created_ms", created);
	time_text(rows, row, "expires_ms", expires);
	time_text(rows, row, "last_used_ms", used);
	char rate[32] = "default";
	if (!sl_pg_null(rows, row, "rate")) {
		snprintf(rate, sizeof(rate), "%g", sl_pg_f64(rows, row, "rate"));
	}
	const char *name = sl_pg_text(rows, row, "name");
	printf("%s %-7s %-6s %8s %-24s %-24s %-24s %s\n", sl_pg_text(rows, row, "id"),
		sl_pg_text(rows, row, "state"), sl_pg_text(rows, row, "scope"), rate, created,
		expires, used, *name ? name : "-");
}

enum sl_err sl_token_list_command(const struct sl_config *config,
	const struct sl_token_options *options, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	enum sl_err err = sl_pg_connect(config->database_url, APPLICATION, &pg, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	err = sl_pg_exec(pg, SL_SQL_token_list, &rows, reterr, SL_PG_BOOL(options->all));
	if (err != SL_ERR_OK) {
		return err;
	}
	if (!options->json) {
		printf("%-36s %-7s %-6s %8s %-24s %-24s %-24s %s\n", "ID", "STATE", "SCOPE", "RATE",
			"CREATED", "EXPIRES", "LAST USED", "NAME");
	}
	for (int row = 0; row < rows.count; row++) {
		if (options->json) {
			print_json(&rows, row);
		} else {
			print_line(&rows, row);
		}
	}
	return SL_ERR_OK;
}

/* --- revoke -------------------------------------------------------------------------------- */

enum sl_err sl_token_revoke_command(const struct sl_config *config,
	const struct sl_token_options *options, struct sl_error *reterr)
{
	const char *id = first(&options->id);
	const char *name = first(&options->name);
	if ((id == NULL) == (name == NULL)) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"say which: --id ID or --name NAME, as `spotlist token list` shows them");
	}
	if (sl_token_occurs(id != NULL ? id : name)) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"that is a token itself, and others can see the arguments of a command; "
			"give its id or its name");
	}
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	enum sl_err err = sl_pg_connect(config->database_url, APPLICATION, &pg, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	err = sl_pg_exec(pg, SL_SQL_token_revoke, &rows, reterr, SL_PG_TEXT(id), SL_PG_TEXT(name));
	if (err == SL_ERR_OK && rows.count == 0) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"no token that is not revoked has this %s; `spotlist token list --all` "
			"shows all",
			id != NULL ? "id" : "name");
	}
	for (int row = 0; err == SL_ERR_OK && row < rows.count; row++) {
		const char *called = sl_pg_text(&rows, row, "name");
		printf("revoked %s%s%s\n", sl_pg_text(&rows, row, "id"), *called ? " " : "",
			called);
	}
	return err;
}
