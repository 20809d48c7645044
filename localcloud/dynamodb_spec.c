/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a DynamoDB request may hold, operation by operation: the tables that dynamodb_request.c
 * and dynamodb_constraint.c check by.
 */

#include "lc_dynamodb.h"

/* clang-format off */
#define NAME_PATTERN LC_DDB_NAME_PATTERN
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

const struct lc_ddb_member lc_ddb_update_table_spec[] = {
	TABLE_NAME,
	STRUCTS("AttributeDefinitions", LC_DDB_STRUCT_LIST, false, 0, 0, attribute_definition),
	CHOICE("BillingMode", false, billing_names),
	STRUCTS("ProvisionedThroughput", LC_DDB_STRUCT, false, 0, 0, throughput),
	REFUSED("GlobalSecondaryIndexUpdates"),
	REFUSED("StreamSpecification"),
	REFUSED("ReplicaUpdates"),
	END,
};

static const struct lc_ddb_member recovery[] = {
	{"PointInTimeRecoveryEnabled", LC_DDB_BOOLEAN, true, 0, 0, NULL, NULL, NULL},
	END,
};

const struct lc_ddb_member lc_ddb_update_backups_spec[] = {
	TABLE_NAME,
	STRUCTS("PointInTimeRecoverySpecification", LC_DDB_STRUCT, true, 0, 0, recovery),
	END,
};

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
