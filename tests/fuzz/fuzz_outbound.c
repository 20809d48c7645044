/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of a callback's URL and of networks. What is accepted and is an address for the
 * system's resolver must be public by a second opinion. */

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "mem.h"
#include "outbound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool public_v4(uint32_t a)
{
	return a >> 24 != 0 && a >> 24 != 10 && a >> 24 != 127 && a >> 22 != 0x64400000 >> 22 &&
		a >> 16 != 0xa9fe && a >> 20 != 0xac1 && a >> 16 != 0xc0a8 && a >> 28 < 0xe;
}

static void second_opinion(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	bool bracket = *host == '[';
	size_t len = bracket ? strcspn(host + 1, "]") : strcspn(host, ":/?");
	SL_AUTO(sl_freep)
	char *name = sl_strndup(host + bracket, len);
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	if (getaddrinfo(name, NULL, &hints, &found) != 0) {
		return;
	}
	bool good;
	if (found->ai_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)found->ai_addr;
		good = public_v4(ntohl(v4->sin_addr.s_addr));
	} else {
		const struct sockaddr_in6 *v6 = (const void *)found->ai_addr;
		good = v6->sin6_addr.s6_addr[0] >> 5 == 1;
	}
	freeaddrinfo(found);
	if (!good) {
		SL_BUG("an address that is not public was accepted");
	}
}

static void networks(const char *text)
{
	struct sl_network network;
	if (!sl_network_parse(text, &network)) {
		return;
	}
	/* A network has its own first address. */
	struct sl_networks list = {&network, 1};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	memcpy(&v4.sin_addr, network.bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, network.bytes, sizeof(v6.sin6_addr));
	const struct sockaddr *first =
		network.family == AF_INET ? (const void *)&v4 : (const void *)&v6;
	if (sl_address_refusal(first, &list) != NULL) {
		SL_BUG("an allowed address was refused");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_freep)
	char *text = sl_strndup((const char *)data, size);
	const struct sl_outbound_policy policy = {.allow_http = true, .timeout_ms = 1000};
	struct sl_error error = SL_ERROR_INIT;
	if (sl_outbound_check_url(&policy, text, &error) == SL_ERR_OK) {
		SL_AUTO(sl_freep)
		char *origin = sl_outbound_origin(text);
		second_opinion(text);
		if (strlen(origin) < sizeof("http://a") - 1) {
			SL_BUG("an accepted URL has no origin");
		}
	}
	sl_error_finish(&error);
	struct sockaddr_storage address;
	if (sl_address_of_host(text, &address)) {
		(void)sl_address_refusal((const struct sockaddr *)&address, NULL);
	}
	networks(text);
	return 0;
}
