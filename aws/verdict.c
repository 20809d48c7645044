/* SPDX-License-Identifier: Apache-2.0 */
/* What came of an attempt: sl_operation_judge() tells good answers from errors, corrects the clock,
 * and decides whether to try again. One thread an operation. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "call_internal.h"
#include "clock.h"
#include "diagnose.h"
#include "fault.h"
#include "mem.h"
#include "metrics.h"
#include "text.h"

enum sl_err sl_operation_error(
	const struct sl_operation *op, enum sl_err code, const char *what, struct sl_error *reterr)
{
	const char *service = sl_service_name(op->call->service);
	sl_error_set(reterr, code, "%s %s: %s", service, op->call->operation, what);
	if (reterr) {
		reterr->provider.service = sl_strdup(service);
		reterr->provider.operation = sl_strdup(op->call->operation);
		reterr->provider.request_id = sl_strdup(op->answer.request_id);
		reterr->provider.http_status = op->answer.status;
	}
	return code;
}

/* CRC-32 (IEEE 802.3), four bits at a time: the remainders of the sixteen nibbles. */
static uint32_t crc32_of(const struct sl_buf *bytes)
{
	static const uint32_t remainders[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC,
		0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8,
		0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < bytes->len; i++) {
		crc ^= (unsigned char)bytes->data[i];
		crc = (crc >> 4) ^ remainders[crc & 15];
		crc = (crc >> 4) ^ remainders[crc & 15];
	}
	return ~crc;
}

static bool checksum_is_good(const struct sl_operation *op)
{
	if (op->call->service != SL_SERVICE_DYNAMODB) {
		return true;
	}
	SL_AUTO(sl_freep)
	char *text = sl_answer_header(&op->answer, "x-amz-crc32");
	int64_t sent = 0;
	return !text ||
		(sl_text_parse_i64(text, 0, UINT32_MAX, &sent) &&
			(uint32_t)sent == crc32_of(&op->answer.body));
}

static char *request_id_of(const struct sl_answer *answer)
{
	char *id = sl_answer_header(answer, "x-amzn-requestid");
	return id ? id : sl_answer_header(answer, "x-amz-request-id");
}

/* The attempt failed: again, when attempts, quota and time are left? */
static enum sl_verdict retry_or_fail(struct sl_operation *op, int cost, int64_t *ret_delay_ms)
{
	if (op->attempt >= op->aws->settings.max_attempts) {
		return SL_VERDICT_FAILED;
	}
	int64_t delay_ms = sl_retry_delay_ms(op->attempt, sl_retry_random());
	if (sl_clock_monotonic_ms() + delay_ms >= op->deadline_ms) {
		return SL_VERDICT_FAILED;
	}
	if (!sl_retry_quota_take(&op->aws->quota, cost)) {
		return SL_VERDICT_FAILED;
	}
	op->quota_taken = cost;
	*ret_delay_ms = delay_ms;
	return SL_VERDICT_RETRY;
}

/* No complete answer came. */
static enum sl_verdict judge_no_answer(struct sl_operation *op, CURL *easy, CURLcode code,
	int64_t *ret_delay_ms, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf what = SL_BUF_INIT;
	sl_diagnose_transfer(&what, easy, code, sl_buf_str(&op->url), op->curl_error);
	op->answer.status = 0;
	(void)sl_operation_error(op, SL_ERR_AWS_UNAVAILABLE, sl_buf_str(&what), reterr);
	long sent_bytes = 0;
	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
	if (sl_diagnose_is_hopeless(easy, code) || (sent_bytes > 0 && !op->call->idempotent)) {
		return SL_VERDICT_FAILED;
	}
	int cost = code == CURLE_OPERATION_TIMEDOUT ? SL_RETRY_TIMEOUT_COST : SL_RETRY_COST;
	return retry_or_fail(op, cost, ret_delay_ms);
}

/* Takes over the peer's clock, once an operation. */
static bool correct_clock(struct sl_operation *op)
{
	int64_t own_ms = op->aws->clock(op->aws->clock_context);
	int64_t offset_ms = 0;
	if (op->clock_corrected || !sl_fault_clock_offset(&op->answer, own_ms, &offset_ms)) {
		return false;
	}
	op->clock_corrected = true;
	op->attempt--; /* it is not the service that failed */
	atomic_store(&op->aws->clock_offset_ms, offset_ms);
	return true;
}

/* Keys that are refused may have been replaced where they came from: once an operation, they are
 * read again, whoever holds the old ones. */
static bool renew_credentials(struct sl_operation *op)
{
	sl_credentials_chain_forget(op->aws->credentials);
	if (op->credentials_renewed) {
		return false;
	}
	op->credentials_renewed = true;
	op->attempt--; /* it is not the service that failed */
	return true;
}

