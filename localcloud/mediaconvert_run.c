/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one MediaConvert job: looks into the input, makes all outputs with one ffmpeg (or, of a
 * replay, with none), stores them, tells of it. Entry point: lc_mediaconvert_run. Worker threads.
 */
#include "mediaconvert.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "replay.h"
#include "text.h"

/*
 * Error codes. 1404 with its words is recorded from AWS; 1030 (the input is not media) and 1040
 * (its content cannot be converted) are this stand-in's choice: see docs/localcloud.md.
 */
enum {
	CODE_NOT_MEDIA = 1030,
	CODE_BAD_CONTENT = 1040,
	CODE_NOT_FOUND = 1404,
};

#define BATCH 500 /* objects of a replay per transaction */

struct run {
	struct lc_jobs *jobs;
	const struct lc_job *job;
	const char *uri; /* of the input */
	char *bucket, *key;
	char *tmp;
	int64_t started_ms;
	struct lc_media media;
	bool replayed;
	struct lc_replay replay; /* when it is */
	struct lc_mediaconvert_output *outputs;
	size_t output_count;
};

static void run_finish(struct run *run)
{
	for (size_t i = 0; i < run->output_count; i++) {
		free(run->outputs[i].dir);
		free(run->outputs[i].bucket);
		free(run->outputs[i].key);
		free(run->outputs[i].last_uri);
	}
	free(run->outputs);
	lc_media_finish(&run->media);
	lc_replay_finish(&run->replay);
	free(run->bucket);
	free(run->key);
	if (run->tmp) {
		lc_tmp_remove(run->tmp);
	}
}

static json_t *timing_at_end(const struct run *run)
{
	json_t *timing = json_deep_copy(json_object_get(run->job->doc, "timing"));
	json_object_set_new(timing, "startTime", json_integer(run->started_ms / 1000));
	json_object_set_new(timing, "finishTime", json_integer(sl_clock_now_ms() / 1000));
	return timing;
}

/* Ends the job with an error, unless it was cancelled or localcloud is stopping. */
static bool fail(struct run *run, int code, char *message)
{
	SL_AUTO(sl_freep)
	char *owned = message;
	if (lc_jobs_stopping(run->jobs)) {
		return false;
	}
	if (lc_jobs_change(run->jobs, run->job->id, "PROGRESSING", "ERROR", LC_JOB_ENDED,
		    json_pack("{s:s, s:i, s:s, s:o}", "status", "ERROR", "errorCode", code,
			    "errorMessage", owned, "timing", timing_at_end(run)))) {
		lc_mediaconvert_event(run->job, "ERROR",
			json_pack("{s:i, s:s}", "errorCode", code, "errorMessage", owned));
	}
	return false;
}

static void tell_input(const struct run *run)
{
	lc_mediaconvert_event(run->job, "INPUT_INFORMATION",
		json_pack("{s:o}", "inputDetails",
			lc_mediaconvert_input_details(run->uri, &run->media)));
}

