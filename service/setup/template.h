/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TEMPLATE_H
#define SL_TEMPLATE_H

/*
 * A CloudFormation template, as far as ours goes: parameters, conditions, references, outputs. It
 * refuses what it does not know, so that nothing is taken for done that was only skipped. Pure; one
 * thread per template.
 */

#include <jansson.h>
#include <stdbool.h>

#include "err.h"
#include "sigv4.h"

/** docs/cloudformation.yaml, and the same as JSON. */
extern const char sl_template_text[];
extern const char sl_template_json[];

/* Where a template is for: its pseudo parameters. */
struct sl_template_place {
	const char *account;
	const char *region;
	const char *partition;
};

struct sl_template;

/**
 * Reads a template with these parameters, and orders its resources. BAD_PARAMETER says which
 * parameter is unknown, missing or not allowed; INTERNAL what is wrong with the template (a cycle,
 * a reference to nothing, an unknown function). Strings of `place` are borrowed.
 */
SL_MUST_CHECK enum sl_err sl_template_create(const char *json,
	const struct sl_template_place *place, const struct sl_pair *parameters, size_t count,
	struct sl_template **ret, struct sl_error *reterr);
void sl_template_destroy(struct sl_template *template);
void sl_template_destroyp(struct sl_template **template);

/** How many resources its conditions leave. */
size_t sl_template_count(const struct sl_template *template);

/** The name of a resource; each comes behind all that it refers to. Borrowed. */
const char *sl_template_name(const struct sl_template *template, size_t index);

/** "AWS::S3::Bucket". Borrowed. */
const char *sl_template_type(const struct sl_template *template, const char *name);

/** Whether a resource refers to another one, or is said to depend on it. */
bool sl_template_needs(const struct sl_template *template, const char *name, const char *other);

/** What is known of a resource from now on: "Ref", or an attribute like "Arn". */
void sl_template_set(
	struct sl_template *template, const char *name, const char *attribute, const char *value);

/** Its properties, all references resolved; those of what was not sl_template_set() are INTERNAL.
 *  The caller owns it. */
SL_MUST_CHECK enum sl_err sl_template_properties(
	struct sl_template *template, const char *name, json_t **ret, struct sl_error *reterr);

/** [[description, value], …]. The caller owns it. */
SL_MUST_CHECK enum sl_err sl_template_outputs(
	struct sl_template *template, json_t **ret, struct sl_error *reterr);

#endif
