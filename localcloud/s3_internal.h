/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_S3_INTERNAL_H
#define LC_S3_INTERNAL_H

/*
 * Within S3: s3.c routes to the operations (s3_bucket.c, s3_object.c, s3_read.c, s3_list.c,
 * s3_multipart.c, s3_complete.c, s3_notify.c), which stand on the store (s3_store.c,
 * s3_store_list.c, s3_upload_store.c, s3_files.c): bytes in files that are never changed once
 * stored, their index in SQLite under one mutex.
 */

#include "cloud.h"
#include "xml_read.h"

#define S3_MAX_KEY   1024  /* bytes of UTF-8 */
#define S3_MAX_PARTS 10000 /* of a multipart upload */

/* A request with its address taken apart. `bucket` and `key` are NULL where not addressed. */
struct s3_op {
	struct lc_cloud *cloud;
	const struct lc_request *request;
	struct lc_reply *reply;
	char *bucket;
	char *key;
};

typedef void s3_operation(struct s3_op *op);

/** The bucket and the key that a request addresses, owned by the caller, NULL where it has none.
 *  False, and both untouched, when the address cannot be read. */
bool lc_s3_address(const struct lc_request *request, char **ret_bucket, char **ret_key);

/** AWS's name of what a request asks for, or NULL. */
const char *lc_s3_operation_name(const struct lc_request *request);

/* --- s3.c: replies --------------------------------------------------------------------- */

/** An <Error> with further elements (`extra`, XML, may be NULL). */
void s3_error(struct s3_op *op, int status, const char *code, const char *extra, const char *format,
	...) SL_PRINTF(5, 6);
void s3_no_such_bucket(struct s3_op *op);
void s3_no_such_key(struct s3_op *op, const char *key);
void s3_malformed_xml(struct s3_op *op);

/** 500, and a log line with `what` and errno. */
void s3_internal_error(struct s3_op *op, const char *what);

/** Starts an XML reply with its declaration and root element. */
struct sl_buf *s3_xml(struct s3_op *op, const char *root);

/** <name>escaped text</name>, appended. */
void s3_element(struct sl_buf *xml, const char *name, const char *text);
void s3_element_i64(struct sl_buf *xml, const char *name, int64_t number);

/** The body's root element if it is of this name; NULL otherwise. Owned by the caller. */
struct lc_xml *s3_body_xml(struct s3_op *op, const char *root_name);

/** Moves the request's body to a new file of the store, owned by the caller (a name relative to
 *  it); NULL after an error reply. */
char *s3_body_to_file(struct s3_op *op);

/* --- s3_store.c ------------------------------------------------------------------------ */

struct s3_object {
	char *file; /* name within the store */
	int64_t size;
	char *etag;    /* without quotes */
	char *headers; /* JSON object: content-type, x-amz-meta-*, … to be sent with it */
	int64_t modified_ms;
};

void s3_object_finish(struct s3_object *object);

void s3_store_open(struct lc_cloud *cloud);
void s3_store_close(void);

/** The region that the store was opened in. */
const char *s3_store_region(void);

/** A fresh name for a file of the store, owned by the caller. */
char *s3_store_new_name(void);

/** The absolute path of a file of the store, owned by the caller. */
char *s3_store_path(const char *file);

/** Removes a file of the store; NULL is fine. */
void s3_store_remove_file(const char *file);

/** False when it exists already. */
bool s3_store_create_bucket(const char *bucket);

enum s3_delete_result { S3_DELETED, S3_NO_BUCKET, S3_NOT_EMPTY };
enum s3_delete_result s3_store_delete_bucket(const char *bucket);

bool s3_store_has_bucket(const char *bucket);

/** Appends <Bucket> elements. */
void s3_store_list_buckets(struct sl_buf *xml);

/** The document stored for a bucket ("notification", "cors", "lifecycle"), or NULL. */
char *s3_store_get_config(const char *bucket, const char *kind);

/** `document` NULL removes. False when there is no such bucket. */
bool s3_store_set_config(const char *bucket, const char *kind, const char *document);

/** Finds an object, and opens it when `ret_fd` is given. */
enum lc_object_state s3_store_get(
	const char *bucket, const char *key, struct s3_object *ret, int *ret_fd);

enum s3_put_result { S3_PUT_OK, S3_PUT_NO_BUCKET, S3_PUT_EXISTS };

/** Puts `object` (whose file becomes the store's) in the place of what was there; `if_absent`
 *  refuses when there is something. Tells the event's sequencer, owned by the caller. */
enum s3_put_result s3_store_put(const char *bucket, const char *key, const struct s3_object *object,
	bool if_absent, char **ret_sequencer);

/** The same for many, in one transaction: `ret_sequencers` has room for them. Replaces. */
enum s3_put_result s3_store_put_many(const char *bucket, const char *const *keys,
	const struct s3_object *objects, size_t count, char **ret_sequencers);

/** False when there was no such object; `ret_sequencer` as above. */
bool s3_store_delete(const char *bucket, const char *key, char **ret_sequencer);

struct s3_listed {
	char *key; /* or a common prefix */
	bool is_prefix;
	int64_t size, modified_ms;
	char *etag;
};

struct s3_listing {
	struct s3_listed *items;
	size_t count;
	bool truncated;
};

/** Keys with `prefix` behind `after` in the order of their bytes, those with `delimiter` behind
 *  the prefix rolled up; at most `max`. */
void s3_store_list(const char *bucket, const char *prefix, const char *delimiter, const char *after,
	size_t max, struct s3_listing *ret);
void s3_listing_finish(struct s3_listing *listing);

