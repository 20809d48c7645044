/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_CLOUD_H
#define LC_CLOUD_H

/*
 * What every stand-in service of localcloud shares: the request and reply that http.c passes
 * around, the one SQLite database and data directory, and the calls that services make on each
 * other (a finished job publishes an event, a stored object a notification).
 *
 * localcloud shares no code with aws/: it is the other end of the conversation and checks it with
 * its own eyes. It uses service/base only.
 *
 * Threads: handlers run on the HTTP threads, jobs on their service's own worker threads. A
 * struct lc_cloud is shared; each module guards what it owns. SQLite: one connection per module
 * (lc_db_open), WAL mode, guarded by that module's mutex.
 */

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "buf.h"
#include "defs.h"
#include "err.h"
#include "log.h"
#include "mem.h"

#define LC_ACCOUNT "000000000000"

struct lc_cloud {
	char *data_dir;   /* absolute; everything persistent is below it */
	char *region;     /* "us-east-1" */
	char *access_key; /* the one key pair it accepts */
	char *secret_key;
	char *base_url;    /* "http://127.0.0.1:4566", for SigningCertURL, SubscribeURL */
	char *gallery_dir; /* named faces, or NULL */
	char *replay_dir;  /* given answers (replay.h), or NULL */
	/* tuning of the recognisers: see docs/localcloud.md */
	double label_threshold;  /* detections below this confidence are never reported */
	int64_t session_seconds; /* how long temporary keys live; 0: as long as was asked */
	bool verbose;
};

struct lc_header {
	char *name; /* lower case */
	char *value;
};

/* One HTTP request, complete. Everything is owned by http.c and valid during the handler. */
struct lc_request {
	const char *method;
	const char *raw_path;            /* still percent-encoded, without the query */
	const char *raw_query;           /* without '?', "" when there is none */
	const struct lc_header *headers; /* in order of arrival */
	size_t header_count;
	const char *body; /* NULL when it was spooled to body_path */
	size_t body_len;
	const char *body_path; /* a temporary file that the handler may rename(2) away; or NULL */
	char body_sha256[65];  /* lower-case hex of the body as received */
	const char *body_md5_hex; /* MD5 of the body, for S3 ETags; NULL when not computed */
	const char *service;      /* of the credential scope, e.g. "s3"; NULL when unsigned */
	const char *region;       /* of the credential scope */
	const char *request_id;   /* a fresh UUID */
	bool from_loopback;       /* the peer is on this machine */
};

/* The answer; the handler fills it, http.c sends it and adds x-amzn-RequestId. */
struct lc_reply {
	int status;               /* default 200 */
	const char *content_type; /* literal */
	struct sl_buf body;
	char *file_path; /* send bytes [file_from, file_from + file_len) of it instead; owned */
	int file_fd;     /* the same with an open file (closed by http.c); -1: none */
	int64_t file_from, file_len;
	struct lc_header extra[64];
	size_t extra_count;
	bool faulted; /* a page fault was put in: for the journal */
};

/** The value of a request header (name in lower case), or NULL. */
const char *lc_request_header(const struct lc_request *request, const char *name);

/** The decoded value of a query parameter, owned by the caller; NULL when absent; "" when bare. */
char *lc_request_query(const struct lc_request *request, const char *name);

/** The decoded value of `name` in an x-www-form-urlencoded text (a query, a form body), owned by
 *  the caller; NULL when absent. */
char *lc_form_value(const char *form, size_t len, const char *name);

/** Adds a reply header; both strings are copied. */
void lc_reply_header(struct lc_reply *reply, const char *name, const char *value);

/** Body = compact JSON of `root`, which is released. */
void lc_reply_json(struct lc_reply *reply, const char *content_type, json_t *root);

/** AWS JSON 1.0/1.1 error: {"__type": code, "message": …}. DynamoDB wants its namespace prefix
 *  in `code`. */
void lc_reply_json_error(struct lc_reply *reply, int status, const char *code, const char *format,
	...) SL_PRINTF(4, 5);

/** The same for a request that its service has not seen: as that service spells its errors. */
void lc_reply_json_refusal(struct lc_reply *reply, const struct lc_request *request, int status,
	const char *code, const char *message);

/** S3 <Error> or query-protocol <ErrorResponse>, by `query_protocol`. */
void lc_reply_xml_error(struct lc_reply *reply, const struct lc_request *request,
	bool query_protocol, int status, const char *code, const char *format, ...) SL_PRINTF(6, 7);

/** Appends `text` with XML's five characters escaped. */
void lc_xml_escape(struct sl_buf *out, const char *text);

/** A service's entry: answers one authenticated request. Thread-safe. */
typedef void lc_handler(
	struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply);

/*
 * Each service is one module with: start (opens its database, makes its tables, starts worker
 * threads and resumes what a restart interrupted), stop (joins them), handle.
 */
void lc_s3_start(struct lc_cloud *cloud);
void lc_s3_stop(void);
lc_handler lc_s3_handle;

