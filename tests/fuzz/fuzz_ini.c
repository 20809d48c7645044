/* SPDX-License-Identifier: Apache-2.0 */
/* The shared files' parser on any bytes; what it takes can be asked for. */

#include <stdint.h>

#include "ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_ini_destroyp)
	struct sl_ini *ini = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_ini_parse((const char *)data, size, &ini, &error) != SL_ERR_OK) {
		if (!error.detail || ini) {
			SL_BUG("a refusal without words, or with a result");
		}
		return 0;
	}
	(void)sl_ini_get(ini, NULL, "default", "region");
	(void)sl_ini_get(ini, "services", "s", "s3.endpoint_url");
	(void)sl_ini_has(ini, "profile", "p");
	return 0;
}
