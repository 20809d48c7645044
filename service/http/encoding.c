/* SPDX-License-Identifier: Apache-2.0 */
/* Which coding a client takes, whether it has the bytes already, and gzip, whole or in a stream.
 * Any thread; a stream belongs to one at a time. */

#include "encoding.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define ZLIB_CONST /* its input pointers are to const */
#include <zlib.h>

#include "mem.h"

#define GZIP_WINDOW (MAX_WBITS + 16) /* zlib's way to ask for a gzip header */
#define MEMORY      8                /* deflateInit2()'s default: 256 KB with that window */
#define STREAM_IN   ((size_t)64 * 1024)

/* --- what a client says --------------------------------------------------------------------- */

static const char blanks[] = " \t";

/* Cuts the next element off a comma-separated list, without blanks around it. */
static bool next_element(const char **cursor, const char **ret, size_t *ret_len)
{
	const char *at = *cursor + strspn(*cursor, " \t,");
	if (*at == '\0') {
		return false;
	}
	size_t len = strcspn(at, ",");
	*cursor = at + len;
	while (len > 0 && strchr(blanks, at[len - 1]) != NULL) {
		len--;
	}
	*ret = at;
	*ret_len = len;
	return true;
}

/* Whether the parameters behind a coding give it weight 0: "it is not acceptable". */
static bool is_refused(const char *parameters, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if ((parameters[i] == 'q' || parameters[i] == 'Q') && parameters[i + 1] == '=') {
			const char *weight = parameters + i + 2;
			size_t digits = strspn(weight, "0.");
			return digits > 0 && *weight == '0' &&
				(digits >= len - i - 2 || strchr(" \t;", weight[digits]) != NULL);
		}
	}
	return false;
}

bool sl_encoding_takes_gzip(const char *accept_encoding)
{
	int gzip = -1; /* not named */
	int any = -1;
	const char *element;
	size_t len;
	while (accept_encoding != NULL && next_element(&accept_encoding, &element, &len)) {
		size_t name = strcspn(element, ",; \t");
		name = name < len ? name : len;
		int taken = is_refused(element + name, len - name) ? 0 : 1;
		if ((name == 4 && strncasecmp(element, "gzip", name) == 0) ||
			(name == 6 && strncasecmp(element, "x-gzip", name) == 0)) {
			gzip = taken;
		} else if (name == 1 && *element == '*') {
			any = taken;
		}
	}
	return gzip == 1 || (gzip == -1 && any == 1);
}

bool sl_encoding_etag_matches(const char *if_none_match, const char *etag)
{
	const char *element;
	size_t len;
	while (if_none_match != NULL && next_element(&if_none_match, &element, &len)) {
		if (len == 1 && *element == '*') {
			return true;
		}
		if (len > 2 && element[0] == 'W' && element[1] == '/') {
			element += 2;
			len -= 2;
		}
		if (len == strlen(etag) && memcmp(element, etag, len) == 0) {
			return true;
		}
	}
	return false;
}

/* --- gzip ----------------------------------------------------------------------------------- */

static void begin(z_stream *z, int level)
{
	*z = (z_stream){0};
	if (deflateInit2(z, level, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		SL_BUG("zlib cannot begin"); /* out of memory: as malloc() everywhere */
	}
}

void sl_encoding_gzip(const void *bytes, size_t len, struct sl_buf *out)
{
	z_stream z;
	begin(&z, Z_DEFAULT_COMPRESSION);
	size_t bound = deflateBound(&z, len);
	SL_AUTO(sl_freep)
	char *packed = sl_calloc(1, bound);
	z.next_in = (const Bytef *)bytes;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)packed;
	z.avail_out = (uInt)bound;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
		SL_BUG("deflateBound() was too small");
	}
	sl_buf_add(out, packed, bound - z.avail_out);
	deflateEnd(&z);
}

struct gzip_stream {
	struct sl_reply_stream source;
	uint64_t taken; /* bytes of the source */
	z_stream z;
	char in[STREAM_IN];
};

/* False when the source fails. */
static bool refill(struct gzip_stream *stream)
{
	uint64_t left = stream->source.size - stream->taken;
	size_t max = left < sizeof(stream->in) ? (size_t)left : sizeof(stream->in);
	ssize_t got = stream->source.read(stream->source.context, stream->taken, stream->in, max);
	if (got <= 0) {
		return false;
	}
	stream->taken += (uint64_t)got;
	stream->z.next_in = (const Bytef *)stream->in;
	stream->z.avail_in = (uInt)got;
	return true;
}

static ssize_t read_packed(void *context, uint64_t offset, char *out, size_t max)
{
	struct gzip_stream *stream = context;
	(void)offset; /* libmicrohttpd asks in order */
	stream->z.next_out = (Bytef *)out;
	stream->z.avail_out = (uInt)max;
	int outcome = Z_OK;
	while (stream->z.avail_out == max && outcome == Z_OK) {
		bool more = stream->taken < stream->source.size;
		if (stream->z.avail_in == 0 && more && !refill(stream)) {
			return -1;
		}
		more = stream->taken < stream->source.size;
		outcome = deflate(&stream->z, more ? Z_NO_FLUSH : Z_FINISH);
	}
	if (stream->z.avail_out < max) {
		return (ssize_t)(max - stream->z.avail_out);
	}
	return outcome == Z_STREAM_END || outcome == Z_BUF_ERROR ? 0 : -1;
}

static void destroy(void *context)
{
	struct gzip_stream *stream = context;
	stream->source.destroy(stream->source.context);
	deflateEnd(&stream->z);
	free(stream);
}

struct sl_reply_stream sl_encoding_gzip_stream(const struct sl_reply_stream *source)
{
	struct gzip_stream *stream = sl_calloc(1, sizeof(*stream));
	stream->source = *source;
	/* Ten times smaller at this level already, and the client does not wait for us. */
	begin(&stream->z, Z_BEST_SPEED);
	return (struct sl_reply_stream){SL_REPLY_SIZE_UNKNOWN, read_packed, destroy, stream};
}
