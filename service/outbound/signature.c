/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed is "<id>.<timestamp>.<body>", with each key that is in use. */

#include "signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "mem.h"
#include "text.h"

static const char secret_prefix[] = "whsec_";

bool sl_signature_key_parse(const char *secret, struct sl_signature_key *ret)
{
	if (!sl_text_starts_with(secret, secret_prefix)) {
		return false;
	}
	const char *text = secret + sizeof(secret_prefix) - 1;
	struct sl_buf bytes = SL_BUF_INIT;
	bool valid = sl_text_base64_decode(&bytes, text, strlen(text)) &&
		bytes.len >= SL_SIGNATURE_KEY_MIN && bytes.len <= SL_SIGNATURE_KEY_MAX;
	if (valid) {
		memcpy(ret->bytes, bytes.data, bytes.len);
		ret->len = bytes.len;
	}
	if (bytes.data != NULL) {
		OPENSSL_cleanse(bytes.data, bytes.len);
	}
	sl_buf_finish(&bytes);
	return valid;
}

void sl_signature_key_finish(struct sl_signature_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

void sl_signature_add(struct sl_buf *out, const struct sl_signature_key *keys, size_t count,
	const char *id, int64_t timestamp_s, const char *body, size_t body_len)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_buf_printf(&text, "%s.%lld.", id, (long long)timestamp_s);
	sl_buf_add(&text, body, body_len);
	for (size_t i = 0; i < count; i++) {
		unsigned char digest[EVP_MAX_MD_SIZE];
		unsigned digest_len = 0;
		if (HMAC(EVP_sha256(), keys[i].bytes, (int)keys[i].len,
			    (const unsigned char *)text.data, text.len, digest,
			    &digest_len) == NULL) {
			SL_BUG("no HMAC");
		}
		sl_buf_puts(out, i > 0 ? " v1," : "v1,");
		sl_text_base64(out, digest, digest_len);
	}
}
