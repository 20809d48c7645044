/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's numbers: 38 significant decimal digits, magnitude 1e-130 to 9.99…e+125. Pure
 * functions, any thread.
 */

#include <ctype.h>
#include <string.h>

#include "lc_dynamodb.h"

enum { EXPONENT_MIN = -130, EXPONENT_MAX = 125, DIGITS_MAX = 38 };

static bool number_invalid(const char *text, struct lc_ddb_error *error)
{
	return lc_ddb_fail(error, LC_DDB_VALIDATION,
		"The parameter cannot be converted to a numeric value: %s", text);
}

/* Reads "e±digits"; the value is clamped far outside of the range of numbers. */
static bool exponent_parse(const char **cursor, int *ret)
{
	const char *p = *cursor;
	bool negative = false;
	if (*p == '+' || *p == '-') {
		negative = *p++ == '-';
	}
	if (!isdigit((unsigned char)*p)) {
		return false;
	}
	int value = 0;
	for (; isdigit((unsigned char)*p); p++) {
		if (value < 1000000) {
			value = value * 10 + (*p - '0');
		}
	}
	*ret = negative ? -value : value;
	*cursor = p;
	return true;
}

/* The digits as written, gathered: how many significant ones, and where the point was. */
struct mantissa {
	unsigned char digits[DIGITS_MAX];
	int significant;  /* without leading zeros; may exceed DIGITS_MAX */
	int last_nonzero; /* position after the last digit that is not zero */
	int before_point; /* significant digits before the point, negative: zeros after it */
	bool any;
};

static bool mantissa_parse(const char **cursor, struct mantissa *mantissa)
{
	bool point = false;
	const char *p = *cursor;
	for (; isdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		mantissa->any = true;
		if (mantissa->significant == 0 && *p == '0') {
			mantissa->before_point -= point;
			continue;
		}
		if (mantissa->significant < DIGITS_MAX) {
			mantissa->digits[mantissa->significant] = (unsigned char)(*p - '0');
		}
		mantissa->significant++;
		mantissa->before_point += !point;
		if (*p != '0') {
			mantissa->last_nonzero = mantissa->significant;
		}
	}
	*cursor = p;
	return mantissa->any;
}

static bool number_limits(int exponent, int count, struct lc_ddb_error *error)
{
	if (exponent > EXPONENT_MAX) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Number overflow. Attempting to store a number with magnitude larger than "
			"supported range");
	}
	if (exponent < EXPONENT_MIN) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Number underflow. Attempting to store a number with magnitude smaller "
			"than "
			"supported range");
	}
	if (count > DIGITS_MAX) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Attempting to store more than 38 significant digits in a Number");
	}
	return true;
}

bool lc_ddb_number_parse(const char *text, struct lc_ddb_number *ret, struct lc_ddb_error *error)
{
	if (text[0] == '\0') {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"The parameter cannot be converted to a numeric value");
	}
	const char *p = text;
	bool negative = *p == '-';
	p += negative;
	struct mantissa mantissa = {.any = false};
	if (!mantissa_parse(&p, &mantissa)) {
		return number_invalid(text, error);
	}
	int exponent = 0;
	if (*p == 'e' || *p == 'E') {
		p++;
		if (!exponent_parse(&p, &exponent)) {
			return number_invalid(text, error);
		}
	}
	if (*p != '\0') {
		return number_invalid(text, error);
	}
	struct lc_ddb_number number = {.negative = false};
	if (mantissa.last_nonzero > 0) {
		number.exponent = exponent + mantissa.before_point - 1;
		if (!number_limits(number.exponent, mantissa.last_nonzero, error)) {
			return false;
		}
		number.negative = negative;
		number.count = mantissa.last_nonzero;
		memcpy(number.digits, mantissa.digits, (size_t)number.count);
	}
	*ret = number;
	return true;
}

