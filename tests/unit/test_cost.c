/* SPDX-License-Identifier: Apache-2.0 */
/* The price table, exact arithmetic, what is counted, and the header of MP4 files. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cost.h"
#include "mem.h"
#include "mp4_header.h"

static struct sl_prices *built_in(void)
{
	struct sl_prices *prices = NULL;
	assert_int_equal(sl_prices_load("", &prices, NULL), SL_ERR_OK);
	return prices;
}

static void amounts_are_read_exactly_or_not_at_all(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t nanos; /* -1: refused */
	} amounts[] = {{"0", 0}, {"1", 1000000000}, {"0.0075", 7500000}, {"0.000000001", 1},
		{"0.0000000010", 1}, {"0.0000000001", -1}, {"00.5", 500000000},
		{"1000000000", 1000000000000000000}, {"1000000001", -1}, {"", -1}, {".", -1},
		{".5", -1}, {"5.", -1}, {"-1", -1}, {"+1", -1}, {"1e3", -1}, {" 1", -1}, {"1 ", -1},
		{"0x1", -1}, {"nan", -1}, {"inf", -1}, {"1,5", -1}, {"1.2.3", -1},
		{"99999999999999999999", -1}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(amounts); i++) {
		int64_t nanos = -1;
		bool good = sl_dollars_parse(amounts[i].text, 9, &nanos);
		assert_int_equal(good, amounts[i].nanos >= 0);
		assert_int_equal(nanos, amounts[i].nanos);
	}
	char text[SL_DOLLARS_SIZE];
	sl_dollars_format(12345678, text);
	assert_string_equal(text, "12.345678");
	sl_dollars_format(7, text);
	assert_string_equal(text, "0.000007");
}

static void a_line_is_rounded_once_to_the_nearest(void **state)
{
	(void)state;
	struct sl_price_region region = {.name = NULL};
	region.nanos[SL_UNIT_TRANSCRIBE] = 24000000; /* 0.024 a minute: 400 a second */
	assert_int_equal(sl_cost_micros(&region, SL_UNIT_TRANSCRIBE, 15), 6000);
	region.nanos[SL_UNIT_TRANSCRIBE] = 100000000; /* 1666.6… */
	assert_int_equal(sl_cost_micros(&region, SL_UNIT_TRANSCRIBE, 1), 1667);
	assert_int_equal(sl_cost_micros(&region, SL_UNIT_TRANSCRIBE, 2), 3333);
	assert_int_equal(sl_cost_micros(&region, SL_UNIT_TRANSCRIBE, 3), 5000);
	region.nanos[SL_UNIT_IMAGE] = 500; /* half a millionth */
	assert_int_equal(sl_cost_micros(&region, SL_UNIT_IMAGE, 1), 1);
	assert_int_equal(sl_cost_micros(&region, SL_UNIT_IMAGE, 3), 2);
	region.nanos[SL_UNIT_IMAGE] = 499;
	assert_int_equal(sl_cost_micros(&region, SL_UNIT_IMAGE, 1), 0);
	/* Nothing overflows into a small or negative amount. */
	region.nanos[SL_UNIT_IMAGE] = INT64_MAX / 2;
	assert_true(sl_cost_micros(&region, SL_UNIT_IMAGE, INT64_MAX) > INT64_C(1000000000000));
}

static void what_is_counted_depends_on_picture_rate_and_sound(void **state)
{
	(void)state;
	static const struct {
		int64_t width, height;
		double rate;
		const char *video, *frames;
	} pictures[] = {{640, 360, 25, "mediaconvert_video_sd_30fps", "mediaconvert_frames_sd"},
		{1279, 720, 30, "mediaconvert_video_sd_30fps", "mediaconvert_frames_sd"},
		{1280, 720, 30.01, "mediaconvert_video_hd_60fps", "mediaconvert_frames_hd"},
		{1080, 1920, 60, "mediaconvert_video_hd_60fps", "mediaconvert_frames_hd"},
		{1920, 1081, 60.1, "mediaconvert_video_uhd_120fps", "mediaconvert_frames_uhd"},
		{3840, 2160, 24, "mediaconvert_video_uhd_30fps", "mediaconvert_frames_uhd"},
		{0, 0, 0, "mediaconvert_video_hd_30fps", "mediaconvert_frames_hd"}};
	SL_AUTO(sl_prices_destroyp)
	struct sl_prices *prices = built_in();
	for (size_t i = 0; i < SL_ARRAY_SIZE(pictures); i++) {
		const struct sl_cost_facts facts = {.duration_ms = 61001,
			.frames = 62,
			.width = pictures[i].width,
			.height = pictures[i].height,
			.frame_rate = pictures[i].rate,
			.audio = i % 2 == 0,
			.transcode = true,
			.analyses = (1U << SL_ANALYSIS_KINDS_) - 1};
		struct sl_cost cost;
		sl_cost_of(prices->here, &facts, &cost);
		assert_string_equal(sl_unit_name(cost.lines[0].unit), pictures[i].video);
		assert_string_equal(sl_unit_name(cost.lines[1].unit), pictures[i].frames);
		assert_int_equal(cost.lines[0].quantity, 62);
		assert_int_equal(cost.count, facts.audio ? 6 : 4);
		int64_t sum = 0;
		for (size_t j = 0; j < cost.count; j++) {
			sum += cost.lines[j].micros;
		}
		assert_int_equal(sum, cost.micros);
	}
}

