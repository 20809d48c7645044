# SPDX-License-Identifier: Apache-2.0
"""localcloud's DynamoDB: Query and Scan, driven by boto3's client and resource."""

import decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key

from test_localcloud_dynamodb import (  # noqa: F401
    VALIDATION, client, make_table, ranged, refused, resource, table)


@pytest.fixture(scope="module")
def numbered(resource):  # noqa: F811
    table = make_table(resource, "numbered", "N")
    for number in NUMBERS:
        table.put_item(Item={"k": "q", "r": number})
    return table


NUMBERS = [decimal.Decimal(text) for text in [
    "-1E37", "-123", "-12.05", "-12", "-10.5", "-10.05", "-10", "-1.23", "-1.2", "-1E-130", "0",
    "1E-130", "0.0001", "1", "1.2", "1.23", "9.99", "10", "10.05", "10.5", "12", "100", "123",
    "1E37"]]


# --- Query -----------------------------------------------------------------------------------------

def indexes(reply):
    return [int(item["i"]) for item in reply["Items"]]


@pytest.mark.parametrize("condition, expected", [
    (Key("k").eq("q"), range(30)),
    (Key("k").eq("q") & Key("r").eq("010"), [10]),
    (Key("k").eq("q") & Key("r").lt("003"), range(3)),
    (Key("k").eq("q") & Key("r").lte("003"), range(4)),
    (Key("k").eq("q") & Key("r").gt("027"), [28, 29]),
    (Key("k").eq("q") & Key("r").gte("027"), [27, 28, 29]),
    (Key("k").eq("q") & Key("r").between("005", "007"), [5, 6, 7]),
    (Key("k").eq("q") & Key("r").begins_with("02"), range(20, 30)),
    (Key("k").eq("nobody"), []),
])
def test_queries(ranged, condition, expected):  # noqa: F811
    reply = ranged.query(KeyConditionExpression=condition)
    assert indexes(reply) == list(expected)
    assert reply["Count"] == reply["ScannedCount"] == len(expected)
    assert "LastEvaluatedKey" not in reply
    backward = ranged.query(KeyConditionExpression=condition, ScanIndexForward=False)
    assert indexes(backward) == list(expected)[::-1]
    counted = ranged.query(KeyConditionExpression=condition, Select="COUNT")
    assert counted["Count"] == len(expected) and "Items" not in counted


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 10, 30, 31])
def test_queries_in_pages(ranged, forward, limit):  # noqa: F811
    seen, options = [], {}
    while True:
        reply = ranged.query(KeyConditionExpression=Key("k").eq("q") & Key("r").gte("005"),
                             Limit=limit, ScanIndexForward=forward, **options)
        seen += indexes(reply)
        assert reply["Count"] <= limit
        if "LastEvaluatedKey" not in reply:
            break
        assert reply["LastEvaluatedKey"] == {"k": "q", "r": f"{seen[-1]:03}"}
        options = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}
    assert seen == (list(range(5, 30)) if forward else list(range(29, 4, -1)))


def test_numbers_are_sorted_as_numbers(numbered):
    everything = numbered.query(KeyConditionExpression=Key("k").eq("q"))["Items"]
    assert [item["r"] for item in everything] == NUMBERS
    for i, number in enumerate(NUMBERS):
        for name, expected in [("lt", NUMBERS[:i]), ("lte", NUMBERS[:i + 1]),
                               ("gt", NUMBERS[i + 1:]), ("gte", NUMBERS[i:])]:
            found = numbered.query(
                KeyConditionExpression=Key("k").eq("q") & getattr(Key("r"), name)(number))
            assert [item["r"] for item in found["Items"]] == expected


def test_a_filter_comes_after_the_limit(ranged):  # noqa: F811
    reply = ranged.query(KeyConditionExpression=Key("k").eq("q"), Limit=7,
                         FilterExpression=Attr("odd").eq(True), ProjectionExpression="i")
    assert reply["Items"] == [{"i": 1}, {"i": 3}, {"i": 5}]
    assert (reply["Count"], reply["ScannedCount"]) == (3, 7)
    assert reply["LastEvaluatedKey"] == {"k": "q", "r": "006"}


@pytest.mark.parametrize("condition, words", [
    ("k > :q", "Query key condition not supported"),
    ("r = :q", "Query condition missed key schema element: k"),
    ("k = :q OR r = :q", "Invalid operator used in KeyConditionExpression: OR"),
    ("k <> :q", "Invalid operator used in KeyConditionExpression: <>"),
    ("k = :q AND contains(r, :q)", "Invalid operator used in KeyConditionExpression: contains"),
    ("k = :q AND k = :q", "KeyConditionExpressions must only contain one condition per key"),
    ("k = :q AND zz = :q", "Query condition missed key schema element: r"),
    ("k.a = :q", "KeyConditionExpressions cannot have conditions on nested attributes"),
    ("k = :q AND size(r) = :q", "KeyConditionExpressions cannot contain nested operations"),
    ("k = :q AND r = :n", "One or more parameter values were invalid: Condition parameter type "
                          "does not match schema type"),
])
def test_bad_key_conditions_are_refused(ranged, condition, words):  # noqa: F811
    values = {name: value for name, value in {":q": "q", ":n": 1}.items() if name in condition}
    refused(lambda: ranged.query(KeyConditionExpression=condition,
                                 ExpressionAttributeValues=values), VALIDATION, words)


