/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROBLEM_ANSWER_H
#define SL_PROBLEM_ANSWER_H

/* For tests: what every answer of the server has, and an answer that is a problem. */

#include <jansson.h>

#include "http_client.h"

/** Every reply carries these fields. */
void assert_common(const struct answer *answer);
/** A problem with this code and status, complete by RFC 9457. The caller frees the document. */
json_t *assert_problem(const struct answer *answer, int status, const char *code);
/** Sends the request on a connection of its own. */
void ask_for_problem(unsigned port, const char *request, int status, const char *code);

#endif