static bool open_input(struct run *run)
{
	run->replayed = lc_replay_of_object(run->bucket, run->key, &run->replay);
	if (run->replayed) {
		lc_replay_media(&run->replay, &run->media);
		tell_input(run);
		return true;
	}
	run->tmp = lc_tmp_create(lc_jobs_cloud(run->jobs));
	SL_AUTO(sl_freep)
	char *path = NULL;
	SL_AUTO(sl_freep)
	char *why = NULL;
	SL_AUTO(sl_freep)
	char *link_path = sl_asprintf("%s/input", run->tmp);
	int64_t size = 0;

	if (lc_s3_object_path(run->bucket, run->key, &path, &size) != LC_OBJECT_OK ||
		/* A second name keeps the bytes while the object is replaced or deleted. */
		(link(path, link_path) != 0 && symlink(path, link_path) != 0)) {
		return fail(run, CODE_NOT_FOUND,
			sl_asprintf("Unable to open input file [%s]: [Failed probe/open: [Failed "
				    "to read "
				    "data: HeadObject failed]]",
				run->uri));
	}
	if (!lc_media_probe(link_path, &run->media, &why)) {
		return fail(run, CODE_NOT_MEDIA,
			sl_asprintf("Unable to open input file [%s]: [Failed probe/open: [%s]]",
				run->uri, why));
	}
	tell_input(run);
	return true;
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void plan_output(struct run *run, const json_t *group, size_t in_group, size_t index)
{
	struct lc_mediaconvert_output *output = &run->outputs[run->output_count++];
	const json_t *wire = json_array_get(json_object_get(group, "outputs"), index);
	const json_t *codec =
		json_object_get(json_object_get(wire, "videoDescription"), "codecSettings");
	const json_t *audio = json_object_get(
		json_array_get(json_object_get(wire, "audioDescriptions"), 0), "codecSettings");
	const json_t *destination =
		json_object_get(json_object_get(group, "outputGroupSettings"), "fileGroupSettings");

	output->group = in_group;
	output->index = index;
	output->wire = wire;
	output->codec = text_of(codec, "codec");
	output->audio = json_object_get(audio, "aacSettings");
	output->left_out = !output->codec && !run->media.has_audio;
	output->extension = text_of(wire, "extension");
	if (!output->extension) {
		const char *container =
			text_of(json_object_get(wire, "containerSettings"), "container");
		output->extension = sl_text_equal(container, "RAW") ? "jpg"
			: sl_text_equal(container, "MOV")           ? "mov"
								    : "mp4";
	}
	if (!run->replayed) {
		output->dir = sl_asprintf("%s/%zu", run->tmp, run->output_count);
		(void)mkdir(output->dir, 0700);
	}

	struct lc_mediaconvert_names names = {
		.input_key = run->key,
		.started_ms = run->started_ms,
		.width = run->media.width,
		.height = run->media.height,
		.frame_rate = run->media.has_video
			? (double)run->media.rate_num / (double)run->media.rate_den
			: 0,
		.bitrate = json_integer_value(
			json_object_get(json_object_get(codec, "h264Settings"), "bitrate")),
		.extension = output->extension,
	};
	lc_mediaconvert_name(text_of(destination, "destination"), text_of(wire, "nameModifier"),
		&names, &output->bucket, &output->key);
}

/* Every output with its files and names; false (and the job failed) when it cannot be made. */
static bool plan(struct run *run)
{
	const json_t *settings = json_object_get(run->job->doc, "settings");
	size_t total = 0;
	size_t g;
	const json_t *group;
	json_array_foreach (json_object_get(settings, "outputGroups"), g, group) {
		total += json_array_size(json_object_get(group, "outputs"));
	}
	run->outputs = sl_calloc(total, sizeof *run->outputs);
	json_array_foreach (json_object_get(settings, "outputGroups"), g, group) {
		for (size_t i = 0; i < json_array_size(json_object_get(group, "outputs")); i++) {
			plan_output(run, group, g, i);
		}
	}

	size_t left = 0;
	for (size_t i = 0; i < run->output_count; i++) {
		if (run->outputs[i].codec && !run->media.has_video) {
			return fail(run, CODE_BAD_CONTENT,
				sl_asprintf("Input file [%s] has no video stream, and an output "
					    "needs one",
					run->uri));
		}
		left += run->outputs[i].left_out ? 0 : 1;
	}
	return left > 0
		? true
		: fail(run, CODE_BAD_CONTENT,
			  sl_asprintf(
				  "Input file [%s] has no audio stream, and all outputs need one",
				  run->uri));
}

/* What ffmpeg says, and where it ends, when the file stops before its own header says so. */
static bool is_truncated(const struct run *run, const struct sl_buf *err, int64_t end_ms)
{
	const char *words = sl_buf_str(err);
	int64_t missing_ms = run->media.duration_ms - end_ms;
	return strstr(words, "partial file") || strstr(words, "File ended prematurely") ||
		(missing_ms > 1000 && missing_ms > run->media.duration_ms / 10);
}

/* A replay takes its time and makes nothing yet. */
static bool replay_transcode(struct run *run)
{
	lc_mediaconvert_event(run->job, "STATUS_UPDATE",
		json_pack("{s:i, s:o}", "framesDecoded", 0, "jobProgress",
			lc_mediaconvert_progress(0, false)));
	if (!lc_replay_work(run->jobs, run->job, "PROGRESSING", run->replay.transcode_ms)) {
		return false;
	}
	return !run->replay.fail_transcode ||
		fail(run, CODE_BAD_CONTENT, sl_strdup(run->replay.fail_transcode));
}

static bool transcode(struct run *run)
{
	if (run->replayed) {
		return replay_transcode(run);
	}
	SL_AUTO(lc_argv_finish)
	struct lc_argv argv = {0};
	SL_AUTO(sl_buf_finish)
	struct sl_buf err = SL_BUF_INIT;
	int64_t end_ms = 0;

	/* Videos first: ffmpeg counts the frames of its first output. */
	for (int captures = 0; captures < 2; captures++) {
		for (size_t i = 0; i < run->output_count; i++) {
			struct lc_mediaconvert_output *output = &run->outputs[i];
			bool is_capture = sl_text_equal(output->codec, "FRAME_CAPTURE");
			if (!output->left_out && is_capture == (captures == 1)) {
				lc_mediaconvert_output_args(&argv, output, &run->media);
			}
		}
	}
	int status = lc_mediaconvert_transcode(
		run->jobs, run->job, run->tmp, &argv, &run->media, &err, &end_ms);
	if (status != 0) {
		SL_AUTO(sl_freep)
		char *why = lc_media_last_words(&err);
		return fail(run, CODE_BAD_CONTENT,
			sl_asprintf("Failed to convert input file [%s]: [%s]", run->uri, why));
	}
	if (is_truncated(run, &err, end_ms)) {
		return fail(run, CODE_BAD_CONTENT,
			sl_asprintf(
				"Input file [%s] is truncated: [%lld ms of %lld ms could be read]",
				run->uri, (long long)end_ms, (long long)run->media.duration_ms));
	}
	return true;
}

static void measure(struct lc_mediaconvert_output *output, const char *path)
{
	SL_AUTO(sl_freep)
	char *why = NULL;
	SL_AUTO(lc_media_finish)
	struct lc_media media = {0};
	if (lc_media_probe(path, &media, &why)) {
		output->duration_ms = media.duration_ms;
		output->width = media.width;
		output->height = media.height;
	}
}

static bool no_bucket(struct run *run, const struct lc_mediaconvert_output *output)
{
	return fail(run, CODE_NOT_FOUND,
		sl_asprintf("Unable to write to output file [%s]: [Failed to write data: The "
			    "specified bucket does not exist]",
			output->last_uri));
}

static const char *content_type(const struct lc_mediaconvert_output *output)
{
	return sl_text_equal(output->codec, "FRAME_CAPTURE") ? "image/jpeg"
		: output->codec                              ? "video/mp4"
							     : "audio/mp4";
}

/* Moves a file to its bucket; false (and the job failed) when that is not there. */
static bool store(
	struct run *run, struct lc_mediaconvert_output *output, const char *path, const char *key)
{
	free(output->last_uri);
	output->last_uri = sl_asprintf("s3://%s/%s", output->bucket, key);
	if (!lc_s3_put_file(output->bucket, key, path, content_type(output))) {
		return no_bucket(run, output);
	}
	output->files++;
	return true;
}

static bool stopping_or_canceled(struct run *run)
{
	return !lc_replay_work(run->jobs, run->job, "PROGRESSING", 1);
}

/* Stores objects in one transaction, and frees what they hold. */
static bool store_texts(struct run *run, struct lc_mediaconvert_output *output,
	struct lc_s3_text *items, size_t count)
{
	free(output->last_uri);
	output->last_uri = sl_asprintf("s3://%s/%s", output->bucket, items[count - 1].key);
	bool stored = lc_s3_put_texts(output->bucket, items, count, content_type(output));
	for (size_t i = 0; i < count; i++) {
		free(items[i].key);
		free(items[i].text);
	}
	output->files += count;
	return stored || no_bucket(run, output);
}

/* The video, or the audio, that stands for itself. */
static bool store_replayed_file(struct run *run, struct lc_mediaconvert_output *output)
{
	struct lc_s3_text item = {
		.key = sl_asprintf("%s.%s", output->key, output->extension),
		.text = lc_replay_video_content(run->replay.name),
	};
	output->duration_ms = run->media.duration_ms;
	output->width = run->media.width;
	output->height = run->media.height;
	return store_texts(run, output, &item, 1);
}

/* Frames `from` to `to` of a replay. */
static bool store_replayed(
	struct run *run, struct lc_mediaconvert_output *output, int64_t from, int64_t to)
{
	struct lc_s3_text items[BATCH];
	size_t count = (size_t)(to - from);
	for (size_t i = 0; i < count; i++) {
		long long frame = (long long)from + (long long)i;
		items[i].key = sl_asprintf("%s.%07lld.%s", output->key, frame, output->extension);
		items[i].text = lc_replay_frame_content(run->replay.name, frame);
	}
	return store_texts(run, output, items, count);
}

static bool store_replayed_captures(struct run *run, struct lc_mediaconvert_output *output)
{
	for (int64_t from = 0; from < run->replay.frames; from += BATCH) {
		int64_t left = run->replay.frames - from;
		if ((from > 0 && stopping_or_canceled(run)) ||
			!store_replayed(run, output, from, from + (left < BATCH ? left : BATCH))) {
			return false;
		}
	}
	return true;
}

static bool store_captures(struct run *run, struct lc_mediaconvert_output *output)
{
	const json_t *capture = json_object_get(
		json_object_get(json_object_get(output->wire, "videoDescription"), "codecSettings"),
		"frameCaptureSettings");
	const json_t *num = json_object_get(capture, "framerateNumerator");
	const json_t *den = json_object_get(capture, "framerateDenominator");
	double interval_ms =
		1000 * (den ? json_number_value(den) : 1) / (num ? json_number_value(num) : 1);

	output->width = run->media.width & ~1;
	output->height = run->media.height & ~1;
	if (run->replayed && !store_replayed_captures(run, output)) {
		return false;
	}
	for (size_t i = 0; !run->replayed; i++) {
		SL_AUTO(sl_freep)
		char *path = sl_asprintf("%s/%07zu", output->dir, i);
		SL_AUTO(sl_freep)
		char *key = sl_asprintf("%s.%07zu.%s", output->key, i, output->extension);
		if (access(path, F_OK) != 0) {
			break;
		}
		if (!store(run, output, path, key)) {
			return false;
		}
	}
	output->duration_ms = (int64_t)(interval_ms * (double)output->files);
	return true;
}

static bool store_all(struct run *run)
{
	if (!lc_jobs_change(run->jobs, run->job->id, "PROGRESSING", NULL, LC_JOB_RUNNING,
		    json_pack(
			    "{s:s, s:i}", "currentPhase", "UPLOADING", "jobPercentComplete", 95))) {
		return false; /* cancelled */
	}
	for (size_t i = 0; i < run->output_count; i++) {
		struct lc_mediaconvert_output *output = &run->outputs[i];
		bool stored = true;
		if (sl_text_equal(output->codec, "FRAME_CAPTURE")) {
			stored = store_captures(run, output);
		} else if (!output->left_out && run->replayed) {
			stored = store_replayed_file(run, output);
		} else if (!output->left_out) {
			SL_AUTO(sl_freep)
			char *path = sl_asprintf("%s/0", output->dir);
			SL_AUTO(sl_freep)
			char *key = sl_asprintf("%s.%s", output->key, output->extension);
			measure(output, path);
			stored = store(run, output, path, key);
		}
		if (!stored) {
			return false;
		}
	}
	return true;
}

/* outputGroupDetails: with paths and type for the event, without for GetJob. */
static json_t *group_details(const struct run *run, bool for_event)
{
	json_t *groups = json_array();
	for (size_t i = 0; i < run->output_count; i++) {
		const struct lc_mediaconvert_output *output = &run->outputs[i];
		if (output->index == 0) {
			json_t *group = json_pack("{s:[]}", "outputDetails");
			if (for_event) {
				json_object_set_new(group, "type", json_string("FILE_GROUP"));
			}
			json_array_append_new(groups, group);
		}
		if (output->left_out) {
			continue;
		}
		json_t *detail =
			json_pack("{s:I}", "durationInMs", (json_int_t)output->duration_ms);
		if (output->codec) {
			json_object_set_new(detail, "videoDetails",
				json_pack("{s:i, s:i}", "widthInPx", output->width, "heightInPx",
					output->height));
		}
		if (for_event && output->last_uri) {
			json_object_set_new(
				detail, "outputFilePaths", json_pack("[s]", output->last_uri));
		}
		json_array_append_new(
			json_object_get(json_array_get(groups, json_array_size(groups) - 1),
				"outputDetails"),
			detail);
	}
	return groups;
}

static void complete(struct run *run)
{
	if (lc_jobs_change(run->jobs, run->job->id, "PROGRESSING", "COMPLETE", LC_JOB_ENDED,
		    json_pack("{s:s, s:i, s:n, s:o, s:o}", "status", "COMPLETE",
			    "jobPercentComplete", 100, "currentPhase", "outputGroupDetails",
			    group_details(run, false), "timing", timing_at_end(run)))) {
		lc_mediaconvert_event(run->job, "COMPLETE",
			json_pack("{s:o, s:i, s:i}", "outputGroupDetails", group_details(run, true),
				"paddingInserted", 0, "blackVideoDetected", 0));
	}
}

/* SUBMITTED becomes PROGRESSING; a job that a restart interrupted is so already. */
static bool begin(struct run *run)
{
	const json_t *timing = json_object_get(run->job->doc, "timing");
	const json_t *start = json_object_get(timing, "startTime");
	if (strcmp(run->job->state, "PROGRESSING") == 0) {
		run->started_ms = json_integer_value(start) * 1000;
		return true;
	}
	run->started_ms = sl_clock_now_ms();
	json_t *started = json_deep_copy(timing);
	json_object_set_new(started, "startTime", json_integer(run->started_ms / 1000));
	if (!lc_jobs_change(run->jobs, run->job->id, "SUBMITTED", "PROGRESSING", LC_JOB_RUNNING,
		    json_pack("{s:s, s:s, s:i, s:o}", "status", "PROGRESSING", "currentPhase",
			    "PROBING", "jobPercentComplete", 0, "timing", started))) {
		return false;
	}
	lc_mediaconvert_event(run->job, "PROGRESSING", NULL);
	return true;
}

void lc_mediaconvert_run(struct lc_jobs *jobs, SL_UNUSED void *worker, const struct lc_job *job)
{
	const json_t *input =
		json_array_get(json_object_get(json_object_get(job->doc, "settings"), "inputs"), 0);
	SL_AUTO(run_finish)
	struct run run = {
		.jobs = jobs,
		.job = job,
		.uri = text_of(input, "fileInput"),
	};
	if (!lc_s3_uri_split(run.uri, &run.bucket, &run.key)) {
		SL_BUG("a stored job has no input");
	}
	if (begin(&run) && open_input(&run) && plan(&run) && transcode(&run) && store_all(&run)) {
		complete(&run);
	}
}