def test_bad_queries_are_refused(client, ranged):  # noqa: F811
    query = lambda **options: ranged.query(KeyConditionExpression=Key("k").eq("q"), **options)
    refused(lambda: client.query(TableName="ranged"), VALIDATION,
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
            "request.")
    refused(lambda: query(FilterExpression=Attr("r").eq("x")), VALIDATION,
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: "
            "r")
    refused(lambda: query(ExclusiveStartKey={"k": "q"}), VALIDATION,
            "The provided starting key is invalid")
    refused(lambda: query(ExclusiveStartKey={"k": "other", "r": "000"}), VALIDATION,
            "The provided starting key is outside query boundaries based on provided conditions")
    refused(lambda: client.query(TableName="ranged", IndexName="some", Select="COUNT"), VALIDATION,
            "localcloud does not offer IndexName; use expressions on the table itself")


# --- Scan ------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def scattered(resource):  # noqa: F811
    table = make_table(resource, "scattered", "N")
    with table.batch_writer() as batch:
        for i in range(300):
            batch.put_item({"k": f"partition {i % 60}", "r": i, "i": i})
    return table


@pytest.mark.parametrize("segments", [1, 2, 3, 7])
@pytest.mark.parametrize("limit", [None, 11])
def test_segments_cover_the_table_once(scattered, segments, limit):
    seen = []
    for segment in range(segments):
        options = {"Segment": segment, "TotalSegments": segments}
        if limit:
            options["Limit"] = limit
        while True:
            reply = scattered.scan(**options)
            seen += indexes(reply)
            if "LastEvaluatedKey" not in reply:
                break
            options["ExclusiveStartKey"] = reply["LastEvaluatedKey"]
    assert sorted(seen) == list(range(300))
    assert seen != sorted(seen)  # in the order of a hash, as AWS does


def test_scans_filter_count_and_page(scattered, client):  # noqa: F811
    reply = scattered.scan(FilterExpression=Attr("i").lt(10), Select="COUNT")
    assert (reply["Count"], reply["ScannedCount"]) == (10, 300)
    pages = list(client.get_paginator("scan").paginate(
        TableName="scattered", PaginationConfig={"PageSize": 100}))
    assert [page["Count"] for page in pages] == [100, 100, 100, 0]


def test_bad_scans_are_refused(scattered):
    refused(lambda: scattered.scan(Segment=2, TotalSegments=2), VALIDATION,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            "Segment: 2 is not less than TotalSegments: 2")
    refused(lambda: scattered.scan(TotalSegments=2), VALIDATION,
            "The Segment parameter is required but was not present in the request when parameter "
            "TotalSegments is present")
    segments = [{item["k"] for item in scattered.scan(Segment=i, TotalSegments=2)["Items"]}
                for i in range(2)]
    key = {"k": sorted(segments[0])[0], "r": 0}
    refused(lambda: scattered.scan(Segment=1, TotalSegments=2, ExclusiveStartKey=key), VALIDATION)


def test_a_page_ends_at_1_mb(client, resource):  # noqa: F811
    table = make_table(resource, "big", "N")
    with table.batch_writer() as batch:
        for i in range(12):
            batch.put_item({"k": "p", "r": i, "x": "x" * (256 * 1024)})
    for pages in [client.get_paginator("scan").paginate(TableName="big"),
                  client.get_paginator("query").paginate(
                      TableName="big", KeyConditionExpression="k = :p",
                      ExpressionAttributeValues={":p": {"S": "p"}})]:
        assert [page["Count"] for page in pages] == [4, 4, 4, 0]
    client.delete_table(TableName="big")


def test_capacity_is_told_when_asked_for(client, table):  # noqa: F811
    item = {"k": {"S": "cap"}, "x": {"S": "x" * 5000}}
    put = client.put_item(TableName="plain", Item=item, ReturnConsumedCapacity="TOTAL")
    assert put["ConsumedCapacity"] == {"TableName": "plain", "CapacityUnits": 5}
    for consistent, units in [(True, 2), (False, 1)]:
        get = client.get_item(TableName="plain", Key={"k": {"S": "cap"}},
                              ConsistentRead=consistent, ReturnConsumedCapacity="INDEXES")
        assert get["ConsumedCapacity"]["CapacityUnits"] == units
        assert get["ConsumedCapacity"]["Table"] == {"CapacityUnits": units}
