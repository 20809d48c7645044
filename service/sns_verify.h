/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_VERIFY_H
#define SL_SNS_VERIFY_H

/* `spotlist sns verify`: whether a recorded SNS message would be believed, and why. */

#include "json_spec.h"

/* As given on the command line: each at most once, but for topics. Strings are borrowed. */
struct sl_sns_verify_options {
	struct sl_json_strv topic_arns;
	struct sl_json_strv cert;    /* PEM file */
	struct sl_json_strv at;      /* RFC 3339 */
	struct sl_json_strv max_age; /* seconds */
};

/** Judges the message on standard input and tells on standard output. The exit status: 0 it is
 *  good, 1 it is not, 2 an option is wrong, 78 the configuration of AWS is. */
SL_MUST_CHECK int sl_sns_verify_command(const struct sl_sns_verify_options *options);

void sl_sns_verify_options_finish(struct sl_sns_verify_options *options);

#endif
