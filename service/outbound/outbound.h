/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OUTBOUND_H
#define SL_OUTBOUND_H

/*
 * One POST to an address that a stranger has given us, sent safely: no proxy, no redirect that
 * changes the method, no connection to what is not public (judged by the address that is really
 * connected to, so that no name and no redirect gets around it), bounded in time, TLS verified,
 * the answer's body thrown away.
 */

#include "address.h"

struct sl_outbound_policy {
	bool allow_http;            /* not only https */
	struct sl_networks allowed; /* what is not public and may be reached all the same */
	const char *ca_bundle;      /* PEM file, borrowed; NULL or "": the system's */
	int64_t timeout_ms;         /* of all hops together */
};

/** What can be said of a URL without DNS: CALLBACK_REFUSED tells why it would never be sent to.
 *  The URL is parsed by libcurl, which also sends, so that there is one opinion. Pure. */
SL_MUST_CHECK enum sl_err sl_outbound_check_url(
	const struct sl_outbound_policy *policy, const char *url, struct sl_error *reterr);

/** "https://example.com:8443": whom a URL that passed the check asks, lower-case; owned. */
char *sl_outbound_origin(const char *url);

struct sl_outbound;

/** A sender for the calling thread; `policy` must outlive it. curl_global_init() must have run. */
struct sl_outbound *sl_outbound_create(const struct sl_outbound_policy *policy);
void sl_outbound_destroy(struct sl_outbound *outbound);

struct sl_outbound_answer {
	int status;             /* HTTP status */
	int64_t retry_after_ms; /* of a 429 or 503; 0: none */
};

/**
 * Sends `body` with `headers` ("Name: value", NULL-terminated). OK when an answer came, whatever
 * its status. CALLBACK_REFUSED: the address, or the one it redirects to, is not allowed; IO: no
 * answer, or a broken one (its status is in reterr->provider.http_status); SHUTTING_DOWN.
 */
SL_MUST_CHECK enum sl_err sl_outbound_post(struct sl_outbound *outbound, const char *url,
	const char *const *headers, const char *body, size_t body_len,
	struct sl_outbound_answer *ret, struct sl_error *reterr);

/** Ends a POST under way, and every later one, with SHUTTING_DOWN. From any thread. */
void sl_outbound_interrupt(struct sl_outbound *outbound);

#endif
