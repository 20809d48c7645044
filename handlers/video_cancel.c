/* SPDX-License-Identifier: Apache-2.0 */
/* POST /videos/{id}/cancel: stops a video where it is. HTTP threads. */

#include "end.h"
#include "handlers.h"

enum sl_err sl_video_cancel(struct sl_request *request, struct sl_reply *reply)
{
	reply->status = 202;
	return sl_handlers_reply_document(request, sl_end_cancel, reply);
}
