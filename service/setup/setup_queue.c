/* SPDX-License-Identifier: Apache-2.0 */
/* SQS: queues and their policies. */

#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "policy.h"
#include "setup.h"
#include "sqs.h"
#include "text.h"

static json_t *wanted_attributes(const struct sl_resource *resource)
{
	json_t *wanted = json_object();
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)resource->properties, name, value) {
		if (strcmp(name, "QueueName") != 0) {
			SL_AUTO(sl_freep)
			char *text = sl_property_text(value);
			json_object_set_new(wanted, name, json_string(text != NULL ? text : ""));
		}
	}
	return wanted;
}

/* Sets one attribute. */
static enum sl_err set(const struct sl_setup *setup, const char *url, const char *name,
	const char *value, struct sl_error *reterr)
{
	json_auto_t *attributes = json_pack("{s:s}", name, value);
	return setup->dry_run ? SL_ERR_OK
			      : sl_sqs_set_queue_attributes(setup->client, url, attributes, reterr);
}

static enum sl_err compare(struct sl_setup *setup, struct sl_resource *resource,
	const json_t *wanted, struct sl_error *reterr)
{
	json_auto_t *there = NULL;
	enum sl_err err = sl_sqs_get_queue_attributes(setup->client, resource->ref, &there, reterr);
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)wanted, name, value) {
		const char *from = json_string_value(json_object_get(there, name));
		const char *to = json_string_value(value);
		if (err != SL_ERR_OK || sl_text_equal(from, to)) {
			continue;
		}
		err = set(setup, resource->ref, name, to, reterr);
		if (err == SL_ERR_OK) {
			sl_setup_changed(
				setup, resource, name, from != NULL ? from : "nothing", to);
		}
	}
	return err;
}

enum sl_err sl_setup_queue(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup(sl_property(resource, "QueueName"));
	resource->arn = sl_setup_arn(setup, "sqs", resource->name);
	json_auto_t *wanted = wanted_attributes(resource);
	enum sl_err err =
		sl_sqs_get_queue_url(setup->client, resource->name, &resource->ref, reterr);
	if (err == SL_ERR_OK) {
		return compare(setup, resource, wanted, reterr);
	}
	if (err != SL_ERR_AWS_NOT_FOUND) {
		return err;
	}
	err = setup->dry_run ? SL_ERR_OK
			     : sl_sqs_create_queue(setup->client, resource->name, wanted,
				       &resource->ref, reterr);
	if (err == SL_ERR_OK) {
		sl_setup_created(setup, resource);
	}
	return err;
}

static enum sl_err queue_policy(struct sl_setup *setup, struct sl_resource *resource,
	const char *url, struct sl_error *reterr)
{
	const json_t *wanted = json_object_get(resource->properties, "PolicyDocument");
	json_auto_t *attributes = NULL;
	bool made_in_dry_run = strstr(url, "://") == NULL;
	enum sl_err err = SL_ERR_OK;
	int64_t deadline_ms = 0;
	do { /* a queue can be used a second after it was made */
		err = made_in_dry_run
			? SL_ERR_OK
			: sl_sqs_get_queue_attributes(setup->client, url, &attributes, reterr);
	} while (err == SL_ERR_AWS_NOT_FOUND &&
		sl_setup_wait(setup, SL_SETUP_PROPAGATION_S, &deadline_ms));
	if (err != SL_ERR_OK) {
		return err;
	}
	json_auto_t *there =
		sl_setup_json(json_string_value(json_object_get(attributes, "Policy")));
	if (sl_policy_includes(there, wanted)) {
		return SL_ERR_OK;
	}
	json_auto_t *merged = sl_policy_merge(there, wanted);
	SL_AUTO(sl_freep)
	char *text = sl_json_text(merged);
	err = set(setup, url, "Policy", text, reterr);
	if (err == SL_ERR_OK) {
		sl_setup_changed_json(setup, resource, "Statement",
			json_object_get(there, "Statement"), json_object_get(merged, "Statement"));
	}
	return err;
}

enum sl_err sl_setup_queue_policy(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup("");
	enum sl_err err = SL_ERR_OK;
	size_t i;
	const json_t *queue;
	json_array_foreach (json_object_get(resource->properties, "Queues"), i, queue) {
		const char *url = json_string_value(queue);
		url = url != NULL ? url : "";
		const char *slash = strrchr(url, '/');
		free(resource->name);
		resource->name = sl_strdup(slash != NULL ? slash + 1 : url);
		err = err != SL_ERR_OK ? err : queue_policy(setup, resource, url, reterr);
	}
	return err;
}
