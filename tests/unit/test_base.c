/* SPDX-License-Identifier: Apache-2.0 */
/* base: buffers, encodings, time, identifiers, the error catalogue, configuration, the log. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "config_table.h"
#include "log.h"
#include "mem.h"
#include "text.h"
#include "uuid.h"

/* --- buf ----------------------------------------------------------------------------------- */

static void a_buffer_grows_and_keeps_its_nul(void **state)
{
	(void)state;
	SL_AUTO(sl_buf_finish)
	struct sl_buf buf = SL_BUF_INIT;
	assert_string_equal(sl_buf_str(&buf), "");
	sl_buf_add(&buf, "", 0);
	for (int i = 0; i < 1000; i++) {
		sl_buf_printf(&buf, "%03d", i);
		assert_int_equal(buf.data[buf.len], '\0');
	}
	assert_int_equal(buf.len, 3000);
	assert_memory_equal(buf.data + 2997, "999", 4);
	sl_buf_clear(&buf);
	assert_string_equal(sl_buf_str(&buf), "");
	sl_buf_add(&buf, "a\0b", 3);
	sl_buf_putc(&buf, 'c');
	assert_int_equal(buf.len, 4);
	assert_memory_equal(buf.data, "a\0bc", 5);
	SL_AUTO(sl_freep)
	char *stolen = sl_buf_steal(&buf);
	assert_memory_equal(stolen, "a\0bc", 5);
	assert_null(buf.data);
	SL_AUTO(sl_freep)
	char *empty = sl_buf_steal(&buf);
	assert_string_equal(empty, "");
}

/* --- text ---------------------------------------------------------------------------------- */

