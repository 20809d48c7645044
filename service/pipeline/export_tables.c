/* SPDX-License-Identifier: Apache-2.0 */
/* labels.csv and celebrities.csv, row by row as PostgreSQL sends them. HTTP threads. */

#include <string.h>

#include "export.h"
#include "export_text.h"
#include "mem.h"

struct column {
	const char *name, *sql; /* in the table; of the statement */
	bool foreign;           /* text of others; else numbers and times of ours */
};

static const struct column label_columns[] = {
	{"time", "time", false},
	{"time_ms", "time_ms", false},
	{"name", "name", true},
	{"confidence", "confidence", false},
	{"instance", "instance", false},
	{"instance_confidence", "instance_confidence", false},
	{"left", "box_left", false},
	{"top", "box_top", false},
	{"width", "box_width", false},
	{"height", "box_height", false},
	{"parents", "parents", true},
	{"aliases", "aliases", true},
	{"categories", "categories", true},
};

static const struct column celebrity_columns[] = {
	{"time", "time", false},
	{"time_ms", "time_ms", false},
	{"name", "name", true},
	{"id", "celebrity_id", true},
	{"confidence", "confidence", false},
	{"left", "box_left", false},
	{"top", "box_top", false},
	{"width", "box_width", false},
	{"height", "box_height", false},
	{"frame", "frame", true},
	{"urls", "urls", true},
};

static const struct column appearance_columns[] = {
	{"from", "from", false},
	{"to", "to", false},
	{"from_ms", "from_ms", false},
	{"to_ms", "to_ms", false},
	{"duration_ms", "duration_ms", false},
	{"name", "name", true},
	{"id", "celebrity_id", true},
	{"confidence", "confidence", false},
};

struct table {
	const struct column *columns;
	size_t count;
	bool raw;
	struct sl_export_body *body;
	struct sl_buf pending;
};

static enum sl_err add_row(void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	struct table *table = context;
	for (size_t i = 0; i < table->count; i++) {
		const struct column *column = &table->columns[i];
		const char *text = sl_pg_text(row, 0, column->sql);
		if (column->foreign) {
			sl_export_csv_text(&table->pending, text, i == 0, table->raw);
		} else {
			sl_export_csv_plain(&table->pending, text, i == 0);
		}
	}
	sl_buf_puts(&table->pending, "\r\n");
	return sl_export_body_add(table->body, &table->pending, reterr);
}

static struct sl_pg_param lowest(const struct sl_export_filter *filter)
{
	return filter->min_confidence >= 0 ? SL_PG_F64(filter->min_confidence) : SL_PG_NULL;
}

/* All of a table: its header, and the rows of a statement. */
static enum sl_err write_table(struct sl_pg *pg, enum sl_sql statement,
	const struct sl_pg_param *params, int count, struct table *table, bool bom,
	struct sl_error *reterr)
{
	sl_buf_puts(&table->pending, bom ? "\uFEFF" : "");
	for (size_t i = 0; i < table->count; i++) {
		sl_export_csv_plain(&table->pending, table->columns[i].name, i == 0);
	}
	sl_buf_puts(&table->pending, "\r\n");
	enum sl_err err = sl_pg_each(pg, statement, params, count, add_row, table, reterr);
	if (err == SL_ERR_OK) {
		err = sl_export_body_end(table->body, &table->pending, reterr);
	}
	sl_buf_finish(&table->pending);
	return err;
}

static enum sl_err write_appearances(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_table *options, bool labels, struct sl_export_body *body,
	struct sl_error *reterr)
{
	const struct sl_pg_param params[] = {SL_PG_TEXT(video->id), lowest(&options->filter),
		SL_PG_TEXT(options->filter.names), SL_PG_BOOL(!labels), SL_PG_BOOL(labels)};
	struct table table = {appearance_columns, SL_ARRAY_SIZE(appearance_columns), options->raw,
		body, SL_BUF_INIT};
	return write_table(pg, SL_SQL_export_appearances, params, SL_ARRAY_SIZE(params), &table,
		options->bom, reterr);
}

static enum sl_err write_detections(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_table *options, bool labels, struct sl_export_body *body,
	struct sl_error *reterr)
{
	const struct sl_pg_param params[] = {
		SL_PG_TEXT(video->id), lowest(&options->filter), SL_PG_TEXT(options->filter.names)};
	struct table table = {
		label_columns, SL_ARRAY_SIZE(label_columns), options->raw, body, SL_BUF_INIT};
	if (!labels) {
		table.columns = celebrity_columns;
		table.count = SL_ARRAY_SIZE(celebrity_columns);
	}
	return write_table(pg, labels ? SL_SQL_export_labels : SL_SQL_export_celebrities, params,
		SL_ARRAY_SIZE(params), &table, options->bom, reterr);
}

enum sl_err sl_export_labels_write(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_table *options, struct sl_export_body *body, struct sl_error *reterr)
{
	return options->appearances ? write_appearances(pg, video, options, true, body, reterr)
				    : write_detections(pg, video, options, true, body, reterr);
}

enum sl_err sl_export_celebrities_write(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_table *options, struct sl_export_body *body, struct sl_error *reterr)
{
	return options->appearances ? write_appearances(pg, video, options, false, body, reterr)
				    : write_detections(pg, video, options, false, body, reterr);
}
