/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}: state, analyses, timeline. HTTP threads. */

#include "handlers.h"
#include "read.h"

enum sl_err sl_video_get(struct sl_request *request, struct sl_reply *reply)
{
	return sl_handlers_reply_document(request, sl_read_video, reply);
}
