/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a session may do what its request asks: the IAM action and resource of every operation,
 * and each service's way to refuse. Entry points: lc_authorize*, lc_session_*. HTTP threads.
 */
#include <string.h>

#include "lc_iam.h"
#include "lc_session.h"
#include "s3_internal.h"
#include "text.h"

static _Thread_local const struct lc_session *current;

const struct lc_session *lc_session_current(void)
{
	return current;
}

void lc_session_enter(const struct lc_session *session)
{
	current = session;
}

/* One request under judgement. */
struct trial {
	const struct lc_session *session;
	struct lc_cloud *cloud;
	enum lc_protocol protocol;
	const char *operation;
	const struct lc_request *request;
	struct lc_reply *reply;
	json_t *in;      /* the body of a JSON service, or NULL */
	json_t *context; /* condition keys */
};

/* --- the decision ------------------------------------------------------------------------ */

static json_t *session_context(const struct lc_session *session, const char *region)
{
	SL_AUTO(sl_freep)
	char *role_arn = sl_asprintf("arn:aws:iam::" LC_ACCOUNT ":role/%s", session->role);
	/* It stands for AWS, where nobody comes without TLS. */
	return json_pack("{s:s, s:s, s:s, s:s, s:s*}", "aws:principalarn", role_arn,
		"aws:principalaccount", LC_ACCOUNT, "aws:securetransport", "true", "aws:userid",
		session->user_id, "aws:requestedregion", region);
}

static enum lc_verdict decide(const struct lc_session *session, const json_t *context,
	const char *action, const char *resource)
{
	struct lc_policy_question question = {
		.action = action, .resource = resource, .context = context};
	return lc_iam_decide(session->role, session->policy, &question);
}

bool lc_session_may(const char *action, const char *resource)
{
	if (!current) {
		return true;
	}
	json_auto_t *context = session_context(current, NULL);
	return decide(current, context, action, resource) == LC_ALLOW;
}

/* --- the refusal ------------------------------------------------------------------------- */

static void refuse(
	struct trial *trial, const char *action, const char *resource, enum lc_verdict verdict)
{
	SL_AUTO(sl_freep)
	char *why = verdict == LC_EXPLICIT_DENY
		? sl_strdup("with an explicit deny in an identity-based policy")
		: sl_asprintf("because no identity-based policy allows the %s action", action);
	bool s3 = trial->protocol == LC_PROTOCOL_S3;
	SL_AUTO(sl_freep)
	char *words = sl_asprintf("User: %s is not authorized to perform: %s%s%s on resource: "
				  "%s%s%s %s",
		trial->session->arn, s3 ? "\"" : "", action, s3 ? "\"" : "", s3 ? "\"" : "",
		resource, s3 ? "\"" : "", why);

	switch (trial->protocol) {
	case LC_PROTOCOL_REST_JSON:
		lc_reply_header(trial->reply, "x-amzn-ErrorType", "AccessDeniedException");
		lc_reply_json(trial->reply, "application/json",
			json_pack("{s:o}", "message", json_string_nocheck(words)));
		trial->reply->status = 403;
		break;
	case LC_PROTOCOL_JSON:
		lc_reply_json_error(trial->reply, 400,
			sl_text_equal(trial->request->service, "dynamodb")
				? "com.amazon.coral.service#AccessDeniedException"
				: "AccessDeniedException",
			"%s", words);
		break;
	default:
		lc_reply_xml_error(trial->reply, trial->request, !s3, 403,
			sl_text_equal(trial->request->service, "sns") ? "AuthorizationError"
								      : "AccessDenied",
			"%s", words);
	}
}

/* True when it is allowed; otherwise the refusal is made. */
static bool may(struct trial *trial, const char *action, const char *resource)
{
	enum lc_verdict verdict = decide(trial->session, trial->context, action, resource);
	if (verdict != LC_ALLOW) {
		refuse(trial, action, resource, verdict);
	}
	return verdict == LC_ALLOW;
}

/* The same with an owned resource, which is released. */
static bool may_on(struct trial *trial, const char *action, char *resource)
{
	SL_AUTO(sl_freep)
	char *owned = resource;
	return may(trial, action, owned);
}

static void set_context(struct trial *trial, const char *key, const char *value)
{
	if (value) {
		json_object_set_new(trial->context, key, json_string(value));
	}
}

static bool allowed_object(
	struct trial *trial, const char *action, const char *bucket, const char *key)
{
	SL_AUTO(sl_freep)
	char *arn = sl_asprintf("arn:aws:s3:::%s/%s", bucket, key);
	return decide(trial->session, trial->context, action, arn) == LC_ALLOW;
}

