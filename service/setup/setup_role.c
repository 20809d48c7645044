/* SPDX-License-Identifier: Apache-2.0 */
/* IAM: roles, with their trust and inline policies. */

#include <string.h>

#include "iam.h"
#include "json_spec.h"
#include "mem.h"
#include "policy.h"
#include "setup.h"

/* The trust may be a text that holds JSON. */
static json_t *wanted_trust(const struct sl_resource *resource)
{
	json_t *value = json_object_get(resource->properties, "AssumeRolePolicyDocument");
	return json_is_string(value) ? sl_setup_json(json_string_value(value)) : json_incref(value);
}

static enum sl_err inline_policy(struct sl_setup *setup, struct sl_resource *resource,
	const json_t *policy, bool is_new, struct sl_error *reterr)
{
	const char *name = json_string_value(json_object_get(policy, "PolicyName"));
	const json_t *wanted = json_object_get(policy, "PolicyDocument");
	json_auto_t *there = NULL;
	enum sl_err err = is_new
		? SL_ERR_AWS_NOT_FOUND
		: sl_iam_get_role_policy(setup->client, resource->name, name, &there, reterr);
	/* A document that cannot be read is replaced as one that says something else. */
	bool told = err == SL_ERR_OK || err == SL_ERR_AWS_NOT_FOUND || err == SL_ERR_AWS_PROTOCOL;
	if (!told || sl_policy_equal(there, wanted)) {
		return err;
	}
	int64_t deadline_ms = 0;
	do { /* IAM may not know yet of a role that it has just made */
		err = setup->dry_run ? SL_ERR_OK
				     : sl_iam_put_role_policy(
					       setup->client, resource->name, name, wanted, reterr);
	} while (err == SL_ERR_AWS_NOT_FOUND &&
		sl_setup_wait(setup, SL_SETUP_PROPAGATION_S, &deadline_ms));
	if (err == SL_ERR_OK && !is_new) {
		SL_AUTO(sl_freep)
		char *property = sl_asprintf("policy \"%s\"", name);
		sl_setup_changed_json(setup, resource, property, there, wanted);
	}
	return err;
}

static enum sl_err trust_of_existing(struct sl_setup *setup, struct sl_resource *resource,
	const json_t *there, const json_t *wanted, struct sl_error *reterr)
{
	const json_t *trust = json_object_get(there, "AssumeRolePolicyDocument");
	if (sl_policy_equal(trust, wanted)) {
		return SL_ERR_OK;
	}
	enum sl_err err = setup->dry_run
		? SL_ERR_OK
		: sl_iam_update_trust(setup->client, resource->name, wanted, reterr);
	if (err == SL_ERR_OK) {
		sl_setup_changed_json(setup, resource, "trust", trust, wanted);
	}
	return err;
}

enum sl_err sl_setup_role(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup(sl_property(resource, "RoleName"));
	json_auto_t *trust = wanted_trust(resource);
	json_auto_t *there = NULL;
	enum sl_err err = sl_iam_get_role(setup->client, resource->name, &there, reterr);
	bool is_new = err == SL_ERR_AWS_NOT_FOUND;
	if (is_new) {
		err = setup->dry_run ? SL_ERR_OK
				     : sl_iam_create_role(setup->client, resource->name, trust,
					       sl_property(resource, "Description"), NULL,
					       &resource->arn, reterr);
		if (err == SL_ERR_OK) {
			sl_setup_created(setup, resource);
		}
	} else if (err == SL_ERR_OK) {
		resource->arn = sl_strdup(json_string_value(json_object_get(there, "Arn")));
		err = trust_of_existing(setup, resource, there, trust, reterr);
	}
	if (resource->arn == NULL) {
		resource->arn = sl_asprintf(
			"arn:%s:iam::%s:role/%s", setup->partition, setup->account, resource->name);
	}
	size_t i;
	const json_t *policy;
	json_array_foreach (json_object_get(resource->properties, "Policies"), i, policy) {
		err = err != SL_ERR_OK ? err
				       : inline_policy(setup, resource, policy, is_new, reterr);
		if (err == SL_ERR_AWS_NOT_FOUND) {
			err = SL_ERR_OK;
		}
	}
	return err;
}
