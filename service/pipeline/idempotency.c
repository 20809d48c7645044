/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: reading the header, and what each key of the last day stands for. */

#include "idempotency.h"

#include <stdlib.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"

#define MAX_KEY 255

void sl_idempotency_finish(struct sl_idempotency *idempotency)
{
	free(idempotency->key);
	*idempotency = (struct sl_idempotency){0};
}

static bool printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* A String of RFC 9651 (3.3.3): printable ASCII in quotes, with \" and \\ for two of them.
 * Parameters behind it are for others to define, and none is. */
static char *unquote(const char *text)
{
	struct sl_buf key = SL_BUF_INIT;
	for (text++; *text != '"'; text++) {
		if (*text == '\\' && (text[1] == '"' || text[1] == '\\')) {
			text++;
		} else if (*text == '\\' || !printable(*text)) {
			sl_buf_finish(&key);
			return NULL;
		}
		sl_buf_putc(&key, *text);
	}
	if (text[1] != '\0') {
		sl_buf_finish(&key);
		return NULL;
	}
	return sl_buf_steal(&key);
}

static char *bare(const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		if (!printable(*at) || *at == '"') {
			return NULL;
		}
	}
	return sl_strdup(text);
}

enum sl_err sl_idempotency_read(const char *header, const char *method, const char *target,
	const json_t *body, struct sl_idempotency *ret, struct sl_error *reterr)
{
	*ret = (struct sl_idempotency){0};
	if (header == NULL) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_freep)
	char *key = *header == '"' ? unquote(header) : bare(header);
	if (key == NULL || *key == '\0' || strlen(key) > MAX_KEY) {
		return sl_error_set(reterr, SL_ERR_BAD_REQUEST,
			"Idempotency-Key must be 1 to %d printable ASCII characters, in quotes or "
			"bare",
			MAX_KEY);
	}
	char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
	SL_AUTO(sl_freep)
	char *request = sl_asprintf("%s %s\n%s", method, target, text != NULL ? text : "");
	free(text);
	sl_sigv4_hash(request, strlen(request), ret->request_sha256);
	ret->key = sl_take(&key);
	return SL_ERR_OK;
}

enum sl_err sl_idempotency_find(struct sl_pg *pg, const struct sl_idempotency *idempotency,
	char ret_id[static SL_UUID_SIZE], struct sl_error *reterr)
{
	ret_id[0] = '\0';
	if (idempotency->key == NULL) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_idempotency_get, &rows, reterr, SL_PG_TEXT(idempotency->key));
	if (err != SL_ERR_OK || rows.count == 0) {
		return err;
	}
	if (strcmp(sl_pg_text(&rows, 0, "request_sha256"), idempotency->request_sha256) != 0) {
		return sl_error_set(reterr, SL_ERR_IDEMPOTENCY_KEY_REUSED,
			"another request was sent with this Idempotency-Key; take a new one");
	}
	memcpy(ret_id, sl_pg_text(&rows, 0, "video_id"), SL_UUID_SIZE);
	return SL_ERR_OK;
}

enum sl_err sl_idempotency_hold(struct sl_pg *pg, const struct sl_idempotency *idempotency,
	char ret_id[static SL_UUID_SIZE], struct sl_error *reterr)
{
	ret_id[0] = '\0';
	if (idempotency->key == NULL) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("idempotency key %s", idempotency->key);
	enum sl_err err = sl_pg_exec(pg, SL_SQL_object_lock, NULL, reterr, SL_PG_TEXT(name));
	return err == SL_ERR_OK ? sl_idempotency_find(pg, idempotency, ret_id, reterr) : err;
}

enum sl_err sl_idempotency_keep(struct sl_pg *pg, const struct sl_idempotency *idempotency,
	const char *video_id, struct sl_error *reterr)
{
	if (idempotency->key == NULL) {
		return SL_ERR_OK;
	}
	return sl_pg_exec(pg, SL_SQL_idempotency_put, NULL, reterr, SL_PG_TEXT(idempotency->key),
		SL_PG_TEXT(idempotency->request_sha256), SL_PG_TEXT(video_id));
}
