/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts of AWS in every partition and variant, configured URLs, and where buckets are addressed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "endpoints.h"

#define S3           SL_SERVICE_S3
#define MEDIACONVERT SL_SERVICE_MEDIACONVERT
#define REKOGNITION  SL_SERVICE_REKOGNITION
#define TRANSCRIBE   SL_SERVICE_TRANSCRIBE
#define DYNAMODB     SL_SERVICE_DYNAMODB
#define SNS          SL_SERVICE_SNS
#define STS          SL_SERVICE_STS
#define IAM          SL_SERVICE_IAM
#define SQS          SL_SERVICE_SQS
#define EVENTS       SL_SERVICE_EVENTS

enum variant { PLAIN, FIPS, DUAL };

/* What botocore's endpoint rules give; NULL: there is no such endpoint. */
/* clang-format off */
static const struct {
	enum sl_service service;
	const char *region;
	enum variant variant;
	const char *host;
} aws_hosts[] = {
	{IAM, "us-east-1", PLAIN, "iam.amazonaws.com"},
	{IAM, "eu-west-1", PLAIN, "iam.amazonaws.com"},
	{IAM, "eu-west-1", FIPS, "iam-fips.amazonaws.com"},
	{IAM, "eu-west-1", DUAL, "iam.global.api.aws"},
	{IAM, "cn-northwest-1", PLAIN, "iam.cn-north-1.amazonaws.com.cn"},
	{IAM, "us-gov-east-1", PLAIN, "iam.us-gov.amazonaws.com"},
	{IAM, "us-gov-east-1", FIPS, "iam.us-gov.amazonaws.com"},
	{IAM, "eusc-de-east-1", PLAIN, "iam.eusc-de-east-1.amazonaws.eu"},
	{SQS, "eu-west-1", PLAIN, "sqs.eu-west-1.amazonaws.com"},
	{SQS, "us-east-1", FIPS, "sqs-fips.us-east-1.amazonaws.com"},
	{SQS, "us-gov-west-1", FIPS, "sqs.us-gov-west-1.amazonaws.com"},
	{SQS, "cn-north-1", PLAIN, "sqs.cn-north-1.amazonaws.com.cn"},
	{EVENTS, "eu-west-1", PLAIN, "events.eu-west-1.amazonaws.com"},
	{EVENTS, "us-east-1", FIPS, "events-fips.us-east-1.amazonaws.com"},
	{EVENTS, "us-gov-west-1", FIPS, "events.us-gov-west-1.amazonaws.com"},
	{EVENTS, "us-east-1", DUAL, "events.us-east-1.api.aws"},
	{REKOGNITION, "us-east-1", PLAIN, "rekognition.us-east-1.amazonaws.com"},
	{REKOGNITION, "us-east-1", FIPS, "rekognition-fips.us-east-1.amazonaws.com"},
	{REKOGNITION, "us-east-1", DUAL, "rekognition.us-east-1.api.aws"},
	{REKOGNITION, "eu-west-1", PLAIN, "rekognition.eu-west-1.amazonaws.com"},
	{REKOGNITION, "eu-west-1", FIPS, "rekognition-fips.eu-west-1.amazonaws.com"},
	{REKOGNITION, "eu-west-1", DUAL, "rekognition.eu-west-1.api.aws"},
	{REKOGNITION, "us-gov-west-1", PLAIN, "rekognition.us-gov-west-1.amazonaws.com"},
	{REKOGNITION, "us-gov-west-1", FIPS, "rekognition-fips.us-gov-west-1.amazonaws.com"},
	{REKOGNITION, "us-gov-west-1", DUAL, "rekognition.us-gov-west-1.api.aws"},
	{REKOGNITION, "cn-north-1", PLAIN, "rekognition.cn-north-1.amazonaws.com.cn"},
	{REKOGNITION, "cn-north-1", FIPS, "rekognition-fips.cn-north-1.amazonaws.com.cn"},
	{REKOGNITION, "cn-north-1", DUAL, "rekognition.cn-north-1.api.amazonwebservices.com.cn"},
	{REKOGNITION, "eusc-de-east-1", PLAIN, "rekognition.eusc-de-east-1.amazonaws.eu"},
	{REKOGNITION, "eusc-de-east-1", FIPS, "rekognition-fips.eusc-de-east-1.amazonaws.eu"},
	{REKOGNITION, "eusc-de-east-1", DUAL, "rekognition.eusc-de-east-1.api.amazonwebservices.eu"},
	{TRANSCRIBE, "us-east-1", PLAIN, "transcribe.us-east-1.amazonaws.com"},
	{TRANSCRIBE, "us-east-1", FIPS, "fips.transcribe.us-east-1.amazonaws.com"},
	{TRANSCRIBE, "us-east-1", DUAL, "transcribe.us-east-1.api.aws"},
	{TRANSCRIBE, "eu-west-1", PLAIN, "transcribe.eu-west-1.amazonaws.com"},
	{TRANSCRIBE, "eu-west-1", FIPS, "fips.transcribe.eu-west-1.amazonaws.com"},
	{TRANSCRIBE, "eu-west-1", DUAL, "transcribe.eu-west-1.api.aws"},
	{TRANSCRIBE, "us-gov-west-1", PLAIN, "transcribe.us-gov-west-1.amazonaws.com"},
	{TRANSCRIBE, "us-gov-west-1", FIPS, "fips.transcribe.us-gov-west-1.amazonaws.com"},
	{TRANSCRIBE, "us-gov-west-1", DUAL, "transcribe.us-gov-west-1.api.aws"},
	{TRANSCRIBE, "cn-north-1", PLAIN, "cn.transcribe.cn-north-1.amazonaws.com.cn"},
	{TRANSCRIBE, "cn-north-1", FIPS, "transcribe-fips.cn-north-1.amazonaws.com.cn"},
	{TRANSCRIBE, "cn-north-1", DUAL, "transcribe.cn-north-1.api.amazonwebservices.com.cn"},
	{TRANSCRIBE, "eusc-de-east-1", PLAIN, "transcribe.eusc-de-east-1.amazonaws.eu"},
	{TRANSCRIBE, "eusc-de-east-1", FIPS, "transcribe-fips.eusc-de-east-1.amazonaws.eu"},
	{TRANSCRIBE, "eusc-de-east-1", DUAL, "transcribe.eusc-de-east-1.api.amazonwebservices.eu"},
	{MEDIACONVERT, "us-east-1", PLAIN, "mediaconvert.us-east-1.amazonaws.com"},
	{MEDIACONVERT, "us-east-1", FIPS, "mediaconvert-fips.us-east-1.amazonaws.com"},
	{MEDIACONVERT, "us-east-1", DUAL, "mediaconvert.us-east-1.api.aws"},
	{MEDIACONVERT, "eu-west-1", PLAIN, "mediaconvert.eu-west-1.amazonaws.com"},
	{MEDIACONVERT, "eu-west-1", FIPS, "mediaconvert-fips.eu-west-1.amazonaws.com"},
	{MEDIACONVERT, "eu-west-1", DUAL, "mediaconvert.eu-west-1.api.aws"},
	{MEDIACONVERT, "us-gov-west-1", PLAIN, "mediaconvert.us-gov-west-1.amazonaws.com"},
	{MEDIACONVERT, "us-gov-west-1", FIPS, "mediaconvert.us-gov-west-1.amazonaws.com"},
	{MEDIACONVERT, "us-gov-west-1", DUAL, "mediaconvert.us-gov-west-1.api.aws"},
	{MEDIACONVERT, "cn-north-1", PLAIN, "mediaconvert.cn-north-1.amazonaws.com.cn"},
	{MEDIACONVERT, "cn-north-1", FIPS, "mediaconvert-fips.cn-north-1.amazonaws.com.cn"},
	{MEDIACONVERT, "cn-north-1", DUAL, "mediaconvert.cn-north-1.api.amazonwebservices.com.cn"},
	{MEDIACONVERT, "eusc-de-east-1", PLAIN, "mediaconvert.eusc-de-east-1.amazonaws.eu"},
	{MEDIACONVERT, "eusc-de-east-1", FIPS, "mediaconvert-fips.eusc-de-east-1.amazonaws.eu"},
	{MEDIACONVERT, "eusc-de-east-1", DUAL, "mediaconvert.eusc-de-east-1.api.amazonwebservices.eu"},
	{DYNAMODB, "us-east-1", PLAIN, "dynamodb.us-east-1.amazonaws.com"},
	{DYNAMODB, "us-east-1", FIPS, "dynamodb-fips.us-east-1.amazonaws.com"},
	{DYNAMODB, "us-east-1", DUAL, "dynamodb.us-east-1.api.aws"},
	{DYNAMODB, "eu-west-1", PLAIN, "dynamodb.eu-west-1.amazonaws.com"},
	{DYNAMODB, "eu-west-1", FIPS, "dynamodb-fips.eu-west-1.amazonaws.com"},
	{DYNAMODB, "eu-west-1", DUAL, "dynamodb.eu-west-1.api.aws"},
	{DYNAMODB, "us-gov-west-1", PLAIN, "dynamodb.us-gov-west-1.amazonaws.com"},
	{DYNAMODB, "us-gov-west-1", FIPS, "dynamodb.us-gov-west-1.amazonaws.com"},
	{DYNAMODB, "us-gov-west-1", DUAL, "dynamodb.us-gov-west-1.api.aws"},
	{DYNAMODB, "cn-north-1", PLAIN, "dynamodb.cn-north-1.amazonaws.com.cn"},
	{DYNAMODB, "cn-north-1", FIPS, "dynamodb-fips.cn-north-1.amazonaws.com.cn"},
	{DYNAMODB, "cn-north-1", DUAL, "dynamodb.cn-north-1.api.amazonwebservices.com.cn"},
	{DYNAMODB, "eusc-de-east-1", PLAIN, "dynamodb.eusc-de-east-1.amazonaws.eu"},
	{DYNAMODB, "eusc-de-east-1", FIPS, "dynamodb-fips.eusc-de-east-1.amazonaws.eu"},
	{DYNAMODB, "eusc-de-east-1", DUAL, "dynamodb.eusc-de-east-1.api.amazonwebservices.eu"},
	{SNS, "us-east-1", PLAIN, "sns.us-east-1.amazonaws.com"},
	{SNS, "us-east-1", FIPS, "sns-fips.us-east-1.amazonaws.com"},
	{SNS, "us-east-1", DUAL, "sns.us-east-1.api.aws"},
	{SNS, "eu-west-1", PLAIN, "sns.eu-west-1.amazonaws.com"},
	{SNS, "eu-west-1", FIPS, "sns-fips.eu-west-1.amazonaws.com"},
	{SNS, "eu-west-1", DUAL, "sns.eu-west-1.api.aws"},
	{SNS, "us-gov-west-1", PLAIN, "sns.us-gov-west-1.amazonaws.com"},
	{SNS, "us-gov-west-1", FIPS, "sns.us-gov-west-1.amazonaws.com"},
	{SNS, "us-gov-west-1", DUAL, "sns.us-gov-west-1.api.aws"},
	{SNS, "cn-north-1", PLAIN, "sns.cn-north-1.amazonaws.com.cn"},
	{SNS, "cn-north-1", FIPS, "sns-fips.cn-north-1.amazonaws.com.cn"},
	{SNS, "cn-north-1", DUAL, "sns.cn-north-1.api.amazonwebservices.com.cn"},
	{SNS, "eusc-de-east-1", PLAIN, "sns.eusc-de-east-1.amazonaws.eu"},
	{SNS, "eusc-de-east-1", FIPS, "sns-fips.eusc-de-east-1.amazonaws.eu"},
	{SNS, "eusc-de-east-1", DUAL, "sns.eusc-de-east-1.api.amazonwebservices.eu"},
	{STS, "us-east-1", PLAIN, "sts.us-east-1.amazonaws.com"},
	{STS, "us-east-1", FIPS, "sts-fips.us-east-1.amazonaws.com"},
	{STS, "us-east-1", DUAL, "sts.us-east-1.api.aws"},
	{STS, "eu-west-1", PLAIN, "sts.eu-west-1.amazonaws.com"},
	{STS, "eu-west-1", FIPS, "sts-fips.eu-west-1.amazonaws.com"},
	{STS, "eu-west-1", DUAL, "sts.eu-west-1.api.aws"},
	{STS, "us-gov-west-1", PLAIN, "sts.us-gov-west-1.amazonaws.com"},
	{STS, "us-gov-west-1", FIPS, "sts.us-gov-west-1.amazonaws.com"},
	{STS, "us-gov-west-1", DUAL, "sts.us-gov-west-1.api.aws"},
	{STS, "cn-north-1", PLAIN, "sts.cn-north-1.amazonaws.com.cn"},
	{STS, "cn-north-1", FIPS, "sts-fips.cn-north-1.amazonaws.com.cn"},
	{STS, "cn-north-1", DUAL, "sts.cn-north-1.api.amazonwebservices.com.cn"},
	{STS, "eusc-de-east-1", PLAIN, "sts.eusc-de-east-1.amazonaws.eu"},
	{STS, "eusc-de-east-1", FIPS, "sts-fips.eusc-de-east-1.amazonaws.eu"},
	{STS, "eusc-de-east-1", DUAL, "sts.eusc-de-east-1.api.amazonwebservices.eu"},
	{S3, "us-east-1", PLAIN, "bkt.s3.amazonaws.com"},
	{S3, "us-east-1", FIPS, "bkt.s3-fips.us-east-1.amazonaws.com"},
	{S3, "us-east-1", DUAL, "bkt.s3.dualstack.us-east-1.amazonaws.com"},
	{S3, "eu-west-1", PLAIN, "bkt.s3.eu-west-1.amazonaws.com"},
	{S3, "eu-west-1", FIPS, "bkt.s3-fips.eu-west-1.amazonaws.com"},
	{S3, "eu-west-1", DUAL, "bkt.s3.dualstack.eu-west-1.amazonaws.com"},
	{S3, "us-gov-west-1", PLAIN, "bkt.s3.us-gov-west-1.amazonaws.com"},
	{S3, "us-gov-west-1", FIPS, "bkt.s3-fips.us-gov-west-1.amazonaws.com"},
	{S3, "us-gov-west-1", DUAL, "bkt.s3.dualstack.us-gov-west-1.amazonaws.com"},
	{S3, "cn-north-1", PLAIN, "bkt.s3.cn-north-1.amazonaws.com.cn"},
	{S3, "cn-north-1", FIPS, NULL},
	{S3, "cn-north-1", DUAL, "bkt.s3.dualstack.cn-north-1.amazonaws.com.cn"},
	{S3, "eusc-de-east-1", PLAIN, "bkt.s3.eusc-de-east-1.amazonaws.eu"},
	{S3, "eusc-de-east-1", FIPS, "bkt.s3-fips.eusc-de-east-1.amazonaws.eu"},
	{S3, "eusc-de-east-1", DUAL, "bkt.s3.dualstack.eusc-de-east-1.amazonaws.eu"},};
