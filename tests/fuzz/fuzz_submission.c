/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the body of POST /videos, S3 URIs included. */

#include <stddef.h>
#include <stdint.h>

#include "submit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char bucket[] = "ours";
	const struct sl_config config = {.bucket = bucket};
	json_t *root = NULL;
	if (sl_json_parse((const char *)data, size, &root, NULL) == SL_ERR_OK) {
		struct sl_submission submission = {0};
		struct sl_error error = SL_ERROR_INIT;
		if (sl_submission_decode(&config, root, &submission, &error) == SL_ERR_OK) {
			sl_submission_finish(&submission);
		}
		sl_error_finish(&error);
		json_decref(root);
	}
	return 0;
}
