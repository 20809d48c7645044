/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a DynamoDB request may hold, operation by operation, and the checks that AWS makes before
 * an operation looks at it: types first (SerializationException), then all constraints at once
 * ("2 validation errors detected: …"). Pure functions on the request's tree.
 */

#include <ctype.h>
#include <string.h>

#include "lc_dynamodb.h"
#include "text.h"

/* clang-format off */
#define NAME_PATTERN "[a-zA-Z0-9_.-]+"
#define TABLE_NAME   {"TableName", LC_DDB_STRING, true, 3, 255, NAME_PATTERN, NULL, NULL}
#define STRING(name_, required_)        {(name_), LC_DDB_STRING, (required_), 0, 0, NULL, NULL, NULL}
#define BOOLEAN(name_)                  {(name_), LC_DDB_BOOLEAN, false, 0, 0, NULL, NULL, NULL}
#define INTEGER(name_, min_, max_)      {(name_), LC_DDB_INTEGER, false, (min_), (max_), NULL, NULL, NULL}
#define CHOICE(name_, required_, names_) {(name_), LC_DDB_STRING, (required_), 0, 0, NULL, (names_), NULL}
#define ITEM(name_, required_)          {(name_), LC_DDB_ITEM, (required_), 0, 0, NULL, NULL, NULL}
#define REFUSED(name_)                  {(name_), LC_DDB_REFUSED, false, 0, 0, NULL, NULL, NULL}
#define STRUCTS(name_, type_, required_, min_, max_, members_) \
	{(name_), (type_), (required_), (min_), (max_), NULL, NULL, (members_)}
#define END {NULL, LC_DDB_STRING, false, 0, 0, NULL, NULL, NULL}
/* clang-format on */

static const char *const capacity_names[] = {"INDEXES", "TOTAL", "NONE", NULL};
static const char *const collection_names[] = {"SIZE", "NONE", NULL};
static const char *const return_names[] = {
	"ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW", NULL};
static const char *const failure_names[] = {"ALL_OLD", "NONE", NULL};
static const char *const select_names[] = {
	"SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", NULL};
static const char *const type_names[] = {"B", "N", "S", NULL};
static const char *const key_names[] = {"HASH", "RANGE", NULL};
static const char *const billing_names[] = {"PROVISIONED", "PAY_PER_REQUEST", NULL};

#define EXPRESSION_NAMES  STRUCTS("ExpressionAttributeNames", LC_DDB_STRINGS, false, 0, 0, NULL)
#define EXPRESSION_VALUES ITEM("ExpressionAttributeValues", false)
#define RETURN_CAPACITY   CHOICE("ReturnConsumedCapacity", false, capacity_names)
#define RETURN_COLLECTION CHOICE("ReturnItemCollectionMetrics", false, collection_names)
#define RETURN_VALUES     CHOICE("ReturnValues", false, return_names)
#define RETURN_ON_FAILURE CHOICE("ReturnValuesOnConditionCheckFailure", false, failure_names)
#define ATTRIBUTES_TO_GET STRUCTS("AttributesToGet", LC_DDB_STRING_LIST, false, 1, 255, NULL)

static const struct lc_ddb_member attribute_definition[] = {
	STRING("AttributeName", true),
	CHOICE("AttributeType", true, type_names),
	END,
};

static const struct lc_ddb_member key_element[] = {
	STRING("AttributeName", true),
	CHOICE("KeyType", true, key_names),
	END,
};

static const struct lc_ddb_member throughput[] = {
	INTEGER("ReadCapacityUnits", 1, INT64_MAX),
	INTEGER("WriteCapacityUnits", 1, INT64_MAX),
	END,
};

const struct lc_ddb_member lc_ddb_create_table_spec[] = {
	TABLE_NAME,
	STRUCTS("AttributeDefinitions", LC_DDB_STRUCT_LIST, true, 0, 0, attribute_definition),
	STRUCTS("KeySchema", LC_DDB_STRUCT_LIST, true, 1, 2, key_element),
	CHOICE("BillingMode", false, billing_names),
	STRUCTS("ProvisionedThroughput", LC_DDB_STRUCT, false, 0, 0, throughput),
	REFUSED("LocalSecondaryIndexes"),
	REFUSED("GlobalSecondaryIndexes"),
	END,
};

