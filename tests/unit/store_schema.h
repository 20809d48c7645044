/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_STORE_SCHEMA_H
#define SL_STORE_SCHEMA_H

/* The one migrated database that all tests of a program share, for cmocka's group fixtures. Of the
 * migrations that the program is linked with: store/'s own or the tests'. */

#include <stdlib.h>

#include "migrate.h"
#include "store_fixture.h"

static char *conninfo;

static int set_up(void **state)
{
	(void)state;
	conninfo = fixture_database();
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_migrate(conninfo, NULL, NULL, &error), &error);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(conninfo);
	conninfo = NULL;
	return 0;
}

#endif