/* --- S3 ---------------------------------------------------------------------------------- */

/* Operations whose action has another name than s3:<operation>. */
static const struct {
	const char *operation, *action;
} s3_actions[] = {
	{"ListBuckets", "s3:ListAllMyBuckets"},
	{"GetBucketCors", "s3:GetBucketCORS"},
	{"PutBucketCors", "s3:PutBucketCORS"},
	{"DeleteBucketCors", "s3:PutBucketCORS"},
	{"GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"},
	{"PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"},
	{"DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"},
	{"GetBucketEncryption", "s3:GetEncryptionConfiguration"},
	{"PutBucketEncryption", "s3:PutEncryptionConfiguration"},
	{"DeleteBucketEncryption", "s3:PutEncryptionConfiguration"},
	{"GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"},
	{"PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"},
	{"DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"},
	{"DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"},
	{"GetBucketNotificationConfiguration", "s3:GetBucketNotification"},
	{"PutBucketNotificationConfiguration", "s3:PutBucketNotification"},
	{"ListMultipartUploads", "s3:ListBucketMultipartUploads"},
	{"ListObjectsV2", "s3:ListBucket"},
	{"ListObjects", "s3:ListBucket"},
	{"HeadBucket", "s3:ListBucket"},
	{"CreateMultipartUpload", "s3:PutObject"},
	{"CompleteMultipartUpload", "s3:PutObject"},
	{"UploadPart", "s3:PutObject"},
	{"UploadPartCopy", "s3:PutObject"},
	{"CopyObject", "s3:PutObject"},
	{"ListParts", "s3:ListMultipartUploadParts"},
	{"HeadObject", "s3:GetObject"},
};

static char *s3_action(const char *operation)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(s3_actions); i++) {
		if (strcmp(s3_actions[i].operation, operation) == 0) {
			return sl_strdup(s3_actions[i].action);
		}
	}
	return sl_asprintf("s3:%s", operation);
}

/* "/bucket/key" of x-amz-copy-source, percent-encoded. */
static bool may_read_source(struct trial *trial)
{
	const char *source = lc_request_header(trial->request, "x-amz-copy-source");
	SL_AUTO(sl_buf_finish)
	struct sl_buf decoded = SL_BUF_INIT;
	if (!source || !sl_text_percent_decode(&decoded, source, strlen(source), false)) {
		return true; /* and the operation will say what it lacks */
	}
	const char *path = sl_buf_str(&decoded);
	return may_on(trial, "s3:GetObject", sl_asprintf("arn:aws:s3:::%s", path + (*path == '/')));
}

static bool judge_s3(struct trial *trial)
{
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	SL_AUTO(sl_freep)
	char *prefix = lc_request_query(trial->request, "prefix");
	SL_AUTO(sl_freep)
	char *action = s3_action(trial->operation);
	if (!lc_s3_address(trial->request, &bucket, &key) ||
		strcmp(trial->operation, "DeleteObjects") == 0) { /* judged by each key */
		return true;
	}
	set_context(trial, "s3:prefix", prefix);
	char *resource = !bucket ? sl_strdup("*")
		: key            ? sl_asprintf("arn:aws:s3:::%s/%s", bucket, key)
				 : sl_asprintf("arn:aws:s3:::%s", bucket);
	return may_on(trial, action, resource) && may_read_source(trial);
}

void lc_authorize_answer(const struct lc_session *session, const char *operation,
	const struct lc_request *request, struct lc_reply *reply)
{
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	if (reply->status != 404 || !sl_text_equal(request->service, "s3") ||
		(strcmp(operation, "GetObject") != 0 && strcmp(operation, "HeadObject") != 0) ||
		!lc_s3_address(request, &bucket, &key)) {
		return;
	}
	SL_AUTO(sl_freep)
	char *arn = sl_asprintf("arn:aws:s3:::%s", bucket);
	json_auto_t *context = session_context(session, request->region);
	struct trial trial = {.session = session,
		.protocol = LC_PROTOCOL_S3,
		.request = request,
		.reply = reply,
		.context = context};
	(void)may(&trial, "s3:ListBucket", arn);
}

/* --- the others -------------------------------------------------------------------------- */

static const char *member(const struct trial *trial, const char *name)
{
	return json_string_value(json_object_get(trial->in, name));
}

static char *arn_of(
	const struct trial *trial, const char *service, const char *kind, const char *name)
{
	return name && strncmp(name, "arn:", 4) == 0
		? sl_strdup(name)
		: sl_asprintf("arn:aws:%s:%s:" LC_ACCOUNT ":%s%s", service, trial->cloud->region,
			  kind, name ? name : "");
}

