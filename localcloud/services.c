/* SPDX-License-Identifier: Apache-2.0 */
/* The services in the order of their start. Entry points: lc_services_*, lc_service_find. */
#include "services.h"

#include <string.h>

static const struct lc_service services[] = {
	{"iam", LC_PROTOCOL_QUERY, lc_iam_start, lc_iam_stop, lc_iam_handle},
	{"sqs", LC_PROTOCOL_JSON, lc_sqs_start, lc_sqs_stop, lc_sqs_handle},
	{"sns", LC_PROTOCOL_QUERY, lc_sns_start, lc_sns_stop, lc_sns_handle},
	{"s3", LC_PROTOCOL_S3, lc_s3_start, lc_s3_stop, lc_s3_handle},
	{"events", LC_PROTOCOL_JSON, lc_events_start, lc_events_stop, lc_events_handle},
	{"sts", LC_PROTOCOL_QUERY, lc_sts_start, NULL, lc_sts_handle},
	{"dynamodb", LC_PROTOCOL_JSON, lc_dynamodb_start, lc_dynamodb_stop, lc_dynamodb_handle},
	{"mediaconvert", LC_PROTOCOL_REST_JSON, lc_mediaconvert_start, lc_mediaconvert_stop,
		lc_mediaconvert_handle},
	{"rekognition", LC_PROTOCOL_JSON, lc_rekognition_start, lc_rekognition_stop,
		lc_rekognition_handle},
	{"transcribe", LC_PROTOCOL_JSON, lc_transcribe_start, lc_transcribe_stop,
		lc_transcribe_handle},
};

const struct lc_service *lc_service_find(const char *name)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(services); i++) {
		if (strcmp(services[i].name, name) == 0) {
			return &services[i];
		}
	}
	return NULL;
}

void lc_services_start(struct lc_cloud *cloud)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(services); i++) {
		services[i].start(cloud);
	}
}

void lc_services_stop(void)
{
	for (size_t i = SL_ARRAY_SIZE(services); i-- > 0;) {
		if (services[i].stop) {
			services[i].stop();
		}
	}
}
