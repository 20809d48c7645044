/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4_suite DIR: runs a directory of SigV4 vectors in the layout of aws-c-auth (context.json,
 * request.txt, {header,query}-{canonical-request,string-to-sign,signature,signed-request}.txt)
 * against sl_sigv4_sign(), tells for each failure which stage it was, and counts per stage. Exit 0:
 * all pass. */

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "sigv4.h"
#include "text.h"

#define MAX_PAIRS 32

struct vector {
	char *text; /* request.txt, cut into the strings below */
	char *method;
	char *path;
	struct sl_pair query[MAX_PAIRS];
	size_t query_count;
	struct sl_pair headers[MAX_PAIRS];
	size_t header_count;
	char *body;
};

static void vector_finish(struct vector *vector)
{
	for (size_t i = 0; i < vector->query_count; i++) {
		sl_freep(&vector->query[i].name);
		sl_freep(&vector->query[i].value);
	}
	for (size_t i = 0; i < vector->header_count; i++) {
		sl_freep(&vector->headers[i].value);
	}
	free(vector->text);
}

static void close_filep(FILE **file)
{
	if (*file) {
		fclose(*file);
	}
}

/* A whole file, or NULL. */
static char *read_text(const char *dir, const char *name)
{
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("%s/%s", dir, name);
	SL_AUTO(close_filep)
	FILE *file = fopen(path, "re");
	if (!file) {
		return NULL;
	}
	struct sl_buf text = SL_BUF_INIT;
	char chunk[4096];
	size_t got = 0;
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		sl_buf_add(&text, chunk, got);
	}
	return sl_buf_steal(&text);
}

static char *decoded(const char *text)
{
	struct sl_buf out = SL_BUF_INIT;
	if (!sl_text_percent_decode(&out, text, strlen(text), false)) {
		sl_buf_clear(&out);
		sl_buf_puts(&out, text);
	}
	return sl_buf_steal(&out);
}

static void parse_query(struct vector *vector, char *query)
{
	for (char *part = strsep(&query, "&"); part; part = strsep(&query, "&")) {
		if (!*part || vector->query_count == MAX_PAIRS) {
			continue;
		}
		char *value = part;
		char *name = strsep(&value, "=");
		vector->query[vector->query_count++] =
			(struct sl_pair){decoded(name), decoded(value ? value : "")};
	}
}

/* A line that begins with white space goes on with the value above it. */
static bool parse_header(struct vector *vector, char *line)
{
	struct sl_pair *last =
		vector->header_count > 0 ? &vector->headers[vector->header_count - 1] : NULL;
	if ((*line == ' ' || *line == '\t') && last) {
		char *longer = sl_asprintf("%s %s", last->value, line);
		sl_freep(&last->value);
		last->value = longer;
		return true;
	}
	char *value = line;
	char *name = strsep(&value, ":");
	if (!value || vector->header_count == MAX_PAIRS) {
		return false;
	}
	vector->headers[vector->header_count++] = (struct sl_pair){name, sl_strdup(value)};
	return true;
}

static bool parse_request(struct vector *vector)
{
	char *blank = strstr(vector->text, "\n\n");
	vector->body = blank ? blank + 2 : vector->text + strlen(vector->text);
	if (blank) {
		*blank = '\0';
	}
	char *rest = vector->text;
	char *line = strsep(&rest, "\n");
	char *target = line;
	vector->method = strsep(&target, " ");
	char *protocol = target ? strstr(target, " HTTP/") : NULL;
	if (!protocol) {
		return false;
	}
	*protocol = '\0';
	char *query = target;
	vector->path = strsep(&query, "?");
	if (query) {
		parse_query(vector, query);
	}
	for (line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
		if (!parse_header(vector, line)) {
			return false;
		}
	}
	return true;
}

static const char *string_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool config_of(const json_t *context, struct sl_sigv4_config *ret)
{
	const json_t *credentials = json_object_get(context, "credentials");
	*ret = (struct sl_sigv4_config){
		.access_key_id = string_of(credentials, "access_key_id"),
		.secret_access_key = string_of(credentials, "secret_access_key"),
		.session_token = string_of(credentials, "token"),
		.region = string_of(context, "region"),
		.service = string_of(context, "service"),
		.expires_s = json_integer_value(json_object_get(context, "expiration_in_seconds")),
		.normalize = json_is_true(json_object_get(context, "normalize")),
		.sign_body = json_is_true(json_object_get(context, "sign_body")),
		.omit_session_token = json_is_true(json_object_get(context, "omit_session_token")),
	};
	const char *timestamp = string_of(context, "timestamp");
	return ret->access_key_id && ret->secret_access_key && ret->region && ret->service &&
		timestamp && sl_clock_parse_rfc3339(timestamp, &ret->time_ms);
}

