/* SPDX-License-Identifier: Apache-2.0 */
/* localcloud's readers of replay files: a member found in a valid object is what jansson finds. */

#include <stdint.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "replay_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_head(const char *text, size_t size)
{
	char name[LC_REPLAY_NAME_MAX + 1];
	int64_t frame = -2;
	if (lc_replay_head(text, size, name, &frame) &&
		(!lc_replay_name_valid(name, strlen(name)) || frame < -1)) {
		SL_BUG("a head that cannot be");
	}
}

/* Names with escapes are not looked for, and are no member of a replay's files. */
static void compare(const char *text, size_t size, const json_t *root)
{
	const json_t *wanted = json_object_get(root, "CelebrityFaces");
	const char *value = NULL;
	size_t len = 0;
	bool found = lc_replay_member(text, size, "CelebrityFaces", &value, &len);
	if (!found || memchr(text, '\\', size)) {
		return;
	}
	if (!wanted) {
		SL_BUG("a member that is not there was found");
	}
	json_auto_t *read = json_loadb(value, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!read || !json_equal(read, wanted)) {
		SL_BUG("a member was read as something else");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	json_auto_t *root = NULL;
	int64_t number = -1;

	read_head(text, size);
	if (lc_replay_number(text, size, "frame", &number) && number < 0) {
		SL_BUG("a negative number");
	}
	if (sl_json_parse(text, size, &root, NULL) == SL_ERR_OK && json_is_object(root)) {
		compare(text, size, root);
	}
	return 0;
}