static void the_least_is_billed(void **state)
{
	(void)state;
	SL_AUTO(sl_prices_destroyp)
	struct sl_prices *prices = built_in();
	const struct sl_cost_facts facts = {.duration_ms = 700,
		.frames = 1,
		.audio = true,
		.transcode = true,
		.analyses = (1U << SL_ANALYSIS_KINDS_) - 1};
	struct sl_cost cost;
	sl_cost_of(prices->here, &facts, &cost);
	const int64_t quantities[] = {10, 10, 10, 1, 1, 15};
	assert_int_equal(cost.count, SL_ARRAY_SIZE(quantities));
	for (size_t i = 0; i < cost.count; i++) {
		assert_int_equal(cost.lines[i].quantity, quantities[i]);
	}
}

static void tables_that_are_wrong_say_where(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *word;
	} tables[] = {
		{"", "price table"},
		{"[]", "price table"},
		{"{\"date\":\"2026-11-23\",\"source\":\"x\",\"default_region\":\"r\"}", "regions"},
		{"{\"date\":\"2026-13-23\",\"source\":\"x\",\"default_region\":\"r\",\"regions\":{}"
		 "}",
			"/date"},
		{"{\"date\":\"2026-11-23\",\"source\":\"x\",\"default_region\":\"r\",\"regions\":{}"
		 "}",
			"regions"},
		{"{\"date\":\"2026-11-23\",\"source\":\"x\",\"default_region\":\"r\",\"regions\":"
		 "7}",
			"regions"},
		{"{\"date\":\"2026-11-23\",\"source\":\"x\",\"default_region\":\"r\","
		 "\"regions\":{\"r\":{}}}",
			"16 units"},
		{"{\"date\":\"2026-11-23\",\"source\":\"x\",\"default_region\":\"r\",\"more\":1,"
		 "\"regions\":{}}",
			"more"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(tables); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct sl_prices *prices = NULL;
		enum sl_err err =
			sl_prices_parse(tables[i].text, strlen(tables[i].text), &prices, &error);
		assert_int_equal(err, SL_ERR_CONFIG);
		assert_null(prices);
		assert_non_null(strstr(error.detail, tables[i].word));
	}
}

static void a_region_without_prices_gets_the_defaults(void **state)
{
	(void)state;
	SL_AUTO(sl_prices_destroyp)
	struct sl_prices *prices = built_in();
	sl_prices_choose(prices, "eu-north-9");
	assert_string_equal(prices->here->name, "us-east-1");
	assert_string_equal(prices->region, "eu-north-9");
	assert_int_equal(prices->here->nanos[SL_UNIT_LABELS], 100000000);
}

/* --- MP4 ----------------------------------------------------------------------------------- */

static size_t put(unsigned char *out, const char *type, uint32_t size, const void *more, size_t len)
{
	const unsigned char head[] = {(unsigned char)(size >> 24), (unsigned char)(size >> 16),
		(unsigned char)(size >> 8), (unsigned char)size};
	memcpy(out, head, 4);
	memcpy(out + 4, type, 4);
	if (len > 0) {
		memcpy(out + 8, more, len);
	}
	return 8 + len;
}

