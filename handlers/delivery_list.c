/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/deliveries: what was told to the submitter, and every attempt. HTTP threads. */

#include "handlers.h"
#include "webhook.h"

enum sl_err sl_delivery_list(struct sl_request *request, struct sl_reply *reply)
{
	return sl_handlers_reply_document(request, sl_webhook_list, reply);
}
