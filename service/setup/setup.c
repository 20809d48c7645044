/* SPDX-License-Identifier: Apache-2.0 */
/* What all resources share: their lines, their properties. On the thread of the run. */

#include "setup.h"

#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "json_spec.h"
#include "mem.h"

#define SHOWN  160 /* bytes of a value in a line */
#define ASK_MS 250 /* between two looks at something that is not there yet */

static void print_value(FILE *out, const char *value)
{
	size_t len = strlen(value);
	if (len <= SHOWN) {
		fputs(value, out);
		return;
	}
	len = SHOWN;
	while (((unsigned char)value[len] & 0xc0) == 0x80) { /* not in the middle of a character */
		len--;
	}
	fprintf(out, "%.*s…", (int)len, value);
}

void sl_setup_created(struct sl_setup *setup, struct sl_resource *resource)
{
	fprintf(setup->out, "create  %s %s\n", resource->kind, resource->name);
	setup->created++;
	resource->touched = true;
}

void sl_setup_changed(struct sl_setup *setup, struct sl_resource *resource, const char *property,
	const char *from, const char *to)
{
	fprintf(setup->out, "change  %s %s: %s from ", resource->kind, resource->name, property);
	print_value(setup->out, from);
	fputs(" to ", setup->out);
	print_value(setup->out, to);
	fputc('\n', setup->out);
	setup->changed++;
	resource->touched = true;
}

void sl_setup_changed_json(struct sl_setup *setup, struct sl_resource *resource,
	const char *property, const json_t *from, const json_t *to)
{
	SL_AUTO(sl_freep)
	char *old = from != NULL ? sl_json_text(from) : sl_strdup("nothing");
	SL_AUTO(sl_freep)
	char *new = to != NULL ? sl_json_text(to) : sl_strdup("nothing");
	sl_setup_changed(setup, resource, property, old, new);
}

char *sl_property_text(const json_t *value)
{
	if (json_is_boolean(value)) {
		return sl_strdup(json_is_true(value) ? "true" : "false");
	}
	if (json_is_integer(value)) {
		return sl_asprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	}
	return sl_strdup(json_string_value(value));
}

const char *sl_property(const struct sl_resource *resource, const char *name)
{
	const char *text = json_string_value(json_object_get(resource->properties, name));
	return text != NULL ? text : "";
}

char *sl_setup_arn(const struct sl_setup *setup, const char *service, const char *name)
{
	return sl_asprintf("arn:%s:%s:%s:%s:%s", setup->partition, service, setup->region,
		setup->account, name);
}

json_t *sl_setup_json(const char *text)
{
	json_t *value = text != NULL ? json_loads(text, 0, NULL) : NULL;
	return value != NULL ? value : json_object();
}

bool sl_setup_wait(const struct sl_setup *setup, int64_t max_s, int64_t *deadline_ms)
{
	int64_t now_ms = sl_clock_monotonic_ms();
	if (*deadline_ms == 0) {
		*deadline_ms = now_ms + (max_s < setup->wait_s ? max_s : setup->wait_s) * 1000;
	}
	return !setup->dry_run && now_ms < *deadline_ms && sl_client_wait(setup->client, ASK_MS);
}

bool sl_setup_not_yet(const struct sl_setup *setup, enum sl_err err)
{
	return setup->dry_run && (err == SL_ERR_AWS_NOT_FOUND || err == SL_ERR_TABLE_MISSING);
}
