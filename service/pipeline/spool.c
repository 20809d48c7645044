/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary file. It is unlinked at once: nothing is left behind. */

#include "spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

#define PIECE_BYTES 65536

struct sl_spool {
	FILE *file;
	uint64_t size;
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

enum sl_err sl_spool_add(
	struct sl_spool *spool, const void *bytes, size_t len, struct sl_error *reterr)
{
	if (fwrite(bytes, 1, len, spool->file) != len) {
		return failed(reterr);
	}
	spool->size += len;
	return SL_ERR_OK;
}

uint64_t sl_spool_size(const struct sl_spool *spool)
{
	return spool->size;
}

enum sl_err sl_spool_read_at(struct sl_spool *spool, uint64_t offset, void *bytes, size_t max,
	size_t *ret_len, struct sl_error *reterr)
{
	if (fflush(spool->file) != 0) {
		return failed(reterr);
	}
	ssize_t len = pread(fileno(spool->file), bytes, max, (off_t)offset);
	if (len < 0) {
		return failed(reterr);
	}
	*ret_len = (size_t)len;
	return SL_ERR_OK;
}

enum sl_err sl_spool_read(
	struct sl_spool *spool, sl_spool_each *each, void *context, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *piece = sl_calloc(1, PIECE_BYTES);
	size_t len = 0;
	enum sl_err err = SL_ERR_OK;
	for (uint64_t at = 0; err == SL_ERR_OK && at < spool->size; at += len) {
		err = sl_spool_read_at(spool, at, piece, PIECE_BYTES, &len, reterr);
		if (err == SL_ERR_OK && len == 0) {
			err = sl_error_set(reterr, SL_ERR_IO, "the spool file became shorter");
		}
		if (err == SL_ERR_OK) {
			err = each(context, piece, len, reterr);
		}
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
