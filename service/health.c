/* SPDX-License-Identifier: Apache-2.0 */
/* `spotlist health`: for supervisors that run a command, and images without curl. Main thread. */

#include "health.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "probe.h"

/* Supervisors give up on a check after seconds: say why before they do. */
#define HEALTH_TIMEOUT_MS 4000

static const char *admin_listen(void)
{
	static const char name[] = "SPOTLIST_ADMIN_LISTEN";
	const char *value = getenv(name);
	if (value != NULL && *value != '\0') {
		return value;
	}
	const struct sl_config_field *field = sl_config_fields;
	while (strcmp(field->name, name) != 0) {
		field++;
	}
	return field->fallback;
}

enum sl_err sl_health(bool ready, struct sl_error *reterr)
{
	return sl_probe(admin_listen(), ready ? "/readyz" : "/healthz", HEALTH_TIMEOUT_MS, reterr);
}
