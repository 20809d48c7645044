/* SPDX-License-Identifier: Apache-2.0 */
#include "problem_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem.h"

void assert_common(const struct answer *answer)
{
	assert_non_null(client_field(answer, "X-Request-Id"));
	assert_non_null(client_field(answer, "Date"));
	const char *nosniff = client_field(answer, "X-Content-Type-Options");
	assert_string_equal(nosniff, "nosniff");
	assert_non_null(client_field(answer, "Cache-Control"));
}

json_t *assert_problem(const struct answer *answer, int status, const char *code)
{
	if (answer->status != status) {
		fail_msg("%d %s wanted, got %d: %s", status, code, answer->status,
			answer->body != NULL ? answer->body : "(nothing)");
	}
	assert_common(answer);
	assert_string_equal(client_field(answer, "Content-Type"), "application/problem+json");
	json_t *root = json_loads(answer->body, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "code")), code);
	assert_int_equal(json_integer_value(json_object_get(root, "status")), status);
	SL_AUTO(sl_freep)
	char *type = sl_asprintf("urn:spotlist:problem:%s", code);
	assert_string_equal(json_string_value(json_object_get(root, "type")), type);
	assert_non_null(json_object_get(root, "title"));
	assert_string_equal(json_string_value(json_object_get(root, "request_id")),
		client_field(answer, "X-Request-Id"));
	return root;
}

void ask_for_problem(unsigned port, const char *request, int status, const char *code)
{
	struct answer answer = client_ask(port, false, request);
	json_decref(assert_problem(&answer, status, code));
	answer_finish(&answer);
}
