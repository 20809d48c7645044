# SPDX-License-Identifier: Apache-2.0
"""localcloud's DynamoDB, driven by boto3's client and resource."""

import concurrent.futures
import decimal
import json
import random
import zlib

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from harness import exchange

KB400 = 400 * 1024
VALIDATION = "ValidationException"


@pytest.fixture(scope="module")
def client(cloud):
    return cloud.client("dynamodb")


@pytest.fixture(scope="module")
def resource(cloud):
    return cloud.resource("dynamodb")


def make_table(resource, name, sort=None):
    keys = [("k", "S", "HASH")] + ([("r", sort, "RANGE")] if sort else [])
    return resource.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": t} for k, t, _ in keys],
        KeySchema=[{"AttributeName": k, "KeyType": u} for k, _, u in keys])


@pytest.fixture(scope="module")
def table(resource):
    return make_table(resource, "plain")


@pytest.fixture(scope="module")
def ranged(resource):
    table = make_table(resource, "ranged", "S")
    with table.batch_writer() as batch:
        for i in range(30):
            batch.put_item({"k": "q", "r": f"{i:03}", "i": i, "odd": i % 2 == 1})
        batch.put_item({"k": "other", "r": "000", "i": 99})
    return table


def refused(call, code, words=None):
    with pytest.raises(ClientError) as error:
        call()
    reply = error.value.response
    assert reply["Error"]["Code"] == code, reply
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 400
    if words is not None:
        assert reply["Error"]["Message"] == words
    return reply


# --- the protocol --------------------------------------------------------------------------------

