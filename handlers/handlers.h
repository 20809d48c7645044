/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HANDLERS_H
#define SL_HANDLERS_H

/*
 * One handler per operation, in handlers/<noun>_<verb>.c. Always the same shape: decode,
 * authorise (the route's policy), one use case, reply. HTTP threads; nothing here calls AWS.
 */

#include "app.h"
#include "router.h"

sl_handler sl_video_create;
sl_handler sl_video_list;
sl_handler sl_video_get;
sl_handler sl_video_metadata;
sl_handler sl_sns_receive;
sl_handler sl_healthz;
sl_handler sl_readyz;

#endif
