/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists S3's keys in the order of their bytes, jumping over what a delimiter rolls up.
 * Entry points: s3_store_list, s3_listing_finish. Any thread, under the store's mutex.
 */
#include <string.h>

#include "s3_internal.h"

/* Makes `at` the smallest byte string behind everything that starts with it. */
static bool make_successor(struct sl_buf *at)
{
	while (at->len > 0) {
		unsigned char last = (unsigned char)at->data[at->len - 1];
		if (last < 0xFF) {
			at->data[at->len - 1] = (char)(last + 1);
			return true;
		}
		at->data[--at->len] = '\0';
	}
	return false;
}

static void append_item(struct s3_listing *listing, struct s3_listed item)
{
	listing->items =
		sl_reallocarray(listing->items, listing->count + 1, sizeof *listing->items);
	listing->items[listing->count++] = item;
}

/* The common prefix that `key` belongs to, owned by the caller, or NULL. */
static char *common_prefix(const char *key, const char *prefix, const char *delimiter)
{
	if (!delimiter || !*delimiter) {
		return NULL;
	}
	const char *found = strstr(key + strlen(prefix), delimiter);
	return found ? sl_strndup(key, (size_t)(found - key) + strlen(delimiter)) : NULL;
}

/* Lists from `from` on until a common prefix, whose keys are then jumped over (true), the end
 * or the maximum. */
static bool list_run(sqlite3_stmt *statement, const char *prefix, const char *delimiter, size_t max,
	struct s3_listing *ret, struct sl_buf *from)
{
	while (s3_store_step(statement)) {
		char *key = s3_store_text(statement, 0);
		if (strncmp(key, prefix, strlen(prefix)) != 0) {
			free(key);
			return false;
		}
		if (ret->count == max) {
			ret->truncated = true;
			free(key);
			return false;
		}
		char *common = common_prefix(key, prefix, delimiter);
		if (common) {
			free(key);
			append_item(ret, (struct s3_listed){.key = common, .is_prefix = true});
			sl_buf_clear(from);
			sl_buf_puts(from, common);
			return make_successor(from);
		}
		append_item(ret,
			(struct s3_listed){
				.key = key,
				.size = sqlite3_column_int64(statement, 1),
				.etag = s3_store_text(statement, 2),
				.modified_ms = sqlite3_column_int64(statement, 3),
			});
	}
	return false;
}

/* Where listing begins: at the prefix, or behind `after` if that is further, and behind all of
 * `after`'s group when `after` is (or is in) a common prefix that was already told. */
static bool listing_start(
	const char *prefix, const char *delimiter, const char *after, struct sl_buf *ret)
{
	if (!after || strcmp(after, prefix) < 0) {
		sl_buf_puts(ret, prefix);
		return true;
	}
	sl_buf_puts(ret, after);
	if (strncmp(after, prefix, strlen(prefix)) == 0) {
		SL_AUTO(sl_freep)
		char *common = common_prefix(after, prefix, delimiter);
		if (common && strcmp(common, after) == 0) {
			return make_successor(ret);
		}
	}
	/* The smallest string behind `after`: with a 0x01, since keys never hold NUL. */
	sl_buf_putc(ret, '\x01');
	return true;
}

void s3_store_list(const char *bucket, const char *prefix, const char *delimiter, const char *after,
	size_t max, struct s3_listing *ret)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf from = SL_BUF_INIT;
	*ret = (struct s3_listing){NULL};
	if (max == 0) {
		return;
	}
	s3_store_lock();
	bool more = listing_start(prefix, delimiter, after, &from);
	while (more) {
		sqlite3_stmt *statement =
			s3_store_prepare("SELECT key, size, etag, modified_ms FROM objects"
					 " WHERE bucket = ? AND key >= ? ORDER BY key",
				"tb", bucket, sl_buf_str(&from));
		more = list_run(statement, prefix, delimiter, max, ret, &from);
		sqlite3_finalize(statement);
	}
	s3_store_unlock();
}

void s3_listing_finish(struct s3_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		free(listing->items[i].key);
		free(listing->items[i].etag);
	}
	free(listing->items);
	*listing = (struct s3_listing){NULL};
}
