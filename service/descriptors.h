/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DESCRIPTORS_H
#define SL_DESCRIPTORS_H

#include "config.h"

/**
 * Raises the limit of open files, as far as the hard limit goes, to what these settings need, and
 * logs when that is not enough. The number of HTTP connections that there may be: as configured, or
 * as many as fit. Before threads start.
 */
unsigned sl_descriptors_reserve(const struct sl_config *config);

#endif
