/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_REACH_H
#define SL_REACH_H

/*
 * Whether an address can be reached, and if not, how far one comes: name, connection, TLS, answer.
 * Nothing is signed and no key is sent. For `spotlist doctor`.
 */

#include <stdbool.h>

#include "call.h"

/* What became of one address. Strings are owned, and hold no user and password. */
struct sl_reach {
	enum sl_service service; /* in: see sl_reach_service() */
	const char *bucket;      /* in: S3 only, or NULL; borrowed */
	char *url;
	char *proxy;         /* "host:port" that the environment names for this host; or NULL */
	char *detail;        /* what went wrong and what to do; NULL: nothing */
	char *issuer;        /* of a certificate that is not trusted; or NULL */
	char *subject;       /* whom it is for; or NULL */
	bool reached;        /* an answer came that can be the service's */
	bool bad_tls;        /* no TLS, or with a certificate that is not trusted */
	char *bucket_region; /* x-amz-bucket-region; or NULL */
	bool has_date;
	int64_t clock_offset_ms; /* the answer's clock minus ours */
};
void sl_reach_finish(struct sl_reach *reach);

/** Asks the endpoints of services side by side; ends after `timeout_ms`, and as much again when
 *  a certificate has to be looked at. Fills `targets`. */
void sl_reach_services(
	struct sl_aws *aws, struct sl_reach *targets, size_t count, int64_t timeout_ms);

#endif