const struct lc_ddb_member lc_ddb_table_spec[] = {TABLE_NAME, END};

const struct lc_ddb_member lc_ddb_list_tables_spec[] = {
	{"ExclusiveStartTableName", LC_DDB_STRING, false, 3, 255, NAME_PATTERN, NULL, NULL},
	INTEGER("Limit", 1, 100),
	END,
};

const struct lc_ddb_member lc_ddb_put_item_spec[] = {
	TABLE_NAME,
	ITEM("Item", true),
	STRING("ConditionExpression", false),
	EXPRESSION_NAMES,
	EXPRESSION_VALUES,
	RETURN_VALUES,
	RETURN_ON_FAILURE,
	RETURN_CAPACITY,
	RETURN_COLLECTION,
	REFUSED("Expected"),
	REFUSED("ConditionalOperator"),
	END,
};

const struct lc_ddb_member lc_ddb_get_item_spec[] = {
	TABLE_NAME,
	ITEM("Key", true),
	STRING("ProjectionExpression", false),
	EXPRESSION_NAMES,
	ATTRIBUTES_TO_GET,
	BOOLEAN("ConsistentRead"),
	RETURN_CAPACITY,
	END,
};

const struct lc_ddb_member lc_ddb_delete_item_spec[] = {
	TABLE_NAME,
	ITEM("Key", true),
	STRING("ConditionExpression", false),
	EXPRESSION_NAMES,
	EXPRESSION_VALUES,
	RETURN_VALUES,
	RETURN_ON_FAILURE,
	RETURN_CAPACITY,
	RETURN_COLLECTION,
	REFUSED("Expected"),
	REFUSED("ConditionalOperator"),
	END,
};

const struct lc_ddb_member lc_ddb_update_item_spec[] = {
	TABLE_NAME,
	ITEM("Key", true),
	STRING("UpdateExpression", false),
	STRING("ConditionExpression", false),
	EXPRESSION_NAMES,
	EXPRESSION_VALUES,
	RETURN_VALUES,
	RETURN_ON_FAILURE,
	RETURN_CAPACITY,
	RETURN_COLLECTION,
	REFUSED("AttributeUpdates"),
	REFUSED("Expected"),
	REFUSED("ConditionalOperator"),
	END,
};

static const struct lc_ddb_member put_request[] = {ITEM("Item", true), END};
static const struct lc_ddb_member delete_request[] = {ITEM("Key", true), END};
static const struct lc_ddb_member write_request[] = {
	STRUCTS("PutRequest", LC_DDB_STRUCT, false, 0, 0, put_request),
	STRUCTS("DeleteRequest", LC_DDB_STRUCT, false, 0, 0, delete_request),
	END,
};

const struct lc_ddb_member lc_ddb_batch_write_item_spec[] = {
	STRUCTS("RequestItems", LC_DDB_STRUCT_LIST_MAP, true, 1, 25, write_request),
	RETURN_CAPACITY,
	RETURN_COLLECTION,
	END,
};

static const struct lc_ddb_member keys_and_attributes[] = {
	STRUCTS("Keys", LC_DDB_ITEM_LIST, true, 1, 100, NULL),
	STRING("ProjectionExpression", false),
	EXPRESSION_NAMES,
	ATTRIBUTES_TO_GET,
	BOOLEAN("ConsistentRead"),
	END,
};

const struct lc_ddb_member lc_ddb_batch_get_item_spec[] = {
	STRUCTS("RequestItems", LC_DDB_STRUCT_MAP, true, 1, 100, keys_and_attributes),
	RETURN_CAPACITY,
	END,
};

const struct lc_ddb_member lc_ddb_query_spec[] = {
	TABLE_NAME,
	STRING("KeyConditionExpression", false),
	STRING("FilterExpression", false),
	STRING("ProjectionExpression", false),
	EXPRESSION_NAMES,
	EXPRESSION_VALUES,
	ITEM("ExclusiveStartKey", false),
	INTEGER("Limit", 1, INT64_MAX),
	CHOICE("Select", false, select_names),
	BOOLEAN("ConsistentRead"),
	BOOLEAN("ScanIndexForward"),
	ATTRIBUTES_TO_GET,
	RETURN_CAPACITY,
	REFUSED("IndexName"),
	REFUSED("KeyConditions"),
	REFUSED("QueryFilter"),
	REFUSED("ConditionalOperator"),
	END,
};

