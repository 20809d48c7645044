/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/analyses: every run of every analysis. HTTP threads. */

#include "handlers.h"
#include "versions.h"

enum sl_err sl_analysis_list(struct sl_request *request, struct sl_reply *reply)
{
	return sl_handlers_reply_document(request, sl_versions_list, reply);
}