/* A moov with an mvhd of `duration` at 600 a second, and a track of 640x360. */
static size_t put_moov(unsigned char *out, uint32_t duration)
{
	unsigned char mvhd[100] = {0};
	mvhd[14] = 600 >> 8;
	mvhd[15] = 600 & 0xff;
	mvhd[16] = (unsigned char)(duration >> 24);
	mvhd[17] = (unsigned char)(duration >> 16);
	mvhd[18] = (unsigned char)(duration >> 8);
	mvhd[19] = (unsigned char)duration;
	unsigned char tkhd[84] = {0};
	tkhd[76] = 640 >> 8;
	tkhd[77] = 640 & 0xff;
	tkhd[80] = 360 >> 8;
	tkhd[81] = 360 & 0xff;
	size_t at = 8;
	at += put(out + at, "mvhd", 108, mvhd, sizeof(mvhd));
	at += put(out + at, "trak", 100, NULL, 0);
	at += put(out + at, "tkhd", 92, tkhd, sizeof(tkhd));
	put(out, "moov", (uint32_t)at, NULL, 0);
	return at;
}

static void the_header_of_a_file_tells_how_long_it_is(void **state)
{
	(void)state;
	unsigned char file[1024] = {0};
	size_t len = put(file, "ftyp", 16, "isommp42", 8);
	len += put_moov(file + len, 600 * 75 + 300);
	struct sl_mp4_header header = {0};
	int64_t next = -1;
	assert_int_equal(sl_mp4_header_find(file, len, 0, &header, &next), SL_MP4_FOUND);
	assert_int_equal(header.duration_ms, 75500);
	assert_int_equal(header.width, 640);
	assert_int_equal(header.height, 360);
}

static void a_header_at_the_end_is_asked_for(void **state)
{
	(void)state;
	unsigned char file[1024] = {0};
	size_t len = put(file, "ftyp", 16, "isommp42", 8);
	len += put(file + len, "mdat", 5000000, "pictures", 8);
	struct sl_mp4_header header = {0};
	int64_t next = -1;
	assert_int_equal(sl_mp4_header_find(file, len, 0, &header, &next), SL_MP4_MORE);
	assert_int_equal(next, 5000016);
	len = put_moov(file, 600);
	assert_int_equal(sl_mp4_header_find(file, len, next, &header, &next), SL_MP4_FOUND);
	assert_int_equal(header.duration_ms, 1000);
}

static void what_is_no_such_file_is_let_alone(void **state)
{
	(void)state;
	static const char *const files[] = {"", "RIFF....AVI LIST",
		"\x1a\x45\xdf\xa3matroska.........", "localcloud replay one\n"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(files); i++) {
		struct sl_mp4_header header = {0};
		int64_t next = -1;
		assert_int_equal(sl_mp4_header_find(files[i], strlen(files[i]), 0, &header, &next),
			SL_MP4_NONE);
		assert_int_equal(header.duration_ms, 0);
	}
}

static void the_duration_goes_by_what_knows_best(void **state)
{
	(void)state;
	enum sl_cost_basis basis;
	assert_int_equal(sl_cost_duration(5, 7, 9, &basis), 7);
	assert_int_equal(basis, SL_BASIS_HEADER);
	assert_int_equal(sl_cost_duration(5, 0, 9, &basis), 5);
	assert_int_equal(basis, SL_BASIS_CLIENT);
	assert_int_equal(sl_cost_duration(0, 0, 625000, &basis), 1001);
	assert_int_equal(basis, SL_BASIS_SIZE);
	assert_int_equal(sl_cost_duration(0, 0, 0, &basis), SL_COST_ASSUMED_MS);
	assert_int_equal(basis, SL_BASIS_ASSUMED);
	assert_int_equal(sl_cost_frames(10000, 1000), 10);
	assert_int_equal(sl_cost_frames(10001, 1000), 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_are_read_exactly_or_not_at_all),
		cmocka_unit_test(a_line_is_rounded_once_to_the_nearest),
		cmocka_unit_test(what_is_counted_depends_on_picture_rate_and_sound),
		cmocka_unit_test(the_least_is_billed),
		cmocka_unit_test(tables_that_are_wrong_say_where),
		cmocka_unit_test(a_region_without_prices_gets_the_defaults),
		cmocka_unit_test(the_header_of_a_file_tells_how_long_it_is),
		cmocka_unit_test(a_header_at_the_end_is_asked_for),
		cmocka_unit_test(what_is_no_such_file_is_let_alone),
		cmocka_unit_test(the_duration_goes_by_what_knows_best),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
