/* SPDX-License-Identifier: Apache-2.0 */
/* base: one test a promise of its headers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"

static void error_codes_are_unique_and_found_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SL_ERR_COUNT_; i++) {
		const char *code = sl_err_code((enum sl_err)i);
		assert_int_equal(sl_err_from_code(code), i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_codes_are_unique_and_found_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
