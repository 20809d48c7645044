/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_EXPLAIN_H
#define SL_EXPLAIN_H

/* `spotlist config --explain`: what every setting is, and where it came from. */

#include <stdbool.h>
#include <stdio.h>

/** A line a setting, or a JSON object a line; goes on after what is wrong. Secrets are hidden, also
 *  within URLs. Asks for AWS credentials once, which may use the network and is bounded. 0, or 1
 *  when anything is wrong. */
int sl_explain(char **environ_, bool json, FILE *out);

#endif
