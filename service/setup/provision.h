/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROVISION_H
#define SL_PROVISION_H

/* `spotlist provision`: makes or repairs in an account what docs/cloudformation.yaml describes, by
 * the APIs. docs/aws.md says how it is used. */

#include <stdio.h>

#include "err.h"
#include "json_spec.h"

struct sl_provision_options {
	bool print_template; /* and do nothing else */
	bool dry_run;
	bool replace;
	struct sl_json_strv bucket; /* at most one each, but for parameters */
	struct sl_json_strv table;
	struct sl_json_strv endpoint;
	struct sl_json_strv wait_s;
	struct sl_json_strv parameters; /* "NAME=VALUE" */
};
void sl_provision_options_finish(struct sl_provision_options *options);

/** Settings go to `out`, NAME=value a line; what is done and found to `report`. The exit status: 0;
 *  1 when something could not be done; 2 for options that are wrong. */
int sl_provision(const struct sl_provision_options *options, FILE *out, FILE *report);

#endif
