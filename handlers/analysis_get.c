/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/analyses/{kind}/{attempt}: one run, with what it found. HTTP threads. */

#include "handlers.h"
#include "mem.h"
#include "versions.h"

static ssize_t read_piece(void *context, uint64_t offset, char *out, size_t max)
{
	return sl_version_read(context, offset, out, max);
}

static void destroy(void *context)
{
	sl_version_destroy(context);
}

enum sl_err sl_analysis_get(struct sl_request *request, struct sl_reply *reply)
{
	SL_AUTO(sl_version_destroyp)
	struct sl_version *version = NULL;
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	if (err == SL_ERR_OK) {
		err = sl_version_open(request->app, sl_request_param(request, "id"),
			sl_request_param(request, "kind"), sl_request_param(request, "attempt"),
			&version, &request->error);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	if (sl_version_take(version, &reply->body)) {
		return SL_ERR_OK; /* small */
	}
	const struct sl_reply_stream stream = {
		sl_version_size(version), read_piece, destroy, sl_take(&version)};
	sl_reply_stream(reply, &stream);
	return SL_ERR_OK;
}