void lc_ddb_number_print(struct sl_buf *out, const struct lc_ddb_number *number)
{
	if (number->count == 0) {
		sl_buf_putc(out, '0');
		return;
	}
	if (number->negative) {
		sl_buf_putc(out, '-');
	}
	if (number->exponent < 0) {
		sl_buf_puts(out, "0.");
		for (int i = -1; i > number->exponent; i--) {
			sl_buf_putc(out, '0');
		}
	}
	int last = number->count - 1 > number->exponent ? number->count - 1 : number->exponent;
	for (int i = 0; i <= last; i++) {
		unsigned digit = i < number->count ? number->digits[i] : 0;
		sl_buf_putc(out, "0123456789"[digit]);
		if (i == number->exponent && i < number->count - 1) {
			sl_buf_putc(out, '.');
		}
	}
}

/* Order of magnitudes. */
static int magnitude_compare(const struct lc_ddb_number *a, const struct lc_ddb_number *b)
{
	if (a->count == 0 || b->count == 0) {
		return (a->count != 0) - (b->count != 0);
	}
	if (a->exponent != b->exponent) {
		return a->exponent < b->exponent ? -1 : 1;
	}
	int common = a->count < b->count ? a->count : b->count;
	int order = memcmp(a->digits, b->digits, (size_t)common);
	if (order != 0) {
		return order < 0 ? -1 : 1;
	}
	return (a->count > b->count) - (a->count < b->count);
}

int lc_ddb_number_compare(const struct lc_ddb_number *a, const struct lc_ddb_number *b)
{
	if (a->negative != b->negative) {
		return a->negative ? -1 : 1;
	}
	return a->negative ? magnitude_compare(b, a) : magnitude_compare(a, b);
}

/* Fixed point over the whole range: cell i is the digit of 10^(EXPONENT_MAX + 1 - i). */
enum { CELLS = EXPONENT_MAX - EXPONENT_MIN + DIGITS_MAX + 2 };

static void cells_add(int cells[CELLS], const struct lc_ddb_number *number, int sign)
{
	for (int i = 0; i < number->count; i++) {
		cells[EXPONENT_MAX + 1 - number->exponent + i] += sign * number->digits[i];
	}
}

bool lc_ddb_number_add(const struct lc_ddb_number *a, const struct lc_ddb_number *b, bool subtract,
	struct lc_ddb_number *ret, struct lc_ddb_error *error)
{
	struct lc_ddb_number second = *b;
	second.negative = b->count != 0 && b->negative != subtract;
	/* The sign of the sum is that of the larger magnitude; count in its direction. */
	bool negative = magnitude_compare(a, &second) >= 0 ? a->negative : second.negative;
	int cells[CELLS] = {0};
	cells_add(cells, a, a->negative == negative ? 1 : -1);
	cells_add(cells, &second, second.negative == negative ? 1 : -1);
	for (int i = CELLS - 1; i > 0; i--) {
		int carry = cells[i] < 0 ? -1 : cells[i] / 10;
		cells[i] -= carry * 10;
		cells[i - 1] += carry;
	}
	int first = 0, last = CELLS - 1;
	while (first < CELLS && cells[first] == 0) {
		first++;
	}
	struct lc_ddb_number sum = {.negative = false};
	if (first < CELLS) {
		while (cells[last] == 0) {
			last--;
		}
		sum.exponent = EXPONENT_MAX + 1 - first;
		sum.count = last - first + 1;
		if (!number_limits(sum.exponent, sum.count, error)) {
			return false;
		}
		sum.negative = negative;
		for (int i = 0; i < sum.count; i++) {
			sum.digits[i] = (unsigned char)cells[first + i];
		}
	}
	*ret = sum;
	return true;
}

void lc_ddb_number_order(struct sl_buf *out, const struct lc_ddb_number *number)
{
	if (number->count == 0) {
		sl_buf_putc(out, (char)0x80);
		return;
	}
	unsigned char flip = number->negative ? 0xff : 0;
	unsigned char head[2] = {number->negative ? 0x7f : 0x81,
		(unsigned char)((number->exponent - EXPONENT_MIN) ^ flip)};
	sl_buf_add(out, head, sizeof(head));
	for (int i = 0; i < number->count; i++) {
		/* From 1, so that no flipped digit equals the end below. */
		unsigned char digit = (unsigned char)((number->digits[i] + 1) ^ flip);
		sl_buf_add(out, &digit, 1);
	}
	if (number->negative) {
		/* A longer negative number is the smaller one: end above every flipped digit. */
		sl_buf_putc(out, (char)0xff);
	}
}
