/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_RUN_H
#define LC_RUN_H

/* Stopping what lc_run (cloud.h) started. */

/** From now on lc_stopping() is true, lc_run starts nothing, and what runs is killed. */
void lc_run_stop(void);

#endif
