/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MediaConvert's settings as ffmpeg's options, and the one run of ffmpeg that makes all outputs
 * of a job. Entry points: lc_mediaconvert_output_args, lc_mediaconvert_transcode. Worker threads;
 * a run has a second thread that reads ffmpeg's progress.
 */
#include "mediaconvert.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

void lc_argv_add(struct lc_argv *argv, const char *text)
{
	argv->items = sl_reallocarray(argv->items, argv->count + 2, sizeof *argv->items);
	argv->items[argv->count++] = text;
	argv->items[argv->count] = NULL;
}

void lc_argv_addf(struct lc_argv *argv, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = sl_vasprintf(format, arguments);
	va_end(arguments);
	argv->strings =
		sl_reallocarray(argv->strings, argv->string_count + 1, sizeof *argv->strings);
	argv->strings[argv->string_count++] = text;
	lc_argv_add(argv, text);
}

void lc_argv_finish(struct lc_argv *argv)
{
	for (size_t i = 0; i < argv->string_count; i++) {
		free(argv->strings[i]);
	}
	free(argv->strings);
	free(argv->items);
	*argv = (struct lc_argv){0};
}

static void add_list(struct lc_argv *argv, const char *const *list)
{
	for (size_t i = 0; list[i]; i++) {
		lc_argv_add(argv, list[i]);
	}
}

static int64_t int_of(const json_t *object, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(object, name);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

/* Square pixels and even sides, or the size that was asked for. */
static char *scale_filter(const json_t *video)
{
	int64_t width = int_of(video, "width", 0);
	int64_t height = int_of(video, "height", 0);
	if (width > 0 || height > 0) {
		return sl_asprintf("scale=%lld:%lld,setsar=1",
			(long long)(width > 0 ? width & ~1 : -2),
			(long long)(height > 0 ? height & ~1 : -2));
	}
	return sl_strdup("scale=max(2\\,trunc(iw*sar/2)*2):max(2\\,trunc(ih/2)*2),setsar=1");
}

/* image2 takes the path for a pattern: a directory's own '%' is doubled. */
static void add_pattern(struct lc_argv *argv, const char *dir)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf path = SL_BUF_INIT;
	for (const char *c = dir; *c; c++) {
		sl_buf_puts(&path, *c == '%' ? "%" : "");
		sl_buf_putc(&path, *c);
	}
	lc_argv_addf(argv, "%s/%%07d", sl_buf_str(&path));
}

static void capture_args(struct lc_argv *argv, const struct lc_mediaconvert_output *output,
	const struct lc_media *media)
{
	const json_t *video = json_object_get(output->wire, "videoDescription");
	const json_t *capture =
		json_object_get(json_object_get(video, "codecSettings"), "frameCaptureSettings");
	/* 100 to 1 as mjpeg's 2 (best) to 31. */
	int64_t quantizer = 2 + (100 - int_of(capture, "quality", 80)) * 29 / 99;
	SL_AUTO(sl_freep)
	char *scale = scale_filter(video);

	lc_argv_add(argv, "-map");
	lc_argv_addf(argv, "0:%d", media->video_index);
	lc_argv_add(argv, "-vf");
	/* Rounding up makes picture k the one on display at k times the interval; before the first
	 * frame that is the first frame. */
	lc_argv_addf(argv, "fps=fps=%lld/%lld:start_time=0:round=up,%s",
		(long long)int_of(capture, "framerateNumerator", 1),
		(long long)int_of(capture, "framerateDenominator", 1), scale);
	lc_argv_add(argv, "-frames:v");
	lc_argv_addf(argv, "%lld", (long long)int_of(capture, "maxCaptures", 10000000));
	lc_argv_add(argv, "-q:v");
	lc_argv_addf(argv, "%lld", (long long)quantizer);
	add_list(argv,
		(const char *const[]){"-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-an", "-sn", "-dn",
			"-fps_mode", "passthrough", "-start_number", "0", "-f", "image2", NULL});
	add_pattern(argv, output->dir);
}

