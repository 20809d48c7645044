/* SPDX-License-Identifier: Apache-2.0 */
/* Times <-> frames <-> SMPTE timecode (ST 12-1). Pure. */

#include "framecode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const struct sl_frame_rate sl_frame_rates[SL_FRAME_RATES] = {
	{"23.976", 24000, 1001, 24, false},
	{"24",     24,    1,    24, false},
	{"25",     25,    1,    25, false},
	{"29.97",  30000, 1001, 30, true},
	{"30",     30,    1,    30, false},
	{"50",     50,    1,    50, false},
	{"59.94",  60000, 1001, 60, true},
	{"60",     60,    1,    60, false},
};
/* clang-format on */

const char *const sl_frame_rate_names[SL_FRAME_RATES + 1] = {
	"23.976", "24", "25", "29.97", "30", "50", "59.94", "60", NULL};

#define DEFAULT_RATE 2 /* 25 */

size_t sl_frame_rate_near(double per_second)
{
	if (!(per_second > 0)) {
		return DEFAULT_RATE;
	}
	size_t best = 0;
	double best_distance = INFINITY;
	for (size_t i = 0; i < SL_FRAME_RATES; i++) {
		double rate =
			(double)sl_frame_rates[i].numerator / (double)sl_frame_rates[i].denominator;
		double distance = fabs(rate - per_second);
		if (distance < best_distance) {
			best = i;
			best_distance = distance;
		}
	}
	return best;
}

int64_t sl_framecode_frame(const struct sl_frame_rate *rate, int64_t ms)
{
	int64_t unit = 1000 * rate->denominator;
	return (ms * rate->numerator + unit / 2) / unit;
}

/* Two numbers at 30 frames, four at 60, are left out at each minute but every tenth. */
static int64_t dropped(const struct sl_frame_rate *rate)
{
	return rate->base / 15;
}

void sl_framecode_format(char ret[static SL_FRAMECODE_SIZE], const struct sl_frame_rate *rate,
	bool drop, int64_t frame)
{
	int64_t base = rate->base;
	if (drop) {
		int64_t per_minute = 60 * base - dropped(rate);
		int64_t per_ten = 600 * base - 9 * dropped(rate);
		int64_t tens = frame / per_ten;
		int64_t rest = frame % per_ten;
		/* The first minute of ten is whole. */
		int64_t minutes = rest < 60 * base ? 0 : (rest - dropped(rate)) / per_minute;
		frame += dropped(rate) * (9 * tens + minutes);
	}
	int64_t seconds = frame / base;
	snprintf(ret, SL_FRAMECODE_SIZE, "%02d:%02d:%02d%c%02d", (int)(seconds / 3600 % 24),
		(int)(seconds / 60 % 60), (int)(seconds % 60), drop ? ';' : ':',
		(int)(frame % base));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool sl_framecode_parse(
	const char *text, const struct sl_frame_rate *rate, bool drop, int64_t *ret_frame)
{
	int64_t field[4];
	if (strlen(text) != 11) {
		return false;
	}
	for (size_t i = 0; i < 4; i++) {
		const char *at = &text[3 * i];
		bool separated = i == 3 || at[2] == ':' || (i == 2 && at[2] == ';');
		if (!is_digit(at[0]) || !is_digit(at[1]) || !separated) {
			return false;
		}
		field[i] = 10 * (at[0] - '0') + (at[1] - '0');
	}
	int64_t minutes = 60 * field[0] + field[1];
	if (field[0] > 23 || field[1] > 59 || field[2] > 59 || field[3] >= rate->base) {
		return false;
	}
	if (drop && field[1] % 10 != 0 && field[2] == 0 && field[3] < dropped(rate)) {
		return false;
	}
	int64_t frame = (60 * minutes + field[2]) * rate->base + field[3];
	*ret_frame = drop ? frame - dropped(rate) * (minutes - minutes / 10) : frame;
	return true;
}