static bool judge_dynamodb(struct trial *trial, const char *action)
{
	const json_t *items = json_object_get(trial->in, "RequestItems");
	const char *table;
	json_t *ignored;
	if (strcmp(trial->operation, "ListTables") == 0) {
		return may(trial, action, "*");
	}
	json_object_foreach ((json_t *)(uintptr_t)items, table, ignored) {
		if (!may_on(trial, action, arn_of(trial, "dynamodb", "table/", table))) {
			return false;
		}
	}
	return items != NULL ||
		may_on(trial, action,
			arn_of(trial, "dynamodb", "table/", member(trial, "TableName")));
}

static char *form_value(const struct trial *trial, const char *name)
{
	const struct lc_request *request = trial->request;
	char *value = request->body ? lc_form_value(request->body, request->body_len, name) : NULL;
	return value ? value : lc_request_query(request, name);
}

/* A subscription's ARN is its topic's and an id. */
static bool judge_sns(struct trial *trial, const char *action)
{
	SL_AUTO(sl_freep)
	char *topic = form_value(trial, "TopicArn");
	SL_AUTO(sl_freep)
	char *subscription = form_value(trial, "SubscriptionArn");
	SL_AUTO(sl_freep)
	char *name = form_value(trial, "Name");
	if (topic) {
		return may(trial, action, topic);
	}
	if (subscription) {
		char *end = strrchr(subscription, ':');
		return may_on(trial, action,
			sl_strndup(subscription,
				end ? (size_t)(end - subscription) : strlen(subscription)));
	}
	return name ? may_on(trial, action, arn_of(trial, "sns", "", name))
		    : may(trial, action, "*");
}

static bool judge_sqs(struct trial *trial, const char *action)
{
	SL_AUTO(sl_freep)
	char *form_url = trial->in ? NULL : form_value(trial, "QueueUrl");
	SL_AUTO(sl_freep)
	char *form_name = trial->in ? NULL : form_value(trial, "QueueName");
	const char *url = trial->in ? member(trial, "QueueUrl") : form_url;
	const char *name = trial->in ? member(trial, "QueueName") : form_name;
	const char *slash = url ? strrchr(url, '/') : NULL;
	return may_on(trial, action, arn_of(trial, "sqs", "", slash ? slash + 1 : name));
}

static bool judge_events(struct trial *trial, const char *action)
{
	const char *rule = member(trial, "Rule") ? member(trial, "Rule") : member(trial, "Name");
	return may_on(trial, action,
		strcmp(trial->operation, "PutEvents") == 0
			? arn_of(trial, "events", "event-bus/", "default")
			: arn_of(trial, "events", "rule/", rule));
}

static bool judge_iam(struct trial *trial, const char *action)
{
	SL_AUTO(sl_freep)
	char *role = form_value(trial, "RoleName");
	SL_AUTO(sl_freep)
	char *policy = form_value(trial, "PolicyArn");
	SL_AUTO(sl_freep)
	char *source = form_value(trial, "PolicySourceArn");
	return role
		? may_on(trial, action, sl_asprintf("arn:aws:iam::" LC_ACCOUNT ":role/%s", role))
		: may(trial, action,
			  source           ? source
				  : policy ? policy
					   : "*");
}

static bool may_pass(struct trial *trial, const char *role, const char *service)
{
	set_context(trial, "iam:passedtoservice", service);
	return !role || may(trial, "iam:PassRole", role);
}

static bool judge_mediaconvert(struct trial *trial, const char *action)
{
	const char *path = strrchr(trial->request->raw_path, '/');
	if (strcmp(trial->operation, "CreateJob") == 0) {
		const char *queue = member(trial, "queue");
		return may_on(trial, action,
			       arn_of(trial, "mediaconvert", "queues/",
				       queue ? queue : "Default")) &&
			may_pass(trial, member(trial, "role"), "mediaconvert.amazonaws.com");
	}
	if (strcmp(trial->operation, "ListJobs") == 0) {
		SL_AUTO(sl_freep)
		char *queue = lc_request_query(trial->request, "queue");
		return may_on(trial, action,
			arn_of(trial, "mediaconvert", "queues/", queue ? queue : "Default"));
	}
	if (strcmp(trial->operation, "GetJob") == 0 || strcmp(trial->operation, "CancelJob") == 0) {
		return may_on(trial, action, arn_of(trial, "mediaconvert", "jobs/", path + 1));
	}
	return may(trial, action, "*");
}

