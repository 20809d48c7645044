/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: the input's lines are the environment. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_table.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct config {
	char *text;
	char *secret;
	int64_t number;
	bool flag;
	int level;
	struct sl_config_list list;
};

static const char *const levels[] = {"debug", "info", NULL};

static const struct sl_config_field table[] = {
	{"FUZZ_TEXT", SL_CONFIG_STR, offsetof(struct config, text), "x", 0, 0, NULL, 0, "text"},
	{"FUZZ_SECRET", SL_CONFIG_STR, offsetof(struct config, secret), NULL, 0, 0, NULL,
		SL_CONFIG_SECRET | SL_CONFIG_REQUIRED, "secret"},
	{"FUZZ_NUMBER", SL_CONFIG_INT, offsetof(struct config, number), "1", -5, 100, NULL, 0, "n"},
	{"FUZZ_FLAG", SL_CONFIG_BOOL, offsetof(struct config, flag), "no", 0, 0, NULL, 0, "flag"},
	{"FUZZ_LEVEL", SL_CONFIG_ENUM, offsetof(struct config, level), "info", 0, 0, levels, 0,
		"l"},
	{"FUZZ_LIST", SL_CONFIG_LIST, offsetof(struct config, list), "", 0, 0, NULL, 0, "list"},
	{NULL, SL_CONFIG_END_, 0, NULL, 0, 0, NULL, 0, NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_freep)
	char *text = sl_strndup((const char *)data, size);
	char *environment[33] = {NULL};
	size_t count = 0;
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL && count < 32;
		line = strtok_r(NULL, "\n", &rest)) {
		environment[count++] = line;
	}
	struct config config; /* uninitialised: loading must not need it zeroed */
	memset(&config, 0x5a, sizeof(config));
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_config_load(table, "FUZZ_", environment, &config, &error) != SL_ERR_OK) {
		if (error.code != SL_ERR_CONFIG || error.detail == NULL) {
			SL_BUG("a refused configuration says nothing");
		}
		return 0;
	}
	if (config.number < -5 || config.number > 100 || config.level < 0 || config.level > 1) {
		SL_BUG("a value is out of its range");
	}
	char *printed = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&printed, &len);
	sl_config_print(table, &config, out);
	fclose(out);
	free(printed);
	sl_config_finish(table, &config);
	return 0;
}
