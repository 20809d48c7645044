/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks: a table of what is not public, and who may be connected to. Pure. */

#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

#define IPV4_BYTES  4
#define IPV6_BYTES  16
#define MAX_LITERAL 80 /* longer than any spelling of an address */

struct special {
	const char *network;
	const char *what;
};

/* https://www.iana.org/assignments/iana-ipv4-special-registry, and cloud services' own. */
static const struct special special_v4[] = {
	{"0.0.0.0/8", "an unspecified address"},
	{"10.0.0.0/8", "a private address"},
	{"100.64.0.0/10", "a carrier-grade NAT address"},
	{"127.0.0.0/8", "a loopback address"},
	{"168.63.129.16/32", "a cloud provider's internal address"},
	{"169.254.0.0/16", "a link-local address"},
	{"172.16.0.0/12", "a private address"},
	{"192.0.0.0/24", "a reserved address"},
	{"192.0.2.0/24", "a documentation address"},
	{"192.88.99.0/24", "a 6to4 relay address"},
	{"192.168.0.0/16", "a private address"},
	{"198.18.0.0/15", "a benchmarking address"},
	{"198.51.100.0/24", "a documentation address"},
	{"203.0.113.0/24", "a documentation address"},
	{"224.0.0.0/4", "a multicast address"},
	{"240.0.0.0/4", "a reserved address"},
};

/* https://www.iana.org/assignments/iana-ipv6-special-registry. Outside of 2000::/3 nothing is
 * public: those rows only tell why. */
static const struct special special_v6[] = {
	{"::/128", "an unspecified address"},
	{"::1/128", "a loopback address"},
	{"::/96", "an IPv4 address inside IPv6"},
	{"::ffff:0:0/96", "an IPv4 address inside IPv6"},
	{"::ffff:0:0:0/96", "an IPv4 address inside IPv6"},
	{"64:ff9b::/96", "a NAT64 address"},
	{"64:ff9b:1::/48", "a NAT64 address"},
	{"fc00::/7", "a private address"},
	{"fe80::/10", "a link-local address"},
	{"fec0::/10", "a site-local address"},
	{"ff00::/8", "a multicast address"},
	{"2001::/23", "a reserved address"},
	{"2001:db8::/32", "a documentation address"},
	{"2002::/16", "a 6to4 address"},
	{"3fff::/20", "a documentation address"},
};

static unsigned family_bits(int family)
{
	return family == AF_INET ? IPV4_BYTES * 8 : IPV6_BYTES * 8;
}

static bool in_network(const struct sl_network *network, int family, const unsigned char *bytes)
{
	if (network->family != family) {
		return false;
	}
	size_t whole = network->prefix_len / 8;
	unsigned rest = network->prefix_len % 8;
	if (memcmp(network->bytes, bytes, whole) != 0) {
		return false;
	}
	return rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

static bool has_bits_behind_prefix(const struct sl_network *network)
{
	for (unsigned bit = network->prefix_len; bit < family_bits(network->family); bit++) {
		if (network->bytes[bit / 8] & 0x80U >> bit % 8) {
			return true;
		}
	}
	return false;
}

bool sl_network_parse(const char *text, struct sl_network *ret)
{
	size_t len = strcspn(text, "/");
	if (len >= MAX_LITERAL) {
		return false;
	}
	char address[MAX_LITERAL] = "";
	memcpy(address, text, len);
	struct sl_network network = {.family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET};
	if (inet_pton(network.family, address, network.bytes) != 1) {
		return false;
	}
	int64_t prefix_len = family_bits(network.family);
	if (text[len] == '/' && !sl_text_parse_i64(text + len + 1, 0, prefix_len, &prefix_len)) {
		return false;
	}
	network.prefix_len = (unsigned)prefix_len;
	if (has_bits_behind_prefix(&network)) {
		return false;
	}
	*ret = network;
	return true;
}

enum sl_err sl_networks_parse(
	char *const *texts, size_t count, struct sl_networks *ret, struct sl_error *reterr)
{
	struct sl_networks networks = {sl_calloc(count + 1, sizeof(*networks.items)), count};
	for (size_t i = 0; i < count; i++) {
		if (!sl_network_parse(texts[i], &networks.items[i])) {
			sl_networks_finish(&networks);
			return sl_error_set(reterr, SL_ERR_CONFIG,
				"\"%s\" is not a network such as 10.0.0.0/8 or fd00::/8", texts[i]);
		}
	}
	*ret = networks;
	return SL_ERR_OK;
}

void sl_networks_finish(struct sl_networks *networks)
{
	free(networks->items);
	*networks = (struct sl_networks){NULL, 0};
}

static const char *find_special(
	const struct special *specials, size_t count, int family, const unsigned char *bytes)
{
	for (size_t i = 0; i < count; i++) {
		struct sl_network network;
		if (!sl_network_parse(specials[i].network, &network)) {
			SL_BUG("a network in our own table cannot be read");
		}
		if (in_network(&network, family, bytes)) {
			return specials[i].what;
		}
	}
	return NULL;
}

const char *sl_address_refusal(const struct sockaddr *address, const struct sl_networks *allowed)
{
	const unsigned char *bytes = NULL;
	if (address->sa_family == AF_INET) {
		bytes = (const void *)&((const struct sockaddr_in *)address)->sin_addr;
	} else if (address->sa_family == AF_INET6) {
		bytes = (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
	} else {
		return "not an internet address";
	}
	for (size_t i = 0; allowed != NULL && i < allowed->count; i++) {
		if (in_network(&allowed->items[i], address->sa_family, bytes)) {
			return NULL;
		}
	}
	if (address->sa_family == AF_INET) {
		return find_special(special_v4, SL_ARRAY_SIZE(special_v4), AF_INET, bytes);
	}
	const char *what = find_special(special_v6, SL_ARRAY_SIZE(special_v6), AF_INET6, bytes);
	bool global_unicast = bytes[0] >> 5 == 1; /* 2000::/3 */
	return what != NULL || global_unicast ? what : "a reserved address";
}

bool sl_address_of_host(const char *host, struct sockaddr_storage *ret)
{
	size_t len = strlen(host);
	char text[MAX_LITERAL] = "";
	if (len < 1 || len >= MAX_LITERAL) {
		return false;
	}
	if (host[0] == '[' && host[len - 1] == ']') {
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		memcpy(text, host + 1, len - 2);
		if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1) {
			return false;
		}
		*ret = (struct sockaddr_storage){0};
		memcpy(ret, &v6, sizeof(v6));
		return true;
	}
	memcpy(text, host, host[len - 1] == '.' ? len - 1 : len);
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	/* inet_aton() reads up to white space and forgets the rest. */
	if (strpbrk(text, " \t\n\v\f\r") != NULL || inet_aton(text, &v4.sin_addr) == 0) {
		return false;
	}
	*ret = (struct sockaddr_storage){0};
	memcpy(ret, &v4, sizeof(v4));
	return true;
}

void sl_address_text(const struct sockaddr *address, char ret[static SL_ADDRESS_TEXT_SIZE])
{
	ret[0] = '\0';
	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, ret,
			SL_ADDRESS_TEXT_SIZE);
	} else if (address->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, ret,
			SL_ADDRESS_TEXT_SIZE);
	}
}
