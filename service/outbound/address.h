/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ADDRESS_H
#define SL_ADDRESS_H

/*
 * Which network addresses a stranger may have us connect to: those of the public internet, and
 * what the operator names. Pure functions, thread-safe.
 */

#include <stdbool.h>
#include <sys/socket.h>

#include "defs.h"
#include "err.h"

struct sl_network {
	int family; /* AF_INET or AF_INET6 */
	unsigned char bytes[16];
	unsigned prefix_len; /* bits */
};

struct sl_networks {
	struct sl_network *items;
	size_t count;
};

/** Reads "10.0.0.0/8", "fd00::/8", or an address alone. False when it is none of them, or has
 *  bits behind its prefix. */
SL_MUST_CHECK bool sl_network_parse(const char *text, struct sl_network *ret);

/** Reads a list; CONFIG names the item that is wrong. `ret` owns nothing then. */
SL_MUST_CHECK enum sl_err sl_networks_parse(
	char *const *texts, size_t count, struct sl_networks *ret, struct sl_error *reterr);
void sl_networks_finish(struct sl_networks *networks);

/**
 * NULL when the address may be connected to; else what it is, as a literal: "a loopback address".
 * Refused is all that IANA's special-purpose registries do not call globally reachable, what
 * carries another address inside (mapped, NAT64, 6to4, Teredo), and cloud metadata services; each
 * unless a network of `allowed` (may be NULL) has it, in the same family.
 */
const char *sl_address_refusal(const struct sockaddr *address, const struct sl_networks *allowed);

/** Reads the host of a URL when it is an address and no name: IPv6 in brackets, and IPv4 in every
 *  spelling that inet_aton() knows ("127.1", "0x7f000001", "017700000001"), final dot or not. */
SL_MUST_CHECK bool sl_address_of_host(const char *host, struct sockaddr_storage *ret);

/** "127.0.0.1" or "::1", for people. */
#define SL_ADDRESS_TEXT_SIZE 64
void sl_address_text(const struct sockaddr *address, char ret[static SL_ADDRESS_TEXT_SIZE]);

#endif
