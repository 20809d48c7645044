/* SPDX-License-Identifier: Apache-2.0 */
/* Whether AWS's endpoints can be reached, and what their clocks say: endpoints, clock. The doctor's
 * threads. */

#include <ctype.h>
#include <string.h>

#include "call_internal.h"
#include "checkup.h"
#include "mem.h"
#include "text.h"

#define REACH_MS 4000
#define SKEW_FAIL_MS \
	300000 /* AWS refuses signatures that are further off; S3 at three times it \
		*/
#define SKEW_WARN_MS  30000
#define MS_PER_SECOND 1000

static const enum sl_service services[SL_CHECKUP_SERVICES] = {
	SL_SERVICE_STS,
	SL_SERVICE_S3,
	SL_SERVICE_DYNAMODB,
	SL_SERVICE_MEDIACONVERT,
	SL_SERVICE_REKOGNITION,
	SL_SERVICE_TRANSCRIBE,
	SL_SERVICE_SNS,
	SL_SERVICE_IAM,
	SL_SERVICE_SQS,
	SL_SERVICE_EVENTS,
};

/* `serve` does not call these. */
static bool is_doctors_own(enum sl_service service)
{
	return service == SL_SERVICE_IAM || service == SL_SERVICE_SQS ||
		service == SL_SERVICE_EVENTS;
}

/* --- endpoints ------------------------------------------------------------------------------ */

static char *certificate_of(const struct sl_reach *reach)
{
	if (reach->issuer == NULL) {
		return sl_strdup("");
	}
	return sl_asprintf("; the certificate there is for \"%s\", issued by \"%s\"",
		reach->subject != NULL ? reach->subject : "", reach->issuer);
}

/* What went wrong without where and how long it took, which is the same for all that meet the same
 * obstacle. The caller owns it. */
static char *essence_of(const struct sl_reach *reach)
{
	const char *host = reach->url != NULL ? strstr(reach->url, "://") + 3 : "";
	size_t host_len = strcspn(host, ":/");
	SL_AUTO(sl_buf_finish)
	struct sl_buf essence = SL_BUF_INIT;
	for (const char *at = reach->detail; *at != '\0';) {
		if (host_len > 0 && strncmp(at, host, host_len) == 0) {
			at += host_len;
			continue;
		}
		if (!isdigit((unsigned char)*at)) {
			sl_buf_putc(&essence, *at);
		}
		at++;
	}
	return sl_buf_steal(&essence);
}

static bool is_same(const struct sl_reach *a, const struct sl_reach *b)
{
	if (a->detail == NULL || b->detail == NULL ||
		is_doctors_own(a->service) != is_doctors_own(b->service)) {
		return false;
	}
	SL_AUTO(sl_freep)
	char *one = essence_of(a);
	SL_AUTO(sl_freep)
	char *other = essence_of(b);
	return strcmp(one, other) == 0 && sl_text_equal(a->issuer, b->issuer) &&
		sl_text_equal(a->proxy, b->proxy);
}

static void tell_failures(
	const struct sl_reach *reaches, size_t count, struct sl_findings *findings)
{
	for (size_t i = 0; i < count; i++) {
		bool told = reaches[i].reached;
		for (size_t j = 0; j < i && !told; j++) {
			told = is_same(&reaches[i], &reaches[j]);
		}
		if (told) {
			continue;
		}
		SL_AUTO(sl_buf_finish)
		struct sl_buf names = SL_BUF_INIT;
		for (size_t j = i; j < count; j++) {
			if (j == i || is_same(&reaches[i], &reaches[j])) {
				sl_buf_printf(&names, "%s%s", j > i ? ", " : "",
					sl_service_name(reaches[j].service));
			}
		}
		SL_AUTO(sl_freep)
		char *certificate = certificate_of(&reaches[i]);
		bool proxy = reaches[i].proxy != NULL;
		bool own = is_doctors_own(reaches[i].service);
		sl_find(findings, own ? SL_FOUND_WARN : SL_FOUND_FAIL,
			"docs/operations.md, AWS cannot be reached", "%s%s%s%s: %s%s",
			own ? "what only doctor and provision call, " : "", sl_buf_str(&names),
			proxy ? " through the proxy " : "", proxy ? reaches[i].proxy : "",
			reaches[i].detail, certificate);
	}
}

void sl_check_endpoints(struct sl_checkup *checkup, struct sl_findings *findings)
{
	struct sl_reach reaches[SL_CHECKUP_SERVICES] = {0};
	const char *bucket = checkup->config.bucket;
	for (size_t i = 0; i < SL_ARRAY_SIZE(services); i++) {
		reaches[i].service = services[i];
		reaches[i].bucket = services[i] == SL_SERVICE_S3 && *bucket != '\0' ? bucket : NULL;
	}
	sl_reach_services(checkup->aws, reaches, SL_ARRAY_SIZE(reaches), REACH_MS);
	tell_failures(reaches, SL_ARRAY_SIZE(reaches), findings);
	if (findings->count == 0) {
		const char *proxy = reaches[0].proxy;
		sl_find(findings, SL_FOUND_OK, NULL, "all %zu services answer%s%s",
			SL_ARRAY_SIZE(services), proxy != NULL ? " through the proxy " : "",
			proxy != NULL ? proxy : "");
	}
	memcpy(checkup->endpoints, reaches, sizeof(reaches));
}

/* --- clock ---------------------------------------------------------------------------------- */

void sl_check_clock(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_reach *reach = NULL;
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkup->endpoints) && reach == NULL; i++) {
		/* A captive portal may tell any time. */
		const struct sl_reach *one = &checkup->endpoints[i];
		reach = one->reached && one->has_date ? one : NULL;
	}
	if (reach == NULL) {
		sl_find(findings, SL_FOUND_SKIP, NULL,
			"not looked at, because AWS did not tell its time");
		return;
	}
	int64_t offset_ms = reach->clock_offset_ms;
	int64_t distance_ms = offset_ms < 0 ? -offset_ms : offset_ms;
	long long seconds = (long long)(distance_ms / MS_PER_SECOND);
	const char *side = offset_ms > 0 ? "behind" : "ahead of";
	const char *who = sl_service_name(reach->service);
	const char *remedy = "Set the clock and keep it so by NTP (systemd-timesyncd, chrony); "
			     "docs/operations.md, The clock jumps";
	if (distance_ms >= SKEW_FAIL_MS) {
		sl_find(findings, SL_FOUND_FAIL, remedy,
			"this machine's is %lld s %s that of %s; AWS refuses signatures that are "
			"more than 300 s off",
			seconds, side, who);
	} else if (distance_ms >= SKEW_WARN_MS) {
		sl_find(findings, SL_FOUND_WARN, remedy, "this machine's is %lld s %s that of %s",
			seconds, side, who);
	} else {
		sl_find(findings, SL_FOUND_OK, NULL, "within %lld s of that of %s", seconds + 1,
			who);
	}
}
