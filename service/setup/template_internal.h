/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TEMPLATE_INTERNAL_H
#define SL_TEMPLATE_INTERNAL_H

/* What template.c, template_value.c and template_parameter.c share. */

#include "template.h"

struct sl_template {
	json_t *root;
	json_t *parameters; /* name → string or list of strings, pseudo parameters included */
	json_t *resources;  /* those that the conditions leave; borrowed from root */
	json_t *attributes; /* resource → {"Ref": …, "Arn": …} */
	json_t *needs;      /* resource → {resource: true} */
	json_t *order;      /* names */
};

/** Fills `template->parameters`. */
SL_MUST_CHECK enum sl_err sl_template_take_parameters(struct sl_template *template,
	const struct sl_template_place *place, const struct sl_pair *given, size_t count,
	struct sl_error *reterr);

/** A value without functions; null stands for AWS::NoValue. The caller owns it. */
SL_MUST_CHECK enum sl_err sl_template_resolve(const struct sl_template *template,
	const json_t *value, json_t **ret, struct sl_error *reterr);

/** A condition by its name. */
SL_MUST_CHECK enum sl_err sl_template_condition(
	const struct sl_template *template, const char *name, bool *ret, struct sl_error *reterr);

/** Adds the names of all resources that a value refers to, as keys of `found`; INTERNAL for a name
 *  that is nothing. */
SL_MUST_CHECK enum sl_err sl_template_references(const struct sl_template *template,
	const json_t *value, json_t *found, struct sl_error *reterr);

#endif
