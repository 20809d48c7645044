/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of MediaConvert's outputs: Destination + NameModifier, with the format identifiers
 * ($dt$, $fn$, …) expanded. Entry point: lc_mediaconvert_name. Pure.
 */
#include "mediaconvert.h"

#include <string.h>

#include "clock.h"
#include "text.h"

/* The input's file name without directory and extension. */
static char *input_stem(const char *key)
{
	const char *slash = strrchr(key, '/');
	const char *name = slash ? slash + 1 : key;
	const char *dot = strrchr(name, '.');
	return dot && dot != name ? sl_strndup(name, (size_t)(dot - name)) : sl_strdup(name);
}

/* What stands for one identifier, or NULL when it is none; owned. */
static char *identifier_value(const char *name, const struct lc_mediaconvert_names *names)
{
	char stamp[SL_CLOCK_AMZ_SIZE]; /* 20261122T184000Z */
	sl_clock_amz(names->started_ms, stamp);
	if (strcmp(name, "dt") == 0) {
		return sl_strndup(stamp, 15);
	}
	if (strcmp(name, "d") == 0) {
		return sl_strndup(stamp, 8);
	}
	if (strcmp(name, "t") == 0) {
		return sl_strndup(stamp + 9, 6);
	}
	if (strcmp(name, "fn") == 0) {
		return input_stem(names->input_key);
	}
	if (strcmp(name, "w") == 0) {
		return sl_asprintf("%d", names->width);
	}
	if (strcmp(name, "h") == 0) {
		return sl_asprintf("%d", names->height);
	}
	if (strcmp(name, "f") == 0) {
		return sl_asprintf("%d", (int)(names->frame_rate + 0.5));
	}
	if (strcmp(name, "rv") == 0 || strcmp(name, "ra") == 0 || strcmp(name, "rc") == 0) {
		return sl_asprintf("%lld", (long long)names->bitrate);
	}
	if (strcmp(name, "ex") == 0) {
		return sl_strdup(names->extension);
	}
	return *name == '\0' ? sl_strdup("$") : NULL; /* "$$" */
}

static void expand(struct sl_buf *out, const char *text, const struct lc_mediaconvert_names *names)
{
	while (*text) {
		const char *end = *text == '$' ? strchr(text + 1, '$') : NULL;
		if (!end || end - text > 3) {
			sl_buf_putc(out, *text++);
			continue;
		}
		SL_AUTO(sl_freep)
		char *name = sl_strndup(text + 1, (size_t)(end - text - 1));
		SL_AUTO(sl_freep)
		char *value = identifier_value(name, names);
		if (!value) {
			sl_buf_putc(out, *text++);
			continue;
		}
		sl_buf_puts(out, value);
		text = end + 1;
	}
}

void lc_mediaconvert_name(const char *destination, const char *modifier,
	const struct lc_mediaconvert_names *names, char **ret_bucket, char **ret_key)
{
	const char *bucket = destination + strlen("s3://");
	const char *slash = strchr(bucket, '/');
	SL_AUTO(sl_buf_finish)
	struct sl_buf key = SL_BUF_INIT;

	expand(&key, slash + 1, names);
	if (key.len == 0 || sl_text_ends_with(sl_buf_str(&key), "/")) {
		SL_AUTO(sl_freep)
		char *stem = input_stem(names->input_key);
		sl_buf_puts(&key, stem);
	}
	if (modifier) {
		expand(&key, modifier, names);
	}
	*ret_bucket = sl_strndup(bucket, (size_t)(slash - bucket));
	*ret_key = sl_buf_steal(&key);
}
