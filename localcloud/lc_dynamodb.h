/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_DYNAMODB_H
#define LC_DYNAMODB_H

/*
 * What the files of localcloud's DynamoDB share. An item is jansson's tree of the wire form,
 * {"name": {"S": "value"}}, with every number in its canonical decimal form; a call owns its tree.
 *
 * Functions that can fail return false and fill a struct lc_ddb_error with AWS's own code and
 * words. Only dynamodb_store.c and dynamodb_table.c touch SQLite, inside lc_ddb_lock().
 */

#include "cloud.h"

#define LC_DDB_VALIDATION    "com.amazon.coral.validate#ValidationException"
#define LC_DDB_SERIALIZATION "com.amazon.coral.service#SerializationException"
#define LC_DDB_UNKNOWN       "com.amazon.coral.service#UnknownOperationException"
#define LC_DDB_INTERNAL      "com.amazonaws.dynamodb.v20120810#InternalServerError"
#define LC_DDB_NOT_FOUND     "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
#define LC_DDB_IN_USE        "com.amazonaws.dynamodb.v20120810#ResourceInUseException"
#define LC_DDB_CONDITION     "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"

#define LC_DDB_ITEM_MAX      ((size_t)400 * 1024)
#define LC_DDB_PAGE_MAX      ((size_t)1024 * 1024)
#define LC_DDB_BATCH_MAX     ((size_t)16 * 1024 * 1024)

struct lc_ddb_error {
	const char *code; /* with its namespace; NULL: no error */
	char *message;    /* owned */
	json_t *item;     /* ConditionalCheckFailedException: the item that was there, or NULL */
};

/** Sets the error (once: the first stays) and returns false, for `return lc_ddb_fail(…)`. */
bool lc_ddb_fail(struct lc_ddb_error *error, const char *code, const char *format, ...)
	SL_PRINTF(3, 4);
void lc_ddb_error_finish(struct lc_ddb_error *error);

/* One request on its way through an operation. */
struct lc_ddb_call {
	json_t *in; /* the request */
	struct lc_ddb_error error;
};

/** An operation: the reply, owned by the caller, or NULL with call->error set. */
typedef json_t *lc_ddb_operation(struct lc_ddb_call *call);
lc_ddb_operation lc_ddb_create_table, lc_ddb_describe_table, lc_ddb_delete_table,
	lc_ddb_update_table, lc_ddb_describe_backups, lc_ddb_update_backups, lc_ddb_list_tables,
	lc_ddb_put_item, lc_ddb_get_item, lc_ddb_delete_item, lc_ddb_update_item,
	lc_ddb_batch_write_item, lc_ddb_batch_get_item, lc_ddb_query, lc_ddb_scan;

/* --- dynamodb_request.c: members by table ------------------------------------------------ */

enum lc_ddb_type {
	LC_DDB_STRING,
	LC_DDB_INTEGER,
	LC_DDB_BOOLEAN,
	LC_DDB_ITEM,    /* map of name to AttributeValue */
	LC_DDB_STRINGS, /* map of string to string */
	LC_DDB_STRING_LIST,
	LC_DDB_STRUCT,
	LC_DDB_STRUCT_LIST,
	LC_DDB_STRUCT_MAP,      /* map of name to struct */
	LC_DDB_STRUCT_LIST_MAP, /* map of name to list of structs */
	LC_DDB_ITEM_LIST,       /* list of maps of AttributeValues */
	LC_DDB_REFUSED,         /* AWS has it, localcloud does not: a clear error, not silence */
};

struct lc_ddb_member {
	const char *name; /* NULL ends the table */
	enum lc_ddb_type type;
	bool required;
	int64_t min, max;                    /* value or length; 0, 0: no limits */
	const char *pattern;                 /* only the one for names: [a-zA-Z0-9_.-]+ */
	const char *const *names;            /* enumeration, NULL-terminated */
	const struct lc_ddb_member *members; /* of structs */
};

/** Checks types (SerializationException), then constraints ("N validation errors detected"). */
SL_MUST_CHECK bool lc_ddb_check(
	json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error);

/** The second half of lc_ddb_check (dynamodb_constraint.c). */
SL_MUST_CHECK bool lc_ddb_constraints(
	const json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error);

/* --- dynamodb_spec.c: the tables of the operations --------------------------------------- */

