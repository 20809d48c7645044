/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localcloud's reading of signatures on any request: path, query and "name: value" headers, a
 * line each. Whatever it says of them, it says with a fault, a message and a readable reply.
 */

#include <stdint.h>
#include <string.h>

#include "auth.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_HEADERS 32
#define NOW_MS      1795372800000 /* 2026-11-22T20:00:00Z, the time of the seeds */

static const struct lc_cloud cloud = {
	.region = (char[]){"us-east-1"},
	.access_key = (char[]){"test"},
	.secret_key = (char[]){"test"},
};

static char *take_line(char **text)
{
	char *line = *text;
	char *end = line + strcspn(line, "\n");
	*text = *end ? end + 1 : end;
	*end = '\0';
	return line;
}

static size_t read_headers(char *text, struct lc_header *headers)
{
	size_t count = 0;
	while (*text && count < MAX_HEADERS) {
		char *line = take_line(&text);
		char *colon = strchr(line, ':');
		if (colon) {
			*colon = '\0';
			headers[count++] = (struct lc_header){.name = line, .value = colon + 1};
		}
	}
	return count;
}

static void check_refusals(const struct lc_request *request, const struct lc_auth_problem *problem)
{
	if (problem->fault == LC_AUTH_OK || !problem->message) {
		SL_BUG("a refusal without a reason");
	}
	for (int protocol = 0; protocol < LC_PROTOCOL_COUNT_; protocol++) {
		struct lc_reply reply = {.status = 200, .file_fd = -1};
		lc_auth_refuse(&reply, request, (enum lc_protocol)protocol, problem);
		if (reply.status < 400 || reply.body.len == 0 || !reply.content_type) {
			SL_BUG("a refusal that lets in");
		}
		for (size_t i = 0; i < reply.extra_count; i++) {
			free(reply.extra[i].name);
			free(reply.extra[i].value);
		}
		sl_buf_finish(&reply.body);
	}
}

static void judge(const struct lc_request *request, struct lc_auth *auth)
{
	SL_AUTO(lc_auth_problem_finish)
	struct lc_auth_problem problem = {.fault = LC_AUTH_OK};

	enum lc_auth_fault fault = lc_auth_parse(request, auth, &problem);
	if (fault == LC_AUTH_OK && auth->form == LC_AUTH_NONE) {
		return;
	}
	if (fault == LC_AUTH_OK) {
		/* Also when the claims are bad: the canonical form must survive anything. */
		(void)lc_auth_check_claims(&cloud, request, auth, NOW_MS, &problem);
		fault = lc_auth_check_signature(&cloud, request, auth,
			auth->payload_hash ? auth->payload_hash : "UNSIGNED-PAYLOAD", &problem);
	}
	if (fault != LC_AUTH_OK) {
		check_refusals(request, &problem);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_freep)
	char *text = sl_strndup((const char *)data, size);
	struct lc_header headers[MAX_HEADERS];
	char *rest = text;
	struct lc_request request = {.method = "GET", .request_id = "id", .body = ""};

	request.raw_path = take_line(&rest);
	request.raw_query = take_line(&rest);
	request.headers = headers;
	request.header_count = read_headers(rest, headers);
	SL_AUTO(lc_auth_finish)
	struct lc_auth auth = {.form = LC_AUTH_NONE};
	judge(&request, &auth);
	return 0;
}