def signed(cloud, operation, body):
    request = AWSRequest("POST", cloud.url + "/", data=body, headers={
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0"})
    SigV4Auth(cloud.session().get_credentials(), "dynamodb", cloud.region).add_auth(request)
    return exchange(cloud.url, "POST", "/", body, dict(request.headers))


@pytest.mark.parametrize("operation, body, code, words", [
    ("ListTables", b"{}", None, None),
    ("Nonsense", b"{}", "com.amazon.coral.service#UnknownOperationException", ""),
    ("ListTables", b"{", "com.amazon.coral.service#SerializationException", ""),
    ("ListTables", b"[]", "com.amazon.coral.service#SerializationException",
     "Unrecognized collection type"),
    ("ListTables", b'{"Limit": "1"}', "com.amazon.coral.service#SerializationException",
     "STRING_VALUE cannot be converted to Integer"),
    ("GetItem", b'{"TableName": "plain", "Key": {"k": {"S": 1}}}',
     "com.amazon.coral.service#SerializationException",
     "NUMBER_VALUE cannot be converted to String"),
    ("GetItem", b'{"TableName": "plain", "Key": {"k": {"B": "!"}}}',
     "com.amazon.coral.service#SerializationException",
     "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
    ("DescribeTable", b'{"TableName": "nope"}',
     "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
     "Requested resource not found: Table: nope not found"),
    ("GetItem", b'{"TableName": "nope", "Key": {"k": {"S": "a"}}}',
     "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "Requested resource not found"),
    ("ListTables", b'{"Limit": 101}', "com.amazon.coral.validate#ValidationException",
     "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member "
     "must have value less than or equal to 100"),
])
def test_errors_have_awss_names_and_every_reply_its_crc(
        cloud, table, operation, body, code, words):
    reply = signed(cloud, operation, body)
    assert int(reply.headers["x-amz-crc32"]) == zlib.crc32(reply.body)
    assert reply.headers["Content-Type"] == "application/x-amz-json-1.0"
    assert reply.headers["x-amzn-RequestId"]
    if code is None:
        assert reply.status == 200
        return
    assert (reply.status, reply.json["__type"]) == (400, code)
    assert reply.json.get("message", reply.json.get("Message")) == words


# --- tables -----------------------------------------------------------------------------------------

def test_a_table_lives(client):
    definition = dict(
        AttributeDefinitions=[{"AttributeName": "fileName", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "fileName", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
    created = client.create_table(TableName="life", **definition)["TableDescription"]
    assert created["TableStatus"] == "CREATING"
    assert created["TableArn"] == "arn:aws:dynamodb:us-east-1:000000000000:table/life"
    client.get_waiter("table_exists").wait(TableName="life")
    described = client.describe_table(TableName="life")["Table"]
    assert described["TableStatus"] == "ACTIVE" and described["ItemCount"] == 0
    assert described["KeySchema"] == definition["KeySchema"]
    assert described["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    refused(lambda: client.create_table(TableName="life", **definition),
            "ResourceInUseException", "Table already exists: life")
    client.put_item(TableName="life", Item={"fileName": {"S": "a"}})
    described = client.describe_table(TableName="life")["Table"]
    assert (described["ItemCount"], described["TableSizeBytes"]) == (1, 9)
    assert client.delete_table(TableName="life")["TableDescription"]["TableStatus"] == "DELETING"
    client.get_waiter("table_not_exists").wait(TableName="life")
    client.create_table(TableName="life", **definition)
    assert client.scan(TableName="life")["Items"] == []
    client.delete_table(TableName="life")
    refused(lambda: client.delete_table(TableName="life"), "ResourceNotFoundException",
            "Requested resource not found: Table: life not found")


def test_billing_and_recovery_are_switched(client):
    client.create_table(
        TableName="switched", AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    client.update_table(TableName="switched", BillingMode="PAY_PER_REQUEST")
    table = client.describe_table(TableName="switched")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 0

    def recovery():
        backups = client.describe_continuous_backups(TableName="switched")
        return backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"][
            "PointInTimeRecoveryStatus"]
    assert recovery() == "DISABLED"
    client.update_continuous_backups(
        TableName="switched", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    assert recovery() == "ENABLED"
    assert set(client.describe_table(TableName="switched")["Table"]) == set(table)


def test_tables_are_listed_in_pages(client, resource):
    names = [f"zlist{i}" for i in range(4)]
    for name in names:
        make_table(resource, name)
    first = client.list_tables(ExclusiveStartTableName="zlist", Limit=3)
    assert first["TableNames"] == names[:3] and first["LastEvaluatedTableName"] == names[2]
    rest = client.list_tables(ExclusiveStartTableName=names[2])
    assert rest["TableNames"] == names[3:] and "LastEvaluatedTableName" not in rest
    for name in names:
        client.delete_table(TableName=name)


A, Z = ({"AttributeName": name, "AttributeType": "S"} for name in "az")
HASH, RANGE = ({"AttributeName": "a", "KeyType": kind} for kind in ["HASH", "RANGE"])
ON_DEMAND = {"BillingMode": "PAY_PER_REQUEST"}


@pytest.mark.parametrize("definitions, keys, options, words", [
    ([Z], [HASH], ON_DEMAND,
     "One or more parameter values were invalid: Some index key attributes are not defined in "
     "AttributeDefinitions. Keys: [a], AttributeDefinitions: [z]"),
    ([A, Z], [HASH], ON_DEMAND,
     "One or more parameter values were invalid: Number of attributes in KeySchema does not "
     "exactly match number of attributes defined in AttributeDefinitions"),
    ([A], [RANGE], ON_DEMAND,
     "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
    ([A], [HASH], {},
     "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must "
     "both be specified when BillingMode is PROVISIONED"),
])
def test_table_definitions_are_validated(client, definitions, keys, options, words):
    refused(lambda: client.create_table(TableName="bad", AttributeDefinitions=definitions,
                                        KeySchema=keys, **options), VALIDATION, words)


# --- items --------------------------------------------------------------------------------------------

EVERYTHING = {
    "k": "all", "s": "é한\U0001f3ac", "empty": "", "n": decimal.Decimal("-12.50"), "b": b"\0\xff",
    "t": True, "f": False, "null": None, "l": [1, "x", [], {}], "m": {"x": {"y": [None]}},
    "ss": {"a", "b"}, "ns": {1, decimal.Decimal("2.5")}, "bs": {b"a", b""},
    "nul": "a\0b",
}


def test_every_type_comes_back(table):
    table.put_item(Item=EVERYTHING)
    item = table.get_item(Key={"k": "all"}, ConsistentRead=True)["Item"]
    item["b"] = item["b"].value
    item["bs"] = {each.value for each in item["bs"]}
    assert item == EVERYTHING
    assert "Item" not in table.get_item(Key={"k": "none"})


@pytest.mark.parametrize("text, canonical", [
    ("007.500", "7.5"), ("1e5", "100000"), ("-1.23E-3", "-0.00123"), ("-0", "0"), (".5", "0.5"),
    ("0.00", "0"), ("9" * 38, "9" * 38), ("1e125", "1" + "0" * 125), ("1e-130", f"0.{'0' * 129}1"),
    ("12345678901234567890123456789012345678000", "12345678901234567890123456789012345678000"),
])
def test_numbers_have_one_form(client, table, text, canonical):
    client.put_item(TableName="plain", Item={"k": {"S": "n"}, "n": {"N": text}})
    item = client.get_item(TableName="plain", Key={"k": {"S": "n"}})["Item"]
    assert item["n"] == {"N": canonical}


@pytest.mark.parametrize("value, words", [
    ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set, must contain "
                           "exactly one of the supported datatypes"),
    ({"N": ""}, "The parameter cannot be converted to a numeric value"),
    ({"N": "abc"}, "The parameter cannot be converted to a numeric value: abc"),
    ({"N": "1e126"}, "Number overflow. Attempting to store a number with magnitude larger than "
                     "supported range"),
    ({"N": "1e-131"}, "Number underflow. Attempting to store a number with magnitude smaller than "
                      "supported range"),
    ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
    ({"NULL": False}, "One or more parameter values were invalid: Null attribute value types must "
                      "have the value of true"),
    ({"SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
    ({"SS": ["a", "a"]}, "One or more parameter values were invalid: Input collection [a, a] "
                         "contains duplicates."),
    ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
])
def test_values_are_validated(cloud, table, value, words):
    body = json.dumps({"TableName": "plain", "Item": {"k": {"S": "a"}, "v": value}})
    reply = signed(cloud, "PutItem", body.encode())
    assert reply.status == 400 and reply.json["message"] == words


def test_nesting_has_a_limit(client, table):
    value = {"S": "deep"}
    for _ in range(31):
        value = {"L": [value]}
    client.put_item(TableName="plain", Item={"k": {"S": "deep"}, "v": value})
    refused(lambda: client.put_item(TableName="plain",
                                    Item={"k": {"S": "deep"}, "v": {"L": [value]}}), VALIDATION)


@pytest.mark.parametrize("item, bytes_used", [
    ({}, 0),
    ({"é": {"S": "é"}}, 4),
    ({"b": {"B": b"abcd"}}, 5),
    ({"t": {"BOOL": True}, "u": {"NULL": True}}, 4),
    ({"n": {"N": "0"}}, 2),
    ({"n": {"N": "5"}}, 3),
    ({"n": {"N": "-12"}}, 4),
    ({"s": {"SS": ["a", "bc"]}}, 4),
    ({"l": {"L": [{"S": "ab"}]}}, 1 + 3 + 1 + 2),
    ({"m": {"M": {"x": {"S": "ab"}}}}, 1 + 3 + 1 + 1 + 2),
])
def test_an_item_has_400_kb_to_the_byte(client, table, item, bytes_used):
    room = KB400 - bytes_used - len("k" + "a" + "x")
    client.put_item(TableName="plain",
                    Item={"k": {"S": "a"}, "x": {"S": "v" * room}, **item})
    refused(lambda: client.put_item(TableName="plain",
                                    Item={"k": {"S": "a"}, "x": {"S": "v" * (room + 1)}, **item}),
            VALIDATION, "Item size has exceeded the maximum allowed size")


def test_keys_are_validated(client, table, ranged):
    put = lambda item, name="plain": client.put_item(TableName=name, Item=item)
    get = lambda key, name="plain": client.get_item(TableName=name, Key=key)
    prefix = "One or more parameter values were invalid: "
    refused(lambda: put({"a": {"S": "x"}}), VALIDATION, prefix + "Missing the key k in the item")
    refused(lambda: put({"k": {"N": "1"}}), VALIDATION,
            prefix + "Type mismatch for key k expected: S actual: N")
    refused(lambda: put({"k": {"S": ""}}), VALIDATION,
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: k")
    for key in [{}, {"k": {"N": "1"}}, {"z": {"S": "a"}}, {"k": {"S": "a"}, "z": {"S": "a"}}]:
        refused(lambda: get(key), VALIDATION, "The provided key element does not match the schema")
    put({"k": {"S": "é" * 1024}})
    refused(lambda: put({"k": {"S": "x" * 2049}}), VALIDATION,
            prefix + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
    refused(lambda: put({"k": {"S": "x"}, "r": {"S": "x" * 1025}}, "ranged"), VALIDATION,
            prefix + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def test_return_values_and_conditions(table):
    table.delete_item(Key={"k": "c"})
    reply = table.put_item(Item={"k": "c", "v": 1}, ReturnValues="ALL_OLD",
                           ConditionExpression=Attr("k").not_exists())
    assert "Attributes" not in reply
    reply = table.put_item(Item={"k": "c", "v": 2}, ReturnValues="ALL_OLD",
                           ConditionExpression=Attr("v").eq(1))
    assert reply["Attributes"] == {"k": "c", "v": 1}
    put = lambda **options: table.put_item(
        Item={"k": "c", "v": 3}, ConditionExpression=Attr("k").not_exists(), **options)
    refused(put, "ConditionalCheckFailedException", "The conditional request failed")
    refused(lambda: table.delete_item(Key={"k": "c"}, ConditionExpression=Attr("v").gt(2)),
            "ConditionalCheckFailedException", "The conditional request failed")
    assert table.delete_item(Key={"k": "c"}, ReturnValues="ALL_OLD")["Attributes"]["v"] == 2
    assert "Attributes" not in table.delete_item(Key={"k": "c"}, ReturnValues="ALL_OLD")
    refused(lambda: table.put_item(Item={"k": "c"}, ReturnValues="ALL_NEW"), VALIDATION,
            "ReturnValues can only be ALL_OLD or NONE")


# --- expressions ----------------------------------------------------------------------------------------

DOCUMENT = {"k": "d", "a": "Abc", "n": 5, "l": ["0", {"x": 1, "y": 2}, "2", "3"],
            "m": {"p": {"q": "deep"}, "z": "zz"}, "ss": {"x", "y"}, "t": True, "é f": 1}
VALUES = {":a": "Abc", ":A": "A", ":b": "b", ":n": 5, ":four": 4, ":six": 6, ":one": 1, ":S": "S",
          ":x": "x", ":t": True, ":l": ["0"], ":ss": {"y", "x"}}
CONDITIONS = [
    ("a = :a", True), ("a <> :a", False), ("n < :six", True), ("n <= :n", True), ("n > :n", False),
    ("n >= :six", False), ("n BETWEEN :four AND :six", True), ("a IN (:x, :a)", True),
    ("a IN (:x)", False), ("attribute_exists(m.p.q)", True), ("attribute_exists(m.p.r)", False),
    ("attribute_not_exists(zz)", True), ("attribute_type(a, :S)", True),
    ("attribute_type(n, :S)", False), ("begins_with(a, :A)", True), ("begins_with(a, :b)", False),
    ("contains(a, :b)", True), ("contains(ss, :x)", True), ("contains(ss, :a)", False),
    ("size(a) < :four", True), ("size(l) = :four", True), ("size(ss) > :one", True),
    ("NOT a = :a", False), ("a = :x OR n = :n AND t = :t", True),
    ("(a = :x OR n = :n) AND t <> :t", False), ("l[1].x = :one", True), ("l[9] = :one", False),
    ("ss = :ss", True), ("zz <> :a", True), ("zz = :a", False), ("zz < :a", False), ("n < a", False),
    ("a between :A and :b", True), ("l[0] IN (:x) or not (n in (:six))", True),
]


@pytest.mark.parametrize("expression, expected", CONDITIONS)
def test_conditions(table, expression, expected):
    table.put_item(Item=DOCUMENT)
    values = {name: value for name, value in VALUES.items()
              if name in expression.replace(")", " ").replace(",", " ").split() or
              f"({name}" in expression}
    options = {"ExpressionAttributeValues": values} if values else {}
    filtered = table.scan(FilterExpression=f"begins_with(k, :d) AND ({expression})",
                          ExpressionAttributeValues={**values, ":d": "d"})
    assert any(item["k"] == "d" for item in filtered["Items"]) is expected
    put = lambda: table.put_item(Item=DOCUMENT, ConditionExpression=expression, **options)
    if expected:
        put()
    else:
        refused(put, "ConditionalCheckFailedException")


@pytest.mark.parametrize("expression, words", [
    ("", "The expression can not be empty;"),
    ("a =", 'Syntax error; token: "<EOF>", near: "="'),
    ("a = :a n", 'Syntax error; token: "n", near: ":a n"'),
    ("a == :a", 'Syntax error; token: "=", near: "== :a"'),
    ("name = :a", "Attribute name is a reserved keyword; reserved keyword: name"),
    ("#u = :a", "An expression attribute name used in the document path is not defined; attribute "
                "name: #u"),
    ("a = :u", "An expression attribute value used in expression is not defined; attribute value: "
               ":u"),
    ("((a = :a))", "The expression has redundant parentheses;"),
    ("foo(a)", "Invalid function name; function: foo"),
    ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
    ("attribute_exists(a, n)", "Incorrect number of operands for operator or function; operator or "
                               "function: attribute_exists, number of operands: 2"),
    ("attribute_exists(:a)", "Operator or function requires a document path; operator or function: "
                             "attribute_exists"),
    ("begins_with(a, :n)", "Incorrect operand type for operator or function; operator or function: "
                           "begins_with, operand type: N"),
    ("a = a", "The first operand must be distinct from the remaining operands for this operator or "
              "function; operator: =, first operand: [a]"),
    ("n BETWEEN :six AND :four", "The BETWEEN operator requires upper bound to be greater than or "
     "equal to lower bound; lower bound operand: AttributeValue: {N:6}, upper bound operand: "
     "AttributeValue: {N:4}"),
    ("(" * 2000 + "a = :a", None),
    ("NOT " * 1000 + "a = :a", None),
    ("a = :a" + " " * 4096, "Expression size has exceeded the maximum allowed size; expression "
                            "size: 4102"),
])
def test_bad_conditions_are_refused(table, expression, words):
    refused(lambda: table.put_item(Item=DOCUMENT, ConditionExpression=expression,
                                   ExpressionAttributeValues=VALUES), VALIDATION,
            words and f"Invalid ConditionExpression: {words}")


def test_names_and_values_must_be_used(table):
    put = lambda **options: table.put_item(Item=DOCUMENT, **options)
    refused(lambda: put(ConditionExpression="a = :a",
                        ExpressionAttributeValues={":a": 1, ":b": 2}), VALIDATION,
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}")
    refused(lambda: put(ConditionExpression="attribute_exists(a)",
                        ExpressionAttributeNames={"#a": "a"}), VALIDATION,
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}")
    refused(lambda: put(ExpressionAttributeValues={":a": 1}), VALIDATION,
            "ExpressionAttributeValues can only be specified when using expressions: "
            "ConditionExpression is null")
    refused(lambda: put(ConditionExpression="a = :a", ExpressionAttributeValues={"a": 1}),
            VALIDATION, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"')


@pytest.mark.parametrize("expression, expected", [
    ("a, n", {"a": "Abc", "n": 5}),
    ("l[2], l[0]", {"l": ["0", "2"]}),
    ("l[1].x, m.p.q", {"l": [{"x": 1}], "m": {"p": {"q": "deep"}}}),
    ("m.p, m.z, nope, a.b, l[77]", {"m": DOCUMENT["m"]}),
    ("#e", {"é f": 1}),
])
def test_projections(table, expression, expected):
    table.put_item(Item=DOCUMENT)
    names = {"ExpressionAttributeNames": {"#e": "é f"}} if "#e" in expression else {}
    assert table.get_item(Key={"k": "d"}, ProjectionExpression=expression,
                          **names)["Item"] == expected


@pytest.mark.parametrize("expression, changed", [
    ("SET a = :x", {"a": "x"}),
    ("SET n = n + :one, zz = n", {"n": 6, "zz": 5}),
    ("SET n = :one - n", {"n": -4}),
    ("SET zz = if_not_exists(zz, :one) + :one", {"zz": 2}),
    ("SET l = list_append(l, :l)", {"l": [*DOCUMENT["l"], "0"]}),
    ("SET l[9] = :x, l[7] = :a", {"l": [*DOCUMENT["l"], "Abc", "x"]}),
    ("SET m.p.q = :x, l[1].y = :x", {"m": {"p": {"q": "x"}, "z": "zz"},
                                     "l": ["0", {"x": 1, "y": "x"}, "2", "3"]}),
    ("REMOVE l[0], l[2]", {"l": [{"x": 1, "y": 2}, "3"]}),
    ("REMOVE zz, m.p", {"m": {"z": "zz"}}),
    ("ADD n :one, zz :one, ss :ss2", {"n": 6, "zz": 1, "ss": {"x", "y", "z"}}),
    ("DELETE ss :sx", {"ss": {"y"}}),
    ("set a = n remove t add n :one", {"a": 5, "t": None, "n": 6}),
])
def test_updates(table, expression, changed):
    values = {**VALUES, ":ss2": {"z"}, ":sx": {"x"}}
    used = {name: value for name, value in values.items()
            if name in expression.replace(",", " ").replace(")", " ").split()}
    table.put_item(Item=DOCUMENT)
    options = {"ExpressionAttributeValues": used} if used else {}
    new = table.update_item(Key={"k": "d"}, UpdateExpression=expression, ReturnValues="ALL_NEW",
                            **options)["Attributes"]
    expected = {name: value for name, value in {**DOCUMENT, **changed}.items() if value is not None}
    assert new == expected == table.get_item(Key={"k": "d"})["Item"]


@pytest.mark.parametrize("expression, words", [
    ("SET k = :x", "One or more parameter values were invalid: Cannot update attribute k. This "
                   "attribute is part of the key"),
    ("SET a = zz", "The provided expression refers to an attribute that does not exist in the item"),
    ("SET a = a + :x", "Invalid UpdateExpression: Incorrect operand type for operator or function; "
                       "operator or function: +, operand type: S"),
    ("SET zz.y = :x", "The document path provided in the update expression is invalid for update"),
    ("SET m = :x, m.z = :x", "Invalid UpdateExpression: Two document paths overlap with each "
     "other; must remove or rewrite one of these paths; path one: [m], path two: [m, z]"),
    ("SET a = :x SET n = :x", 'Invalid UpdateExpression: The "SET" section can only be used once '
                              "in an update expression;"),
    ("ADD a :x", "Invalid UpdateExpression: Incorrect operand type for operator or function; "
                 "operator: ADD, operand type: STRING"),
])
def test_bad_updates_are_refused(table, expression, words):
    table.put_item(Item=DOCUMENT)
    options = {"ExpressionAttributeValues": {":x": "x"}} if ":x" in expression else {}
    refused(lambda: table.update_item(Key={"k": "d"}, UpdateExpression=expression, **options),
            VALIDATION, words)
    assert table.get_item(Key={"k": "d"})["Item"] == DOCUMENT


def test_an_update_makes_an_item(table):
    table.delete_item(Key={"k": "new"})
    reply = table.update_item(Key={"k": "new"}, UpdateExpression="SET a = :x",
                              ExpressionAttributeValues={":x": 1}, ReturnValues="UPDATED_NEW")
    assert reply["Attributes"] == {"a": 1}
    assert table.get_item(Key={"k": "new"})["Item"] == {"k": "new", "a": 1}
    reply = table.update_item(Key={"k": "new"}, UpdateExpression="SET a = :x",
                              ExpressionAttributeValues={":x": 2}, ReturnValues="UPDATED_OLD")
    assert reply["Attributes"] == {"a": 1}
    refused(lambda: table.update_item(
        Key={"k": "new"}, UpdateExpression="SET a = :x",
        ExpressionAttributeValues={":x": "x" * KB400}), VALIDATION,
        "Item size to update has exceeded the maximum allowed size")


def test_updates_of_many_threads_do_not_lose_one(cloud, table):
    table.put_item(Item={"k": "counter", "n": 0})

    def count(_):
        client = cloud.client("dynamodb")
        for _ in range(25):
            client.update_item(TableName="plain", Key={"k": {"S": "counter"}},
                               UpdateExpression="ADD n :one",
                               ExpressionAttributeValues={":one": {"N": "1"}})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert table.get_item(Key={"k": "counter"})["Item"]["n"] == 200


# --- batches ---------------------------------------------------------------------------------------------

def test_batch_writes(client, table):
    put = lambda key: {"PutRequest": {"Item": {"k": {"S": key}}}}
    delete = lambda key: {"DeleteRequest": {"Key": {"k": {"S": key}}}}
    write = lambda requests: client.batch_write_item(RequestItems={"plain": requests})
    assert write([put(f"b{i}") for i in range(25)])["UnprocessedItems"] == {}
    write([delete("b0"), put("b25")])
    keys = [{"k": {"S": f"b{i}"}} for i in range(26)]
    reply = client.batch_get_item(RequestItems={"plain": {"Keys": keys}})
    assert {item["k"]["S"] for item in reply["Responses"]["plain"]} == \
        {f"b{i}" for i in range(1, 26)}
    assert reply["UnprocessedKeys"] == {}
    duplicates = "Provided list of item keys contains duplicates"
    refused(lambda: write([put("x"), put("x")]), VALIDATION, duplicates)
    refused(lambda: write([put("x"), delete("x")]), VALIDATION, duplicates)
    refused(lambda: write([put(f"c{i}") for i in range(26)]), VALIDATION)
    refused(lambda: write([put("c1"), {"PutRequest": {"Item": {"z": {"S": "c"}}}}]), VALIDATION,
            "The provided key element does not match the schema")
    refused(lambda: write([put("c1"), {"PutRequest": {
        "Item": {"k": {"S": "c"}, "x": {"S": "x" * KB400}}}}]), VALIDATION,
        "Item size has exceeded the maximum allowed size")
    assert "Item" not in client.get_item(TableName="plain", Key={"k": {"S": "c1"}})
    refused(lambda: client.batch_write_item(RequestItems={"nope": [put("a")]}),
            "ResourceNotFoundException")


def test_batch_gets(client, table, ranged):
    get = lambda keys, **options: client.batch_get_item(
        RequestItems={"plain": {"Keys": keys, **options}})
    table.put_item(Item=DOCUMENT)
    key = {"k": {"S": "d"}}
    reply = get([key], ProjectionExpression="#n", ExpressionAttributeNames={"#n": "n"})
    assert reply["Responses"]["plain"] == [{"n": {"N": "5"}}]
    refused(lambda: get([key, key]), VALIDATION, "Provided list of item keys contains duplicates")
    refused(lambda: get([{"k": {"S": str(i)}} for i in range(101)]), VALIDATION)
    reply = client.batch_get_item(RequestItems={
        "plain": {"Keys": [key]},
        "ranged": {"Keys": [{"k": {"S": "q"}, "r": {"S": f"{i:03}"}} for i in range(50)]}})
    assert len(reply["Responses"]["ranged"]) == 30 and len(reply["Responses"]["plain"]) == 1


def test_a_batch_of_more_than_16_mb_is_given_in_parts(client, resource):
    table = make_table(resource, "heavy")
    with table.batch_writer() as batch:
        for i in range(45):
            batch.put_item({"k": str(i), "x": "x" * (KB400 - 5)})
    keys = {"heavy": {"Keys": [{"k": {"S": str(i)}} for i in range(45)]}}
    got, calls = set(), 0
    while keys:
        reply = client.batch_get_item(RequestItems=keys)
        got |= {item["k"]["S"] for item in reply["Responses"]["heavy"]}
        keys, calls = reply["UnprocessedKeys"], calls + 1
    assert (len(got), calls) == (45, 2)
    pages = [page for page in client.get_paginator("scan").paginate(TableName="heavy")]
    assert [page["Count"] for page in pages] == [3] * 15 + [0]
    client.delete_table(TableName="heavy")


# --- the whole ---------------------------------------------------------------------------------------------------

def test_a_restart_keeps_everything(make_cloud):
    cloud = make_cloud()
    table = make_table(cloud.resource("dynamodb"), "kept", "N")
    items = [{"k": "a", "r": i, "x": {"n": [i, None]}} for i in range(20)]
    with table.batch_writer() as batch:
        for item in items:
            batch.put_item(item)
    described = cloud.client("dynamodb").describe_table(TableName="kept")["Table"]
    cloud.restart()
    table = cloud.resource("dynamodb").Table("kept")
    assert table.query(KeyConditionExpression=Key("k").eq("a"))["Items"] == items
    assert cloud.client("dynamodb").describe_table(TableName="kept")["Table"] == described


def test_random_operations_agree_with_a_model(resource):
    """Puts, deletes and queries at random, against a dict."""
    table, model, rng = make_table(resource, "model", "N"), {}, random.Random(7)
    for _ in range(300):
        key = (rng.choice("ab"), decimal.Decimal(rng.randint(-50, 50)) / rng.choice([1, 10, 100]))
        if rng.random() < 0.7:
            model[key] = rng.randint(0, 9)
            table.put_item(Item={"k": key[0], "r": key[1], "v": model[key]})
        else:
            old = model.pop(key, None)
            reply = table.delete_item(Key={"k": key[0], "r": key[1]}, ReturnValues="ALL_OLD")
            assert reply.get("Attributes", {}).get("v") == old
    for partition in "ab":
        low, high = sorted(decimal.Decimal(rng.randint(-50, 50)) for _ in range(2))
        found = table.query(
            KeyConditionExpression=Key("k").eq(partition) & Key("r").between(low, high))["Items"]
        expected = sorted((r, v) for (k, r), v in model.items()
                          if k == partition and low <= r <= high)
        assert [(item["r"], item["v"]) for item in found] == expected
    table.delete()
