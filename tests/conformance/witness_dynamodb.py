# SPDX-License-Identifier: Apache-2.0
"""Our DynamoDB client, the same tests on each of those that stand for DynamoDB; and localcloud
among them, so that it agrees with the others. Where one of them differs from AWS's documentation,
the test says so by name."""

import base64
import decimal
import re

import pytest

from witnesses import ask, good

LIMIT = 400 * 1024
KB100 = "a" * 100 * 1024


@pytest.fixture(scope="module", params=["dynamodb_local", "dynalite", "localcloud"])
def dynamodb(request):
    witness = request.getfixturevalue(request.param)
    witness.label = request.param
    return witness


def make_table(witness, name, sort=None):
    """A table as ours is, or with a sort key."""
    keys = [("fileName", "S", "HASH")] + ([("n", sort, "RANGE")] if sort else [])
    good(witness, "dynamodb.create_table", request={
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, _, kind in keys],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": attribute}
                                 for key, attribute, _ in keys]})
    return name


@pytest.fixture(scope="module")
def table(dynamodb):
    return make_table(dynamodb, "plain")


@pytest.fixture
def own_table(dynamodb, request):
    return make_table(dynamodb, request.node.originalname)


def refusal(witness, code, operation, **arguments):
    """An operation that must be refused with AWS's code; our error, and the message."""
    answer = ask(witness, operation, **arguments)
    assert answer["provider"]["code"] == code, answer
    assert answer["provider"]["http_status"] == 400, answer
    assert answer["provider"]["service"] == "dynamodb"
    assert answer["provider"]["request_id"]
    return answer["err"], answer["provider"]["message"]


def key(name):
    return {"fileName": {"S": name}}


# --- tables --------------------------------------------------------------------------------------

def test_a_table_is_described(dynamodb, table):
    described = good(dynamodb, "dynamodb.describe_table", table=table)
    assert described["TableStatus"] == "ACTIVE"
    assert described["KeySchema"] == [{"AttributeName": "fileName", "KeyType": "HASH"}]
    assert described["AttributeDefinitions"] == [
        {"AttributeName": "fileName", "AttributeType": "S"}]
    assert described["TableArn"].endswith(":table/plain")
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_table_that_is_there_is_a_conflict(dynamodb, table):
    answer = ask(dynamodb, "dynamodb.create_table", request={
        "TableName": table, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "fileName", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "fileName", "AttributeType": "S"}]})
    assert answer["err"] == "aws_conflict", answer
    assert answer["provider"]["code"] == "ResourceInUseException"


@pytest.mark.parametrize("operation, arguments", [
    ("describe_table", {}),
    ("put_item", {"item": key("a")}),
    ("may_put", {"partition_key": "fileName", "value": "a"}),
    ("may_put", {"partition_key": "fileName", "value": "a"}),
    ("get_item", {"key": key("a")}),
    ("item_exists", {"partition_key": "fileName", "value": "a"}),
    ("batch_put", {"items": [key("a")]}),
    ("batch_delete", {"keys": [key("a")]}),
    ("batch_get", {"keys": [key("a")]}),
    ("query", {"request": {"KeyConditionExpression": "fileName = :a",
                           "ExpressionAttributeValues": {":a": {"S": "a"}}}}),
    ("scan", {"request": {}}),
])
def test_a_table_that_is_not_there_is_told_apart(dynamodb, operation, arguments):
    err, _ = refusal(dynamodb, "ResourceNotFoundException", "dynamodb." + operation,
                     table="nowhere", **arguments)
    assert err == "table_missing"


def test_asking_whether_one_may_put_writes_nothing(dynamodb, table):
    good(dynamodb, "dynamodb.may_put", table=table, partition_key="fileName", value="asked")
    assert good(dynamodb, "dynamodb.get_item", table=table, key=key("asked")) is None


# --- items ---------------------------------------------------------------------------------------

VALUES = {
    "string": {"S": "text"},
    "empty string": {"S": ""},
    "unicode": {"S": "한국어 é 😀 \u202e \u0001 \u001f \" \\ / \u2028 \ufeff \uffff"},
    "binary": {"B": base64.b64encode(bytes(range(256))).decode()},
    "empty binary": {"B": ""},
    "true": {"BOOL": True},
    "false": {"BOOL": False},
    "null": {"NULL": True},
    "list": {"L": [{"S": "a"}, {"N": "1"}, {"L": []}, {"M": {}}]},
    "map": {"M": {" ": {"S": "a blank name"}, "한": {"M": {"deep": {"L": [{"M": {}}]}}}}},
    "strings": {"SS": ["a", "b", ""]},
    "numbers": {"NS": ["1", "2.5", "-3"]},
    "binaries": {"BS": [base64.b64encode(b"a").decode(), base64.b64encode(b"b").decode()]},
    "integer": {"N": "9007199254740993"},
    "38 digits": {"N": "12345678901234567890123456789012345678"},
    "fraction": {"N": "-0.00000000000000000001"},
    "the largest": {"N": "9.9999999999999999999999999999999999999E+125"},
    "the smallest": {"N": "1E-130"},
    "as deep as it goes": {"L": []},
}
for _ in range(30):
    VALUES["as deep as it goes"] = {"L": [VALUES["as deep as it goes"]]}


