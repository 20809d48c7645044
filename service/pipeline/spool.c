/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary file of lines. The file is unlinked at once: nothing is left behind. */

#include "spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct sl_spool {
	FILE *file;
};

static enum sl_err failed(struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_IO,
		"the spool file in $TMPDIR or /tmp: %s; make room there", strerror(errno));
}

enum sl_err sl_spool_create(struct sl_spool **ret, struct sl_error *reterr)
{
	const char *directory = getenv("TMPDIR");
	SL_AUTO(sl_freep)
	char *path =
		sl_asprintf("%s/spotlist-spool-XXXXXX", directory != NULL ? directory : "/tmp");
	int fd = mkostemp(path, 0);
	FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (file == NULL) {
		return failed(reterr);
	}
	remove(path);
	struct sl_spool *spool = sl_calloc(1, sizeof(*spool));
	spool->file = file;
	*ret = spool;
	return SL_ERR_OK;
}

enum sl_err sl_spool_add(struct sl_spool *spool, const char *text, struct sl_error *reterr)
{
	if (fputs(text, spool->file) < 0 || fputc('\n', spool->file) == EOF) {
		return failed(reterr);
	}
	return SL_ERR_OK;
}

enum sl_err sl_spool_read(
	struct sl_spool *spool, sl_spool_each *each, void *context, struct sl_error *reterr)
{
	if (fflush(spool->file) != 0 || fseek(spool->file, 0, SEEK_SET) != 0) {
		return failed(reterr);
	}
	SL_AUTO(sl_freep)
	char *line = NULL;
	size_t capacity = 0;
	enum sl_err err = SL_ERR_OK;
	ssize_t len = getline(&line, &capacity, spool->file);
	for (; err == SL_ERR_OK && len > 0; len = getline(&line, &capacity, spool->file)) {
		line[len - 1] = '\0';
		err = each(context, line, (size_t)len - 1, reterr);
	}
	if (err == SL_ERR_OK && ferror(spool->file)) {
		err = failed(reterr);
	}
	return err;
}

void sl_spool_destroy(struct sl_spool *spool)
{
	if (spool != NULL) {
		fclose(spool->file);
		free(spool);
	}
}
