/* SPDX-License-Identifier: Apache-2.0 */
/* Price tables and amounts of dollars: what is read has every price, and none is negative. */

#include <stdint.h>

#include "buf.h"
#include "prices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_buf_add(&text, data, size);
	int64_t amount = -1;
	if (sl_dollars_parse(sl_buf_str(&text), 9, &amount) != (amount >= 0)) {
		SL_BUG("a refused amount leaves something behind, or is negative");
	}
	SL_AUTO(sl_prices_destroyp)
	struct sl_prices *prices = NULL;
	if (sl_prices_parse(sl_buf_str(&text), text.len, &prices, NULL) != SL_ERR_OK) {
		if (prices != NULL) {
			SL_BUG("a refused table leaves something behind");
		}
		return 0;
	}
	for (size_t i = 0; i < prices->region_count; i++) {
		for (int unit = 0; unit < SL_UNITS_; unit++) {
			if (prices->regions[i].nanos[unit] < 0) {
				SL_BUG("a price is negative");
			}
		}
	}
	sl_prices_choose(prices, "nowhere");
	if (prices->here != prices->fallback) {
		SL_BUG("a region that is not there has prices");
	}
	return 0;
}