def comparable(value):
    """An attribute value with what has no order put in order, and numbers as numbers."""
    (kind, inner), = value.items()
    if kind in ("SS", "BS"):
        return kind, sorted(inner)
    if kind == "NS":
        return kind, sorted(float(number) for number in inner)
    if kind == "N":
        return kind, decimal.Decimal(inner)  # 38 digits are more than a float has
    if kind == "L":
        return kind, [comparable(item) for item in inner]
    if kind == "M":
        return kind, {name: comparable(item) for name, item in inner.items()}
    return kind, inner


@pytest.mark.parametrize("name", VALUES)
def test_every_value_comes_back(dynamodb, table, name):
    item = {**key(f"value {name}"), "v": VALUES[name], "ключ é": {"S": name}}
    good(dynamodb, "dynamodb.put_item", table=table, item=item)
    got = good(dynamodb, "dynamodb.get_item", table=table, key=key(f"value {name}"))
    assert comparable({"M": got}) == comparable({"M": item})
    assert good(dynamodb, "dynamodb.item_size", item=got) == \
        good(dynamodb, "dynamodb.item_size", item=item)


@pytest.mark.parametrize("name", ["plain", "한국어 😀/é", "a" * 2048, " ", "\u0001"])
def test_names_of_items(dynamodb, table, name):
    good(dynamodb, "dynamodb.put_item", table=table, item={**key(name), "v": {"S": "1"}})
    good(dynamodb, "dynamodb.put_item", table=table, item={**key(name), "w": {"S": "2"}})
    assert good(dynamodb, "dynamodb.get_item", table=table, key=key(name)) == {
        **key(name), "w": {"S": "2"}}  # replaced, not merged
    exists = {"table": table, "partition_key": "fileName"}
    assert good(dynamodb, "dynamodb.item_exists", value=name, **exists) is True
    assert good(dynamodb, "dynamodb.item_exists", value=name + "x"[:2047 - len(name)] + "!"
                if len(name) < 2048 else "b", **exists) is False


def test_an_item_that_is_not_there_is_none(dynamodb, table):
    assert good(dynamodb, "dynamodb.get_item", table=table, key=key("nobody")) is None


def test_whether_one_may_put_is_asked_without_putting(dynamodb, table):
    good(dynamodb, "dynamodb.may_put", table=table, partition_key="fileName", value="absent 한")
    assert good(dynamodb, "dynamodb.get_item", table=table, key=key("absent 한")) is None


@pytest.mark.parametrize("item, words", [
    ({"v": {"S": "no key"}}, "key"),
    ({"fileName": {"N": "1"}}, "mismatch"),
    ({"fileName": {"S": ""}}, "empty string"),
    ({"fileName": {"S": "a" * 2049}}, "2048"),
    ({**key("n"), "v": {"N": "one"}}, "number|numeric"),
    ({**key("n"), "v": {"N": "1" * 39}}, "38 (significant )?digits"),
    ({**key("n"), "v": {"N": "1E126"}}, "overflow"),
    ({**key("n"), "v": {"SS": []}}, "empty"),
    ({**key("n"), "v": {"SS": ["a", "a"]}}, "duplicates"),
    ({**key("n"), "v": {"S": "a", "N": "1"}}, "one datatype"),
])
def test_what_is_no_item_is_refused(dynamodb, table, item, words):
    err, message = refusal(dynamodb, "ValidationException", "dynamodb.put_item", table=table,
                           item=item)
    assert err == "aws_rejected"
    assert re.search(words, message, re.IGNORECASE), message


def test_a_nul_is_not_read(dynamodb, own_table):
    """DynamoDB keeps U+0000, our strings cannot: it is told, and never cut off silently."""
    good(dynamodb, "dynamodb.put_item", table=own_table, item={**key("n"), "v": {"S": "a\0b"}})
    answer = ask(dynamodb, "dynamodb.get_item", table=own_table, key=key("n"))
    assert answer["err"] == "aws_protocol", answer


# --- the 400 KB border, byte by byte -------------------------------------------------------------

def encoded(binary):
    return {"B": base64.b64encode(binary).decode()}


