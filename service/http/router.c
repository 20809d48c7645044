/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: sl_router_check() at start, sl_router_match() per request. Pure, any thread. */

#include "router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

#define MAX_SEGMENTS 16

/* One piece of a template between slashes; `parameter` when it is "{name}". */
struct piece {
	const char *text;
	size_t len;
	bool parameter;
};

/* The piece behind the slash at `*cursor`; false at the end of the template. */
static bool next_piece(const char **cursor, struct piece *ret)
{
	if (**cursor != '/') {
		return false;
	}
	const char *text = *cursor + 1;
	size_t len = (size_t)(strchrnul(text, '/') - text);
	*cursor = text + len;
	bool parameter = len > 2 && text[0] == '{' && text[len - 1] == '}';
	*ret = parameter ? (struct piece){text + 1, len - 2, true}
			 : (struct piece){text, len, false};
	return true;
}

static bool same_text(const struct piece *a, const struct piece *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* --- the check at start -------------------------------------------------------------------- */

static bool literal_ok(const struct piece *piece)
{
	for (size_t i = 0; i < piece->len; i++) {
		char c = piece->text[i];
		if (c <= ' ' || c >= 0x7f || strchr("{}%?#", c) != NULL) {
			return false;
		}
	}
	return piece->len > 0;
}

static bool template_ok(const char *path)
{
	struct piece seen[SL_ROUTER_MAX_PARAMS];
	size_t parameters = 0;
	size_t segments = 0;
	const char *cursor = path;
	struct piece piece;
	if (strcmp(path, "/") == 0) {
		return true;
	}
	while (next_piece(&cursor, &piece)) {
		if (++segments > MAX_SEGMENTS || !literal_ok(&piece)) {
			return false;
		}
		if (!piece.parameter) {
			continue;
		}
		for (size_t i = 0; i < parameters; i++) {
			if (same_text(&seen[i], &piece)) {
				return false;
			}
		}
		if (parameters == SL_ROUTER_MAX_PARAMS) {
			return false;
		}
		seen[parameters++] = piece;
	}
	return segments > 0 && *cursor == '\0';
}

static enum sl_err check_row(const struct sl_route *route, size_t index, struct sl_error *reterr)
{
	if (route->method == NULL || route->path == NULL || route->operation_id == NULL ||
		route->handler == NULL) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"route %zu lacks its method, path, operation id or handler", index);
	}
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
	size_t i = 0;
	while (methods[i] != NULL && strcmp(methods[i], route->method) != 0) {
		i++;
	}
	if (methods[i] == NULL) { /* HEAD and OPTIONS come with every path */
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"route %s: method \"%s\" cannot be served", route->operation_id,
			route->method);
	}
	if (route->auth == SL_AUTH_UNSET_) {
		return sl_error_set(reterr, SL_ERR_CONFIG, "route %s (%s %s) has no auth policy",
			route->operation_id, route->method, route->path);
	}
	if (!template_ok(route->path)) {
		return sl_error_set(reterr, SL_ERR_CONFIG, "route %s: \"%s\" is no path template",
			route->operation_id, route->path);
	}
	return SL_ERR_OK;
}

enum overlap {
	OVERLAP_NONE,      /* no path matches both */
	OVERLAP_ORDERED,   /* one is the special case of the other */
	OVERLAP_SAME,      /* the same template */
	OVERLAP_AMBIGUOUS, /* some path matches both equally well */
};

static enum overlap compare_templates(const char *a, const char *b)
{
	bool a_wins = false;
	bool b_wins = false;
	bool renamed = false;
	struct piece x;
	struct piece y;
	for (;;) {
		bool more_a = next_piece(&a, &x);
		bool more_b = next_piece(&b, &y);
		if (more_a != more_b) {
			return OVERLAP_NONE;
		}
		if (!more_a) {
			break;
		}
		bool same = same_text(&x, &y);
		if (!x.parameter && !y.parameter && !same) {
			return OVERLAP_NONE;
		}
		a_wins = a_wins || (!x.parameter && y.parameter);
		b_wins = b_wins || (x.parameter && !y.parameter);
		renamed = renamed || (x.parameter && y.parameter && !same);
	}
	if ((a_wins && b_wins) || (renamed && !a_wins && !b_wins)) {
		return OVERLAP_AMBIGUOUS;
	}
	return a_wins || b_wins ? OVERLAP_ORDERED : OVERLAP_SAME;
}