static void percent_encoding_has_one_form(void **state)
{
	(void)state;
	static const struct {
		const char *in, *keep, *out;
	} rows[] = {
		{"", "", ""},
		{"azAZ09-_.~", "", "azAZ09-_.~"},
		{"a/b c", "/", "a/b%20c"},
		{"a/b+c", "", "a%2Fb%2Bc"},
		{"%", "", "%25"},
		{"한", "", "%ED%95%9C"},
		{"\x01\x7f\xff", "", "%01%7F%FF"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		sl_text_percent_encode(&out, rows[i].in, strlen(rows[i].in), rows[i].keep);
		assert_string_equal(sl_buf_str(&out), rows[i].out);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf nul = SL_BUF_INIT;
	sl_text_percent_encode(&nul, "\0", 1, "/");
	assert_string_equal(sl_buf_str(&nul), "%00");
}

static void percent_decoding_refuses_broken_escapes(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		bool plus;
		const char *out; /* NULL: refused */
	} rows[] = {
		{"", false, ""},
		{"a%20b%2f%2F", false, "a b//"},
		{"a+b", false, "a+b"},
		{"a+b", true, "a b"},
		{"a%2Bb", true, "a+b"},
		{"%25%32%35", false, "%25"},
		{"%", false, NULL},
		{"%4", false, NULL},
		{"ab%4", false, NULL},
		{"%4g", false, NULL},
		{"%-1", false, NULL},
		{"% 1", false, NULL},
		{"%%41", false, NULL},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		bool ok =
			sl_text_percent_decode(&out, rows[i].in, strlen(rows[i].in), rows[i].plus);
		assert_int_equal(ok, rows[i].out != NULL);
		if (ok) {
			assert_string_equal(sl_buf_str(&out), rows[i].out);
		}
	}
}

static void base64_follows_rfc_4648(void **state)
{
	(void)state;
	static const struct {
		const char *plain, *coded;
	} rows[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xfe", "+//+"},
	};
	static const char *const refused[] = {"Z", "Zg",
		"Zg=", "Zg===", "====", "=Zg=", "Z===", "Zh==", "Zm9=", "Zm9vZg=A",
		"Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm9-", "Zm9_"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		sl_text_base64(&out, rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(sl_buf_str(&out), rows[i].coded);
		sl_buf_clear(&out);
		assert_true(sl_text_base64_decode(&out, rows[i].coded, strlen(rows[i].coded)));
		assert_string_equal(sl_buf_str(&out), rows[i].plain);
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(refused); i++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		assert_false(sl_text_base64_decode(&out, refused[i], strlen(refused[i])));
	}
}

static void utf8_is_what_rfc_3629_says(void **state)
{
	(void)state;
	static const char *const good[] = {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf", "a한🎬z"};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
		"\xc2\x41", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80", "\xe1\x80\x41",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
		"\xf0\x90\x80\x41", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe",
		"a\xc3"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(good); i++) {
		assert_true(sl_text_is_utf8(good[i], strlen(good[i])));
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(bad); i++) {
		assert_false(sl_text_is_utf8(bad[i], strlen(bad[i])));
	}
	assert_true(sl_text_is_utf8("a\0b", 3));
}

static void small_questions_about_strings(void **state)
{
	(void)state;
	assert_true(sl_text_starts_with("abc", "ab") && sl_text_starts_with("abc", ""));
	assert_false(sl_text_starts_with("ab", "abc"));
	assert_true(sl_text_ends_with("abc", "bc") && sl_text_ends_with("abc", ""));
	assert_false(sl_text_ends_with("bc", "abc"));
	assert_true(sl_text_equal(NULL, NULL) && sl_text_equal("a", "a"));
	assert_false(sl_text_equal("a", NULL) || sl_text_equal(NULL, "a"));
	SL_AUTO(sl_buf_finish)
	struct sl_buf hex = SL_BUF_INIT;
	sl_text_hex(&hex, "\x00\x9f\xff", 3);
	assert_string_equal(sl_buf_str(&hex), "009fff");
}

static void a_number_is_a_number_and_nothing_else(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t min, max;
		bool ok;
		int64_t value;
	} rows[] = {
		{"0", 0, 0, true, 0},
		{"-1", -1, 1, true, -1},
		{"007", 0, 10, true, 7},
		{"9223372036854775807", 0, INT64_MAX, true, INT64_MAX},
		{"-9223372036854775808", INT64_MIN, 0, true, INT64_MIN},
		{"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
		{"11", 0, 10, false, 0},
		{"-1", 0, 10, false, 0},
		{"", 0, 10, false, 0},
		{"-", -10, 10, false, 0},
		{"+1", 0, 10, false, 0},
		{" 1", 0, 10, false, 0},
		{"1 ", 0, 10, false, 0},
		{"1.0", 0, 10, false, 0},
		{"0x1", 0, 10, false, 0},
		{"--1", -10, 10, false, 0},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		int64_t value = 42;
		bool ok = sl_text_parse_i64(rows[i].text, rows[i].min, rows[i].max, &value);
		assert_int_equal(ok, rows[i].ok);
		assert_int_equal(value, rows[i].ok ? rows[i].value : 42);
	}
}

/* --- clock --------------------------------------------------------------------------------- */

static void rfc_3339_times_are_read_exactly(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		int64_t ms;
	} rows[] = {
		{"1970-01-01T00:00:00Z", true, 0},
		{"1970-01-01T00:00:00.001Z", true, 1},
		{"1969-12-31T23:59:59.999Z", true, -1},
		{"2000-02-29T00:00:00Z", true, 951782400000},
		{"2024-02-29T12:00:00.5Z", true, 1709208000500},
		{"2024-02-29T12:00:00.123456789Z", true, 1709208000123},
		{"2024-02-29T12:00:00+05:30", true, 1709188200000},
		{"2024-02-29T12:00:00-08:00", true, 1709236800000},
		{"2016-12-31T23:59:60Z", true, 1483228800000},
		{"2038-01-19T03:14:08Z", true, 2147483648000},
		{"9999-12-31T23:59:59.999Z", true, 253402300799999},
		{"2023-02-29T00:00:00Z", false, 0},
		{"1900-02-29T00:00:00Z", false, 0},
		{"2024-00-01T00:00:00Z", false, 0},
		{"2024-13-01T00:00:00Z", false, 0},
		{"2024-04-31T00:00:00Z", false, 0},
		{"2024-01-00T00:00:00Z", false, 0},
		{"2024-01-01T24:00:00Z", false, 0},
		{"2024-01-01T00:60:00Z", false, 0},
		{"2024-01-01T00:00:61Z", false, 0},
		{"2024-01-01T00:00:00", false, 0},
		{"2024-01-01T00:00:00.Z", false, 0},
		{"2024-01-01 00:00:00Z", false, 0},
		{"2024-01-01T00:00:00+0530", false, 0},
		{"2024-01-01T00:00:00+24:00", false, 0},
		{"2024-01-01T00:00:00Zx", false, 0},
		{" 2024-01-01T00:00:00Z", false, 0},
		{"24-01-01T00:00:00Z", false, 0},
		{"", false, 0},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		int64_t ms = 42;
		bool ok = sl_clock_parse_rfc3339(rows[i].text, &ms);
		if (ok != rows[i].ok || ms != (ok ? rows[i].ms : 42)) {
			fail_msg("%s: %d, %lld", rows[i].text, ok, (long long)ms);
		}
	}
}

static void times_are_written_in_both_forms(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *rfc3339, *amz;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z", "19700101T000000Z"},
		{-1, "1969-12-31T23:59:59.999Z", "19691231T235959Z"},
		{1709208000500, "2024-02-29T12:00:00.500Z", "20240229T120000Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		char rfc3339[SL_CLOCK_RFC3339_SIZE];
		char amz[SL_CLOCK_AMZ_SIZE];
		int64_t back;
		sl_clock_rfc3339(rows[i].ms, rfc3339);
		assert_string_equal(rfc3339, rows[i].rfc3339);
		sl_clock_amz(rows[i].ms, amz);
		assert_string_equal(amz, rows[i].amz);
		assert_true(sl_clock_parse_amz(amz, &back));
		assert_int_equal(back, rows[i].ms - (rows[i].ms % 1000 + 1000) % 1000);
	}
	static const char *const refused[] = {"", "20240229T120000", "2024-02-29T12:00:00Z",
		"20230229T120000Z", "20240229T120000Zx", "20240229120000Z"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(refused); i++) {
		int64_t ms;
		assert_false(sl_clock_parse_amz(refused[i], &ms));
	}
}

static void a_time_beyond_all_calendars_is_still_text(void **state)
{
	(void)state;
	static const int64_t extremes[] = {INT64_MIN, INT64_MAX, -62167219200001, 253402300800000};
	for (size_t i = 0; i < SL_ARRAY_SIZE(extremes); i++) {
		char rfc3339[SL_CLOCK_RFC3339_SIZE];
		char amz[SL_CLOCK_AMZ_SIZE];
		sl_clock_rfc3339(extremes[i], rfc3339);
		sl_clock_amz(extremes[i], amz);
		assert_int_equal(strlen(rfc3339), SL_CLOCK_RFC3339_SIZE - 1);
		assert_int_equal(strlen(amz), SL_CLOCK_AMZ_SIZE - 1);
	}
}

/* --- uuid ---------------------------------------------------------------------------------- */

static void uuids_are_version_7_and_sort_by_creation(void **state)
{
	(void)state;
	char last[SL_UUID_SIZE] = "";
	for (int i = 0; i < 100000; i++) {
		char id[SL_UUID_SIZE];
		sl_uuid_create(id);
		assert_true(sl_uuid_valid(id));
		assert_int_equal(id[14], '7');
		assert_non_null(strchr("89ab", id[19]));
		assert_true(strcmp(last, id) < 0);
		memcpy(last, id, sizeof(last));
	}
	static const char *const bad[] = {"", "0192f3c0-7b1e-7abc-8def-0123456789a",
		"0192f3c0-7b1e-7abc-8def-0123456789abc", "0192F3C0-7b1e-7abc-8def-0123456789ab",
		"0192f3c07-b1e-7abc-8def-0123456789ab", "0192f3c0-7b1e-7abc-8def-0123456789ag",
		"{192f3c0-7b1e-7abc-8def-0123456789a}"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(bad); i++) {
		assert_false(sl_uuid_valid(bad[i]));
	}
}

/* --- err ----------------------------------------------------------------------------------- */

static void the_catalogue_is_complete_and_its_codes_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SL_ERR_COUNT_; i++) {
		enum sl_err err = (enum sl_err)i;
		const char *code = sl_err_code(err);
		assert_int_equal(
			sl_err_from_code(code), i); /* the first with this code is itself */
		assert_int_equal(
			strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(code));
		assert_true(strlen(sl_err_title(err)) > 0);
		int status = sl_err_status(err);
		assert_true(status == 200 || (status >= 400 && status <= 599));
		if (sl_err_retryable(err)) {
			assert_true(status >= 500 || status == 429 || status == 409);
		}
	}
	assert_int_equal(sl_err_from_code("no such code"), SL_ERR_INTERNAL);
	assert_int_equal(sl_err_from_code(NULL), SL_ERR_INTERNAL);
	assert_string_equal(sl_err_code((enum sl_err)(-1)), "internal");
	assert_string_equal(sl_err_code(SL_ERR_COUNT_), "internal");
}

