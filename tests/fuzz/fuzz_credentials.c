/* SPDX-License-Identifier: Apache-2.0 */
/* What programs and metadata services say of keys, and commands that are to be split: any bytes.
 * The first one chooses. Keys that are taken fit into a header. */

#include <stdint.h>
#include <string.h>

#include "credentials_internal.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split(const char *text)
{
	SL_AUTO(sl_credentials_free_words)
	char **words = sl_credentials_split_command(text);
	size_t len = 0;
	for (char **word = words; word && *word; word++) {
		len += strlen(*word);
	}
	if (len > strlen(text)) {
		SL_BUG("more came out than went in");
	}
}

static void read_json(const char *text, size_t len, enum sl_credentials_json kind)
{
	SL_AUTO(sl_credentials_finish)
	struct sl_credentials got = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_credentials_from_json("fuzz", text, len, kind, &got, &error);
	if ((err == SL_ERR_OK) != (got.access_key_id != NULL) || (err && !error.detail)) {
		SL_BUG("neither keys nor words");
	}
	if (!err && (strpbrk(got.secret_access_key, "\r\n ") || !*got.secret_access_key)) {
		SL_BUG("keys that no header can have");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	SL_AUTO(sl_freep)
	char *text = sl_strndup((const char *)data + 1, size - 1);
	if (data[0] == 's') {
		split(text);
	} else {
		read_json((const char *)data + 1, size - 1,
			data[0] == 'p' ? SL_CREDENTIALS_JSON_PROCESS
				       : SL_CREDENTIALS_JSON_METADATA);
	}
	return 0;
}