#define LC_DDB_NAME_PATTERN "[a-zA-Z0-9_.-]+"

extern const struct lc_ddb_member lc_ddb_create_table_spec[], lc_ddb_table_spec[],
	lc_ddb_update_table_spec[], lc_ddb_update_backups_spec[], lc_ddb_list_tables_spec[],
	lc_ddb_put_item_spec[], lc_ddb_get_item_spec[], lc_ddb_delete_item_spec[],
	lc_ddb_update_item_spec[], lc_ddb_batch_write_item_spec[], lc_ddb_batch_get_item_spec[],
	lc_ddb_query_spec[], lc_ddb_scan_spec[];

/* --- dynamodb_number.c: decimal numbers of 38 digits ------------------------------------- */

/* (-1)^negative × digits[0].digits[1]… × 10^exponent; zero has no digits. */
struct lc_ddb_number {
	bool negative;
	int exponent;
	int count;
	unsigned char digits[38]; /* 0..9, no leading and no trailing zero */
};

/** Parses within AWS's limits of magnitude and precision. */
SL_MUST_CHECK bool lc_ddb_number_parse(
	const char *text, struct lc_ddb_number *ret, struct lc_ddb_error *error);
/** The canonical plain decimal form, appended. */
void lc_ddb_number_print(struct sl_buf *out, const struct lc_ddb_number *number);
int lc_ddb_number_compare(const struct lc_ddb_number *a, const struct lc_ddb_number *b);
/** a + b, or a - b. */
SL_MUST_CHECK bool lc_ddb_number_add(const struct lc_ddb_number *a, const struct lc_ddb_number *b,
	bool subtract, struct lc_ddb_number *ret, struct lc_ddb_error *error);
/** Bytes whose memcmp order is the numeric order, appended. */
void lc_ddb_number_order(struct sl_buf *out, const struct lc_ddb_number *number);

/* --- dynamodb_value.c: attribute values -------------------------------------------------- */

/** The one type name of a validated AttributeValue ("S", "N", …) and its content. */
const char *lc_ddb_value_type(const json_t *value);
json_t *lc_ddb_value_content(const json_t *value);

/** Checks one value or a whole item and brings its numbers into canonical form. */
SL_MUST_CHECK bool lc_ddb_value_check(json_t *value, struct lc_ddb_error *error);
SL_MUST_CHECK bool lc_ddb_item_check(json_t *item, struct lc_ddb_error *error);

/** Bytes as AWS counts them. */
size_t lc_ddb_item_size(const json_t *item);

bool lc_ddb_value_equal(const json_t *a, const json_t *b);
/** Order of two S, N or B of one type; false when they have none. */
SL_MUST_CHECK bool lc_ddb_value_compare(const json_t *a, const json_t *b, int *ret_order);
/** Decoded bytes of an S or B, or the order-preserving bytes of an N, appended. */
void lc_ddb_value_bytes(struct sl_buf *out, const json_t *value);

/* --- dynamodb_expr.c, dynamodb_expr_check.c: expressions to trees ------------------------ */

struct lc_ddb_step {
	char *name; /* owned; NULL: a list index */
	int64_t index;
};

struct lc_ddb_path {
	struct lc_ddb_step *steps; /* owned */
	size_t count;
};

enum lc_ddb_node_kind {
	LC_DDB_AND,
	LC_DDB_OR,
	LC_DDB_NOT,
	LC_DDB_COMPARE, /* op of two */
	LC_DDB_BETWEEN, /* of three */
	LC_DDB_IN,      /* first in the others */
	LC_DDB_FUNCTION,
	LC_DDB_PATH,
	LC_DDB_VALUE,
	LC_DDB_PLUS, /* updates only, as the next */
	LC_DDB_MINUS,
	LC_DDB_ACTION, /* op: "SET", "REMOVE", "ADD", "DELETE"; a path and perhaps an operand */
};

struct lc_ddb_node {
	enum lc_ddb_node_kind kind;
	char op[24]; /* operator or function name */
	bool parenthesised;
	struct lc_ddb_node **args; /* owned */
	size_t count;
	struct lc_ddb_path path;  /* LC_DDB_PATH */
	const json_t *value;      /* LC_DDB_VALUE: borrowed from the request */
	struct lc_ddb_node *next; /* every node of one expression, for lc_ddb_expr_finish */
};