static void an_error_is_set_replaced_and_moved(void **state)
{
	(void)state;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_int_equal(sl_error_set(NULL, SL_ERR_IO, "%d", 1), SL_ERR_IO);
	assert_int_equal(
		sl_error_set_at(&error, SL_ERR_BAD_VALUE, "/a", "first %d", 1), SL_ERR_BAD_VALUE);
	error.provider.service = sl_strdup("s3");
	/* Its own strings may be arguments. */
	sl_error_set_at(&error, SL_ERR_IO, error.pointer, "then %s", error.detail);
	assert_string_equal(error.detail, "then first 1");
	assert_string_equal(error.pointer, "/a");
	assert_null(error.provider.service);
	struct sl_error other = SL_ERROR_INIT;
	sl_error_set(&other, SL_ERR_INTERNAL, "other");
	sl_error_move(&error, &other);
	assert_int_equal(error.code, SL_ERR_INTERNAL);
	assert_string_equal(error.detail, "other");
	assert_null(other.detail);
	sl_error_move(&error, &error);
	assert_string_equal(error.detail, "other");
	sl_error_move(NULL, &error);
	assert_int_equal(error.code, SL_ERR_OK);
}

/* --- config -------------------------------------------------------------------------------- */

struct config {
	char *text;
	char *secret;
	int64_t number;
	bool flag;
	int level;
	struct sl_config_list list;
};