/* Somebody between us and AWS answered. Whether AWS saw the request is not known. */
static enum sl_verdict judge_page(
	struct sl_operation *op, int64_t *ret_delay_ms, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf what = SL_BUF_INIT;
	sl_diagnose_page(&what, &op->answer, op->endpoint.host);
	(void)sl_operation_error(op, SL_ERR_AWS_UNAVAILABLE, sl_buf_str(&what), reterr);
	bool may_pass = op->answer.status >= 500 && op->answer.status != 511;
	return may_pass && op->call->idempotent ? retry_or_fail(op, SL_RETRY_COST, ret_delay_ms)
						: SL_VERDICT_FAILED;
}

static enum sl_verdict judge_error(
	struct sl_operation *op, int64_t *ret_delay_ms, struct sl_error *reterr)
{
	enum sl_fault fault = sl_fault_read(op->call, &op->answer, reterr);
	bool silent =
		op->answer.body.len == 0 && (op->answer.status == 400 || op->answer.status == 403);
	if (silent && sl_fault_clock_is_off(&op->answer, sl_aws_now_ms(op->aws))) {
		fault = SL_FAULT_SKEW;
	}
	switch (fault) {
	case SL_FAULT_SKEW:
		*ret_delay_ms = 0;
		return correct_clock(op) ? SL_VERDICT_RETRY : SL_VERDICT_FAILED;
	case SL_FAULT_THROTTLED:
		return retry_or_fail(op, SL_RETRY_COST, ret_delay_ms);
	case SL_FAULT_TRANSIENT:
		return op->call->idempotent ? retry_or_fail(op, SL_RETRY_COST, ret_delay_ms)
					    : SL_VERDICT_FAILED;
	case SL_FAULT_EXPIRED:
	case SL_FAULT_CREDENTIALS:
		*ret_delay_ms = 0;
		return renew_credentials(op) ? SL_VERDICT_RETRY : SL_VERDICT_FAILED;
	default:
		return SL_VERDICT_FAILED;
	}
}

static void measure(const struct sl_operation *op, CURL *easy, enum sl_verdict verdict,
	const struct sl_error *error)
{
	const char *service = sl_service_name(op->call->service);
	curl_off_t us = 0;
	curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &us);
	sl_metric_observe_us(SL_METRIC_AWS_SECONDS, us, SL_LABELS(service));
	if (error->code == SL_ERR_AWS_THROTTLED || error->code == SL_ERR_AWS_LIMIT) {
		sl_metric_add(SL_METRIC_AWS_THROTTLES, 1, SL_LABELS(service));
	}
	if (verdict == SL_VERDICT_RETRY) {
		sl_metric_add(SL_METRIC_AWS_RETRIES, 1, SL_LABELS(service));
	} else {
		sl_metric_add(SL_METRIC_AWS_CALLS, 1,
			SL_LABELS(service, op->call->operation, sl_err_code(error->code)));
	}
}

enum sl_verdict sl_operation_judge(struct sl_operation *op, CURL *easy, CURLcode code,
	int64_t *ret_delay_ms, struct sl_error *reterr)
{
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	op->answer.status = (int)status;
	op->answer.request_id = request_id_of(&op->answer);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_verdict verdict;
	if (op->too_large) {
		(void)sl_operation_error(op, SL_ERR_AWS_TOO_LARGE,
			"the answer is larger than this operation allows", &error);
		verdict = SL_VERDICT_FAILED;
	} else if (code != CURLE_OK && !op->cut) {
		verdict = judge_no_answer(op, easy, code, ret_delay_ms, &error);
	} else if (sl_diagnose_is_page(&op->answer)) {
		verdict = judge_page(op, ret_delay_ms, &error);
	} else if (status / 100 != 2) {
		verdict = judge_error(op, ret_delay_ms, &error);
	} else if (!checksum_is_good(op)) {
		(void)sl_operation_error(op, SL_ERR_AWS_PROTOCOL,
			"the answer does not match its x-amz-crc32", &error);
		verdict = op->call->idempotent ? retry_or_fail(op, SL_RETRY_COST, ret_delay_ms)
					       : SL_VERDICT_FAILED;
	} else {
		sl_retry_quota_give(
			&op->aws->quota, op->quota_taken ? op->quota_taken : SL_RETRY_FIRST_REFUND);
		measure(op, easy, SL_VERDICT_DONE, &error);
		return SL_VERDICT_DONE;
	}
	measure(op, easy, verdict, &error);
	if (verdict == SL_VERDICT_FAILED) {
		sl_error_move(reterr, &error);
	} else {
		free(op->failure);
		op->failure = sl_strdup(error.detail);
	}
	return verdict;
}
