/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts: sl_endpoint_resolve() from settings, service and bucket. Pure; any thread. */

#include "endpoints.h"

#include <ctype.h>
#include <string.h>

#include "mem.h"
#include "text.h"

/* A "-fips" suffix is the rule; these are the ways out of it. */
enum fips_form {
	FIPS_SUFFIX,    /* rekognition-fips.us-east-1 */
	FIPS_SUBDOMAIN, /* fips.transcribe.us-east-1 */
	FIPS_PLAIN,     /* dynamodb.us-gov-west-1 is FIPS already */
};

static const struct {
	const char *name;
	enum sl_protocol protocol;
	enum fips_form fips;     /* where the partition is aws */
	enum fips_form fips_gov; /* where it is aws-us-gov */
} services[SL_SERVICE_COUNT_] = {
	[SL_SERVICE_S3] = {"s3", SL_PROTOCOL_REST_XML, FIPS_SUFFIX, FIPS_SUFFIX},
	[SL_SERVICE_MEDIACONVERT] = {"mediaconvert", SL_PROTOCOL_REST_JSON, FIPS_SUFFIX,
		FIPS_PLAIN},
	[SL_SERVICE_REKOGNITION] = {"rekognition", SL_PROTOCOL_JSON, FIPS_SUFFIX, FIPS_SUFFIX},
	[SL_SERVICE_TRANSCRIBE] = {"transcribe", SL_PROTOCOL_JSON, FIPS_SUBDOMAIN, FIPS_SUBDOMAIN},
	[SL_SERVICE_DYNAMODB] = {"dynamodb", SL_PROTOCOL_JSON, FIPS_SUFFIX, FIPS_PLAIN},
	[SL_SERVICE_SNS] = {"sns", SL_PROTOCOL_QUERY, FIPS_SUFFIX, FIPS_PLAIN},
	[SL_SERVICE_STS] = {"sts", SL_PROTOCOL_QUERY, FIPS_SUFFIX, FIPS_PLAIN},
	[SL_SERVICE_IAM] = {"iam", SL_PROTOCOL_QUERY, FIPS_SUFFIX, FIPS_PLAIN},
	[SL_SERVICE_SQS] = {"sqs", SL_PROTOCOL_JSON, FIPS_SUFFIX, FIPS_PLAIN},
	[SL_SERVICE_EVENTS] = {"events", SL_PROTOCOL_JSON, FIPS_SUFFIX, FIPS_PLAIN},
};