/* clang-format on */

static void aws_hosts_are_those_of_the_sdks(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(aws_hosts); i++) {
		const struct sl_endpoint_settings settings = {
			.region = aws_hosts[i].region,
			.fips = aws_hosts[i].variant == FIPS,
			.dualstack = aws_hosts[i].variant == DUAL,
		};
		struct sl_endpoint endpoint = {0};
		const char *bucket = aws_hosts[i].service == S3 ? "bkt" : NULL;
		enum sl_err err = sl_endpoint_resolve(
			&settings, aws_hosts[i].service, bucket, &endpoint, NULL);
		assert_int_equal(err, aws_hosts[i].host ? SL_ERR_OK : SL_ERR_CONFIG);
		if (!err) {
			assert_string_equal(endpoint.host, aws_hosts[i].host);
			assert_string_equal(endpoint.base_path, "");
			if (aws_hosts[i].service != IAM) {
				assert_string_equal(endpoint.signing_region, aws_hosts[i].region);
			}
			assert_string_equal(
				endpoint.signing_name, sl_service_name(aws_hosts[i].service));
			assert_true(endpoint.https);
		}
		sl_endpoint_finish(&endpoint);
	}
}

static void buckets_are_in_the_host_or_in_the_path(void **state)
{
	(void)state;
	static const struct {
		const char *url, *bucket, *host, *base_path;
	} cases[] = {
		{NULL, "bkt", "bkt.s3.eu-west-1.amazonaws.com", ""},
		{NULL, NULL, "s3.eu-west-1.amazonaws.com", ""},
		{NULL, "my.bucket", "s3.eu-west-1.amazonaws.com", "/my.bucket"},
		{NULL, "Old_Bucket", "s3.eu-west-1.amazonaws.com", "/Old_Bucket"},
		{"http://127.0.0.1:4566", "bkt", "127.0.0.1:4566", "/bkt"},
		{"http://127.0.0.1:4566/", NULL, "127.0.0.1:4566", ""},
		{"https://Minio.Example:443/store//", "bkt", "minio.example", "/store/bkt"},
		{"http://minio:80", "bkt", "minio", "/bkt"},
		{"https://minio:80", "bkt", "minio:80", "/bkt"},
		{"HTTP://[::1]:9000", "bkt", "[::1]:9000", "/bkt"},
		{"https://[2001:db8::1]", "bkt", "[2001:db8::1]", "/bkt"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		const struct sl_endpoint_settings settings = {
			.region = "eu-west-1", .urls = {[S3] = cases[i].url}};
		struct sl_endpoint endpoint = {0};
		assert_int_equal(
			sl_endpoint_resolve(&settings, S3, cases[i].bucket, &endpoint, NULL), 0);
		assert_string_equal(endpoint.host, cases[i].host);
		assert_string_equal(endpoint.base_path, cases[i].base_path);
		assert_int_equal(endpoint.custom, cases[i].url != NULL);
		sl_endpoint_finish(&endpoint);
	}
}

static void urls_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const urls[] = {"", "localhost:4566", "ftp://h", "http://", "http://:80",
		"http:///x", "http://h:0", "http://h:65536", "http://h:", "http://h:8o",
		"http://user@h", "http://h/?x", "http://h/#x", "http://h h", "http://h\n",
		"http://h\\x"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(urls); i++) {
		const struct sl_endpoint_settings settings = {
			.region = "eu-west-1", .urls = {[SNS] = urls[i]}};
		struct sl_endpoint endpoint = {0};
		assert_int_equal(
			sl_endpoint_resolve(&settings, SNS, NULL, &endpoint, NULL), SL_ERR_CONFIG);
		assert_null(endpoint.host);
	}
}

