/* SPDX-License-Identifier: Apache-2.0 */
/* The sums over all videos, which no single video's rebuild can look at. Thread of the command. */

#include "rebuild_load.h"

/* For a statement that reads the names of every video. */
#define PATIENCE_MS "900000"

static enum sl_err tell_difference(
	void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	return sl_rebuild_find(context, reterr, "%s %s: %s is %s, of all videos together %s",
		sl_pg_text(row, 0, "kind"), sl_pg_text(row, 0, "name"), sl_pg_text(row, 0, "sum"),
		sl_pg_text(row, 0, "kept"), sl_pg_text(row, 0, "made"));
}

static enum sl_err check_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	sl_rebuild_findings_finish(context);
	enum sl_err err = sl_pg_exec(pg, SL_SQL_patience, NULL, reterr, SL_PG_TEXT(PATIENCE_MS));
	return err != SL_ERR_OK ? err
				: sl_pg_each(pg, SL_SQL_names_differences, NULL, 0, tell_difference,
					  context, reterr);
}

static enum sl_err remake_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_patience, NULL, reterr, SL_PG_TEXT(PATIENCE_MS));
	return err != SL_ERR_OK ? err : sl_pg_run(pg, SL_SQL_names_remake, NULL, 0, NULL, reterr);
}

enum sl_err sl_rebuild_check_names(
	struct sl_pg *pg, struct sl_rebuild_findings *found, struct sl_error *reterr)
{
	return sl_pg_tx(pg, "rebuild_check_names", check_tx, found, reterr);
}

enum sl_err sl_rebuild_remake_names(struct sl_pg *pg, struct sl_error *reterr)
{
	return sl_pg_tx(pg, "rebuild_remake_names", remake_tx, NULL, reterr);
}