enum sl_err sl_router_check(const struct sl_route *routes, size_t count, struct sl_error *reterr)
{
	for (size_t i = 0; i < count; i++) {
		enum sl_err err = check_row(&routes[i], i, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		for (size_t j = 0; j < i; j++) {
			enum overlap overlap = compare_templates(routes[i].path, routes[j].path);
			bool twice = overlap == OVERLAP_SAME &&
				strcmp(routes[i].method, routes[j].method) == 0;
			if (twice || overlap == OVERLAP_AMBIGUOUS) {
				return sl_error_set(reterr, SL_ERR_CONFIG,
					"routes %s (%s) and %s (%s) are %s", routes[j].operation_id,
					routes[j].path, routes[i].operation_id, routes[i].path,
					twice ? "the same" : "ambiguous");
			}
			if (strcmp(routes[i].operation_id, routes[j].operation_id) == 0) {
				return sl_error_set(reterr, SL_ERR_CONFIG,
					"operation id %s is used twice", routes[i].operation_id);
			}
		}
	}
	return SL_ERR_OK;
}

/* --- matching ------------------------------------------------------------------------------ */

struct segment {
	const char *text; /* as sent, or as decoded; not NUL-terminated */
	size_t len;
	struct sl_buf decoded; /* empty unless something had to be */
};

struct segments {
	struct segment list[MAX_SEGMENTS];
	size_t count;
	bool too_many;
};

static void segments_finish(struct segments *segments)
{
	for (size_t i = 0; i < segments->count; i++) {
		sl_buf_finish(&segments->list[i].decoded);
	}
}

/* False when it has a broken escape, bytes that are not UTF-8, NUL or an escaped slash. */
static bool decode(struct segment *segment)
{
	if (memchr(segment->text, '%', segment->len) != NULL) {
		struct sl_buf *out = &segment->decoded;
		if (!sl_text_percent_decode(out, segment->text, segment->len, false)) {
			return false;
		}
		segment->text = sl_buf_str(out);
		segment->len = out->len;
	}
	return memchr(segment->text, '\0', segment->len) == NULL &&
		memchr(segment->text, '/', segment->len) == NULL &&
		sl_text_is_utf8(segment->text, segment->len);
}

static bool split(const char *path, struct segments *ret)
{
	while (*path == '/') {
		path++;
		size_t len = (size_t)(strchrnul(path, '/') - path);
		if (ret->count == MAX_SEGMENTS) {
			ret->too_many = true;
			return true;
		}
		struct segment *segment = &ret->list[ret->count++];
		*segment = (struct segment){.text = path, .len = len};
		if (!decode(segment)) {
			return false;
		}
		path += len;
	}
	return *path == '\0' && ret->count > 0;
}

static bool fits(const char *path, const struct segments *segments)
{
	struct piece piece;
	size_t i = 0;
	while (next_piece(&path, &piece)) {
		if (i == segments->count) {
			return false;
		}
		const struct segment *value = &segments->list[i++];
		if (piece.parameter ? value->len == 0
				    : value->len != piece.len ||
					memcmp(value->text, piece.text, piece.len) != 0) {
			return false;
		}
	}
	return i == segments->count;
}

/* Whether template `a` has a literal where `b` first has a parameter. Both fit one path. */
static bool more_literal(const char *a, const char *b)
{
	struct piece x;
	struct piece y;
	while (next_piece(&a, &x) && next_piece(&b, &y)) {
		if (x.parameter != y.parameter) {
			return y.parameter;
		}
	}
	return false;
}

static void capture(
	const struct sl_route *route, const struct segments *segments, struct sl_match *ret)
{
	const char *cursor = route->path;
	struct piece piece;
	for (size_t i = 0; next_piece(&cursor, &piece); i++) {
		if (piece.parameter && ret->count < SL_ROUTER_MAX_PARAMS) {
			ret->names[ret->count] = piece.text;
			ret->name_lens[ret->count] = piece.len;
			ret->values[ret->count++] =
				sl_strndup(segments->list[i].text, segments->list[i].len);
		}
	}
}

static void add_allowed(struct sl_match *match, const char *method)
{
	size_t used = strlen(match->allow);
	bool get = strcmp(method, "GET") == 0;
	snprintf(match->allow + used, sizeof(match->allow) - used, "%s%s%s", used > 0 ? ", " : "",
		method, get ? ", HEAD" : "");
}

static void choose(const struct sl_route *routes, size_t count, const char *method,
	const struct segments *segments, struct sl_match *ret)
{
	const struct sl_route *best = NULL;
	for (size_t i = 0; i < count; i++) {
		if (fits(routes[i].path, segments) &&
			(best == NULL || more_literal(routes[i].path, best->path))) {
			best = &routes[i];
		}
	}
	if (best == NULL) {
		ret->err = SL_ERR_NOT_FOUND;
		return;
	}
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	for (size_t i = 0; i < count; i++) {
		if (compare_templates(routes[i].path, best->path) != OVERLAP_SAME) {
			continue;
		}
		if (strcmp(routes[i].method, wanted) == 0) {
			ret->route = &routes[i];
			ret->err = SL_ERR_OK;
			ret->allow[0] = '\0';
			capture(&routes[i], segments, ret);
			return;
		}
		add_allowed(ret, routes[i].method);
	}
	add_allowed(ret, "OPTIONS");
	ret->err = SL_ERR_METHOD_NOT_ALLOWED;
}

void sl_router_match(const struct sl_route *routes, size_t count, const char *method,
	const char *path, struct sl_match *ret)
{
	*ret = (struct sl_match){.err = SL_ERR_BAD_REQUEST};
	SL_AUTO(segments_finish)
	struct segments segments;
	segments.count = 0;
	segments.too_many = false;
	if (!split(path, &segments)) {
		return;
	}
	if (segments.too_many) {
		ret->err = SL_ERR_NOT_FOUND;
		return;
	}
	choose(routes, count, method, &segments, ret);
}

void sl_match_finish(struct sl_match *match)
{
	for (size_t i = 0; i < match->count; i++) {
		free(match->values[i]);
	}
	*match = (struct sl_match){.err = SL_ERR_NOT_FOUND};
}