static void h264_args(struct lc_argv *argv, const struct lc_mediaconvert_output *output,
	const struct lc_media *media)
{
	const json_t *video = json_object_get(output->wire, "videoDescription");
	const json_t *h264 =
		json_object_get(json_object_get(video, "codecSettings"), "h264Settings");
	const char *mode = json_string_value(json_object_get(h264, "rateControlMode"));
	int64_t bitrate = int_of(h264, "bitrate", 0);
	int64_t max_bitrate = int_of(h264, "maxBitrate", bitrate);
	int64_t buffer_size = max_bitrate * 2;
	SL_AUTO(sl_freep)
	char *scale = scale_filter(video);

	lc_argv_add(argv, "-map");
	lc_argv_addf(argv, "0:%d", media->video_index);
	lc_argv_add(argv, "-vf");
	lc_argv_addf(argv, "%s", scale);
	add_list(argv,
		(const char *const[]){"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt",
			"yuv420p", "-profile:v", "high", "-sn", "-dn", NULL});
	if (sl_text_equal(mode, "QVBR")) {
		add_list(argv, (const char *const[]){"-crf", "22", NULL});
	} else {
		lc_argv_add(argv, "-b:v");
		lc_argv_addf(argv, "%lld", (long long)bitrate);
	}
	lc_argv_add(argv, "-maxrate");
	lc_argv_addf(argv, "%lld", (long long)max_bitrate);
	lc_argv_add(argv, "-bufsize");
	lc_argv_addf(argv, "%lld", (long long)buffer_size);
	/* A constant rate from the first moment on, as MediaConvert makes; the average one, since a
	 * container's nominal rate may be its clock (90,000). */
	double rate = (double)media->rate_num / (double)media->rate_den;
	if (rate >= 1 && rate <= 120) {
		add_list(argv, (const char *const[]){"-fps_mode", "cfr", "-r", NULL});
		lc_argv_addf(
			argv, "%lld/%lld", (long long)media->rate_num, (long long)media->rate_den);
	}
}

static void audio_args(struct lc_argv *argv, const struct lc_mediaconvert_output *output,
	const struct lc_media *media)
{
	const char *mode = json_string_value(json_object_get(output->audio, "codingMode"));
	int channels = 2;
	if (mode && strstr(mode, "_1_0")) {
		channels = 1;
	} else if (mode && strstr(mode, "_5_1")) {
		channels = 6;
	}
	lc_argv_add(argv, "-map");
	lc_argv_addf(argv, "0:%d", media->audio_index);
	add_list(argv, (const char *const[]){"-c:a", "aac", "-b:a", NULL});
	lc_argv_addf(argv, "%lld", (long long)int_of(output->audio, "bitrate", 96000));
	lc_argv_add(argv, "-ar");
	lc_argv_addf(argv, "%lld", (long long)int_of(output->audio, "sampleRate", 48000));
	lc_argv_add(argv, "-ac");
	lc_argv_addf(argv, "%d", channels);
}

void lc_mediaconvert_output_args(struct lc_argv *argv, const struct lc_mediaconvert_output *output,
	const struct lc_media *media)
{
	if (sl_text_equal(output->codec, "FRAME_CAPTURE")) {
		capture_args(argv, output, media);
		return;
	}
	if (output->codec) {
		h264_args(argv, output, media);
	}
	if (output->audio && media->has_audio) {
		audio_args(argv, output, media);
	} else {
		lc_argv_add(argv, "-an");
	}
	add_list(argv,
		(const char *const[]){"-map_metadata", "-1", "-map_chapters", "-1",
			"-max_muxing_queue_size", "4096", "-movflags", "+faststart", "-f", NULL});
	lc_argv_add(argv,
		sl_text_equal(
			json_string_value(json_object_get(
				json_object_get(output->wire, "containerSettings"), "container")),
			"MOV")
			? "mov"
			: "mp4");
	lc_argv_addf(argv, "%s/0", output->dir);
}

/* The second thread of a run. */
struct monitor {
	struct lc_jobs *jobs;
	const struct lc_job *job;
	int64_t duration_ms;
	int64_t update_every_ms;
	int fd;         /* ffmpeg's progress comes out here */
	char *pid_path; /* where the child writes its process id */
	atomic_bool done;
	int64_t end_ms;
	int64_t frames;
	int64_t next_update_ms;
};

/* Kills ffmpeg; its id is only used while it is still our child. */
static void kill_child(const struct monitor *monitor)
{
	char text[32] = "";
	int64_t pid = 0;
	FILE *file = fopen(monitor->pid_path, "re");
	if (!file) {
		return;
	}
	if (fgets(text, sizeof text, file)) {
		text[strcspn(text, "\n")] = '\0';
	}
	(void)fclose(file);
	siginfo_t info = {0};
	if (sl_text_parse_i64(text, 2, INT32_MAX, &pid) &&
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
		info.si_pid == 0) {
		(void)kill((pid_t)pid, SIGKILL);
	}
}

static void tell_progress(struct monitor *monitor)
{
	int percent = 0;
	if (monitor->duration_ms > 0) {
		percent = (int)(monitor->end_ms * 100 / monitor->duration_ms);
		percent = percent < 0 ? 0 : percent > 99 ? 99 : percent;
	}
	/* False: cancelled meanwhile. */
	if (!lc_jobs_change(monitor->jobs, monitor->job->id, "PROGRESSING", NULL, LC_JOB_RUNNING,
		    json_pack("{s:s, s:i}", "currentPhase", "TRANSCODING", "jobPercentComplete",
			    5 + percent * 9 / 10))) {
		kill_child(monitor);
		return;
	}
	int64_t now = sl_clock_monotonic_ms();
	if (now >= monitor->next_update_ms) {
		monitor->next_update_ms = now + monitor->update_every_ms;
		lc_mediaconvert_event(monitor->job, "STATUS_UPDATE",
			json_pack("{s:I, s:o}", "framesDecoded", (json_int_t)monitor->frames,
				"jobProgress", lc_mediaconvert_progress(percent, false)));
	}
}

