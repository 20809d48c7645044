/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of the doctor: kept, and told in lines in which no secret stands. Entry points:
 * sl_find(), sl_finding_print(). One thread. */

#include "findings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json_spec.h"
#include "mem.h"
#include "text.h"

#define SECRET_MIN \
	8 /* characters: shorter ones would tear words apart, and are never printed anyway */

/* As they are printed: text, JSON. */
static const char *const kinds[][2] = {
	[SL_FOUND_OK] = {"ok", "ok"},
	[SL_FOUND_SKIP] = {"skip", "skip"},
	[SL_FOUND_WARN] = {"warn", "warn"},
	[SL_FOUND_FAIL] = {"FAIL", "fail"},
};

void sl_findings_finish(struct sl_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].found);
		free(findings->items[i].remedy);
	}
	free(findings->items);
	*findings = (struct sl_findings){0};
}

enum sl_verdict_kind sl_findings_worst(const struct sl_findings *findings)
{
	enum sl_verdict_kind worst = SL_FOUND_OK;
	for (size_t i = 0; i < findings->count; i++) {
		worst = findings->items[i].kind > worst ? findings->items[i].kind : worst;
	}
	return worst;
}

/* The sentences get their full stops when they are printed. */
static void drop_full_stop(char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	while (len > 0 && (text[len - 1] == '.' || text[len - 1] == ' ' || text[len - 1] == '\n')) {
		text[--len] = '\0';
	}
}

void sl_find(struct sl_findings *findings, enum sl_verdict_kind kind, const char *remedy,
	const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct sl_finding finding = {
		.kind = kind,
		.found = sl_vasprintf(format, arguments),
		.remedy = sl_strdup(remedy),
	};
	va_end(arguments);
	drop_full_stop(finding.found);
	drop_full_stop(finding.remedy);
	findings->items =
		sl_reallocarray(findings->items, findings->count + 1, sizeof(*findings->items));
	findings->items[findings->count++] = finding;
}

/* --- secrets -------------------------------------------------------------------------------- */

void sl_secrets_finish(struct sl_secrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++) {
		free(secrets->items[i]);
	}
	free(secrets->items);
	*secrets = (struct sl_secrets){0};
}

void sl_secrets_add(struct sl_secrets *secrets, const char *text)
{
	if (text == NULL || strlen(text) < SECRET_MIN) {
		return;
	}
	secrets->items =
		sl_reallocarray(secrets->items, secrets->count + 1, sizeof(*secrets->items));
	secrets->items[secrets->count++] = sl_strdup(text);
}

/* The password in "scheme://user:password@host", as it is written and as it is meant. */
static void add_url_password(struct sl_secrets *secrets, const char *url)
{
	const char *begin = url != NULL ? strstr(url, "://") : NULL;
	begin = begin != NULL ? begin + 3 : url;
	size_t len = begin != NULL ? strcspn(begin, "/?# ") : 0;
	const char *at = len > 0 ? memrchr(begin, '@', len) : NULL;
	const char *colon = at != NULL ? memchr(begin, ':', (size_t)(at - begin)) : NULL;
	if (colon == NULL) {
		return;
	}
	SL_AUTO(sl_freep)
	char *written = sl_strndup(colon + 1, (size_t)(at - colon - 1));
	sl_secrets_add(secrets, written);
	SL_AUTO(sl_buf_finish)
	struct sl_buf meant = SL_BUF_INIT;
	if (sl_text_percent_decode(&meant, written, strlen(written), false)) {
		sl_secrets_add(secrets, sl_buf_str(&meant));
	}
}

/* "password=…" of key=value pairs or a query, quoted or not. */
static void add_password_pair(struct sl_secrets *secrets, const char *conninfo)
{
	const char *at = conninfo != NULL ? strstr(conninfo, "password") : NULL;
	while (at != NULL) {
		at += strlen("password");
		at += strspn(at, " ");
		if (*at == '=') {
			at++;
			at += strspn(at, " ");
			const char *end = *at == '\'' ? "'" : " &";
			at += *at == '\'' ? 1 : 0;
			SL_AUTO(sl_freep)
			char *value = sl_strndup(at, strcspn(at, end));
			sl_secrets_add(secrets, value);
		}
		at = strstr(at, "password");
	}
}

static bool names_secret(const char *name, size_t len)
{
	static const char *const words[] = {"SECRET", "PASSWORD", "TOKEN"};
	SL_AUTO(sl_freep)
	char *copy = sl_strndup(name, len);
	for (size_t i = 0; i < SL_ARRAY_SIZE(words); i++) {
		/* AWS_WEB_IDENTITY_TOKEN_FILE is a path. */
		if (strcasestr(copy, words[i]) != NULL && !sl_text_ends_with(copy, "_FILE")) {
			return true;
		}
	}
	return false;
}

void sl_secrets_collect(struct sl_secrets *secrets, char **environ_, const struct sl_config *config)
{
	for (char **entry = environ_; *entry != NULL; entry++) {
		size_t len = strcspn(*entry, "=");
		const char *value = (*entry)[len] == '=' ? *entry + len + 1 : "";
		if (names_secret(*entry, len)) {
			sl_secrets_add(secrets, value);
		}
		add_url_password(secrets, value);
		add_password_pair(secrets, value);
	}
	for (size_t i = 0; i < config->webhook_secrets.count; i++) {
		sl_secrets_add(secrets, config->webhook_secrets.items[i]);
	}
}

/* Puts *** wherever a secret stands, and a question mark for what is no text. */
static char *presentable(const char *text, const struct sl_secrets *secrets)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	size_t left = strlen(text);
	while (left > 0) {
		size_t hidden = 0;
		for (size_t i = 0; i < secrets->count; i++) {
			size_t len = strlen(secrets->items[i]);
			if (len > hidden && len <= left &&
				memcmp(text, secrets->items[i], len) == 0) {
				hidden = len;
			}
		}
		size_t step = hidden > 0 ? hidden : sl_text_utf8_sequence(text, left);
		bool shown =
			hidden == 0 && step > 0 && (step > 1 || (*text >= ' ' && *text != 0x7f));
		step = step > 0 ? step : 1;
		if (shown) {
			sl_buf_add(&out, text, step);
		} else {
			sl_buf_puts(&out, hidden > 0 ? "***" : " ");
		}
		text += step;
		left -= step;
	}
	return sl_buf_steal(&out);
}

/* A question has its mark already. */
static const char *stop_of(const char *text)
{
	return sl_text_ends_with(text, "?") ? "" : ".";
}

void sl_finding_print(const struct sl_finding *finding, const char *check,
	const struct sl_secrets *secrets, bool json, FILE *out)
{
	SL_AUTO(sl_freep)
	char *found = presentable(finding->found, secrets);
	SL_AUTO(sl_freep)
	char *remedy = finding->remedy != NULL ? presentable(finding->remedy, secrets) : NULL;
	if (!json) {
		fprintf(out, "%-4s  %s: %s%s", kinds[finding->kind][0], check, found,
			stop_of(found));
		if (remedy != NULL) {
			fprintf(out, " %s%s", remedy, stop_of(remedy));
		}
		fputc('\n', out);
		return;
	}
	json_auto_t *line = json_pack("{s:s, s:s, s:s, s:s*}", "check", check, "status",
		kinds[finding->kind][1], "found", found, "remedy", remedy);
	SL_AUTO(sl_freep)
	char *text = sl_json_text(line);
	fprintf(out, "%s\n", text);
}
