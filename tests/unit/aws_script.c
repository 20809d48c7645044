/* SPDX-License-Identifier: Apache-2.0 */
#include "aws_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "mem.h"

/* The client waits for each answer, so that requests come one after the other. */
static void play(void *context, const struct stub_request *request, struct stub_reply *reply)
{
	struct script *script = context;
	if (script->seen_count < MAX_SEEN) {
		script->seen[script->seen_count] =
			sl_asprintf("%s %s\n%s", request->method, request->target,
				request->body.len < 65536 ? sl_buf_str(&request->body) : "");
		script->header[script->seen_count] =
			script->watched != NULL ? stub_header(request, script->watched) : NULL;
		script->seen_count++;
	}
	if (script->handler != NULL) {
		script->handler(script->handler_context, request, reply);
		return;
	}
	const struct script_step *step = &script->steps[script->at];
	script->at += script->at + 1 < script->step_count ? 1 : 0;
	reply->status = step->status;
	reply->length = step->length;
	sl_buf_puts(&reply->headers, step->headers != NULL ? step->headers : "");
	sl_buf_puts(&reply->body, step->body != NULL ? step->body : "");
}

void script_rewind(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->script.seen_count; i++) {
		free(fixture->script.seen[i]);
		free(fixture->script.header[i]);
	}
	fixture->script = (struct script){0};
	sl_error_finish(&fixture->error);
}

void script_set_steps(
	struct fixture *fixture, const struct script_step *steps, size_t count, const char *watched)
{
	script_rewind(fixture);
	fixture->script.steps = steps;
	fixture->script.step_count = count;
	fixture->script.watched = watched;
}

int script_setup(void **state)
{
	struct fixture *fixture = sl_calloc(1, sizeof *fixture);
	fixture->stub = stub_create(play, &fixture->script);
	fixture->aws = stub_aws(stub_url(fixture->stub), NULL);
	fixture->client = sl_client_create(fixture->aws);
	*state = fixture;
	return 0;
}

int script_teardown(void **state)
{
	struct fixture *fixture = *state;
	sl_client_destroy(fixture->client);
	sl_aws_destroy(fixture->aws);
	stub_destroy(fixture->stub);
	script_rewind(fixture);
	free(fixture);
	return 0;
}

void assert_body(const struct fixture *fixture, size_t which, const char *expected)
{
	assert_true(which < fixture->script.seen_count);
	const char *body = strchr(fixture->script.seen[which], '\n') + 1;
	json_auto_t *actual_json = json_loads(body, 0, NULL);
	json_auto_t *expected_json = json_loads(expected, 0, NULL);
	assert_non_null(expected_json);
	if (!json_equal(actual_json, expected_json)) {
		fail_msg("%s\nis not\n%s", body, expected);
	}
}

void assert_line(const struct fixture *fixture, size_t which, const char *expected)
{
	assert_true(which < fixture->script.seen_count);
	SL_AUTO(sl_freep)
	char *line =
		sl_strndup(fixture->script.seen[which], strcspn(fixture->script.seen[which], "\n"));
	assert_string_equal(line, expected);
}