static const char *const levels[] = {"low", "high", NULL};

static const struct sl_config_field config_table[] = {
	{"T_TEXT", SL_CONFIG_STR, offsetof(struct config, text), "dflt", 0, 0, NULL, 0, "A text."},
	{"T_SECRET", SL_CONFIG_STR, offsetof(struct config, secret), NULL, 0, 0, NULL,
		SL_CONFIG_SECRET | SL_CONFIG_REQUIRED, "A secret."},
	{"T_NUMBER", SL_CONFIG_INT, offsetof(struct config, number), "5", 1, 9, NULL, 0, "In s."},
	{"T_FLAG", SL_CONFIG_BOOL, offsetof(struct config, flag), "no", 0, 0, NULL, 0, "A flag."},
	{"T_LEVEL", SL_CONFIG_ENUM, offsetof(struct config, level), "high", 0, 0, levels, 0,
		"How."},
	{"T_LIST", SL_CONFIG_LIST, offsetof(struct config, list), "", 0, 0, NULL, 0, "Many."},
	{NULL, SL_CONFIG_END_, 0, NULL, 0, 0, NULL, 0, NULL},
};

static void configuration_has_defaults_and_is_printed_without_secrets(void **state)
{
	(void)state;
	char *environment[] = {(char[]){"PATH=/bin"}, (char[]){"T_SECRET=geheim"},
		(char[]){"T_FLAG=yes"}, (char[]){"T_LIST= a,b ,,c"}, (char[]){"T_TEXT="}, NULL};
	struct config config;
	assert_int_equal(sl_config_load(config_table, "T_", environment, &config, NULL), SL_ERR_OK);
	assert_string_equal(config.text, "dflt");
	assert_int_equal(config.number, 5);
	assert_true(config.flag);
	assert_int_equal(config.level, 1);
	assert_int_equal(config.list.count, 3);
	assert_string_equal(config.list.items[1], "b");
	char *printed = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&printed, &len);
	sl_config_print(config_table, &config, out);
	fclose(out);
	assert_null(strstr(printed, "geheim"));
	assert_non_null(strstr(printed, "T_SECRET=***\n"));
	assert_non_null(strstr(printed, "T_FLAG=yes\n"));
	assert_non_null(strstr(printed, "T_LEVEL=high\n"));
	assert_non_null(strstr(printed, "T_LIST=a,b,c\n"));
	free(printed);
	sl_config_finish(config_table, &config);
	assert_null(config.text);
	assert_null(config.list.items);
}

static void configuration_that_is_wrong_is_refused_with_the_variable(void **state)
{
	(void)state;
	static const struct {
		const char *setting, *told;
	} rows[] = {
		{"T_TYPO=1", "T_TYPO"},
		{"T_=1", "T_ "},
		{"T_NUMBER=10", "T_NUMBER is \"10\"; it must be a whole number from 1 to 9"},
		{"T_NUMBER=5s", "T_NUMBER"},
		{"T_FLAG=maybe", "yes or no"},
		{"T_LEVEL=mid", "one of: low, high"},
		{"T_SECRET=", "T_SECRET is not set"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_freep)
		char *setting = sl_strdup(rows[i].setting);
		char *environment[] = {setting, (char[]){"T_SECRET=x"}, NULL};
		struct config config;
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		assert_int_equal(sl_config_load(config_table, "T_", environment, &config, &error),
			SL_ERR_CONFIG);
		if (strstr(error.detail, rows[i].told) == NULL) {
			fail_msg("%s: %s", rows[i].setting, error.detail);
		}
		assert_null(config.text);
	}
}