/* Rekognition reads with the rights of whoever asks. */
static bool judge_rekognition(struct trial *trial, const char *action)
{
	const json_t *channel = json_object_get(trial->in, "NotificationChannel");
	const json_t *media = json_object_get(trial->in, "Image");
	media = media ? media : json_object_get(trial->in, "Video");
	const json_t *object = json_object_get(media, "S3Object");
	const char *bucket = json_string_value(json_object_get(object, "Bucket"));
	const char *key = json_string_value(json_object_get(object, "Name"));

	if (!may(trial, action, "*") ||
		!may_pass(trial, json_string_value(json_object_get(channel, "RoleArn")),
			"rekognition.amazonaws.com")) {
		return false;
	}
	if (bucket && key && !allowed_object(trial, "s3:GetObject", bucket, key)) {
		lc_reply_json_error(trial->reply, 400, "InvalidS3ObjectException",
			"Unable to get object metadata from S3. Check object key, region and/or "
			"access permissions.");
		return false;
	}
	return true;
}

/* So does Transcribe, and it writes with them too. */
static bool judge_transcribe_media(struct trial *trial)
{
	const char *uri = json_string_value(
		json_object_get(json_object_get(trial->in, "Media"), "MediaFileUri"));
	const char *output = member(trial, "OutputBucketName");
	const char *output_key = member(trial, "OutputKey");
	const char *bucket = uri && sl_text_starts_with(uri, "s3://") ? uri + 5 : NULL;
	const char *slash = bucket ? strchr(bucket, '/') : NULL;
	if (slash) {
		SL_AUTO(sl_freep)
		char *name = sl_strndup(bucket, (size_t)(slash - bucket));
		if (!allowed_object(trial, "s3:GetObject", name, slash + 1)) {
			lc_reply_json_error(trial->reply, 400, "BadRequestException",
				"The S3 URI that you provided can't be accessed. Make sure that "
				"you have read permission and try your request again.");
			return false;
		}
	}
	if (output &&
		!allowed_object(trial, "s3:PutObject", output, output_key ? output_key : "")) {
		lc_reply_json_error(trial->reply, 400, "BadRequestException",
			"The specified S3 bucket can't be accessed. Make sure that you have write "
			"permission and try your request again.");
		return false;
	}
	return true;
}

static bool judge_transcribe(struct trial *trial, const char *action)
{
	if (strcmp(trial->operation, "StartTranscriptionJob") == 0) {
		set_context(
			trial, "transcribe:outputbucketname", member(trial, "OutputBucketName"));
		set_context(trial, "transcribe:outputkey", member(trial, "OutputKey"));
		return may(trial, action, "*") && judge_transcribe_media(trial);
	}
	return may_on(trial, action,
		arn_of(trial, "transcribe", "transcription-job/",
			member(trial, "TranscriptionJobName")));
}

/* --- the table --------------------------------------------------------------------------- */

static const struct {
	const char *service;
	bool (*judge)(struct trial *trial, const char *action);
} services[] = {
	{"dynamodb", judge_dynamodb},
	{"sns", judge_sns},
	{"sqs", judge_sqs},
	{"events", judge_events},
	{"iam", judge_iam},
	{"mediaconvert", judge_mediaconvert},
	{"rekognition", judge_rekognition},
	{"transcribe", judge_transcribe},
};

static bool judge(struct trial *trial)
{
	const char *service = trial->request->service;
	SL_AUTO(sl_freep)
	char *action = sl_asprintf("%s:%s", service, trial->operation);
	if (strcmp(service, "s3") == 0) {
		return judge_s3(trial);
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(services); i++) {
		if (strcmp(services[i].service, service) == 0) {
			return services[i].judge(trial, action);
		}
	}
	return true; /* STS judges by itself: anyone may ask who he is */
}

bool lc_authorize(const struct lc_session *session, struct lc_cloud *cloud,
	enum lc_protocol protocol, const char *operation, const struct lc_request *request,
	struct lc_reply *reply)
{
	bool json = protocol == LC_PROTOCOL_JSON || protocol == LC_PROTOCOL_REST_JSON;
	json_auto_t *in = json && request->body
		? json_loadb(request->body, request->body_len, JSON_ALLOW_NUL, NULL)
		: NULL;
	json_auto_t *context = session_context(session, request->region);
	struct trial trial = {.session = session,
		.cloud = cloud,
		.protocol = protocol,
		.operation = operation,
		.request = request,
		.reply = reply,
		.in = in,
		.context = context};
	return judge(&trial);
}
