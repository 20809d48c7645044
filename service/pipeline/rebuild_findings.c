/* SPDX-License-Identifier: Apache-2.0 */
/* Lines about one video. Thread of the command. */

#include "rebuild_findings.h"

#include <stdarg.h>
#include <string.h>

#include "mem.h"

enum sl_err sl_rebuild_find(
	struct sl_rebuild_findings *findings, struct sl_error *reterr, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *what = sl_vasprintf(format, arguments);
	va_end(arguments);
	for (char *c = what; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ') {
			*c = ' ';
		}
	}
	SL_AUTO(sl_freep)
	char *line = sl_asprintf("%s %s\n", findings->video_id, what);
	findings->count++;
	enum sl_err err =
		findings->lines == NULL ? sl_spool_create(&findings->lines, reterr) : SL_ERR_OK;
	return err == SL_ERR_OK ? sl_spool_add(findings->lines, line, strlen(line), reterr) : err;
}

static enum sl_err print_piece(
	void *context, const void *bytes, size_t len, struct sl_error *reterr)
{
	if (fwrite(bytes, 1, len, context) != len) {
		return sl_error_set(reterr, SL_ERR_IO, "cannot write to standard output");
	}
	return SL_ERR_OK;
}

enum sl_err sl_rebuild_findings_print(
	struct sl_rebuild_findings *findings, FILE *out, struct sl_error *reterr)
{
	if (findings->lines == NULL) {
		return SL_ERR_OK;
	}
	enum sl_err err = sl_spool_read(findings->lines, print_piece, out, reterr);
	if (err == SL_ERR_OK && fflush(out) != 0) {
		err = sl_error_set(reterr, SL_ERR_IO, "cannot write to standard output");
	}
	return err;
}

void sl_rebuild_findings_finish(struct sl_rebuild_findings *findings)
{
	sl_spool_destroy(findings->lines);
	findings->lines = NULL;
	findings->count = 0;
}
