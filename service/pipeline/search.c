/* SPDX-License-Identifier: Apache-2.0 */
/* See search.h. HTTP threads. */

#include "search.h"

#include "json_spec.h"
#include "mem.h"
#include "uuid.h"

/* Of a cursor: rank and id of the last video. */
#define CURSOR_KINDS "ft"

static struct sl_pg_param optional(int64_t number)
{
	return number >= 0 ? SL_PG_I64(number) : SL_PG_NULL;
}

static enum sl_err read_place(
	const struct sl_search_query *query, struct sl_cursor *ret, struct sl_error *reterr)
{
	if (query->cursor == NULL) {
		return SL_ERR_OK;
	}
	enum sl_err err = sl_cursor_read(query->cursor, query->scope, CURSOR_KINDS, ret, reterr);
	if (err == SL_ERR_OK &&
		(ret->fields[1].text == NULL || !sl_uuid_valid(ret->fields[1].text))) {
		return sl_error_set_at(
			reterr, SL_ERR_BAD_PARAMETER, "?cursor", "is no cursor of this list");
	}
	return err;
}

static enum sl_err fetch(struct sl_pg *pg, const struct sl_search_query *query,
	struct sl_pg_rows *rows, struct sl_error *reterr)
{
	SL_AUTO(sl_cursor_finish)
	struct sl_cursor place = {0};
	enum sl_err err = read_place(query, &place, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *terms = query->terms != NULL ? sl_json_text(query->terms) : NULL;
	SL_AUTO(sl_freep)
	char *names = sl_json_text(query->names);
	SL_AUTO(sl_freep)
	char *tags = sl_json_text(query->tags);
	bool first = query->cursor == NULL;
	return sl_pg_exec(pg, SL_SQL_search, rows, reterr, SL_PG_TEXT(terms), SL_PG_TEXT(names),
		SL_PG_TEXT(tags), SL_PG_TEXT(query->state), optional(query->created_from_ms),
		optional(query->created_before_ms), optional(query->min_duration_ms),
		optional(query->max_duration_ms), optional(query->within_ms),
		SL_PG_I64(query->limit + 1), SL_PG_I64(query->hits), SL_PG_BOOL(query->newest),
		first ? SL_PG_NULL : SL_PG_F64(place.fields[0].real),
		first ? SL_PG_NULL : SL_PG_TEXT(place.fields[1].text),
		SL_PG_BOOL(query->facets && first));
}

static void add_next(const struct sl_search_query *query, const struct sl_pg_rows *rows, int row,
	struct sl_buf *out)
{
	const struct sl_cursor_field fields[] = {SL_CURSOR_F64(sl_pg_f64(rows, row, "rank")),
		SL_CURSOR_TEXT(sl_pg_text(rows, row, "id"))};
	SL_AUTO(sl_freep)
	char *next = sl_cursor_write(query->scope, fields, SL_ARRAY_SIZE(fields));
	sl_buf_printf(out, ",\"next_cursor\":\"%s\"", next);
}

enum sl_err sl_search(struct sl_pg *pg, const struct sl_search_query *query, struct sl_buf *out,
	struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = fetch(pg, query, &rows, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	/* Without a video there is one row all the same, for the total. */
	int found = sl_pg_null(&rows, 0, "id") ? 0 : rows.count;
	int shown = found > query->limit ? (int)query->limit : found;
	sl_buf_puts(out, "{\"videos\":[");
	for (int i = 0; i < shown; i++) {
		sl_buf_puts(out, i > 0 ? "," : "");
		sl_buf_add(out, sl_pg_text(&rows, i, "body"), sl_pg_text_len(&rows, i, "body"));
	}
	sl_buf_puts(out, "],\"total\":");
	sl_buf_add_i64(out, sl_pg_i64(&rows, 0, "total"));
	if (!sl_pg_null(&rows, 0, "facets")) {
		sl_buf_puts(out, ",\"facets\":");
		sl_buf_puts(out, sl_pg_text(&rows, 0, "facets"));
	}
	if (found > shown) {
		add_next(query, &rows, shown - 1, out);
	}
	sl_buf_putc(out, '}');
	return SL_ERR_OK;
}
