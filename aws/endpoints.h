/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ENDPOINTS_H
#define SL_ENDPOINTS_H

/*
 * Hosts of the services: regions, partitions, FIPS, dual-stack, configured URLs, and where an S3
 * bucket is addressed. Pure functions, thread-safe.
 */

#include <stdbool.h>

#include "call.h"

struct sl_partition {
	const char *name;             /* "aws-cn", as in ARNs */
	const char *suffix;           /* "amazonaws.com.cn" */
	const char *dualstack_suffix; /* or NULL: there is none */
};

/** The partition of a region; an unknown region is taken to be of "aws". */
const struct sl_partition *sl_partition_of(const char *region);

struct sl_endpoint_settings {
	const char *region;
	bool fips;
	bool dualstack;
	const char *urls[SL_SERVICE_COUNT_]; /* configured endpoint of each service, or NULL */
};

/* Where a request goes. Strings are owned. */
struct sl_endpoint {
	bool https;
	char *host;      /* as in the Host header: lower-case, ":port" only when not the default */
	char *base_path; /* put before the path of the request: "", "/bucket", "/prefix/bucket" */
	char *signing_region;
	const char *signing_name; /* static: "s3" */
	bool custom;              /* a configured URL, not AWS's own host */
};
void sl_endpoint_finish(struct sl_endpoint *endpoint);

/** CONFIG: a configured URL that is none, or that is combined with FIPS or dual-stack; a partition
 *  without that variant. `bucket`: S3 only, may be NULL. */
SL_MUST_CHECK enum sl_err sl_endpoint_resolve(const struct sl_endpoint_settings *settings,
	enum sl_service service, const char *bucket, struct sl_endpoint *ret,
	struct sl_error *reterr);

/** "s3", "mediaconvert", …: host prefix, signing name and provider.service. */
const char *sl_service_name(enum sl_service service);

/** The service's id as settings have it: "s3", but "eventbridge" for events. */
const char *sl_service_id(enum sl_service service);

/** How the service talks. */
enum sl_protocol sl_service_protocol(enum sl_service service);

#endif
