/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/metadata: the whole document, in pieces when it is large; with a query, see
 * video_metadata_filter.c. HTTP threads. */

#include "document.h"
#include "handlers.h"
#include "mem.h"
#include "query.h"

static ssize_t read_piece(void *context, uint64_t offset, char *out, size_t max)
{
	return sl_document_read(context, offset, out, max);
}

static void destroy(void *context)
{
	sl_document_destroy(context);
}

enum sl_err sl_video_metadata(struct sl_request *request, struct sl_reply *reply)
{
	if (sl_request_whole_query(request)->count > 0) {
		return sl_video_metadata_filtered(request, reply);
	}
	SL_AUTO(sl_document_destroyp)
	struct sl_document *document = NULL;
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	if (err == SL_ERR_OK) {
		err = sl_document_open(
			request->app, sl_request_param(request, "id"), &document, &request->error);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	struct sl_content *content = sl_document_content(document);
	if (content != NULL) {
		sl_reply_content(reply, content);
		return SL_ERR_OK;
	}
	if (sl_document_take(document, &reply->body)) {
		sl_reply_validator(reply, NULL);
		return SL_ERR_OK;
	}
	const char *etag = sl_document_etag(document); /* copied before the document goes */
	const struct sl_reply_stream stream = {
		sl_document_size(document), read_piece, destroy, document};
	sl_reply_stream(reply, &stream);
	if (etag != NULL) {
		sl_reply_validator(reply, etag);
	}
	document = NULL; /* the stream's */
	return SL_ERR_OK;
}