SHAPES = {
    "string": {"S": "x"}, "empty string": {"S": ""}, "unicode": {"S": "é한😀"},
    "no bytes": encoded(b""), "one byte": encoded(b"a"), "two bytes": encoded(b"ab"),
    "three bytes": encoded(b"abc"), "null": {"NULL": True}, "bool": {"BOOL": False},
    "empty list": {"L": []}, "list": {"L": [{"S": "a"}, {"NULL": True}]},
    "empty map": {"M": {}}, "map": {"M": {"é": {"S": "b"}, "n": {"M": {"x": {"L": []}}}}},
    "strings": {"SS": ["a", "bc"]}, "numbers": {"NS": ["1", "22"]},
    "binaries": {"BS": [encoded(b"ab")["B"]]},
    **{number: {"N": number} for number in [
        "0", "-0", "1", "-1", "10", "100", "12", "123", "1234", "1000000", "0.1", "0.01", "0.5",
        "12.3", "1.23", "-1.23", "100.5", "1.0", "00012", "1e10", "1e11", "1E-130",
        "12345678901234567890123456789012345678", "9.9999999999999999999999999999999999999E+125",
        "-9.9999999999999999999999999999999999999E+125"]},
}
# dynalite counts the length of JavaScript's strings and not the bytes of UTF-8: so many too few.
DYNALITE_MISCOUNTS = {"unicode": 5, "map": 1}


@pytest.mark.parametrize("shape", SHAPES)
def test_our_count_of_an_items_bytes_is_theirs(dynamodb, table, shape):
    def item(size):
        padded = {**key("border"), "v": SHAPES[shape], "p": {"S": ""}}
        least = good(dynamodb, "dynamodb.item_size", item=padded)
        padded["p"]["S"] = "a" * (size - least)
        return padded
    more = DYNALITE_MISCOUNTS.get(shape, 0) if dynamodb.label == "dynalite" else 0
    good(dynamodb, "dynamodb.put_item", table=table, item=item(LIMIT + more))
    err, message = refusal(dynamodb, "ValidationException", "dynamodb.put_item", table=table,
                           item=item(LIMIT + more + 1))
    assert err == "aws_rejected"
    assert message == "Item size has exceeded the maximum allowed size"


# --- many items ----------------------------------------------------------------------------------

def test_batches_are_split_by_count(dynamodb, own_table):
    items = [{**key(f"{i:03}"), "i": {"N": str(i)}} for i in range(230)]
    good(dynamodb, "dynamodb.batch_put", table=own_table, items=items)
    keys = [key(f"{i:03}") for i in range(235)]  # five are not there
    got = good(dynamodb, "dynamodb.batch_get", table=own_table, keys=keys)
    assert sorted(got, key=lambda one: one["fileName"]["S"]) == items
    good(dynamodb, "dynamodb.batch_delete", table=own_table, keys=keys[:228])
    left = good(dynamodb, "dynamodb.scan", table=own_table, request={})["Items"]
    assert sorted(one["fileName"]["S"] for one in left) == ["228", "229"]


def test_batches_are_split_by_size_and_unprocessed_keys_are_asked_for_again(dynamodb, own_table):
    """20 MB: more than a BatchWriteItem takes, and more than a BatchGetItem answers; dynalite
    answers no more than 1 MB, so that 20 MB would be twenty rounds."""
    count = 10 if dynamodb.label == "dynalite" else 70
    items = [{**key(f"{i:03}"), "v": {"S": 3 * KB100}} for i in range(count)]
    good(dynamodb, "dynamodb.batch_put", table=own_table, items=items)
    got = good(dynamodb, "dynamodb.batch_get", table=own_table,
               keys=[key(f"{i:03}") for i in range(count)])
    assert sorted(got, key=lambda one: one["fileName"]["S"]) == items


def test_nothing_is_asked_for_nothing(dynamodb, table):
    good(dynamodb, "dynamodb.batch_put", table=table, items=[])
    good(dynamodb, "dynamodb.batch_delete", table=table, keys=[])
    assert good(dynamodb, "dynamodb.batch_get", table=table, keys=[]) == []


@pytest.mark.parametrize("operation, arguments", [
    ("batch_put", {"items": [key("twice"), {**key("twice"), "v": {"S": "other"}}]}),
    ("batch_delete", {"keys": [key("twice"), key("twice")]}),
    ("batch_get", {"keys": [key("twice"), key("twice")]}),
])
def test_a_key_twice_is_refused(dynamodb, table, operation, arguments):
    err, message = refusal(dynamodb, "ValidationException", "dynamodb." + operation, table=table,
                           **arguments)
    assert err == "aws_rejected"
    assert "duplicates" in message


def test_one_item_too_large_refuses_its_batch(dynamodb, own_table):
    items = [key("small"), {**key("large"), "v": {"S": "a" * LIMIT}}]
    err, _ = refusal(dynamodb, "ValidationException", "dynamodb.batch_put", table=own_table,
                     items=items)
    assert err == "aws_rejected"
    assert good(dynamodb, "dynamodb.scan", table=own_table, request={})["Items"] == []


