/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rates, and taking tokens. Worker threads. */

#include "quota.h"

#include <stddef.h>
#include <string.h>

#include "worker.h"

static const struct {
	const char *api;
	size_t rate;      /* offset in struct sl_config; 0 there: by region */
	int64_t in_large; /* AWS's default in its largest regions */
	int64_t elsewhere;
} quotas[SL_QUOTAS_] = {
	[SL_QUOTA_CREATE_JOB] = {"CreateJob", offsetof(struct sl_config, rate_create_job), 0, 0},
	[SL_QUOTA_GET_JOB] = {"GetJob", offsetof(struct sl_config, rate_get_job), 0, 0},
	[SL_QUOTA_RECOGNIZE_CELEBRITIES] = {"RecognizeCelebrities",
		offsetof(struct sl_config, rate_recognize_celebrities), 50, 5},
	[SL_QUOTA_START_LABEL_DETECTION] = {"StartLabelDetection",
		offsetof(struct sl_config, rate_start_label_detection), 0, 0},
	[SL_QUOTA_GET_LABEL_DETECTION] = {"GetLabelDetection",
		offsetof(struct sl_config, rate_get_label_detection), 20, 5},
	[SL_QUOTA_START_TRANSCRIPTION_JOB] = {"StartTranscriptionJob",
		offsetof(struct sl_config, rate_start_transcription_job), 0, 0},
	[SL_QUOTA_GET_TRANSCRIPTION_JOB] = {"GetTranscriptionJob",
		offsetof(struct sl_config, rate_get_transcription_job), 0, 0},
};

static bool is_large_region(const char *region)
{
	static const char *const large[] = {"us-east-1", "us-west-2", "eu-west-1"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(large); i++) {
		if (strcmp(region, large[i]) == 0) {
			return true;
		}
	}
	return false;
}

static double rate_of(const struct sl_worker *worker, enum sl_quota quota)
{
	int64_t rate = *(const int64_t *)((const char *)worker->config + quotas[quota].rate);
	if (rate == 0) {
		rate = is_large_region(worker->region) ? quotas[quota].in_large
						       : quotas[quota].elsewhere;
	}
	return (double)rate;
}

enum sl_err sl_quota_take(struct sl_worker *worker, enum sl_quota quota, struct sl_error *reterr)
{
	double rate = rate_of(worker, quota);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_quota_take, &rows, reterr,
		SL_PG_TEXT(quotas[quota].api), SL_PG_F64(rate));
	if (err != SL_ERR_OK || sl_pg_bool(&rows, 0, "granted")) {
		return err;
	}
	double missing = 1 - sl_pg_f64(&rows, 0, "tokens");
	sl_error_set(reterr, SL_ERR_QUOTA_WAIT, "%s is called %g times a second already",
		quotas[quota].api, rate);
	if (reterr != NULL) {
		reterr->retry_after_ms = (int64_t)(missing / rate * 1000) + 1;
	}
	return SL_ERR_QUOTA_WAIT;
}

enum sl_err sl_quota_wait(struct sl_worker *worker, enum sl_quota quota, struct sl_error *reterr)
{
	for (;;) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_quota_take(worker, quota, &error);
		if (err != SL_ERR_QUOTA_WAIT) {
			sl_error_move(reterr, &error);
			return err;
		}
		if (!sl_worker_wait(worker, error.retry_after_ms)) {
			return sl_error_set(
				reterr, SL_ERR_SHUTTING_DOWN, "stopped while waiting for a token");
		}
		if (sl_worker_lost_lease(worker)) {
			return sl_error_set(reterr, SL_ERR_LEASE_LOST,
				"the lease ended while waiting for a token");
		}
	}
}