/* The Authorization line or the query that the signed request must hold. */
static bool carries(
	const char *signed_request, enum sl_sigv4_mode mode, const struct sl_sigv4_signed *signed_)
{
	if (mode == SL_SIGV4_QUERY) {
		SL_AUTO(sl_freep)
		char *end = sl_asprintf("&X-Amz-Signature=%s HTTP/1.1", signed_->signature);
		return strstr(signed_request, end) &&
			sl_text_ends_with(sl_buf_str(&signed_->query), signed_->signature);
	}
	SL_AUTO(sl_freep)
	char *lines = sl_strdup(sl_buf_str(&signed_->headers));
	char *rest = lines;
	for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
		char *value = line;
		char *name = strsep(&value, ":");
		SL_AUTO(sl_freep)
		char *wanted = sl_asprintf("%s:%s\n", name, value + 1);
		if (!strcasestr(signed_request, wanted)) {
			return false;
		}
	}
	return true;
}

enum { STAGE_COUNT = 4, MODE_COUNT = 2 };

static const char *const stage_names[STAGE_COUNT] = {
	"canonical-request", "string-to-sign", "signature", "signed-request"};
static const char *const mode_names[MODE_COUNT] = {
	[SL_SIGV4_HEADER] = "header", [SL_SIGV4_QUERY] = "query"};

struct tally {
	int passed, failed;                /* variants: a vector in one mode */
	int good[MODE_COUNT][STAGE_COUNT]; /* stages that were right */
	int tried[MODE_COUNT];
};

/* One mode of one vector; whether every stage is right. */
static bool check_mode(const char *dir, const struct vector *vector, struct sl_sigv4_config *config,
	struct tally *tally)
{
	const char *prefix = mode_names[config->mode];
	char payload_hash[SL_SIGV4_HASH_SIZE];
	sl_sigv4_hash(vector->body, strlen(vector->body), payload_hash);
	const struct sl_sigv4_request request = {
		.method = vector->method,
		.path = vector->path,
		.query = vector->query,
		.query_count = vector->query_count,
		.headers = vector->headers,
		.header_count = vector->header_count,
		.payload_hash = payload_hash,
	};
	SL_AUTO(sl_sigv4_signed_finish)
	struct sl_sigv4_signed signed_ = {0};
	sl_sigv4_sign(&request, config, &signed_);
	/* NULL: the whole is looked at */
	const char *const got[STAGE_COUNT] = {
		signed_.canonical_request, signed_.string_to_sign, signed_.signature, NULL};
	bool all = true;
	tally->tried[config->mode]++;
	for (size_t i = 0; i < STAGE_COUNT; i++) {
		SL_AUTO(sl_freep)
		char *name = sl_asprintf("%s-%s.txt", prefix, stage_names[i]);
		SL_AUTO(sl_freep)
		char *want = read_text(dir, name);
		bool same = want &&
			(got[i] ? strcmp(got[i], want) == 0
				: carries(want, config->mode, &signed_));
		tally->good[config->mode][i] += same;
		if (!same) {
			all = false;
			printf("FAIL %s %s %s\n--- got\n%s\n--- want\n%s\n", dir, prefix,
				stage_names[i], got[i] ? got[i] : "", want ? want : "(no file)");
		}
	}
	return all;
}

static void check_vector(const char *dir, struct tally *tally)
{
	SL_AUTO(sl_freep)
	char *context_text = read_text(dir, "context.json");
	json_auto_t *context = context_text ? json_loads(context_text, 0, NULL) : NULL;
	SL_AUTO(vector_finish)
	struct vector vector = {.text = read_text(dir, "request.txt")};
	struct sl_sigv4_config config;
	if (!vector.text || !config_of(context, &config) || !parse_request(&vector)) {
		printf("FAIL %s is not a vector\n", dir);
		tally->failed += MODE_COUNT;
		return;
	}
	for (int mode = 0; mode < MODE_COUNT; mode++) {
		config.mode = (enum sl_sigv4_mode)mode;
		bool good = check_mode(dir, &vector, &config, tally);
		tally->passed += good;
		tally->failed += !good;
	}
}

static void report(const struct tally *tally)
{
	for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
		printf("%-18s", stage_names[stage]);
		for (int mode = 0; mode < MODE_COUNT; mode++) {
			printf("  %s %d of %d", mode_names[mode], tally->good[mode][stage],
				tally->tried[mode]);
		}
		printf("\n");
	}
	printf("%d passed, %d failed\n", tally->passed, tally->failed);
}

int main(int argc, char **argv)
{
	struct dirent **entries = NULL;
	int count = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
	if (count < 0) {
		fprintf(stderr, "usage: sigv4_suite DIR\n");
		return 2;
	}
	struct tally tally = {0, 0, {{0}}, {0}};
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			SL_AUTO(sl_freep)
			char *dir = sl_asprintf("%s/%s", argv[1], entries[i]->d_name);
			check_vector(dir, &tally);
		}
		free(entries[i]);
	}
	free(entries);
	report(&tally);
	return tally.failed == 0 && tally.passed > 0 ? 0 : 1;
}