static void read_line(struct monitor *monitor, const char *line)
{
	int64_t number = 0;
	if (sl_text_starts_with(line, "frame=") &&
		sl_text_parse_i64(line + strlen("frame="), 0, INT64_MAX, &number)) {
		monitor->frames = number;
	} else if (sl_text_starts_with(line, "out_time_us=") &&
		sl_text_parse_i64(line + strlen("out_time_us="), 0, INT64_MAX, &number)) {
		monitor->end_ms = number / 1000 > monitor->end_ms ? number / 1000 : monitor->end_ms;
	} else if (strcmp(line, "progress=continue") == 0) {
		tell_progress(monitor);
	}
}

static void read_progress(struct monitor *monitor, struct sl_buf *pending)
{
	char chunk[4096];
	ssize_t n = read(monitor->fd, chunk, sizeof chunk);
	for (ssize_t i = 0; i < n; i++) {
		if (chunk[i] != '\n') {
			sl_buf_putc(pending, chunk[i]);
			continue;
		}
		read_line(monitor, sl_buf_str(pending));
		sl_buf_clear(pending);
	}
}

static void *watch(void *argument)
{
	struct monitor *monitor = argument;
	SL_AUTO(sl_buf_finish)
	struct sl_buf pending = SL_BUF_INIT;
	struct pollfd slot = {.fd = monitor->fd, .events = POLLIN};

	for (;;) {
		bool last = atomic_load(&monitor->done);
		if (poll(&slot, 1, last ? 0 : 200) > 0) {
			read_progress(monitor, &pending);
		} else if (last) {
			return NULL;
		} else {
			struct lc_job job = {0};
			if (lc_jobs_get(monitor->jobs, monitor->job->id, &job)) {
				if (strcmp(job.state, "CANCELED") == 0) {
					kill_child(monitor);
				}
				lc_job_finish(&job);
			}
		}
	}
}

static int64_t update_interval_ms(const json_t *doc)
{
	const char *text = json_string_value(json_object_get(doc, "statusUpdateInterval"));
	int64_t seconds = 60;
	if (text && sl_text_starts_with(text, "SECONDS_") &&
		!sl_text_parse_i64(text + strlen("SECONDS_"), 1, 600, &seconds)) {
		seconds = 60;
	}
	return seconds * 1000;
}

int lc_mediaconvert_transcode(struct lc_jobs *jobs, const struct lc_job *job, const char *tmp,
	const struct lc_argv *outputs, const struct lc_media *media, struct sl_buf *err,
	int64_t *ret_end_ms)
{
	SL_AUTO(sl_freep)
	char *fifo = sl_asprintf("%s/progress", tmp);
	struct monitor monitor = {
		.jobs = jobs,
		.job = job,
		.duration_ms = media->duration_ms,
		.update_every_ms = update_interval_ms(job->doc),
		.pid_path = sl_asprintf("%s/pid", tmp),
		.fd = -1,
	};
	SL_AUTO(lc_argv_finish)
	struct lc_argv argv = {0};
	/* The shell only writes its id down and becomes ffmpeg: cancelling needs the id. */
	add_list(&argv,
		(const char *const[]){"/bin/sh", "-c", "echo $$ >\"$0\" && exec \"$@\"", NULL});
	lc_argv_add(&argv, monitor.pid_path);
	add_list(&argv,
		(const char *const[]){"ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-y",
			"-stats_period", "0.5", "-progress", NULL});
	lc_argv_addf(&argv, "file:%s", fifo);
	add_list(&argv,
		(const char *const[]){"-protocol_whitelist", "file", "-format_whitelist",
			lc_media_formats, "-i", NULL});
	lc_argv_addf(&argv, "file:%s/input", tmp);
	for (size_t i = 0; i < outputs->count; i++) {
		lc_argv_add(&argv, outputs->items[i]);
	}

	int status = -1;
	pthread_t thread;
	/* Open for both ways: neither side ever waits for the other or sees an end. */
	if (mkfifo(fifo, 0600) == 0 && (monitor.fd = open(fifo, O_RDWR | O_CLOEXEC)) >= 0 &&
		pthread_create(&thread, NULL, watch, &monitor) == 0) {
		status = lc_run(argv.items, NULL, err);
		atomic_store(&monitor.done, true);
		pthread_join(thread, NULL);
	}
	if (monitor.fd >= 0) {
		close(monitor.fd);
	}
	free(monitor.pid_path);
	*ret_end_ms = monitor.end_ms;
	return status;
}