static void a_url_excludes_fips_and_dualstack(void **state)
{
	(void)state;
	for (int i = 1; i < 4; i++) {
		const struct sl_endpoint_settings settings = {.region = "eu-west-1",
			.fips = i & 1,
			.dualstack = i & 2,
			.urls = {[STS] = "http://h"}};
		struct sl_endpoint endpoint = {0};
		assert_int_equal(
			sl_endpoint_resolve(&settings, STS, NULL, &endpoint, NULL), SL_ERR_CONFIG);
	}
}

static void partitions_follow_from_regions(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"us-east-1", "aws"}, {"mars-north-1", "aws"},
		{"cn-northwest-1", "aws-cn"}, {"us-gov-east-1", "aws-us-gov"},
		{"eusc-de-east-1", "aws-eusc"}, {"us-iso-east-1", "aws-iso"},
		{"us-isob-east-1", "aws-iso-b"}, {"eu-isoe-west-1", "aws-iso-e"},
		{"us-isof-south-1", "aws-iso-f"}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		assert_string_equal(sl_partition_of(cases[i][0])->name, cases[i][1]);
	}
}

static void iam_is_signed_for_its_partitions_region(void **state)
{
	(void)state;
	static const struct {
		const char *region;
		const char *signing;
	} cases[] = {{"eu-west-1", "us-east-1"}, {"cn-northwest-1", "cn-north-1"},
		{"us-gov-east-1", "us-gov-west-1"}, {"eusc-de-east-1", "eusc-de-east-1"}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		const struct sl_endpoint_settings settings = {.region = cases[i].region};
		SL_AUTO(sl_endpoint_finish)
		struct sl_endpoint endpoint = {0};
		assert_int_equal(
			sl_endpoint_resolve(&settings, IAM, NULL, &endpoint, NULL), SL_ERR_OK);
		assert_string_equal(endpoint.signing_region, cases[i].signing);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aws_hosts_are_those_of_the_sdks),
		cmocka_unit_test(buckets_are_in_the_host_or_in_the_path),
		cmocka_unit_test(urls_that_are_none_are_refused),
		cmocka_unit_test(a_url_excludes_fips_and_dualstack),
		cmocka_unit_test(partitions_follow_from_regions),
		cmocka_unit_test(iam_is_signed_for_its_partitions_region),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
