/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ROW_H
#define SL_ROW_H

/*
 * Rows in COPY's binary form, for sl_pg_copy_made(): made while no transaction is open, kept
 * anywhere, sent without another look. Columns must be of exactly the type that is named. Pure.
 */

#include "buf.h"

/** A row begins; as many columns must follow, in the order of the COPY's target. */
void sl_row_begin(struct sl_buf *out, int columns);

void sl_row_uuid(struct sl_buf *out, const char *uuid); /* canonical, else SL_BUG */
void sl_row_i32(struct sl_buf *out, int32_t number);    /* integer */
void sl_row_i64(struct sl_buf *out, int64_t number);    /* bigint */
void sl_row_f64(struct sl_buf *out, double number);     /* double precision */
void sl_row_text(struct sl_buf *out, const char *text); /* text; NULL: NULL */

#endif