# --- Query and Scan ------------------------------------------------------------------------------

def pages(witness, operation, table, request):
    """All pages, each as its list of items."""
    found, start = [], {}
    while True:
        answer = good(witness, operation, table=table, request={**request, **start})
        found.append(answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return found
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def test_a_scan_goes_by_pages_of_1_mb(dynamodb, own_table):
    names = [f"item {i:02}" for i in range(32)]
    good(dynamodb, "dynamodb.batch_put", table=own_table,
         items=[{**key(name), "v": {"S": KB100}} for name in names])
    got = pages(dynamodb, "dynamodb.scan", own_table, {})
    assert sorted(one["fileName"]["S"] for page in got for one in page) == names
    # 10 whole items and the one that passes the border.
    assert [len(page) for page in got if page] == [11, 11, 10] or \
        [len(page) for page in got if page] == [10, 10, 10, 2], [len(page) for page in got]
    # What is projected away counts all the same.
    narrow = pages(dynamodb, "dynamodb.scan", own_table, {
        "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "fileName"}})
    assert [len(page) for page in narrow] == [len(page) for page in got]
    assert all(set(one) == {"fileName"} for page in narrow for one in page)


def test_scans_by_limit_filter_and_segment(dynamodb, own_table):
    good(dynamodb, "dynamodb.batch_put", table=own_table,
         items=[{**key(f"videos/{i:02}" if i % 3 else f"thumbs/{i:02}"), "i": {"N": str(i)}}
                for i in range(30)])
    assert [len(page) for page in pages(dynamodb, "dynamodb.scan", own_table, {"Limit": 7})
            if page] == [7, 7, 7, 7, 2]
    videos = {"FilterExpression": "begins_with(fileName, :p) AND #i >= :least",
              "ExpressionAttributeNames": {"#i": "i"},
              "ExpressionAttributeValues": {":p": {"S": "videos/"}, ":least": {"N": "10"}}}
    expected = [f"videos/{i:02}" for i in range(10, 30) if i % 3]
    assert sorted(one["fileName"]["S"] for page in pages(
        dynamodb, "dynamodb.scan", own_table, {**videos, "Limit": 4}) for one in page) == expected
    halves = [[one["fileName"]["S"] for page in pages(
        dynamodb, "dynamodb.scan", own_table, {**videos, "TotalSegments": 2, "Segment": segment})
        for one in page] for segment in (0, 1)]
    assert sorted(halves[0] + halves[1]) == expected


@pytest.fixture(scope="module")
def ranged(dynamodb):
    make_table(dynamodb, "ranged", "N")
    good(dynamodb, "dynamodb.batch_put", table="ranged",
         items=[{**key("q"), "n": {"N": str(n)}} for n in (-10, -2, 0, 0.5, 1, 9, 10, 100)] +
         [{**key("other"), "n": {"N": "5"}}])
    return "ranged"


@pytest.mark.parametrize("condition, values, more, expected", [
    ("", {}, {}, [-10, -2, 0, 0.5, 1, 9, 10, 100]),
    ("", {}, {"ScanIndexForward": False, "Limit": 3}, [100, 10, 9, 1, 0.5, 0, -2, -10]),
    ("AND n BETWEEN :a AND :b", {":a": {"N": "-2"}, ":b": {"N": "9.0"}}, {}, [-2, 0, 0.5, 1, 9]),
    ("AND n > :a", {":a": {"N": "9"}}, {"Limit": 1}, [10, 100]),
    ("AND n = :a", {":a": {"N": "1E2"}}, {"ConsistentRead": True}, [100]),
    ("AND n < :a", {":a": {"N": "-10"}}, {}, []),
])
def test_queries(dynamodb, ranged, condition, values, more, expected):
    request = {"KeyConditionExpression": f"fileName = :q {condition}".strip(),
               "ExpressionAttributeValues": {":q": {"S": "q"}, **values}, **more}
    got = pages(dynamodb, "dynamodb.query", ranged, request)
    assert [float(one["n"]["N"]) for page in got for one in page] == expected
    assert all(len(page) <= more.get("Limit", 100) for page in got)


@pytest.mark.parametrize("request_, words", [
    ({"KeyConditionExpression": "fileName >"}, "syntax error"),
    ({"KeyConditionExpression": "fileName = :missing"}, "not defined"),
    ({"KeyConditionExpression": "title = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}},
     "missed key schema element"),
])
def test_queries_that_mean_nothing_are_refused(dynamodb, ranged, request_, words):
    err, message = refusal(dynamodb, "ValidationException", "dynamodb.query", table=ranged,
                           request=request_)
    assert err == "aws_rejected"
    assert words in message.lower(), message
