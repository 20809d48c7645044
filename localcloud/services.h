/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_SERVICES_H
#define LC_SERVICES_H

/* The table of services: name in the credential scope, protocol, functions. */

#include "auth.h"
#include "cloud.h"

struct lc_service {
	const char *name;
	enum lc_protocol protocol;
	void (*start)(struct lc_cloud *cloud);
	void (*stop)(void); /* NULL: nothing to stop */
	lc_handler *handle;
};

/** The service of this name, or NULL. */
const struct lc_service *lc_service_find(const char *name);

/** Starts all in the order of the table: what others call comes first. Main thread. */
void lc_services_start(struct lc_cloud *cloud);

/** Stops all in the reverse order. Main thread. */
void lc_services_stop(void);

#endif
