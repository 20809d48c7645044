/* SPDX-License-Identifier: Apache-2.0 */
/* The celebrities and labels of all videos, a page at a time: sl_directory_read(). HTTP threads;
 * sl_directory_tally() also worker threads. */

#include "directory.h"

#include <float.h>

#include "mem.h"

/* Of a cursor: distance, value, folded name, id. */
#define CURSOR_KINDS "fiti"

const char *const sl_directory_sorts[] = {
	[SL_DIRECTORY_BY_NAME] = "name",
	[SL_DIRECTORY_BY_VIDEOS] = "videos",
	[SL_DIRECTORY_BY_APPEARANCES] = "appearances",
	[SL_DIRECTORY_BY_ON_SCREEN] = "on_screen",
	[SL_DIRECTORY_BY_MATCH] = "match",
	NULL,
};

enum sl_err sl_directory_tally(struct sl_pg *pg, struct sl_error *reterr)
{
	return sl_pg_run(pg, SL_SQL_names_tally, NULL, 0, NULL, reterr);
}

/* Where the page begins; before all names without a cursor. */
static enum sl_err read_place(
	const struct sl_directory_query *query, struct sl_cursor *ret, struct sl_error *reterr)
{
	if (query->cursor != NULL) {
		return sl_cursor_read(query->cursor, query->scope, CURSOR_KINDS, ret, reterr);
	}
	ret->fields[0] = SL_CURSOR_F64(-DBL_MAX);
	ret->fields[1] = SL_CURSOR_I64(INT64_MIN);
	ret->fields[2] = SL_CURSOR_TEXT("");
	ret->fields[3] = SL_CURSOR_I64(INT64_MIN);
	return SL_ERR_OK;
}

static enum sl_err fetch(struct sl_pg *pg, const struct sl_directory_query *query,
	struct sl_pg_rows *rows, struct sl_error *reterr)
{
	SL_AUTO(sl_cursor_finish)
	struct sl_cursor place = {0};
	enum sl_err err = read_place(query, &place, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_pg_param params[] = {SL_PG_TEXT(query->kind),
		SL_PG_TEXT(sl_directory_sorts[query->sort]), SL_PG_I64(place.fields[1].number),
		SL_PG_TEXT(place.fields[2].text != NULL ? place.fields[2].text : ""),
		SL_PG_I64(place.fields[3].number), SL_PG_I64(query->limit + 1),
		SL_PG_TEXT(query->prefix), SL_PG_F64(place.fields[0].real)};
	return query->prefix != NULL ? sl_pg_run(pg, SL_SQL_names_complete, params, 8, rows, reterr)
				     : sl_pg_run(pg, SL_SQL_names_page, params, 6, rows, reterr);
}

/* A name of more than a cursor holds ends the list; Rekognition has none of a hundredth of that. */
static void add_next(const struct sl_directory_query *query, const struct sl_pg_rows *rows, int row,
	struct sl_buf *out)
{
	const struct sl_cursor_field fields[] = {SL_CURSOR_F64(sl_pg_f64(rows, row, "distance")),
		SL_CURSOR_I64(sl_pg_i64(rows, row, "value")),
		SL_CURSOR_TEXT(sl_pg_text(rows, row, "folded")),
		SL_CURSOR_I64(sl_pg_i64(rows, row, "id"))};
	SL_AUTO(sl_freep)
	char *next = sl_cursor_write(query->scope, fields, SL_ARRAY_SIZE(fields));
	if (next != NULL) {
		sl_buf_printf(out, ",\"next_cursor\":\"%s\"", next);
	}
}

enum sl_err sl_directory_read(struct sl_pg *pg, const struct sl_directory_query *query,
	struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_directory_tally(pg, reterr);
	if (err == SL_ERR_OK) {
		err = fetch(pg, query, &rows, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	int shown = rows.count > query->limit ? (int)query->limit : rows.count;
	sl_buf_printf(out, "{\"%s\":[", query->member);
	for (int i = 0; i < shown; i++) {
		sl_buf_puts(out, i > 0 ? "," : "");
		sl_buf_add(out, sl_pg_text(&rows, i, "body"), sl_pg_text_len(&rows, i, "body"));
	}
	sl_buf_putc(out, ']');
	if (rows.count > shown) {
		add_next(query, &rows, shown - 1, out);
	}
	sl_buf_putc(out, '}');
	return SL_ERR_OK;
}