struct lc_ddb_expr {
	struct lc_ddb_node *root;  /* a condition; NULL when there was no expression */
	struct lc_ddb_node **list; /* paths of a projection, actions of an update */
	size_t count;
	struct lc_ddb_node *nodes; /* all of them */
};

/* The names and values that a request's expressions may use, and which they did. */
struct lc_ddb_names {
	const json_t *names, *values;         /* borrowed; NULL when absent */
	json_t *unused_names, *unused_values; /* owned */
};

/** Checks ExpressionAttributeNames and -Values of `in`, which may have neither. */
SL_MUST_CHECK bool lc_ddb_names_init(
	struct lc_ddb_names *names, json_t *in, struct lc_ddb_error *error);
/** Fails when a given name or value was used by no expression. */
SL_MUST_CHECK bool lc_ddb_names_all_used(
	const struct lc_ddb_names *names, struct lc_ddb_error *error);
void lc_ddb_names_finish(struct lc_ddb_names *names);

enum lc_ddb_grammar { LC_DDB_CONDITION_GRAMMAR, LC_DDB_PROJECTION_GRAMMAR, LC_DDB_UPDATE_GRAMMAR };

/**
 * Parses in[member] ("FilterExpression", …) and checks what can be told without an item. An
 * absent member gives an empty expression. lc_ddb_expr_finish() in any case.
 */
SL_MUST_CHECK bool lc_ddb_expr_parse(struct lc_ddb_expr *expr, const json_t *in, const char *member,
	enum lc_ddb_grammar grammar, struct lc_ddb_names *names, struct lc_ddb_error *error);
void lc_ddb_expr_finish(struct lc_ddb_expr *expr);

/* Everything that is wrong with an expression, the first of each kind; which one AWS tells when
 * there are several depends on the grammar, not on the order in the text. */
enum lc_ddb_fault {
	LC_DDB_FAULT_PARENTHESES,
	LC_DDB_FAULT_UNKNOWN_FUNCTION,
	LC_DDB_FAULT_MISUSED_FUNCTION,
	LC_DDB_FAULT_RESERVED,
	LC_DDB_FAULT_SECTION,
	LC_DDB_FAULT_NAME,
	LC_DDB_FAULT_VALUE,
	LC_DDB_FAULT_OVERLAP,
	LC_DDB_FAULT_CONFLICT,
	LC_DDB_FAULT_OPERAND,
	LC_DDB_FAULT_DISTINCT,
	LC_DDB_FAULT_FUNCTION,
	LC_DDB_FAULT_COUNT_
};

struct lc_ddb_faults {
	char *text[LC_DDB_FAULT_COUNT_]; /* owned */
};

/** Notes a fault unless one of its kind is known. */
void lc_ddb_fault(struct lc_ddb_faults *faults, enum lc_ddb_fault kind, const char *format, ...)
	SL_PRINTF(3, 4);

/** Adds what the parser does not look at: functions, operand types, overlapping paths. */
void lc_ddb_expr_check(
	const struct lc_ddb_expr *expr, enum lc_ddb_grammar grammar, struct lc_ddb_faults *faults);

/** Whether an attribute name must be written as #name. */
bool lc_ddb_reserved(const char *name);

/** "[a, [1], b]", as AWS writes a path in messages; appended. */
void lc_ddb_path_print(struct sl_buf *out, const struct lc_ddb_path *path);

/* --- dynamodb_eval.c, dynamodb_update.c: trees against items ----------------------------- */

/** The value at a path, borrowed from the item; NULL when there is none. */
json_t *lc_ddb_path_get(const json_t *item, const struct lc_ddb_path *path, size_t steps);

/** Whether an item (NULL: no item) satisfies a condition; no condition always holds. */
bool lc_ddb_matches(const struct lc_ddb_expr *expr, const json_t *item);

/** The part of an item that a list of paths names; the whole item for an empty expression.
 *  Owned by the caller. */
json_t *lc_ddb_project(const struct lc_ddb_expr *expr, json_t *item);

/** Carries out an update on `item`, which holds at least the key. */
SL_MUST_CHECK bool lc_ddb_update(
	const struct lc_ddb_expr *expr, json_t *item, struct lc_ddb_error *error);

/* --- dynamodb_store.c: tables and items in SQLite ---------------------------------------- */

struct lc_ddb_key_part {
	char name[256];
	char type[2]; /* "S", "N" or "B" */
};