void lc_sqs_start(struct lc_cloud *cloud);
void lc_sqs_stop(void);
lc_handler lc_sqs_handle;

void lc_sns_start(struct lc_cloud *cloud);
void lc_sns_stop(void);
lc_handler lc_sns_handle;
lc_handler lc_sns_certificate; /* GET /SimpleNotificationService-<32 hex>.pem, unsigned */

void lc_events_start(struct lc_cloud *cloud); /* EventBridge: PutRule, PutTargets, … */
void lc_events_stop(void);
lc_handler lc_events_handle;

void lc_iam_start(struct lc_cloud *cloud);
void lc_iam_stop(void);
lc_handler lc_iam_handle;

void lc_sts_start(struct lc_cloud *cloud);
lc_handler lc_sts_handle;

void lc_dynamodb_start(struct lc_cloud *cloud);
void lc_dynamodb_stop(void);
lc_handler lc_dynamodb_handle;

void lc_mediaconvert_start(struct lc_cloud *cloud);
void lc_mediaconvert_stop(void);
lc_handler lc_mediaconvert_handle;

void lc_rekognition_start(struct lc_cloud *cloud);
void lc_rekognition_stop(void);
lc_handler lc_rekognition_handle;

void lc_transcribe_start(struct lc_cloud *cloud);
void lc_transcribe_stop(void);
lc_handler lc_transcribe_handle;

/* --- calls between services ------------------------------------------------------------- */

/** Opens (and creates) `<data_dir>/<name>.sqlite` in WAL mode with a busy timeout; aborts with a
 *  log line when it cannot. `schema` runs once per start and must be CREATE … IF NOT EXISTS. */
sqlite3 *lc_db_open(struct lc_cloud *cloud, const char *name, const char *schema);

/* The strings that a statement's parameters are bound to. */
/* clang-format off */
#define LC_TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})
/* clang-format on */

/** A prepared statement with `texts` (NULL-terminated; or NULL) bound from 1 on; NULL after a log
 *  line. Finalize it. */
sqlite3_stmt *lc_db_prepare(sqlite3 *db, const char *sql, const char *const *texts);
/** One step; true when there is a row. Logs what SQLite refuses; NULL has no rows. */
bool lc_db_step(sqlite3_stmt *statement);
void lc_db_finalize(sqlite3_stmt **statement);
/** Prepares, steps once and finalizes; how many rows changed. */
int lc_db_execute(sqlite3 *db, const char *sql, const char *const *texts);

/** Publishes to a topic as SNS does for AWS services; `subject` may be NULL. False when there is
 *  no such topic. Deliveries are queued on disk and sent by the SNS thread. */
bool lc_sns_publish(const char *topic_arn, const char *subject, const char *message);

/** Puts a message of another service into a queue. False when there is no such queue, or its policy
 *  does not let `service` ("sns.amazonaws.com") do it for `source_arn`. */
bool lc_sqs_deliver(
	const char *queue_arn, const char *service, const char *source_arn, const char *body);

/** Puts an EventBridge event; `detail` is released. Rules that match send it to their targets. */
void lc_events_put(
	const char *source, const char *detail_type, const char *resource_arn, json_t *detail);

enum lc_object_state { LC_OBJECT_OK, LC_OBJECT_NO_BUCKET, LC_OBJECT_NO_KEY };

/** The file that holds an object's bytes, for ffmpeg and the recognisers to read; owned by the
 *  caller. It stays valid while the object is not replaced (and an open descriptor beyond). */
enum lc_object_state lc_s3_object_path(
	const char *bucket, const char *key, char **ret_path, int64_t *ret_size);

/** Stores the file at `path` (moved away) as an object and sends the bucket's notifications.
 *  False when the bucket does not exist. */
bool lc_s3_put_file(
	const char *bucket, const char *key, const char *path, const char *content_type);

struct lc_s3_text {
	char *key, *text;
};

/** Stores many small objects of one content type in one transaction, and sends their
 *  notifications. False when the bucket does not exist or the disk refuses. */
bool lc_s3_put_texts(
	const char *bucket, const struct lc_s3_text *items, size_t count, const char *content_type);

/** A fresh private directory below data_dir/tmp, owned by the caller; remove it with
 *  lc_tmp_remove, which also frees the string. */
char *lc_tmp_create(struct lc_cloud *cloud);
void lc_tmp_remove(char *dir);

/** Whether localcloud is stopping. A program that lc_run killed for that reason says nothing
 *  about its job: leave the job as it was, and the next start resumes it. */
bool lc_stopping(void);

/** Runs a program without a shell and waits. stdout and stderr (the last 64 KiB of each) are
 *  appended to `out` and `err` when given. Returns the exit status, 128+signal, or -1 when it
 *  could not be started. Killed when localcloud stops, however it stops. */
int lc_run(const char *const *argv, struct sl_buf *out, struct sl_buf *err);

#endif
