/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_BODY_H
#define LC_BODY_H

/*
 * A request's body on its way in: counted against its cap, hashed, decoded when aws-chunked,
 * kept in memory or spooled to a temporary file. One per request, not thread-safe.
 */

#include <openssl/evp.h>

#include "auth.h"
#include "chunked.h"
#include "cloud.h"

#define LC_BODY_MEMORY_S3 ((uint64_t)1024 * 1024)
#define LC_BODY_CAP       ((uint64_t)32 * 1024 * 1024)
#define LC_BODY_CAP_S3    ((uint64_t)5 * 1024 * 1024 * 1024)

enum lc_body_fault {
	LC_BODY_OK,
	LC_BODY_TOO_LARGE,
	LC_BODY_BAD_CODING, /* broken or cut aws-chunked coding */
	LC_BODY_BAD_CHUNK,  /* a chunk's or the trailer's signature does not match */
	LC_BODY_BAD_DIGEST, /* Content-MD5 or x-amz-checksum-* */
	LC_BODY_IO,         /* the disk */
};

enum lc_checksum { LC_CRC32, LC_CRC32C, LC_SHA1, LC_SHA256, LC_CHECKSUM_COUNT_ };

struct lc_body {
	const struct lc_cloud *cloud;
	const struct lc_auth *auth;
	enum lc_body_fault fault;
	uint64_t cap; /* of received bytes */
	bool spool;   /* beyond LC_BODY_MEMORY_S3 go to a file */
	uint64_t received;
	uint64_t size; /* decoded */
	EVP_MD_CTX *received_sha256;
	EVP_MD_CTX *md5;      /* of the decoded bytes; NULL unless S3 */
	struct sl_buf memory; /* decoded bytes while they are few */
	char *path;           /* the spool file, or NULL */
	int fd;

	struct lc_chunked *chunked; /* NULL: not aws-chunked */
	bool chunks_signed;
	EVP_MD_CTX *chunk_sha256;
	char previous_signature[LC_CHUNKED_SIGNATURE_SIZE];
	struct sl_buf trailer_text; /* what the trailer signature is over */
	char *trailer_signature;

	char *content_md5;                   /* expected, as sent; or NULL */
	char *checksums[LC_CHECKSUM_COUNT_]; /* expected, base64; or NULL */
	uint32_t crc32, crc32c;
	EVP_MD_CTX *sha1, *sha256; /* of the decoded bytes; NULL unless expected */
};

/** For a request of which only the headers are known. */
void lc_body_init(struct lc_body *body, const struct lc_cloud *cloud,
	const struct lc_request *request, const struct lc_auth *auth);

/** Takes what arrived. After the first fault bytes are only counted. */
void lc_body_feed(struct lc_body *body, const char *bytes, size_t len);

/** At the end: checks digests and completeness, fills the request's body members. */
enum lc_body_fault lc_body_complete(
	struct lc_body *body, struct lc_request *request, char ret_md5_hex[static 33]);

/** Frees everything and removes the spool file if it is still there. */
void lc_body_finish(struct lc_body *body);

#endif