struct lc_ddb_table {
	int64_t id;
	char name[256];
	struct lc_ddb_key_part key[2]; /* partition key, sort key */
	size_t key_count;
	json_t *description; /* owned: TableDescription without the counters */
};

struct lc_ddb_key {
	int64_t hash; /* 24 bits: where in a Scan the partition is */
	struct sl_buf partition, sort;
};

void lc_ddb_store_start(struct lc_cloud *cloud);
void lc_ddb_store_stop(void);
const char *lc_ddb_region(void);

/** The one mutex and, when `write`, a transaction around what follows. Unlock commits unless
 *  `failed`. False and an InternalServerError when SQLite refuses. */
void lc_ddb_lock(bool write);
SL_MUST_CHECK bool lc_ddb_unlock(bool write, bool failed, struct lc_ddb_error *error);

/** The table of that name, or ResourceNotFoundException. */
SL_MUST_CHECK bool lc_ddb_table_find(
	const char *name, struct lc_ddb_table *ret, struct lc_ddb_error *error);
void lc_ddb_table_finish(struct lc_ddb_table *table);
/** False when the name is taken. */
SL_MUST_CHECK bool lc_ddb_table_insert(const char *name, const json_t *description);
void lc_ddb_table_remove(int64_t id);
/** Stores the description again. */
void lc_ddb_table_update(int64_t id, const json_t *description);
/** Up to `limit` names after `after` (NULL: from the first), an array owned by the caller. */
json_t *lc_ddb_table_names(const char *after, int64_t limit);
void lc_ddb_table_count(int64_t id, int64_t *ret_items, int64_t *ret_bytes);

/** Checks that `key` is exactly the table's key (for Key, ExclusiveStartKey). */
SL_MUST_CHECK bool lc_ddb_key_check(
	const struct lc_ddb_table *table, const json_t *key, struct lc_ddb_error *error);
/** Checks the key attributes of an item to be stored. */
SL_MUST_CHECK bool lc_ddb_key_check_item(
	const struct lc_ddb_table *table, const json_t *item, struct lc_ddb_error *error);
/** The encoded key of an item or key that passed one of the checks. */
void lc_ddb_key_init(struct lc_ddb_key *key, const struct lc_ddb_table *table, const json_t *item);
void lc_ddb_key_finish(struct lc_ddb_key *key);
/** Only the key attributes of an item, owned by the caller. */
json_t *lc_ddb_key_of(const struct lc_ddb_table *table, const json_t *item);

/** The stored item, owned by the caller, or NULL. */
json_t *lc_ddb_item_get(const struct lc_ddb_table *table, const struct lc_ddb_key *key);
void lc_ddb_item_put(
	const struct lc_ddb_table *table, const struct lc_ddb_key *key, const json_t *item);
void lc_ddb_item_delete(const struct lc_ddb_table *table, const struct lc_ddb_key *key);

struct lc_ddb_bound {
	bool present, exclusive;
	struct sl_buf bytes;
};

/* What a Query or a segment of a Scan walks over. */
struct lc_ddb_range {
	const struct lc_ddb_key *partition; /* Query; NULL: Scan */
	struct lc_ddb_bound low, high;      /* Query: of the sort key */
	bool backward;
	int64_t hash_from, hash_to;     /* Scan: segment, both inclusive */
	const struct lc_ddb_key *after; /* Scan: start behind this key; or NULL */
};

/** Calls `visit` with each item, which it borrows, in order until it returns false. */
typedef bool lc_ddb_visit(void *context, json_t *item);
void lc_ddb_item_walk(const struct lc_ddb_table *table, const struct lc_ddb_range *range,
	lc_ddb_visit *visit, void *context);

/* --- capacity ---------------------------------------------------------------------------- */

/** The ConsumedCapacity of one table, owned by the caller; NULL when it is not asked for. */
json_t *lc_ddb_capacity_of(const struct lc_ddb_call *call, const char *table, double units);
/** Adds ConsumedCapacity to a reply when the request asks for it. */
void lc_ddb_capacity(
	const struct lc_ddb_call *call, const char *table, double units, json_t *reply);
double lc_ddb_read_units(size_t bytes, bool consistent);
double lc_ddb_write_units(size_t bytes);

/** A member of the request as a string; NULL when absent. */
const char *lc_ddb_string(const json_t *in, const char *name);

#endif
