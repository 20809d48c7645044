/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the reading of Transcribe's JSON. */

#include <stddef.h>
#include <stdint.h>

#include "json_spec.h"
#include "transcript_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *root = NULL;
	if (sl_json_parse((const char *)data, size, &root, NULL) == SL_ERR_OK) {
		struct sl_transcript transcript = {0};
		if (sl_transcript_parse(root, &transcript, NULL) == SL_ERR_OK) {
			sl_transcript_finish(&transcript);
		}
		json_decref(root);
	}
	return 0;
}
