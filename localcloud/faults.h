/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_FAULTS_H
#define LC_FAULTS_H

/*
 * Faults on demand, and the journal of what was asked of us: /_localcloud/faults and
 * /_localcloud/journal, which only a peer on this machine may use. Any thread; guarded by a mutex.
 */

#include "auth.h"
#include "cloud.h"
#include "fault_rules.h"

void lc_faults_stop(void);

/** Answers a control request. */
void lc_control_handle(const struct lc_request *request, struct lc_reply *reply);

/* --- requests ------------------------------------------------------------------------------ */

/** AWS's name of the operation that a request asks for, owned; "Unknown" when it is none. */
char *lc_operation_name(enum lc_protocol protocol, const struct lc_request *request);

/** What happens to this request; waits as long as `slow` rules say. `ret_slow`: one did. */
enum lc_fault_kind lc_faults_request(const char *service, const char *operation, bool *ret_slow);

/** Whether a page of GetLabelDetection goes wrong in this way. */
bool lc_faults_page(enum lc_fault_kind kind);

/** Fills the reply as the service itself refuses: THROTTLE, SERVER_ERROR, EXPIRED_TOKEN, LIMIT; or
 *  with GARBAGE. */
void lc_faults_answer(enum lc_fault_kind kind, enum lc_protocol protocol, const char *operation,
	const struct lc_request *request, struct lc_reply *reply);

/* --- notifications ------------------------------------------------------------------------- */

/** What happens to a delivery of this topic; `ret_delay_ms` is the rule's, 0 when it has none. */
enum lc_notice_fault lc_faults_notice(const char *topic_arn, int64_t *ret_delay_ms);

/* --- the journal --------------------------------------------------------------------------- */

/** Counts a call that was authentic. `ok`: the service did it; `faulted`: a rule fired. */
void lc_journal_call(const char *service, const char *operation, bool ok, bool faulted);

/* Each appends its jobs to the array. */
void lc_mediaconvert_journal(json_t *list);
void lc_rekognition_journal(json_t *list);
void lc_transcribe_journal(json_t *list);

#endif
