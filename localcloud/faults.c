/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules in force, the counts of calls, and the control endpoint for both. Entry points: those
 * of faults.h but lc_faults_answer. Any thread.
 */
#include "faults.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "s3_internal.h"
#include "text.h"

#define MAX_CALLS 1000 /* different operations, that is */
#define NAP_MS    50
#define CONTROL   "/_localcloud/"

static struct {
	pthread_mutex_t lock;
	struct lc_fault_rules *rules; /* NULL: none */
	json_t *calls;                /* "service Operation": {"total", "ok", "faulted"} */
} faults = {.lock = PTHREAD_MUTEX_INITIALIZER};

void lc_faults_stop(void)
{
	lc_fault_rules_destroy(faults.rules);
	faults.rules = NULL;
	json_decref(faults.calls);
	faults.calls = NULL;
}

/* --- requests ------------------------------------------------------------------------------ */

static const char *mediaconvert_operation(const struct lc_request *request)
{
	static const char root[] = "/2017-08-29/";
	if (!sl_text_starts_with(request->raw_path, root)) {
		return NULL;
	}
	const char *path = request->raw_path + strlen(root);
	const char *slash = strchr(path, '/');
	bool one = slash && slash[1];
	if (sl_text_starts_with(path, "queues")) {
		return one ? "GetQueue" : "ListQueues";
	}
	if (!sl_text_starts_with(path, "jobs")) {
		return NULL;
	}
	if (strcmp(request->method, "GET") == 0) {
		return one ? "GetJob" : "ListJobs";
	}
	return strcmp(request->method, "POST") == 0 ? "CreateJob" : "CancelJob";
}

static char *action(const struct lc_request *request)
{
	char *name =
		request->body ? lc_form_value(request->body, request->body_len, "Action") : NULL;
	return name ? name : lc_request_query(request, "Action");
}

char *lc_operation_name(enum lc_protocol protocol, const struct lc_request *request)
{
	const char *target = lc_request_header(request, "x-amz-target");
	const char *dot = target ? strrchr(target, '.') : NULL;
	char *name = NULL;
	switch (protocol) {
	case LC_PROTOCOL_JSON:
		name = sl_strdup(dot ? dot + 1 : NULL);
		break;
	case LC_PROTOCOL_REST_JSON:
		name = sl_strdup(mediaconvert_operation(request));
		break;
	case LC_PROTOCOL_QUERY:
		name = action(request);
		break;
	default:
		name = sl_strdup(lc_s3_operation_name(request));
	}
	return name ? name : sl_strdup("Unknown");
}

static void wait_ms(int64_t ms)
{
	for (; ms > 0 && !lc_stopping(); ms -= NAP_MS) {
		int64_t nap = ms < NAP_MS ? ms : NAP_MS;
		(void)nanosleep(&(struct timespec){.tv_nsec = nap * 1000000}, NULL);
	}
}

enum lc_fault_kind lc_faults_request(const char *service, const char *operation, bool *ret_slow)
{
	int64_t delay_ms = 0;
	enum lc_fault_kind kind = LC_FAULT_NONE;
	pthread_mutex_lock(&faults.lock);
	if (faults.rules) {
		kind = lc_fault_rules_request(faults.rules, service, operation, &delay_ms);
	}
	pthread_mutex_unlock(&faults.lock);
	*ret_slow = kind == LC_FAULT_SLOW || delay_ms > 0;
	wait_ms(delay_ms);
	return kind;
}

bool lc_faults_page(enum lc_fault_kind kind)
{
	pthread_mutex_lock(&faults.lock);
	bool fires = faults.rules &&
		lc_fault_rules_page(faults.rules, kind, "rekognition", "GetLabelDetection");
	pthread_mutex_unlock(&faults.lock);
	return fires;
}

