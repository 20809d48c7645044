/* SPDX-License-Identifier: Apache-2.0 */
/* Reading videos back. HTTP threads. */

#include "read.h"

#include <string.h>

#include "mem.h"
#include "uuid.h"

static enum sl_err not_found(const char *id, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", id);
}

static void add_body(const struct sl_pg_rows *rows, int row, struct sl_buf *out)
{
	sl_buf_add(out, sl_pg_text(rows, row, "body"), sl_pg_text_len(rows, row, "body"));
}

/* One JSON document by video id. */
static enum sl_err read_body(struct sl_pg *pg, enum sl_sql statement, const char *id,
	struct sl_pg_rows *rows, struct sl_error *reterr)
{
	if (!sl_uuid_valid(id)) {
		return not_found(id, reterr);
	}
	enum sl_err err = sl_pg_exec(pg, statement, rows, reterr, SL_PG_TEXT(id));
	return err == SL_ERR_OK && rows->count == 0 ? not_found(id, reterr) : err;
}

enum sl_err sl_read_video(
	struct sl_pg *pg, const char *id, struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = read_body(pg, SL_SQL_video_resource, id, &rows, reterr);
	if (err == SL_ERR_OK) {
		add_body(&rows, 0, out);
	}
	return err;
}

enum sl_err sl_read_videos(struct sl_pg *pg, const struct sl_read_filter *filter,
	struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_video_list, &rows, reterr,
		SL_PG_TEXT(filter->state), SL_PG_TEXT(filter->tag), SL_PG_TEXT(filter->cursor),
		SL_PG_I64(filter->limit + 1));
	if (err != SL_ERR_OK) {
		return err;
	}
	int shown = rows.count > filter->limit ? (int)filter->limit : rows.count;
	sl_buf_puts(out, "{\"videos\":[");
	for (int i = 0; i < shown; i++) {
		if (i > 0) {
			sl_buf_putc(out, ',');
		}
		add_body(&rows, i, out);
	}
	sl_buf_putc(out, ']');
	if (rows.count > shown) {
		sl_buf_printf(out, ",\"next_cursor\":\"%s\"", sl_pg_text(&rows, shown - 1, "id"));
	}
	sl_buf_putc(out, '}');
	return SL_ERR_OK;
}