/* --- log ----------------------------------------------------------------------------------- */

static int real_stderr;
static int pipe_ends[2];

static void capture(void)
{
	assert_int_equal(pipe(pipe_ends), 0);
	real_stderr = dup(STDERR_FILENO);
	dup2(pipe_ends[1], STDERR_FILENO);
	close(pipe_ends[1]);
}

/* What was written since capture(), without its time. */
static const char *captured(void)
{
	static char text[4096];
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	ssize_t len = read(pipe_ends[0], text, sizeof(text) - 1);
	close(pipe_ends[0]);
	text[len > 0 ? len : 0] = '\0';
	const char *level = strstr(text, " level=");
	return level != NULL ? level + 1 : text;
}

static void no_value_forges_a_log_line(void **state)
{
	(void)state;
	static const struct {
		const char *value, *logged;
	} rows[] = {
		{"plain", "plain"},
		{"a/b?c&d", "a/b?c&d"},
		{"", "\"\""},
		{"a b", "\"a b\""},
		{"a=b", "\"a=b\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"a\nlevel=error", "\"a\\nlevel=error\""},
		{"a\rb\tc\x1b[31m", "\"a\\x0db\\x09c\\x1b[31m\""},
		{"\x7f", "\"\\x7f\""},
		{"한국", "한국"},
		{"\xff", "\"\\xff\""},
		{"a\xc2\x9b"
		 "1m",
			"\"a\\xc2\\x9b1m\""}, /* a terminal takes it for ESC [ */
		{"a\xe2\x80\xa8"
		 "b",
			"\"a\\xe2\\x80\\xa8b\""}, /* a line end to some readers */
		{"한\xed", "\"한\\xed\""},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		capture();
		sl_log(SL_LOG_INFO, "it happened", SL_F("v", rows[i].value), SL_F_END);
		SL_AUTO(sl_freep)
		char *expected =
			sl_asprintf("level=info msg=\"it happened\" v=%s\n", rows[i].logged);
		assert_string_equal(captured(), expected);
	}
}

static void log_fields_numbers_secrets_and_levels(void **state)
{
	(void)state;
	capture();
	sl_log(SL_LOG_DEBUG, "unseen", SL_F_END);
	sl_log(SL_LOG_WARN, "seen", SL_F("absent", NULL), SL_F_I64("n", -5), SL_F_SECRET("key"),
		SL_F_END);
	assert_string_equal(captured(), "level=warn msg=seen n=-5 key=***\n");
	capture();
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	sl_error_set_at(&error, SL_ERR_AWS_REJECTED, "/a", "no such queue");
	error.provider.service = sl_strdup("mediaconvert");
	error.provider.request_id = sl_strdup("r");
	sl_log_error(SL_LOG_ERROR, "step failed", &error, SL_F("video_id", "v"), SL_F_END);
	assert_string_equal(captured(),
		"level=error msg=\"step failed\" video_id=v err=aws_rejected "
		"detail=\"no such queue\" pointer=/a provider=mediaconvert "
		"provider_request_id=r\n");
	assert_int_equal(sl_log_level_parse("warn"), SL_LOG_WARN);
	assert_int_equal(sl_log_level_parse("WARN"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_and_keeps_its_nul),
		cmocka_unit_test(percent_encoding_has_one_form),
		cmocka_unit_test(percent_decoding_refuses_broken_escapes),
		cmocka_unit_test(base64_follows_rfc_4648),
		cmocka_unit_test(utf8_is_what_rfc_3629_says),
		cmocka_unit_test(small_questions_about_strings),
		cmocka_unit_test(a_number_is_a_number_and_nothing_else),
		cmocka_unit_test(rfc_3339_times_are_read_exactly),
		cmocka_unit_test(times_are_written_in_both_forms),
		cmocka_unit_test(a_time_beyond_all_calendars_is_still_text),
		cmocka_unit_test(uuids_are_version_7_and_sort_by_creation),
		cmocka_unit_test(the_catalogue_is_complete_and_its_codes_unique),
		cmocka_unit_test(an_error_is_set_replaced_and_moved),
		cmocka_unit_test(configuration_has_defaults_and_is_printed_without_secrets),
		cmocka_unit_test(configuration_that_is_wrong_is_refused_with_the_variable),
		cmocka_unit_test(no_value_forges_a_log_line),
		cmocka_unit_test(log_fields_numbers_secrets_and_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
