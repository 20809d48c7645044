/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization header as anyone sends it, and what is taken for a token. */

#include <string.h>

#include "buf.h"
#include "cors.h"
#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_token(const char *token, size_t len)
{
	if (len == 0 || memchr(token, ' ', len) != NULL || memchr(token, ',', len) != NULL) {
		SL_BUG("credentials have what a token cannot");
	}
	unsigned char hash[SL_TOKEN_HASH_LEN];
	sl_token_hash(token, len, hash);
	if (sl_token_plausible(token, len) && !sl_token_occurs(token)) {
		SL_BUG("a token is not seen in a text");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_buf_add(&text, data, size);
	const char *header = sl_buf_str(&text);
	const char *token = NULL;
	size_t len = 0;
	if (sl_bearer_parse(header, &token, &len) == SL_BEARER_GIVEN) {
		if (token < header || token + len > header + strlen(header)) {
			SL_BUG("the token is not in its header");
		}
		check_token(token, len);
	}
	(void)sl_token_plausible(header, strlen(header));
	(void)sl_token_name_valid(header);
	struct sl_cors *cors = NULL;
	if (sl_cors_create("X", &header, 1, &cors, NULL) == SL_ERR_OK) {
		const char *allowed = sl_cors_allows(cors, header);
		if (allowed == NULL || strpbrk(allowed, "\r\n ,") != NULL) {
			SL_BUG("an origin is allowed that is none");
		}
	}
	sl_cors_destroy(cors);
	return 0;
}
