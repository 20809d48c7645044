/* SPDX-License-Identifier: Apache-2.0 */
/* Actions that can be tried without an effect: AWS authorises before it looks, so that what is not
 * there tells allowed from denied. The one thing that is written is a small object, deleted again.
 * On the thread of the client. */

#include <stdlib.h>

#include "dynamodb.h"
#include "mediaconvert.h"
#include "mem.h"
#include "permissions.h"
#include "rekognition.h"
#include "s3.h"
#include "text.h"
#include "transcribe.h"

/* Below a prefix that the role may write and no notification is sent for. */
#define OBJECT        "transcripts/spotlist-doctor"
#define ABSENT        "spotlist-doctor-absent"
#define ABSENT_JOB    "1000000000000-absent"
#define PARTITION_KEY "fileName"
#define MAX_OBJECT    64

/* What is not there is what was asked for. */
static enum sl_err absent_is_good(enum sl_err err)
{
	return err == SL_ERR_AWS_NOT_FOUND ? SL_ERR_OK : err;
}

/* --- S3 ------------------------------------------------------------------------------------- */

enum sl_err sl_try_list_bucket(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	SL_AUTO(sl_s3_listing_finish)
	struct sl_s3_listing listing = {0};
	return sl_s3_list_objects(
		client, checkup->config.bucket, OBJECT, NULL, NULL, &listing, reterr);
}

enum sl_err sl_try_put_object(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	static const char text[] = "spotlist doctor was here\n";
	return sl_s3_put_object(client, checkup->config.bucket, OBJECT, "text/plain", text,
		sizeof(text) - 1, reterr);
}

enum sl_err sl_try_get_object(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf bytes = SL_BUF_INIT;
	return absent_is_good(sl_s3_get_object(
		client, checkup->config.bucket, OBJECT, 0, -1, MAX_OBJECT, &bytes, reterr));
}

enum sl_err sl_try_delete_object(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	const char *const keys[] = {OBJECT};
	return sl_s3_delete_objects(client, checkup->config.bucket, keys, 1, reterr);
}

/* --- MediaConvert --------------------------------------------------------------------------- */

enum sl_err sl_try_list_jobs(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	json_auto_t *page = NULL;
	return sl_mediaconvert_list_jobs(
		client, checkup->config.mediaconvert_queue, NULL, NULL, &page, reterr);
}

enum sl_err sl_try_get_job(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	(void)checkup;
	SL_AUTO(sl_mediaconvert_job_finish)
	struct sl_mediaconvert_job job = {0};
	enum sl_err err = sl_mediaconvert_get_job(client, ABSENT_JOB, &job, reterr);
	return err == SL_ERR_AWS_REJECTED ? SL_ERR_OK : absent_is_good(err);
}

enum sl_err sl_try_cancel_job(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	(void)checkup;
	enum sl_err err = sl_mediaconvert_cancel_job(client, ABSENT_JOB, reterr);
	return err == SL_ERR_AWS_REJECTED || err == SL_ERR_AWS_CONFLICT ? SL_ERR_OK
									: absent_is_good(err);
}

/* --- Rekognition ---------------------------------------------------------------------------- */

/* Both are refused at once when there is no such object; nothing is started. */
static enum sl_err no_object_is_good(enum sl_err err, const struct sl_error *error)
{
	bool no_object = sl_text_equal(error->provider.code, "InvalidS3ObjectException");
	return no_object ? SL_ERR_OK : err;
}

enum sl_err sl_try_recognize_celebrities(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	enum sl_err err = sl_rekognition_recognize_celebrities(
		client, checkup->config.bucket, ABSENT, &answer, reterr);
	return err == SL_ERR_OK ? err : no_object_is_good(err, reterr);
}

enum sl_err sl_try_start_label_detection(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	const struct sl_rekognition_label_request request = {
		.bucket = checkup->config.bucket,
		.key = ABSENT,
		.min_confidence = 99,
		.token = ABSENT,
	};
	SL_AUTO(sl_freep)
	char *job_id = NULL;
	enum sl_err err = sl_rekognition_start_label_detection(client, &request, &job_id, reterr);
	return err == SL_ERR_OK ? err : no_object_is_good(err, reterr);
}

enum sl_err sl_try_get_label_detection(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	(void)checkup;
	SL_AUTO(sl_rekognition_labels_finish)
	struct sl_rekognition_labels labels = {0};
	return absent_is_good(
		sl_rekognition_get_label_detection(client, ABSENT, NULL, 1, &labels, reterr));
}

/* --- Transcribe ----------------------------------------------------------------------------- */

enum sl_err sl_try_get_transcription_job(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	(void)checkup;
	SL_AUTO(sl_transcribe_job_finish)
	struct sl_transcribe_job job = {0};
	return absent_is_good(sl_transcribe_get_job(client, ABSENT, &job, reterr));
}

enum sl_err sl_try_delete_transcription_job(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	(void)checkup;
	return sl_transcribe_delete_job(client, ABSENT, reterr);
}

/* --- DynamoDB ------------------------------------------------------------------------------- */

static json_t *absent_key(void)
{
	return json_pack("{s:{s:s}}", PARTITION_KEY, "S", ABSENT);
}

enum sl_err sl_try_get_item(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	bool exists = false;
	return sl_dynamodb_item_exists(
		client, checkup->config.table, PARTITION_KEY, ABSENT, &exists, reterr);
}

enum sl_err sl_try_put_item(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	return sl_dynamodb_may_put(client, checkup->config.table, PARTITION_KEY, ABSENT, reterr);
}

enum sl_err sl_try_batch_get_item(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	json_auto_t *keys = json_pack("[o]", absent_key());
	json_auto_t *items = NULL;
	return sl_dynamodb_batch_get(client, checkup->config.table, keys, &items, reterr);
}

/* Deleting what is not there. */
enum sl_err sl_try_batch_write_item(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	json_auto_t *keys = json_pack("[o]", absent_key());
	return sl_dynamodb_batch_delete(client, checkup->config.table, keys, reterr);
}

enum sl_err sl_try_scan(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_error *reterr)
{
	json_auto_t *request = json_pack("{s:i}", "Limit", 1);
	json_auto_t *answer = NULL;
	return sl_dynamodb_scan(client, checkup->config.table, request, &answer, reterr);
}
