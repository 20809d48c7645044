/* SPDX-License-Identifier: Apache-2.0 */
/* EventBridge: rules and their targets. */

#include <string.h>

#include "events.h"
#include "json_spec.h"
#include "mem.h"
#include "policy.h"
#include "setup.h"
#include "text.h"

/* PutRule's request. */
static json_t *rule_request(const struct sl_resource *resource)
{
	SL_AUTO(sl_freep)
	char *pattern = sl_json_text(json_object_get(resource->properties, "EventPattern"));
	return json_pack("{s:s, s:s, s:s, s:s}", "Name", resource->name, "EventPattern", pattern,
		"State", sl_property(resource, "State"), "Description",
		sl_property(resource, "Description"));
}

/* Tells what differs; false when nothing does. */
static bool compare_rule(
	struct sl_setup *setup, struct sl_resource *resource, const json_t *there, bool tell)
{
	static const char *const texts[] = {"State", "Description"};
	bool differs = false;
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		const char *from = json_string_value(json_object_get(there, texts[i]));
		const char *to = sl_property(resource, texts[i]);
		if (!sl_text_equal(from != NULL ? from : "", to)) {
			differs = true;
			if (tell) {
				sl_setup_changed(setup, resource, texts[i],
					from != NULL ? from : "nothing", to);
			}
		}
	}
	const json_t *wanted = json_object_get(resource->properties, "EventPattern");
	json_auto_t *pattern =
		sl_setup_json(json_string_value(json_object_get(there, "EventPattern")));
	if (!sl_policy_equal(pattern, wanted)) {
		differs = true;
		if (tell) {
			sl_setup_changed_json(setup, resource, "EventPattern", pattern, wanted);
		}
	}
	return differs;
}

static const json_t *find_target(const json_t *targets, const json_t *wanted)
{
	size_t i;
	const json_t *one;
	json_array_foreach (targets, i, one) {
		if (json_equal(json_object_get(one, "Id"), json_object_get(wanted, "Id"))) {
			return one;
		}
	}
	return NULL;
}

static enum sl_err targets(
	struct sl_setup *setup, struct sl_resource *resource, bool is_new, struct sl_error *reterr)
{
	json_auto_t *there = NULL;
	enum sl_err err = sl_events_list_targets(setup->client, resource->name, &there, reterr);
	if (err != SL_ERR_OK && !sl_setup_not_yet(setup, err)) {
		return err;
	}
	err = SL_ERR_OK;
	size_t i;
	json_t *wanted;
	json_array_foreach (json_object_get(resource->properties, "Targets"), i, wanted) {
		const json_t *have = find_target(there, wanted);
		if (err != SL_ERR_OK || sl_policy_equal(have, wanted)) {
			continue;
		}
		json_auto_t *one = json_pack("[O]", wanted);
		err = setup->dry_run
			? SL_ERR_OK
			: sl_events_put_targets(setup->client, resource->name, one, reterr);
		if (err == SL_ERR_OK && !is_new) {
			sl_setup_changed_json(setup, resource, "Targets", have, wanted);
		}
	}
	return err;
}

enum sl_err sl_setup_rule(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup(sl_property(resource, "Name"));
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("rule/%s", resource->name);
	resource->arn = sl_setup_arn(setup, "events", path);
	json_auto_t *there = NULL;
	enum sl_err err = sl_events_describe_rule(setup->client, resource->name, &there, reterr);
	bool is_new = err == SL_ERR_AWS_NOT_FOUND;
	if (err != SL_ERR_OK && !is_new) {
		return err;
	}
	if (is_new || compare_rule(setup, resource, there, /* tell= */ false)) {
		json_auto_t *request = rule_request(resource);
		SL_AUTO(sl_freep)
		char *arn = NULL;
		err = setup->dry_run ? SL_ERR_OK
				     : sl_events_put_rule(setup->client, request, &arn, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		if (is_new) {
			sl_setup_created(setup, resource);
		} else {
			compare_rule(setup, resource, there, /* tell= */ true);
		}
	}
	return targets(setup, resource, is_new, reterr);
}
