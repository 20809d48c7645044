/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CATALOGUE_H
#define SL_CATALOGUE_H

/* What embed_sql.py makes of sql/ and migrations/: the generated sql.c defines it. Constant. */

#include "sql.h"

#define SL_SQL_PARAMS_MAX 64 /* embed_sql.py holds statements to it */

struct sl_sql_statement {
	const char *name; /* stem of the file, and name of the prepared statement */
	const char *text; /* without the leading comment */
	int params;       /* highest $n */
};

struct sl_migration {
	int number;         /* 1, 2, … without gaps */
	const char *name;   /* "0001_initial" */
	const char *sha256; /* of the file, lower-case hex */
	const char *text;
};

struct sl_sql_catalogue {
	const struct sl_sql_statement *statements; /* indexed by enum sl_sql */
	int statement_count;
	const struct sl_migration *migrations;
	int migration_count;
};

extern const struct sl_sql_catalogue sl_sql_catalogue;

#endif