/* Shared with s3_upload_store.c: the connection, its lock, and statements. */
void s3_store_lock(void);
void s3_store_unlock(void);
sqlite3 *s3_store_db(void);

/** Prepares and binds: 't' text, 'b' text as bytes, 'i' int64_t. NULL text binds NULL. */
sqlite3_stmt *s3_store_prepare(const char *sql, const char *types, ...);

/** Steps: true for a row, false at the end; a failure is a bug or a dead disk and aborts. */
bool s3_store_step(sqlite3_stmt *statement);

/** Runs a statement to its end and finalizes it; the number of changed rows. */
int s3_store_finish(sqlite3_stmt *statement);

/** Prepares, binds, runs to the end. */
#define s3_store_run(...) s3_store_finish(s3_store_prepare(__VA_ARGS__))

/** A column's text, owned by the caller; NULL for SQL NULL. */
char *s3_store_text(sqlite3_stmt *statement, int column);

/* --- s3_upload_store.c: multipart uploads ---------------------------------------------- */

struct s3_part {
	int64_t number;
	char *file, *etag;
	int64_t size, modified_ms;
};

struct s3_parts {
	struct s3_part *items;
	size_t count;
};

void s3_upload_create(const char *id, const char *bucket, const char *key, const char *headers);

/** The headers given at its creation, owned by the caller; NULL when there is no such upload. */
char *s3_upload_headers(const char *id, const char *bucket, const char *key);

/** Stores a part in the place of one with its number; false when the upload is gone. */
bool s3_upload_put_part(const char *id, const struct s3_part *part);

/** The parts in the order of their numbers. */
void s3_upload_parts(const char *id, struct s3_parts *ret);
void s3_parts_finish(struct s3_parts *parts);

/** Forgets the upload and removes its parts; false when it is gone already. */
bool s3_upload_remove(const char *id);

struct s3_upload {
	char *id, *key;
	int64_t created_ms;
};

/** Appends <Upload> elements of the bucket's uploads whose keys have the prefix. */
void s3_upload_list(const char *bucket, const char *prefix, struct sl_buf *xml);

/* s3_multipart.c */
void s3_no_such_upload(struct s3_op *op, const char *id);

/** The request's upload id if bucket and upload exist, owned by the caller, and the headers given
 *  at the upload's creation (when wanted); NULL after an error reply. */
char *s3_find_upload(struct s3_op *op, char **ret_headers);

/* --- operations ------------------------------------------------------------------------ */

s3_operation s3_list_buckets, s3_create_bucket, s3_delete_bucket, s3_head_bucket;
s3_operation s3_get_location, s3_get_cors, s3_put_cors, s3_delete_cors;
s3_operation s3_get_lifecycle, s3_put_lifecycle, s3_delete_lifecycle;
s3_operation s3_get_encryption, s3_put_encryption, s3_delete_encryption;
s3_operation s3_get_public_access, s3_put_public_access, s3_delete_public_access;
s3_operation s3_get_ownership, s3_put_ownership, s3_delete_ownership;
s3_operation s3_get_policy, s3_put_policy, s3_delete_policy;
s3_operation s3_get_notification, s3_put_notification;
s3_operation s3_list_objects, s3_delete_objects;
s3_operation s3_get_object, s3_head_object, s3_put_object, s3_delete_object, s3_copy_object;
s3_operation s3_get_object_tagging;
s3_operation s3_create_upload, s3_upload_part, s3_upload_part_copy, s3_complete_upload;
s3_operation s3_abort_upload, s3_list_parts, s3_list_uploads;

/* --- s3_object.c, s3_files.c, s3_conditions.c: helpers of several operations
 * ------------------------- */

/** The headers of a request that are stored with the object, as JSON text; NULL after an error
 *  reply. Owned by the caller. */
char *s3_stored_headers(struct s3_op *op);

/** Finds and opens what x-amz-copy-source names and checks the x-amz-copy-source-if-* headers;
 *  false after an error reply. */
bool s3_copy_source(struct s3_op *op, struct s3_object *ret, int *ret_fd);

/** Copies `len` bytes of a file from `offset` on to the end of another. */
SL_MUST_CHECK bool s3_append(int to_fd, int from_fd, int64_t offset, int64_t len);

/** The MD5 of a whole file in hex, owned by the caller; NULL when it cannot be read. */
char *s3_file_md5(int fd);

enum s3_condition { S3_PASS, S3_NOT_MODIFIED, S3_FAILED };

/** Judges If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, whose names begin
 *  with `prefix` ("" or "x-amz-copy-source-"). */
enum s3_condition s3_check_conditions(
	const struct lc_request *request, const char *prefix, const struct s3_object *object);

/** Adds ETag, quoted. */
void s3_etag_header(struct s3_op *op, const char *etag);

enum s3_range { S3_RANGE_ALL, S3_RANGE_PART, S3_RANGE_BAD };

/** Reads "bytes=a-b", "bytes=a-" or "bytes=-n" against a size; anything else is no range. */
enum s3_range s3_parse_range(const char *text, int64_t size, int64_t *ret_from, int64_t *ret_len);

#define S3_HTTP_DATE_SIZE 30

/** "Sun, 22 Nov 2026 18:40:00 GMT" */
void s3_http_date(int64_t time_ms, char ret[static S3_HTTP_DATE_SIZE]);

/** "2026-11-22T18:40:00.000Z" in an element. */
void s3_element_time(struct sl_buf *xml, const char *name, int64_t time_ms);

/** Sends the bucket's notifications for an event such as "ObjectCreated:Put"; `object` is NULL
 *  for a removal. */
void s3_notify(const char *event, const char *bucket, const char *key,
	const struct s3_object *object, const char *sequencer, const char *request_id);

#endif
