/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /videos/{id}: everything of a video goes. HTTP threads. */

#include "end.h"
#include "handlers.h"

enum sl_err sl_video_delete(struct sl_request *request, struct sl_reply *reply)
{
	reply->status = 202;
	return sl_handlers_reply_document(request, sl_end_delete, reply);
}
