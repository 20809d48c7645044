/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_AUTHORIZE_H
#define SL_AUTHORIZE_H

#include "request.h"

/** What sl_server_options.authorize is: whether the caller may do what the route is for.
 * TOKEN_MISSING, TOKEN_REFUSED, INSUFFICIENT_SCOPE, RATE_LIMITED; BAD_AUTHORIZATION when the token
 * is not where it belongs. `app` is struct sl_app; with its `access` NULL everybody may. */
SL_MUST_CHECK enum sl_err sl_authorize(void *app, struct sl_request *request);

#endif