const struct lc_ddb_member lc_ddb_scan_spec[] = {
	TABLE_NAME,
	STRING("FilterExpression", false),
	STRING("ProjectionExpression", false),
	EXPRESSION_NAMES,
	EXPRESSION_VALUES,
	ITEM("ExclusiveStartKey", false),
	INTEGER("Limit", 1, INT64_MAX),
	INTEGER("Segment", 0, 999999),
	INTEGER("TotalSegments", 1, 1000000),
	CHOICE("Select", false, select_names),
	BOOLEAN("ConsistentRead"),
	ATTRIBUTES_TO_GET,
	RETURN_CAPACITY,
	REFUSED("IndexName"),
	REFUSED("ScanFilter"),
	REFUSED("ConditionalOperator"),
	END,
};

/* --- types ---------------------------------------------------------------------------------- */

static bool type_error(struct lc_ddb_error *error, const char *words)
{
	return lc_ddb_fail(error, LC_DDB_SERIALIZATION, "%s", words);
}

/* The words that AWS's parser has for a scalar where `wanted` should be. */
static bool scalar_error(const json_t *value, const char *wanted, struct lc_ddb_error *error)
{
	switch (json_typeof(value)) {
	case JSON_ARRAY:
		return lc_ddb_fail(error, LC_DDB_SERIALIZATION,
			"Unrecognized collection type class java.lang.%s", wanted);
	case JSON_OBJECT:
		return type_error(error, "Start of structure or map found where not expected");
	default:
		return lc_ddb_fail(error, LC_DDB_SERIALIZATION, "%s cannot be converted to %s",
			json_is_true(value)              ? "TRUE_VALUE"
				: json_is_false(value)   ? "FALSE_VALUE"
				: json_is_integer(value) ? "NUMBER_VALUE"
				: json_is_real(value)    ? "DECIMAL_VALUE"
							 : "STRING_VALUE",
			wanted);
	}
}

static bool string_type(const json_t *value, struct lc_ddb_error *error)
{
	return json_is_string(value) || scalar_error(value, "String", error);
}

