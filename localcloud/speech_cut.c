/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts sound into utterances at silences: loudness in steps of 20 ms against the file's own noise
 * floor. Entry point: lc_speech_cut. Any thread.
 */
#include "speech_cut.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "speech.h"

#define STEP          (LC_SPEECH_RATE / 50) /* 20 ms */
#define PAD_STEPS     12                    /* kept before and after: 240 ms */
#define SILENCE_STEPS 25                    /* this much ends an utterance: 500 ms */
#define SHORTEST      5                     /* of sound: 100 ms */
#define LONGEST       (25 * 50 - 2 * PAD_STEPS)
#define QUIETEST_DB   (-58.0) /* of full scale; nothing below is speech */

struct levels {
	float *db; /* one a step */
	size_t count;
};

static bool read_levels(FILE *samples, struct levels *ret)
{
	int16_t step[STEP];
	size_t capacity = 0;
	size_t n;
	*ret = (struct levels){0};
	while ((n = fread(step, sizeof step[0], STEP, samples)) > 0) {
		double sum = 0;
		for (size_t i = 0; i < n; i++) {
			sum += (double)step[i] * step[i];
		}
		if (ret->count == capacity) {
			capacity = capacity ? capacity * 2 : 4096;
			ret->db = sl_reallocarray(ret->db, capacity, sizeof *ret->db);
		}
		ret->db[ret->count++] =
			(float)(10 * log10(sum / (double)n / (32768.0 * 32768.0) + 1e-10));
	}
	return !ferror(samples);
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a;
	float y = *(const float *)b;
	return (x > y) - (x < y);
}

/* Between the quiet tenth and the loud tenth of the file, nearer to the quiet one: a file that is
 * all speech has pauses too, and one that is all noise has no loud parts. */
static double threshold_of(const struct levels *levels)
{
	float *sorted = sl_calloc(levels->count, sizeof *sorted);
	memcpy(sorted, levels->db, levels->count * sizeof *sorted);
	qsort(sorted, levels->count, sizeof *sorted, compare);
	double quiet = sorted[levels->count / 10];
	double loud = sorted[levels->count * 95 / 100];
	free(sorted);
	double threshold = quiet + (loud - quiet) * 0.3;
	return threshold > QUIETEST_DB ? threshold : QUIETEST_DB;
}

static void add(struct lc_stretch **stretches, size_t *count, size_t from, size_t to, size_t total)
{
	from = from > PAD_STEPS ? from - PAD_STEPS : 0;
	to = to + PAD_STEPS < total ? to + PAD_STEPS : total;
	*stretches = sl_reallocarray(*stretches, *count + 1, sizeof **stretches);
	(*stretches)[(*count)++] = (struct lc_stretch){(int64_t)from * STEP, (int64_t)to * STEP};
}

/* Where to cut sound that goes on for too long: at its quietest step in the later half. */
static size_t quietest(const struct levels *levels, size_t from)
{
	size_t best = from + LONGEST / 2;
	for (size_t i = best; i < from + LONGEST; i++) {
		if (levels->db[i] < levels->db[best]) {
			best = i;
		}
	}
	return best;
}

static void find(
	const struct levels *levels, double threshold, struct lc_stretch **stretches, size_t *count)
{
	size_t from = 0; /* of the present utterance */
	size_t last = 0; /* its last loud step, plus one; 0: none yet */
	size_t loud = 0;
	for (size_t i = 0; i <= levels->count; i++) {
		bool is_loud = i < levels->count && levels->db[i] > threshold;
		bool ended = last > 0 && (i == levels->count || i - last >= SILENCE_STEPS);
		if (ended) {
			if (loud >= SHORTEST) {
				add(stretches, count, from, last, levels->count);
			}
			last = 0;
			loud = 0;
		}
		if (!is_loud) {
			continue;
		}
		if (last == 0) {
			from = i;
		}
		last = i + 1;
		loud++;
		if (last - from >= LONGEST) {
			size_t cut = quietest(levels, from);
			/* Without padding at the cut: no sample is heard twice. */
			add(stretches, count, from, cut > PAD_STEPS ? cut - PAD_STEPS : cut,
				levels->count);
			from = cut + PAD_STEPS;
			loud = last > from ? last - from : 0;
		}
	}
}

bool lc_speech_cut(FILE *samples, struct lc_stretch **ret_stretches, size_t *ret_count)
{
	struct levels levels;
	*ret_stretches = NULL;
	*ret_count = 0;
	bool read = read_levels(samples, &levels);
	if (read && levels.count > 0) {
		find(&levels, threshold_of(&levels), ret_stretches, ret_count);
	}
	free(levels.db);
	return read;
}
