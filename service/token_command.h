/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TOKEN_COMMAND_H
#define SL_TOKEN_COMMAND_H

#include <stdbool.h>

#include "config.h"
#include "json_spec.h"

/* What the options of `spotlist token …` say; strings are borrowed. */
struct sl_token_options {
	struct sl_json_strv scope;
	struct sl_json_strv name;
	struct sl_json_strv id;
	struct sl_json_strv expires;
	struct sl_json_strv rate;
	bool all;
	bool json;
};
void sl_token_options_finish(struct sl_token_options *options);

/** `spotlist token create`: the token alone on standard output, what it is called on standard
 * error. CONFIG: an option is wrong. */
SL_MUST_CHECK enum sl_err sl_token_create_command(const struct sl_config *config,
	const struct sl_token_options *options, struct sl_error *reterr);

/** `spotlist token list`: a line each on standard output. */
SL_MUST_CHECK enum sl_err sl_token_list_command(const struct sl_config *config,
	const struct sl_token_options *options, struct sl_error *reterr);

/** `spotlist token revoke`. */
SL_MUST_CHECK enum sl_err sl_token_revoke_command(const struct sl_config *config,
	const struct sl_token_options *options, struct sl_error *reterr);

#endif
