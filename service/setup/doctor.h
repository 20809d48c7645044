/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DOCTOR_H
#define SL_DOCTOR_H

/* `spotlist doctor`: looks at everything that spotlist needs and says what is wrong with it and
 * what to do, a line each. Changes nothing but a tiny object that it puts and deletes. */

#include <stdbool.h>
#include <stdio.h>

#include "defs.h"

/** Whatever hangs, the answer is there by then. */
#define SL_DOCTOR_LIMIT_MS 18000

/** Prints the findings as they come, as lines of text or JSON. 0: nothing failed; 1: something
 *  did. Ends the process itself when something still hangs then. Main thread, before others. */
SL_MUST_CHECK int sl_doctor(char **environ_, bool json, FILE *out);

/** Prints the actions of AWS that `spotlist serve` and `rebuild` need, and on what. */
void sl_doctor_print_actions(FILE *out);

#endif
