/* SPDX-License-Identifier: Apache-2.0 */
/* main() for a fuzz target without a fuzzer: runs it over every file of the directories named. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *directory, const char *name)
{
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("%s/%s", directory, name);
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		exit(2);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf content = SL_BUF_INIT;
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		sl_buf_add(&content, chunk, n);
	}
	fclose(file);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)sl_buf_str(&content), content.len);
}

int main(int argc, char **argv)
{
	int count = 0;
	for (int i = 1; i < argc; i++) {
		struct dirent **entries = NULL;
		int found = scandir(argv[i], &entries, NULL, alphasort);
		for (int j = 0; j < found; j++) {
			if (entries[j]->d_name[0] != '.') {
				replay(argv[i], entries[j]->d_name);
				count++;
			}
			free(entries[j]);
		}
		free(entries);
	}
	printf("%d inputs replayed\n", count);
	return count > 0 ? 0 : 1; /* no corpus is a mistake in the build file */
}