static bool blob_type(const json_t *value, struct lc_ddb_error *error)
{
	if (!json_is_string(value)) {
		return type_error(error,
			json_is_array(value)
				? "Unrecognized collection type class java.nio.ByteBuffer"
				: json_is_object(value)
				? "Start of structure or map found where not expected"
				: "only base-64-encoded strings are convertible to bytes");
	}
	if (json_string_length(value) % 4 != 0) {
		return lc_ddb_fail(error, LC_DDB_SERIALIZATION,
			"Base64 encoded length is expected a multiple of 4 bytes but found: %zu",
			json_string_length(value));
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf bytes = SL_BUF_INIT;
	if (!sl_text_base64_decode(&bytes, json_string_value(value), json_string_length(value))) {
		return type_error(error, "Invalid last non-pad Base64 character dectected");
	}
	return true;
}

static bool item_type(json_t *item, int depth, struct lc_ddb_error *error);
static bool value_type(json_t *value, int depth, struct lc_ddb_error *error);

static bool list_type(json_t *list, const char *type, int depth, struct lc_ddb_error *error)
{
	if (!json_is_array(list)) {
		return type_error(error,
			json_is_object(list) ? "Start of structure or map found where not expected"
					     : "Unexpected field type");
	}
	size_t i;
	json_t *element;
	json_array_foreach (list, i, element) {
		bool ok = type[0] == 'L' ? value_type(element, depth + 1, error)
			: type[0] == 'B' ? blob_type(element, error)
					 : string_type(element, error);
		if (!ok) {
			return false;
		}
	}
	return true;
}

/* One member of an AttributeValue; an unknown one is dropped by the caller. */
static bool content_type(const char *type, json_t *content, int depth, struct lc_ddb_error *error)
{
	if (strcmp(type, "S") == 0 || strcmp(type, "N") == 0) {
		return string_type(content, error);
	}
	if (strcmp(type, "B") == 0) {
		return blob_type(content, error);
	}
	if (strcmp(type, "BOOL") == 0 || strcmp(type, "NULL") == 0) {
		return json_is_boolean(content) || scalar_error(content, "Boolean", error);
	}
	if (strcmp(type, "M") == 0) {
		return item_type(content, depth + 1, error);
	}
	return list_type(content, type, depth, error);
}

static bool value_type(json_t *value, int depth, struct lc_ddb_error *error)
{
	static const char *const types[] = {
		"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"};
	if (!json_is_object(value)) {
		return type_error(error,
			json_is_array(value) ? "Unrecognized collection type class "
					       "com.amazonaws.dynamodb.v20120810.AttributeValue"
					     : "Unexpected value type in payload");
	}
	/* Deeper is refused with better words by lc_ddb_value_check; here it bounds the stack. */
	if (depth > 64) {
		return lc_ddb_fail(
			error, LC_DDB_VALIDATION, "Nesting Levels have exceeded supported limits");
	}
	const char *name;
	json_t *content;
	void *next;
	json_object_foreach_safe (value, next, name, content) {
		bool known = false;
		for (size_t i = 0; i < SL_ARRAY_SIZE(types); i++) {
			known |= strcmp(name, types[i]) == 0;
		}
		if (!known || json_is_null(content)) {
			json_object_del(value, name);
		} else if (!content_type(name, content, depth, error)) {
			return false;
		}
	}
	return true;
}

static bool item_type(json_t *item, int depth, struct lc_ddb_error *error)
{
	if (!json_is_object(item)) {
		return type_error(error,
			json_is_array(item)
				? "Unrecognized collection type java.util.Map<java.lang.String, "
				  "com.amazonaws.dynamodb.v20120810.AttributeValue>"
				: "Unexpected field type");
	}
	const char *name;
	json_t *value;
	json_object_foreach (item, name, value) {
		if (!value_type(value, depth, error)) {
			return false;
		}
	}
	return true;
}

static bool struct_type(json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error);

/* A list or map of elements, each of which `check` looks at. */
static bool elements_type(json_t *value, const struct lc_ddb_member *member, enum lc_ddb_type inner,
	struct lc_ddb_error *error);

static bool member_type(json_t *value, const struct lc_ddb_member *member, enum lc_ddb_type type,
	struct lc_ddb_error *error)
{
	switch (type) {
	case LC_DDB_STRING:
		return string_type(value, error);
	case LC_DDB_INTEGER:
		return json_is_integer(value) || scalar_error(value, "Integer", error);
	case LC_DDB_BOOLEAN:
		return json_is_boolean(value) || scalar_error(value, "Boolean", error);
	case LC_DDB_ITEM:
		return item_type(value, 1, error);
	case LC_DDB_STRUCT:
		return struct_type(value, member->members, error);
	case LC_DDB_STRINGS:
	case LC_DDB_STRING_LIST:
		return elements_type(value, member, LC_DDB_STRING, error);
	case LC_DDB_STRUCT_LIST:
	case LC_DDB_STRUCT_MAP:
		return elements_type(value, member, LC_DDB_STRUCT, error);
	case LC_DDB_STRUCT_LIST_MAP:
		return elements_type(value, member, LC_DDB_STRUCT_LIST, error);
	case LC_DDB_ITEM_LIST:
		return elements_type(value, member, LC_DDB_ITEM, error);
	case LC_DDB_REFUSED:
		break;
	}
	return lc_ddb_fail(error, LC_DDB_VALIDATION,
		"localcloud does not offer %s; use expressions on the table itself", member->name);
}

static bool elements_type(json_t *value, const struct lc_ddb_member *member, enum lc_ddb_type inner,
	struct lc_ddb_error *error)
{
	bool map = !json_is_array(value);
	bool want_map = inner == LC_DDB_STRUCT_LIST || member->type == LC_DDB_STRINGS ||
		member->type == LC_DDB_STRUCT_MAP;
	if (!json_is_array(value) && !json_is_object(value)) {
		return type_error(error, "Unexpected field type");
	}
	if (map != want_map) {
		return type_error(error,
			map ? "Start of structure or map found where not expected"
			    : "Unrecognized collection type java.util.Map");
	}
	if (!map) {
		size_t i;
		json_t *element;
		json_array_foreach (value, i, element) {
			if (!member_type(element, member, inner, error)) {
				return false;
			}
		}
		return true;
	}
	/* The lists inside of a map of lists are lists of structs. */
	struct lc_ddb_member list = *member;
	list.type = inner;
	const char *name;
	json_t *element;
	json_object_foreach (value, name, element) {
		if (!member_type(element, &list, inner, error)) {
			return false;
		}
	}
	return true;
}

static bool struct_type(json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error)
{
	if (!json_is_object(in)) {
		return type_error(error,
			json_is_array(in) ? "Unrecognized collection type"
					  : "Unexpected field type");
	}
	for (const struct lc_ddb_member *member = spec; member->name != NULL; member++) {
		json_t *value = json_object_get(in, member->name);
		if (json_is_null(value)) {
			json_object_del(in, member->name);
		} else if (value != NULL && !member_type(value, member, member->type, error)) {
			return false;
		}
	}
	return true;
}

/* --- constraints ------------------------------------------------------------------------------ */

/* The list of violations; AWS tells the first ten. */
struct violations {
	struct sl_buf text;
	int count;
};

static void violation(struct violations *violations, const json_t *value, const char *where,
	const char *name, const char *constraint)
{
	if (violations->count >= 10) {
		return;
	}
	if (violations->count++ > 0) {
		sl_buf_puts(&violations->text, "; ");
	}
	SL_AUTO(sl_freep)
	char *dump = NULL;
	const char *shown = json_string_value(value);
	if (shown == NULL && value != NULL) {
		dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		shown = dump;
	}
	const char *quote = value == NULL ? "" : "'";
	sl_buf_printf(&violations->text,
		"Value %s%s%s at '%s%c%s' failed to satisfy constraint: %s", quote,
		shown == NULL ? "null" : shown, quote, where, tolower((unsigned char)name[0]),
		name + 1, constraint);
}

static bool name_pattern(const char *text)
{
	return text[0] != '\0' &&
		text[strspn(text,
			"abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == '\0';
}

static bool one_of(const char *text, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (strcmp(text, *names) == 0) {
			return true;
		}
	}
	return false;
}

static void string_constraints(struct violations *violations, const json_t *value,
	const char *where, const struct lc_ddb_member *member)
{
	const char *text = json_string_value(value);
	char words[96];
	if (member->pattern != NULL && !name_pattern(text)) {
		violation(violations, value, where, member->name,
			"Member must satisfy regular expression pattern: " NAME_PATTERN);
	}
	if (member->max != 0 && (int64_t)json_string_length(value) < member->min) {
		snprintf(words, sizeof(words),
			"Member must have length greater than or equal to %lld",
			(long long)member->min);
		violation(violations, value, where, member->name, words);
	}
	if (member->max != 0 && (int64_t)json_string_length(value) > member->max) {
		snprintf(words, sizeof(words), "Member must have length less than or equal to %lld",
			(long long)member->max);
		violation(violations, value, where, member->name, words);
	}
	if (member->names != NULL && !one_of(text, member->names)) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf set = SL_BUF_INIT;
		sl_buf_puts(&set, "Member must satisfy enum value set: [");
		for (size_t i = 0; member->names[i] != NULL; i++) {
			sl_buf_printf(&set, "%s%s", i == 0 ? "" : ", ", member->names[i]);
		}
		sl_buf_putc(&set, ']');
		violation(violations, value, where, member->name, sl_buf_str(&set));
	}
}

/* A number's value, or how many elements a collection has. */
static void range_constraints(struct violations *violations, const json_t *value, const char *where,
	const struct lc_ddb_member *member)
{
	bool number = json_is_integer(value);
	int64_t measure = number ? json_integer_value(value)
				 : (int64_t)(json_array_size(value) + json_object_size(value));
	if (member->max == 0 || (measure >= member->min && measure <= member->max)) {
		return;
	}
	bool low = measure < member->min;
	char words[96];
	snprintf(words, sizeof(words), "Member must have %s %s than or equal to %lld",
		number ? "value" : "length", low ? "greater" : "less",
		(long long)(low ? member->min : member->max));
	violation(violations, value, where, member->name, words);
}

static void struct_constraints(struct violations *violations, const json_t *in, const char *where,
	const struct lc_ddb_member *spec);

static void elements_constraints(struct violations *violations, json_t *value, const char *where,
	const struct lc_ddb_member *member)
{
	SL_AUTO(sl_freep)
	char *name = sl_strdup(member->name);
	name[0] = (char)tolower((unsigned char)name[0]);
	size_t i;
	json_t *element;
	json_array_foreach (value, i, element) {
		SL_AUTO(sl_freep)
		char *inner = sl_asprintf("%s%s.%zu.member.", where, name, i + 1);
		struct_constraints(violations, element, inner, member->members);
	}
	const char *key;
	json_object_foreach (value, key, element) {
		SL_AUTO(sl_freep)
		char *inner = sl_asprintf("%s%s.%s.member.", where, name, key);
		if (json_is_array(element)) {
			size_t count = json_array_size(element);
			if (count < 1 || count > (size_t)member->max) {
				violation(violations, value, where, member->name,
					"Map value must satisfy constraint: [Member must have "
					"length less than or equal to 25, Member must have length "
					"greater than or equal to 1]");
			}
			size_t j;
			json_t *write;
			json_array_foreach (element, j, write) {
				struct_constraints(violations, write, inner, member->members);
			}
		} else {
			struct_constraints(violations, element, inner, member->members);
		}
	}
}

static void member_constraints(struct violations *violations, json_t *value, const char *where,
	const struct lc_ddb_member *member)
{
	switch (member->type) {
	case LC_DDB_STRING:
		string_constraints(violations, value, where, member);
		break;
	case LC_DDB_STRUCT: {
		SL_AUTO(sl_freep)
		char *inner = sl_asprintf("%s%c%s.", where, tolower((unsigned char)member->name[0]),
			member->name + 1);
		struct_constraints(violations, value, inner, member->members);
		break;
	}
	case LC_DDB_STRUCT_LIST:
	case LC_DDB_STRUCT_MAP:
	case LC_DDB_STRUCT_LIST_MAP:
		range_constraints(violations, value, where, member);
		elements_constraints(violations, value, where, member);
		break;
	default:
		range_constraints(violations, value, where, member);
	}
}

static void struct_constraints(struct violations *violations, const json_t *in, const char *where,
	const struct lc_ddb_member *spec)
{
	for (const struct lc_ddb_member *member = spec; member->name != NULL; member++) {
		json_t *value = json_object_get(in, member->name);
		if (value != NULL) {
			member_constraints(violations, value, where, member);
		} else if (member->required) {
			violation(violations, NULL, where, member->name, "Member must not be null");
		}
	}
}

bool lc_ddb_check(json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error)
{
	if (!struct_type(in, spec, error)) {
		return false;
	}
	struct violations violations = {SL_BUF_INIT, 0};
	struct_constraints(&violations, in, "", spec);
	SL_AUTO(sl_freep)
	char *text = sl_buf_steal(&violations.text);
	if (violations.count > 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION, "%d validation error%s detected: %s",
			violations.count, violations.count == 1 ? "" : "s", text);
	}
	return true;
}

const char *lc_ddb_string(const json_t *in, const char *name)
{
	return json_string_value(json_object_get(in, name));
}

/* --- small things that every file needs ---------------------------------------------------------
 */

bool lc_ddb_fail(struct lc_ddb_error *error, const char *code, const char *format, ...)
{
	if (error->code != NULL) {
		return false;
	}
	error->code = code;
	va_list arguments;
	va_start(arguments, format);
	error->message = sl_vasprintf(format, arguments);
	va_end(arguments);
	return false;
}

void lc_ddb_error_finish(struct lc_ddb_error *error)
{
	free(error->message);
	json_decref(error->item);
	*error = (struct lc_ddb_error){NULL, NULL, NULL};
}
