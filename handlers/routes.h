/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ROUTES_H
#define SL_ROUTES_H

/* The route tables: what openapi.yaml promises and who keeps it. */

#include <stdio.h>

#include "router.h"

extern const struct sl_route sl_routes[]; /* on SPOTLIST_LISTEN */
extern const size_t sl_route_count;
extern const struct sl_route sl_admin_routes[]; /* on SPOTLIST_ADMIN_LISTEN */
extern const size_t sl_admin_route_count;

/** "METHOD PATH OPERATION_ID" lines of both tables. */
void sl_routes_print(FILE *out);

#endif
