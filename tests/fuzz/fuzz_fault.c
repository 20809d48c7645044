/* SPDX-License-Identifier: Apache-2.0 */
/* Any answer that is no good one, as AWS or anybody in its place may send it: its fault, its advice
 * and its page. The first byte picks the service, the second the status; headers, an empty line,
 * the body. What is told fits on a line of the log. Links aws and base. */
#include <stdint.h>
#include <string.h>

#include "diagnose.h"
#include "fault.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = {200, 301, 307, 400, 403, 404, 407, 429, 500, 502, 503, 511};
	if (size < 2) {
		return 0;
	}
	const struct sl_call call = {.service = (enum sl_service)(data[0] % SL_SERVICE_COUNT_),
		.operation = "Operation"};
	const uint8_t *rest = data + 2;
	size_t rest_len = size - 2;
	const uint8_t *blank = memmem(rest, rest_len, "\n\n", 2);
	size_t header_len = blank != NULL ? (size_t)(blank - rest) : 0;
	size_t body_at = blank != NULL ? header_len + 2 : 0;
	struct sl_answer answer = {.status = statuses[data[1] % SL_ARRAY_SIZE(statuses)]};
	sl_buf_add(&answer.headers, rest, header_len);
	sl_buf_add(&answer.body, rest + body_at, rest_len - body_at);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_fault fault = sl_fault_read(&call, &answer, &error);
	if (error.code != sl_fault_err(fault) || error.detail == NULL) {
		__builtin_trap();
	}
	if (sl_diagnose_is_page(&answer)) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf text = SL_BUF_INIT;
		sl_diagnose_page(&text, &answer, "host.example");
		for (size_t i = 0; i < text.len; i++) {
			if (text.data[i] < ' ' || text.data[i] == 0x7f) {
				__builtin_trap();
			}
		}
	}
	sl_answer_finish(&answer);
	return 0;
}