/* First match by prefix of the region; the last row matches all. */
static const struct {
	const char *prefix;
	struct sl_partition partition;
} partitions[] = {
	{"cn-", {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"}},
	{"us-gov-", {"aws-us-gov", "amazonaws.com", "api.aws"}},
	{"eusc-", {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"}},
	{"us-iso-", {"aws-iso", "c2s.ic.gov", NULL}},
	{"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", NULL}},
	{"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk", NULL}},
	{"us-isof-", {"aws-iso-f", "csp.hci.ic.gov", NULL}},
	{"eu-isof-", {"aws-iso-f", "csp.hci.ic.gov", NULL}},
	{"", {"aws", "amazonaws.com", "api.aws"}},
};

/* IAM is one for a whole partition, signed for the region where it is. */
static const struct global_host {
	const char *partition;
	const char *region;
	const char *host;
	const char *fips;
	const char *dualstack;
	const char *fips_dualstack;
} iam_hosts[] = {
	{"aws", "us-east-1", "iam.amazonaws.com", "iam-fips.amazonaws.com", "iam.global.api.aws",
		"iam-fips.global.api.aws"},
	{"aws-cn", "cn-north-1", "iam.cn-north-1.amazonaws.com.cn", NULL,
		"iam.global.api.amazonwebservices.com.cn", NULL},
	{"aws-us-gov", "us-gov-west-1", "iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com",
		"iam.us-gov.api.aws", "iam.us-gov.api.aws"},
	{"aws-eusc", "eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu", NULL,
		"iam.global.api.amazonwebservices.eu", NULL},
	{"aws-iso", "us-iso-east-1", "iam.us-iso-east-1.c2s.ic.gov",
		"iam-fips.us-iso-east-1.c2s.ic.gov", NULL, NULL},
	{"aws-iso-b", "us-isob-east-1", "iam.us-isob-east-1.sc2s.sgov.gov",
		"iam-fips.us-isob-east-1.sc2s.sgov.gov", NULL, NULL},
	{"aws-iso-e", "eu-isoe-west-1", "iam.eu-isoe-west-1.cloud.adc-e.uk", NULL, NULL, NULL},
	{"aws-iso-f", "us-isof-south-1", "iam.us-isof-south-1.csp.hci.ic.gov", NULL, NULL, NULL},
};

const struct sl_partition *sl_partition_of(const char *region)
{
	size_t i = 0;
	while (!sl_text_starts_with(region, partitions[i].prefix)) {
		i++;
	}
	return &partitions[i].partition;
}

const char *sl_service_name(enum sl_service service)
{
	return services[service].name;
}

const char *sl_service_id(enum sl_service service)
{
	return service == SL_SERVICE_EVENTS ? "eventbridge" : services[service].name;
}

enum sl_protocol sl_service_protocol(enum sl_service service)
{
	return services[service].protocol;
}

void sl_endpoint_finish(struct sl_endpoint *endpoint)
{
	free(endpoint->host);
	free(endpoint->base_path);
	free(endpoint->signing_region);
	*endpoint = (struct sl_endpoint){0};
}

/* Whether the bucket can be the first label of a host name that a wildcard certificate covers. */
static bool bucket_fits_host(const char *bucket)
{
	size_t len = strlen(bucket);
	if (len < 3 || len > 63 || bucket[0] == '-' || bucket[len - 1] == '-') {
		return false;
	}
	return strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static enum sl_err bad_url(
	struct sl_error *reterr, enum sl_service service, const char *url, const char *why)
{
	/* What stands before an @ may be a password. */
	const char *at = strrchr(url, '@');
	return sl_error_set(reterr, SL_ERR_CONFIG, "The endpoint URL \"%s%s\" of %s %s",
		at ? "***" : "", at ? at : url, services[service].name, why);
}

static bool has_forbidden_character(const char *url)
{
	for (const char *at = url; *at; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr("?#@\\\"<>", *at)) {
			return true;
		}
	}
	return false;
}

/* Cuts a default port off: clients leave it out of Host, and so out of the signature. False when
 * the port is no port. */
static bool drop_default_port(char *host, bool https)
{
	char *port = strrchr(host, ':');
	if (port == NULL || strchr(port, ']')) {
		return true; /* none, or inside of an IPv6 literal */
	}
	int64_t number = 0;
	if (!sl_text_parse_i64(port + 1, 1, 65535, &number)) {
		return false;
	}
	if (number == (https ? 443 : 80)) {
		*port = '\0';
	}
	return true;
}

/* "scheme://host[:port][/prefix]" and nothing else. */
static enum sl_err parse_url(
	enum sl_service service, const char *url, struct sl_endpoint *ret, struct sl_error *reterr)
{
	bool https = strncasecmp(url, "https://", 8) == 0;
	if (!https && strncasecmp(url, "http://", 7) != 0) {
		return bad_url(reterr, service, url, "must begin with http:// or https://");
	}
	if (has_forbidden_character(url)) {
		return bad_url(reterr, service, url, "may have no user, query, fragment or spaces");
	}
	const char *authority = url + (https ? 8 : 7);
	size_t host_len = strcspn(authority, "/");
	if (host_len == 0 || authority[0] == ':') {
		return bad_url(reterr, service, url, "has no host");
	}
	SL_AUTO(sl_freep)
	char *host = sl_strndup(authority, host_len);
	for (char *at = host; *at; at++) {
		*at = (char)tolower((unsigned char)*at);
	}
	if (!drop_default_port(host, https)) {
		return bad_url(reterr, service, url, "has a bad port");
	}
	const char *prefix = authority + host_len;
	size_t prefix_len = strlen(prefix);
	while (prefix_len > 0 && prefix[prefix_len - 1] == '/') {
		prefix_len--;
	}
	ret->https = https;
	ret->host = sl_take(&host);
	ret->base_path = sl_strndup(prefix, prefix_len);
	ret->custom = true;
	return SL_ERR_OK;
}

static enum sl_err resolve_custom(const struct sl_endpoint_settings *settings,
	enum sl_service service, const char *bucket, struct sl_endpoint *ret,
	struct sl_error *reterr)
{
	const char *url = settings->urls[service];
	if (settings->fips || settings->dualstack) {
		return bad_url(reterr, service, url,
			"cannot be combined with FIPS or dual-stack endpoints");
	}
	enum sl_err err = parse_url(service, url, ret, reterr);
	if (err) {
		return err;
	}
	if (bucket) {
		SL_AUTO(sl_freep)
		char *prefix = sl_take(&ret->base_path);
		ret->base_path = sl_asprintf("%s/%s", prefix, bucket);
	}
	return SL_ERR_OK;
}

static char *s3_host(
	const struct sl_endpoint_settings *settings, const struct sl_partition *partition)
{
	if (!settings->fips && !settings->dualstack && strcmp(settings->region, "us-east-1") == 0) {
		return sl_asprintf("s3.%s", partition->suffix);
	}
	return sl_asprintf("s3%s%s.%s.%s", settings->fips ? "-fips" : "",
		settings->dualstack ? ".dualstack" : "", settings->region, partition->suffix);
}

static char *service_host(const struct sl_endpoint_settings *settings, enum sl_service service,
	const struct sl_partition *partition)
{
	const char *name = services[service].name;
	const char *suffix = settings->dualstack ? partition->dualstack_suffix : partition->suffix;
	if (!settings->fips) {
		bool china = strcmp(partition->name, "aws-cn") == 0;
		bool odd = china && service == SL_SERVICE_TRANSCRIBE && !settings->dualstack;
		return sl_asprintf("%s%s.%s.%s", odd ? "cn." : "", name, settings->region, suffix);
	}
	enum fips_form form = FIPS_SUFFIX;
	if (!settings->dualstack && strcmp(partition->name, "aws") == 0) {
		form = services[service].fips;
	} else if (!settings->dualstack && strcmp(partition->name, "aws-us-gov") == 0) {
		form = services[service].fips_gov;
	}
	return sl_asprintf("%s%s%s.%s.%s", form == FIPS_SUBDOMAIN ? "fips." : "", name,
		form == FIPS_SUFFIX ? "-fips" : "", settings->region, suffix);
}

/* A partition without that variant of IAM has the plain one: there is nothing else to ask. */
static void resolve_iam(const struct sl_endpoint_settings *settings,
	const struct sl_partition *partition, struct sl_endpoint *ret)
{
	const struct global_host *row = &iam_hosts[0];
	for (size_t i = 0; i < sizeof(iam_hosts) / sizeof(iam_hosts[0]); i++) {
		row = strcmp(iam_hosts[i].partition, partition->name) == 0 ? &iam_hosts[i] : row;
	}
	const char *variant = settings->dualstack ? row->dualstack : row->host;
	if (settings->fips) {
		variant = settings->dualstack ? row->fips_dualstack : row->fips;
	}
	ret->host = sl_strdup(variant != NULL ? variant : row->host);
	ret->base_path = sl_strdup("");
	ret->signing_region = sl_strdup(row->region);
}

static enum sl_err resolve_aws(const struct sl_endpoint_settings *settings, enum sl_service service,
	const char *bucket, struct sl_endpoint *ret, struct sl_error *reterr)
{
	const struct sl_partition *partition = sl_partition_of(settings->region);
	if (settings->dualstack && !partition->dualstack_suffix) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"There are no dual-stack endpoints in region %s", settings->region);
	}
	if (settings->fips && service == SL_SERVICE_S3 && strcmp(partition->name, "aws-cn") == 0) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"There are no FIPS endpoints of S3 in region %s", settings->region);
	}
	ret->https = true;
	ret->custom = false;
	if (service == SL_SERVICE_IAM) {
		resolve_iam(settings, partition, ret);
		return SL_ERR_OK;
	}
	if (service != SL_SERVICE_S3) {
		ret->host = service_host(settings, service, partition);
		ret->base_path = sl_strdup("");
		return SL_ERR_OK;
	}
	SL_AUTO(sl_freep)
	char *host = s3_host(settings, partition);
	bool in_host = bucket && bucket_fits_host(bucket);
	bool in_path = bucket && !in_host;
	ret->host = in_host ? sl_asprintf("%s.%s", bucket, host) : sl_take(&host);
	ret->base_path = in_path ? sl_asprintf("/%s", bucket) : sl_strdup("");
	return SL_ERR_OK;
}

enum sl_err sl_endpoint_resolve(const struct sl_endpoint_settings *settings,
	enum sl_service service, const char *bucket, struct sl_endpoint *ret,
	struct sl_error *reterr)
{
	struct sl_endpoint endpoint = {0};
	enum sl_err err = settings->urls[service]
		? resolve_custom(settings, service, bucket, &endpoint, reterr)
		: resolve_aws(settings, service, bucket, &endpoint, reterr);
	if (err) {
		sl_endpoint_finish(&endpoint);
		return err;
	}
	if (endpoint.signing_region == NULL) {
		endpoint.signing_region = sl_strdup(settings->region);
	}
	endpoint.signing_name = services[service].name;
	*ret = endpoint;
	return SL_ERR_OK;
}
