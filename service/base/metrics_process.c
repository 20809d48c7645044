/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc tells of this process, for a scrape. Any thread. */

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "metrics.h"

#define GAUGE(out, name, help) sl_metrics_family((out), (name), "gauge", (help))

static void close_filep(FILE **file)
{
	if (*file != NULL) {
		fclose(*file);
	}
}

static int64_t resident_bytes(void)
{
	SL_AUTO(close_filep)
	FILE *file = fopen("/proc/self/statm", "re");
	char line[128];
	if (file == NULL || fgets(line, sizeof(line), file) == NULL) {
		return 0;
	}
	const char *space = strchr(line, ' ');
	return space != NULL ? strtoll(space, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static int64_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int64_t count = -3; /* ".", ".." and the directory itself */
	while (dir != NULL && readdir(dir) != NULL) {
		count++;
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return count > 0 ? count : 0;
}

/* The 22nd field: clock ticks after the machine's start. The second may have spaces. */
static int64_t started_ms(void)
{
	SL_AUTO(close_filep)
	FILE *file = fopen("/proc/self/stat", "re");
	char line[1024];
	const char *at =
		file != NULL && fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
	for (int i = 2; at != NULL && i < 22; i++) {
		at = strchr(at + 1, ' ');
	}
	struct timespec up;
	if (at == NULL || clock_gettime(CLOCK_BOOTTIME, &up) != 0) {
		return 0;
	}
	int64_t ticks_ms = strtoll(at, NULL, 10) * 1000 / sysconf(_SC_CLK_TCK);
	return sl_clock_now_ms() - ((int64_t)up.tv_sec * 1000 + up.tv_nsec / 1000000) + ticks_ms;
}

static double cpu_seconds(void)
{
	struct rusage usage = {0};
	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void sl_metrics_process(struct sl_buf *out)
{
	struct rlimit files = {0};
	(void)getrlimit(RLIMIT_NOFILE, &files);
	GAUGE(out, "process_resident_memory_bytes", "Resident memory size in bytes.");
	sl_buf_printf(out, "process_resident_memory_bytes %" PRId64 "\n", resident_bytes());
	GAUGE(out, "process_open_fds", "Number of open file descriptors.");
	sl_buf_printf(out, "process_open_fds %" PRId64 "\n", open_files());
	GAUGE(out, "process_max_fds", "Maximum number of open file descriptors.");
	sl_buf_printf(out, "process_max_fds %" PRIu64 "\n", (uint64_t)files.rlim_cur);
	GAUGE(out, "process_start_time_seconds", "Start time of the process since 1970.");
	int64_t start = started_ms();
	sl_buf_printf(out, "process_start_time_seconds %" PRId64 ".%03" PRId64 "\n", start / 1000,
		start % 1000);
	sl_metrics_family(out, "process_cpu_seconds_total", "counter",
		"Total user and system CPU time spent in seconds.");
	sl_buf_printf(out, "process_cpu_seconds_total %.6f\n", cpu_seconds());
	GAUGE(out, "spotlist_build_info", "The program's version; always 1.");
	sl_metrics_sample(out, "spotlist_build_info", "version", SL_VERSION, NULL);
	sl_buf_puts(out, "1\n");
}
