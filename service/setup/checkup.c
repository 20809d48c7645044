/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor's checks have in common: clients, ARNs, and what errors of AWS ask for. Any of
 * the doctor's threads. */

#include "checkup.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "endpoints.h"
#include "mem.h"

#define OPERATION_MS         4000 /* for one operation with its retries */
#define HTTP_NOT_IMPLEMENTED 501

struct sl_client *sl_checkup_client(const struct sl_checkup *checkup)
{
	int64_t left_ms = checkup->deadline_ms - sl_clock_monotonic_ms();
	struct sl_client *client = sl_client_create(checkup->aws);
	int64_t deadline_ms = left_ms < OPERATION_MS ? left_ms : OPERATION_MS;
	sl_client_set_deadline(client, deadline_ms > 0 ? deadline_ms : 1);
	return client;
}

bool sl_checkup_reaches(
	const struct sl_checkup *checkup, enum sl_service service, struct sl_findings *findings)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkup->endpoints); i++) {
		const struct sl_reach *reach = &checkup->endpoints[i];
		if (reach->service == service && !reach->reached) {
			sl_find(findings, SL_FOUND_SKIP, NULL,
				"not looked at, because %s cannot be reached",
				sl_service_name(service));
			return false;
		}
	}
	return true;
}

void sl_find_error(struct sl_findings *findings, const struct sl_error *error, const char *remedy)
{
	const char *detail = error->detail != NULL ? error->detail : sl_err_title(error->code);
	enum sl_verdict_kind kind = SL_FOUND_FAIL;
	switch (error->code) {
	case SL_ERR_AWS_FORBIDDEN:
		remedy = "`spotlist provision` writes the role's policy; docs/aws.md";
		break;
	case SL_ERR_AWS_NOT_FOUND:
	case SL_ERR_TABLE_MISSING:
		break;
	case SL_ERR_AWS_THROTTLED:
		kind = SL_FOUND_WARN;
		remedy = "Run doctor again";
		break;
	default:
		remedy = "docs/operations.md, What the codes ask for";
	}
	sl_find(findings, kind, remedy, "%s", detail);
}

void sl_unseen_finish(struct sl_unseen *unseen)
{
	sl_buf_finish(&unseen->actions);
}

void sl_find_unseen(struct sl_findings *findings, struct sl_unseen *unseen, const char *action,
	const struct sl_error *error, const char *remedy)
{
	bool unknown = error->provider.http_status == HTTP_NOT_IMPLEMENTED;
	if (error->code == SL_ERR_AWS_NOT_FOUND) {
		sl_find_error(findings, error, remedy);
		return;
	}
	if (error->code != SL_ERR_AWS_FORBIDDEN && !unknown) {
		sl_find(findings, SL_FOUND_WARN, "docs/operations.md, Doctor",
			"not looked at, for %s failed: %s", action, error->detail);
		return;
	}
	if (strstr(sl_buf_str(&unseen->actions), action) == NULL) {
		sl_buf_printf(
			&unseen->actions, "%s%s", unseen->actions.len > 0 ? ", " : "", action);
	}
}

void sl_unseen_tell(const struct sl_unseen *unseen, struct sl_findings *findings)
{
	if (unseen->actions.len > 0) {
		sl_find(findings, SL_FOUND_SKIP,
			"`serve` does not need that; to have all looked at, run doctor with an "
			"operator's credentials; docs/operations.md, Doctor",
			"not all looked at: these credentials may not, or the endpoint cannot, %s",
			sl_buf_str(&unseen->actions));
	}
}

bool sl_arn_parse(const char *text, struct sl_arn *ret)
{
	SL_AUTO(sl_freep)
	char *copy = sl_strdup(text != NULL ? text : "");
	const char *parts[6] = {0};
	char *rest = copy;
	for (size_t i = 0; i < SL_ARRAY_SIZE(parts) && rest != NULL; i++) {
		parts[i] = i < SL_ARRAY_SIZE(parts) - 1 ? strsep(&rest, ":") : rest;
	}
	if (parts[5] == NULL || *parts[5] == '\0' || strcmp(parts[0], "arn") != 0) {
		return false;
	}
	*ret = (struct sl_arn){.text = sl_take(&copy),
		.partition = parts[1],
		.service = parts[2],
		.region = parts[3],
		.account = parts[4],
		.resource = parts[5]};
	return true;
}

void sl_arn_finish(struct sl_arn *arn)
{
	free(arn->text);
	*arn = (struct sl_arn){0};
}