enum lc_notice_fault lc_faults_notice(const char *topic_arn, int64_t *ret_delay_ms)
{
	enum lc_notice_fault kind = LC_NOTICE_NONE;
	*ret_delay_ms = 0;
	pthread_mutex_lock(&faults.lock);
	if (faults.rules) {
		kind = lc_fault_rules_notice(faults.rules, topic_arn, ret_delay_ms);
	}
	pthread_mutex_unlock(&faults.lock);
	return kind;
}

/* --- the journal --------------------------------------------------------------------------- */

static void count(json_t *counts, const char *name, bool one)
{
	json_int_t before = json_integer_value(json_object_get(counts, name));
	json_object_set_new(counts, name, json_integer(before + (one ? 1 : 0)));
}

void lc_journal_call(const char *service, const char *operation, bool ok, bool faulted)
{
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("%s %s", service, operation);
	pthread_mutex_lock(&faults.lock);
	if (!faults.calls) {
		faults.calls = json_object();
	}
	json_t *counts = json_object_get(faults.calls, name);
	if (!counts && json_object_size(faults.calls) < MAX_CALLS) {
		counts = json_object();
		json_object_set_new(
			faults.calls, name, counts); /* fails, harmlessly, if not UTF-8 */
		counts = json_object_get(faults.calls, name);
	}
	if (counts) {
		count(counts, "total", true);
		count(counts, "ok", ok);
		count(counts, "faulted", faulted);
	}
	pthread_mutex_unlock(&faults.lock);
}

static void show_journal(struct lc_reply *reply)
{
	json_t *list = json_array();
	lc_mediaconvert_journal(list);
	lc_rekognition_journal(list);
	lc_transcribe_journal(list);
	pthread_mutex_lock(&faults.lock);
	json_t *calls = faults.calls ? json_deep_copy(faults.calls) : json_object();
	pthread_mutex_unlock(&faults.lock);
	lc_reply_json(
		reply, "application/json", json_pack("{s:o, s:o}", "calls", calls, "jobs", list));
}

/* --- the control endpoint ------------------------------------------------------------------ */

static void refuse(struct lc_reply *reply, int status, const char *message)
{
	reply->status = status;
	lc_reply_json(reply, "application/json",
		json_pack("{s:o}", "message", json_string_nocheck(message)));
}

static void show_faults(struct lc_reply *reply)
{
	pthread_mutex_lock(&faults.lock);
	json_t *shown = faults.rules
		? lc_fault_rules_json(faults.rules)
		: json_pack("{s:i, s:[], s:[]}", "seed", 0, "rules", "notifications");
	pthread_mutex_unlock(&faults.lock);
	lc_reply_json(reply, "application/json", shown);
}

static void replace(struct lc_fault_rules *rules)
{
	pthread_mutex_lock(&faults.lock);
	struct lc_fault_rules *old = faults.rules;
	faults.rules = rules;
	pthread_mutex_unlock(&faults.lock);
	lc_fault_rules_destroy(old);
}

static void set_faults(const struct lc_request *request, struct lc_reply *reply)
{
	SL_AUTO(sl_freep)
	char *why = NULL;
	struct lc_fault_rules *rules =
		lc_fault_rules_parse(request->body ? request->body : "", request->body_len, &why);
	if (!rules) {
		refuse(reply, 400, why);
		return;
	}
	replace(rules);
	show_faults(reply);
}

void lc_control_handle(const struct lc_request *request, struct lc_reply *reply)
{
	const char *name = request->raw_path + strlen(CONTROL);
	bool get = strcmp(request->method, "GET") == 0;

	if (!request->from_loopback) {
		refuse(reply, 403, "Only this machine itself may ask for this");
	} else if (strcmp(name, "faults") == 0 && get) {
		show_faults(reply);
	} else if (strcmp(name, "faults") == 0 && strcmp(request->method, "PUT") == 0) {
		set_faults(request, reply);
	} else if (strcmp(name, "faults") == 0 && strcmp(request->method, "DELETE") == 0) {
		replace(NULL);
		reply->status = 204;
	} else if (strcmp(name, "journal") == 0 && get) {
		show_journal(reply);
	} else {
		refuse(reply, 405, "Not with this method");
	}
}
