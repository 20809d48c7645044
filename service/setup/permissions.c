/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what spotlist's role must be allowed. Pure; any thread. */

#include "permissions.h"

#include <string.h>

#include "doctor.h"
#include "endpoints.h"
#include "mem.h"
#include "text.h"

#define OBJECTS(prefix_) "arn:${Partition}:s3:::${Bucket}/" prefix_ "spotlist-doctor"
#define BUCKET           "arn:${Partition}:s3:::${Bucket}"
#define QUEUE            "arn:${Partition}:mediaconvert:${Region}:${Account}:queues/${Queue}"
#define JOB              "arn:${Partition}:mediaconvert:${Region}:${Account}:jobs/spotlist-doctor"
#define TRANSCRIPTION \
	"arn:${Partition}:transcribe:${Region}:${Account}:transcription-job/spotlist-doctor"
#define TABLE "arn:${Partition}:dynamodb:${Region}:${Account}:table/${Table}"

/* clang-format off */
const struct sl_permission sl_permissions[] = {
	{"s3:ListBucket", BUCKET, NULL, NULL, sl_try_list_bucket,
		"finding frames, and telling missing objects from forbidden ones"},
	/* Put, get, delete: in this order one object serves all three. */
	{"s3:PutObject", OBJECTS("transcripts/"), NULL, NULL, sl_try_put_object, "transcripts"},
	{"s3:PutObject", OBJECTS("uploads/"), NULL, NULL, NULL, "uploads by presigned URLs"},
	{"s3:GetObject", OBJECTS("transcripts/"), NULL, NULL, sl_try_get_object,
		"reading frames, videos and transcripts"},
	{"s3:DeleteObject", OBJECTS("transcripts/"), NULL, NULL, sl_try_delete_object,
		"deleting videos"},
	{"s3:DeleteObject", OBJECTS("uploads/"), NULL, NULL, NULL, "deleting videos"},
	{"s3:DeleteObject", OBJECTS("thumbs/"), NULL, NULL, NULL, "deleting videos"},
	{"s3:DeleteObject", OBJECTS("mp4/"), NULL, NULL, NULL, "deleting videos"},
	{"s3:DeleteObject", OBJECTS("audio/"), NULL, NULL, NULL, "deleting videos"},
	{"mediaconvert:CreateJob", QUEUE, NULL, NULL, NULL, "transcoding"},
	{"mediaconvert:ListJobs", QUEUE, NULL, NULL, sl_try_list_jobs,
		"finding a job again after a crash"},
	{"mediaconvert:GetJob", JOB, NULL, NULL, sl_try_get_job, "following transcodes"},
	{"mediaconvert:CancelJob", JOB, NULL, NULL, sl_try_cancel_job, "cancelling"},
	{"iam:PassRole", "${MediaConvertRole}", "iam:PassedToService", "mediaconvert.amazonaws.com",
		NULL, "transcoding"},
	{"iam:PassRole", "${RekognitionRole}", "iam:PassedToService", "rekognition.amazonaws.com",
		NULL, "labels"},
	{"rekognition:RecognizeCelebrities", "*", NULL, NULL, sl_try_recognize_celebrities,
		"celebrities"},
	{"rekognition:StartLabelDetection", "*", NULL, NULL, sl_try_start_label_detection, "labels"},
	{"rekognition:GetLabelDetection", "*", NULL, NULL, sl_try_get_label_detection, "labels"},
	{"transcribe:StartTranscriptionJob", "*", "transcribe:OutputBucketName", "${Bucket}", NULL,
		"transcripts"},
	{"transcribe:GetTranscriptionJob", TRANSCRIPTION, NULL, NULL, sl_try_get_transcription_job,
		"transcripts"},
	{"transcribe:DeleteTranscriptionJob", TRANSCRIPTION, NULL, NULL,
		sl_try_delete_transcription_job, "cancelling and deleting transcripts"},
	{"dynamodb:PutItem", TABLE, NULL, NULL, sl_try_put_item, "storing results"},
	{"dynamodb:GetItem", TABLE, NULL, NULL, sl_try_get_item, "reading results"},
	{"dynamodb:BatchWriteItem", TABLE, NULL, NULL, sl_try_batch_write_item, "storing results"},
	{"dynamodb:BatchGetItem", TABLE, NULL, NULL, sl_try_batch_get_item, "reading results"},
	{"dynamodb:Scan", TABLE, NULL, NULL, sl_try_scan, "`spotlist rebuild`"},
};
/* clang-format on */

const size_t sl_permission_count = SL_ARRAY_SIZE(sl_permissions);

static const char *value_of(const struct sl_checkup *checkup, const char *name, size_t len)
{
	const struct sl_config *config = &checkup->config;
	const char *queue = strrchr(config->mediaconvert_queue, '/'); /* of an ARN */
	const struct {
		const char *name;
		const char *value;
	} values[] = {
		{"Partition", sl_partition_of(sl_aws_region(checkup->aws))->name},
		{"Region", sl_aws_region(checkup->aws)},
		{"Account", checkup->identity.account},
		{"Bucket", config->bucket},
		{"Table", config->table},
		{"Queue", queue != NULL ? queue + 1 : config->mediaconvert_queue},
		{"MediaConvertRole", config->mediaconvert_role_arn},
		{"RekognitionRole", config->rekognition_role_arn},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(values); i++) {
		if (strlen(values[i].name) == len && strncmp(values[i].name, name, len) == 0) {
			return values[i].value;
		}
	}
	SL_BUG("a permission with an unknown ${name}");
}

char *sl_permission_fill(const struct sl_checkup *checkup, const char *text)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	while (*text != '\0') {
		size_t plain = strcspn(text, "$");
		sl_buf_add(&out, text, plain);
		text += plain;
		if (*text == '\0') {
			break;
		}
		size_t len = strcspn(text, "}");
		const char *value = value_of(checkup, text + 2, len - 2);
		if (value == NULL || *value == '\0') {
			return NULL;
		}
		sl_buf_puts(&out, value);
		text += len + 1;
	}
	return sl_buf_steal(&out);
}

void sl_doctor_print_actions(FILE *out)
{
	for (size_t i = 0; i < sl_permission_count; i++) {
		const struct sl_permission *one = &sl_permissions[i];
		fprintf(out, "%s %s%s%s%s%s\n", one->action, one->resource,
			one->condition != NULL ? " " : "",
			one->condition != NULL ? one->condition : "",
			one->condition != NULL ? "=" : "",
			one->condition != NULL ? one->condition_value : "");
	}
}
