/* SPDX-License-Identifier: Apache-2.0 */
/* Making and storing metadata documents inside PostgreSQL: sl_document_store(), _publish(),
 * _replace(). document_read.c reads them. Worker threads. */

#include "document.h"

#include <string.h>

/* Ten million labels take minutes. */
#define PATIENCE_MS "900000"

struct storing {
	const char *video_id;
	const char *state;
	const char *at;
	const char *document;
};

static enum sl_err store_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct storing *storing = context;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_patience, NULL, reterr, SL_PG_TEXT(PATIENCE_MS));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(
			pg, SL_SQL_document_prune, NULL, reterr, SL_PG_TEXT(storing->video_id));
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_document_store, NULL, reterr,
			SL_PG_TEXT(storing->video_id), SL_PG_TEXT(storing->state),
			SL_PG_TEXT(storing->at), SL_PG_TEXT(storing->document));
	}
	return err;
}

enum sl_err sl_document_store(struct sl_pg *pg, const char *video_id, const char *state,
	const char *at, char ret_document[static SL_UUID_SIZE], struct sl_error *reterr)
{
	char document[SL_UUID_SIZE];
	sl_uuid_create(document);
	struct storing storing = {video_id, state, at, document};
	enum sl_err err = sl_pg_tx(pg, "document_store", store_tx, &storing, reterr);
	if (err == SL_ERR_OK) {
		memcpy(ret_document, document, sizeof(document));
	}
	return err;
}

enum sl_err sl_document_publish(
	struct sl_pg *pg, const char *video_id, const char *document, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_document_put, &rows, reterr, SL_PG_TEXT(video_id), SL_PG_TEXT(document));
	if (err == SL_ERR_OK && rows.count == 0) {
		return sl_error_set(reterr, SL_ERR_LEASE_LOST,
			"the document that was made for video %s was replaced", video_id);
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_document_prune, NULL, reterr, SL_PG_TEXT(video_id));
	}
	return err;
}

enum sl_err sl_document_replace(struct sl_pg *pg, const char *video_id, struct sl_error *reterr)
{
	char document[SL_UUID_SIZE];
	sl_uuid_create(document);
	struct storing storing = {.video_id = video_id, .document = document};
	enum sl_err err = store_tx(pg, &storing, reterr);
	return err == SL_ERR_OK ? sl_document_publish(pg, video_id, document, reterr) : err;
}
